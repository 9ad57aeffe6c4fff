"""Elasticity by any engine: relaxation of cell and atoms, finite strains with internal relaxation, moduli."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixSymmetry
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
from matsift_adapters.oracles.engine import Engine, EngineCalculator

RELAXED_FORCE = 0.01  # eV/angstrom, on atoms and (as virial over the number of atoms) on the cell
SETTLED_FORCE = (
    0.003  # eV/angstrom, for atoms in strained cells: at 1 % strain it shifts a modulus by about 1 GPa at most
)
RELAXATION_STEPS = 200
LARGEST_VOLUME_CHANGE = 2.5

_PRESSURE_STEPS = 8
_PRESSURE_GOAL = 1.0  # GPa


def relax(
    crystal: Crystal, engine: Engine, *, largest_force: float = RELAXED_FORCE, keep_symmetry: bool = False
) -> tuple[Crystal, float]:
    """Return the relaxed crystal, as the standardised primitive cell of its symmetry, and its energy, eV/atom.

    With `keep_symmetry`, forces and stresses are made symmetric at every step, so what the space group forbids never
    begins: a cubic perovskite stays cubic also where tilting would lower its energy.

    Raises
    ------
    OracleError
        If it does not relax, or its volume changes out of proportion.
    """
    start = standardised(crystal)
    engine.species = start.species
    atoms = Atoms(start.species, cell=start.lattice, scaled_positions=start.frac_coords, pbc=True)
    _relieve_pressure(atoms, engine)
    atoms.calc = EngineCalculator(engine)
    if keep_symmetry:
        atoms.set_constraint(FixSymmetry(atoms))
    cell_and_atoms = FrechetCellFilter(atoms)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            converged = BFGS(cell_and_atoms, logfile=None).run(fmax=largest_force, steps=RELAXATION_STEPS)
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


def _relieve_pressure(atoms: Atoms, engine: Engine) -> None:
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
        _, _, stresses = engine.evaluate((cell * size)[None], (scaled @ (cell * size))[None])
        pressure = -float(np.trace(stresses[0])) / 3
        if previous is not None and abs(log_volume - previous[0]) > 1e-6:
            slope = -(pressure - previous[1]) / (log_volume - previous[0])
            stiffness = float(np.clip(slope, 20.0, 600.0))
        atoms.set_cell(cell * size, scale_atoms=True)
        if abs(pressure) < _PRESSURE_GOAL:
            return
        previous = (log_volume, pressure)
        log_volume += float(np.clip(pressure / stiffness, -0.15, 0.15))


def elastic_tensor(crystal: Crystal, engine: Engine, *, strain: float = STRAIN) -> NDArray[np.float64]:
    """Return the elastic tensor (6, 6) of a relaxed crystal in its own axes, GPa.

    Raises
    ------
    OracleError
        If its atoms do not settle in a strained cell.
    """
    rotations = point_group(crystal)
    directions = strain_directions(rotations)
    reference = relax_positions(
        engine.evaluate,
        crystal.lattice[None],
        (crystal.frac_coords @ crystal.lattice)[None],
        largest_force=SETTLED_FORCE,
    )
    scaled = reference.positions[0] @ np.linalg.inv(crystal.lattice)
    cells = np.array([strained_lattice(crystal.lattice, sign * strain * d) for d in directions for sign in (1, -1)])
    relaxed = relax_positions(
        engine.evaluate, cells, np.array([scaled @ c for c in cells]), largest_force=SETTLED_FORCE
    )
    stresses = np.array([stress_voigt(s) for s in relaxed.stresses])
    return fit_tensor(2 * strain * directions, stresses[0::2] - stresses[1::2], rotations)


def averages(tensor: NDArray[np.float64]) -> dict[str, Any]:
    """Return k_voigt, k_reuss, k_vrh, g_voigt, g_reuss, g_vrh (GPa) and born_stable of a tensor (6, 6).

    Raises
    ------
    OracleError
        If the tensor is singular.
    """
    found = moduli(tensor)
    names = ("k_voigt", "k_reuss", "k_vrh", "g_voigt", "g_reuss", "g_vrh")
    values = {name: float(getattr(found, name)[0]) for name in names}
    if not np.isfinite(list(values.values())).all():
        raise OracleError("the elastic tensor is singular, so it has no Reuss average")
    return {**values, "born_stable": bool(born_stable(tensor)[0])}
