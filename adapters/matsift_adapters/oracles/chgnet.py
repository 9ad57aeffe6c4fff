"""Elastic moduli and energies by CHGNet: relaxation, finite strains with internal relaxation, moduli.

The functions here are targets for worker processes: they take a crystal, they return plain data, and what goes wrong
with one structure is an `OracleError` of one sentence. The same crystal gives the same numbers.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.elasticity.internal import relax_positions
from matsift.elasticity.moduli import born_stable, moduli
from matsift.elasticity.strain import (
    STRAIN,
    fit_tensor,
    strain_directions,
    strained_lattice,
    stress_voigt,
)
from matsift.elasticity.symmetry import point_group, standardised
from matsift.errors import OracleError
from matsift_adapters.oracles.potential import MODEL_VERSION, Potential, PotentialCalculator, initialize_worker

__all__ = ["METHOD", "initialize_worker", "label", "label_elasticity", "label_energy", "relax"]

#: What the labels of this oracle name as their method.
METHOD = f"chgnet-{MODEL_VERSION}-finite-strain"

RELAXED_FORCE = 0.01  # eV/angstrom, on atoms and (as virial over the number of atoms) on the cell
SETTLED_FORCE = (
    0.003  # eV/angstrom, for atoms in strained cells: at 1 % strain it shifts a modulus by about 1 GPa at most
)
RELAXATION_STEPS = 200
LARGEST_VOLUME_CHANGE = 2.5

_PRESSURE_STEPS = 8
_PRESSURE_GOAL = 1.0  # GPa


def label(payload: tuple[str, Crystal]) -> dict[str, Any]:
    """Return `label_elasticity` or `label_energy` of a crystal, for the payload ("elasticity" | "energy", crystal)."""
    what, crystal = payload
    return label_elasticity(crystal) if what == "elasticity" else label_energy(crystal)


def label_energy(crystal: Crystal) -> dict[str, Any]:
    """Return the relaxed crystal and its energy: energy_per_atom (eV/atom), n_evaluation, relaxed.

    Raises
    ------
    OracleError
        If the crystal is disordered or does not relax.
    """
    potential = _potential(crystal)
    relaxed, energy = _relax(crystal, potential)
    return {"energy_per_atom": energy, "n_evaluation": potential.n_evaluation, "relaxed": relaxed}


def relax(crystal: Crystal) -> Crystal:
    """Return the crystal with atoms and cell relaxed, as the standardised primitive cell of its symmetry.

    Raises
    ------
    OracleError
        If the crystal is disordered, does not relax, or its volume changes out of proportion.
    """
    return _relax(crystal, _potential(crystal))[0]


def label_elasticity(crystal: Crystal) -> dict[str, Any]:
    """Return moduli, elastic tensor and energy of a crystal after relaxation.

    Returns
    -------
    dict
        k_voigt, k_reuss, k_vrh, g_voigt, g_reuss, g_vrh (GPa), energy_per_atom (eV/atom), tensor_gpa (6x6 list, in the
        axes of `relaxed`), born_stable, n_evaluation, relaxed (the crystal that the values belong to). A tensor that is
        not Born stable is returned as it is: whether to reject it is the caller's.

    Raises
    ------
    OracleError
        If the crystal is disordered, does not relax, or its atoms do not settle in a strained cell.
    """
    potential = _potential(crystal)
    relaxed, energy = _relax(crystal, potential)
    potential.species = relaxed.species
    tensor = _elastic_tensor(relaxed, potential)
    averages = moduli(tensor)
    names = ("k_voigt", "k_reuss", "k_vrh", "g_voigt", "g_reuss", "g_vrh")
    values = {name: float(getattr(averages, name)[0]) for name in names}
    if not np.isfinite(list(values.values())).all():
        raise OracleError("the elastic tensor is singular, so it has no Reuss average")
    return {
        **values,
        "energy_per_atom": energy,
        "tensor_gpa": tensor.tolist(),
        "born_stable": bool(born_stable(tensor)[0]),
        "n_evaluation": potential.n_evaluation,
        "relaxed": relaxed,
    }


def _potential(crystal: Crystal) -> Potential:
    if not crystal.is_ordered:
        raise OracleError("the structure is disordered; CHGNet needs one whole atom a site")
    return Potential(crystal.species)


def _relax(crystal: Crystal, potential: Potential) -> tuple[Crystal, float]:
    start = standardised(crystal)
    potential.species = start.species
    atoms = Atoms(start.species, cell=start.lattice, scaled_positions=start.frac_coords, pbc=True)
    _relieve_pressure(atoms, potential)
    atoms.calc = PotentialCalculator(potential)
    cell_and_atoms = FrechetCellFilter(atoms)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            converged = BFGS(cell_and_atoms, logfile=None).run(fmax=RELAXED_FORCE, steps=RELAXATION_STEPS)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise OracleError(f"relaxation broke down: {error}") from None
    if not converged:
        left = float(np.linalg.norm(cell_and_atoms.get_forces(), axis=1).max())
        raise OracleError(
            f"relaxation did not converge in {RELAXATION_STEPS} steps: a force of {left:.3f} eV/angstrom is left"
        )
    change = atoms.get_volume() / start.volume
    if not 1 / LARGEST_VOLUME_CHANGE < change < LARGEST_VOLUME_CHANGE:
        raise OracleError(
            f"relaxation changed the cell volume by a factor of {change:.2f}, more than {LARGEST_VOLUME_CHANGE:g}"
        )
    energy = float(atoms.get_potential_energy()) / len(atoms)
    end = Crystal.ordered(atoms.cell.array, list(atoms.get_chemical_symbols()), atoms.get_scaled_positions())
    return standardised(end), energy


def _relieve_pressure(atoms: Atoms, potential: Potential) -> None:
    """Scale the cell until its pressure is small, by secant steps on the logarithm of the volume.

    A guessed volume may be far off; a quasi-Newton optimiser would spend dozens of steps on that one coordinate.
    """
    stiffness = 80.0  # GPa, the first guess of the bulk modulus
    previous: tuple[float, float] | None = None
    log_volume = 0.0
    scaled = atoms.get_scaled_positions()
    cell = atoms.cell.array.copy()
    for _ in range(_PRESSURE_STEPS):
        size = np.exp(log_volume / 3)
        _, _, stresses = potential.evaluate((cell * size)[None], (scaled @ (cell * size))[None])
        pressure = -float(np.trace(stresses[0])) / 3
        if previous is not None and abs(log_volume - previous[0]) > 1e-6:
            slope = -(pressure - previous[1]) / (log_volume - previous[0])
            stiffness = float(np.clip(slope, 20.0, 600.0))
        atoms.set_cell(cell * size, scale_atoms=True)
        if abs(pressure) < _PRESSURE_GOAL:
            return
        previous = (log_volume, pressure)
        log_volume += float(np.clip(pressure / stiffness, -0.15, 0.15))


def _elastic_tensor(crystal: Crystal, potential: Potential) -> NDArray[np.float64]:
    rotations = point_group(crystal)
    directions = strain_directions(rotations)
    reference = relax_positions(
        potential.evaluate,
        crystal.lattice[None],
        (crystal.frac_coords @ crystal.lattice)[None],
        largest_force=SETTLED_FORCE,
    )
    scaled = reference.positions[0] @ np.linalg.inv(crystal.lattice)
    cells = np.array([strained_lattice(crystal.lattice, sign * STRAIN * d) for d in directions for sign in (1, -1)])
    relaxed = relax_positions(
        potential.evaluate, cells, np.array([scaled @ c for c in cells]), largest_force=SETTLED_FORCE
    )
    stresses = np.array([stress_voigt(s) for s in relaxed.stresses])
    return fit_tensor(2 * STRAIN * directions, stresses[0::2] - stresses[1::2], rotations)
