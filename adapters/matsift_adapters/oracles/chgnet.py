"""Elastic moduli and energies by CHGNet: relaxation, finite strains with internal relaxation, moduli.

The functions here are targets for worker processes: they take a crystal, they return plain data, and what goes wrong
with one structure is an `OracleError` of one sentence. The same crystal gives the same numbers.
"""

from __future__ import annotations

from typing import Any

from matsift.crystal import Crystal
from matsift_adapters.oracles.finite_strain import averages, elastic_tensor
from matsift_adapters.oracles.finite_strain import relax as relax_by
from matsift_adapters.oracles.potential import MODEL_VERSION, Potential, initialize_worker
from matsift_adapters.oracles.tasks import refuse_disorder

__all__ = [
    "METHOD",
    "METHOD_IN_SYMMETRY",
    "initialize_worker",
    "label",
    "label_elasticity",
    "label_energy",
    "label_energy_in_symmetry",
    "relax",
]

#: What the labels of this oracle name as their method.
METHOD = f"chgnet-{MODEL_VERSION}-finite-strain"

#: The same for energies after a relaxation that kept the space group.
METHOD_IN_SYMMETRY = f"chgnet-{MODEL_VERSION}-relaxed-in-symmetry"

#: eV/angstrom: leaves the lattice constants of perovskites and spinels within about 1e-4 angstrom.
_FORCE_IN_SYMMETRY = 0.002


def label(payload: tuple[str, Crystal]) -> dict[str, Any]:
    """Return the labels of a crystal that a payload asks for.

    Parameters
    ----------
    payload
        What (``elasticity``, ``energy`` or ``energy_in_symmetry``), and the crystal.
    """
    what, crystal = payload
    by_name = {"elasticity": label_elasticity, "energy": label_energy, "energy_in_symmetry": label_energy_in_symmetry}
    return by_name[what](crystal)


def label_energy(crystal: Crystal) -> dict[str, Any]:
    """Return the relaxed crystal and its energy: energy_per_atom (eV/atom), n_evaluation, relaxed.

    Raises
    ------
    OracleError
        If the crystal is disordered or does not relax.
    """
    potential = _potential(crystal)
    relaxed, energy = relax_by(crystal, potential)
    return {"energy_per_atom": energy, "n_evaluation": potential.n_evaluation, "relaxed": relaxed}


def label_energy_in_symmetry(crystal: Crystal) -> dict[str, Any]:
    """Return as `label_energy` does, after a relaxation that keeps the space group of the crystal.

    Raises
    ------
    OracleError
        If the crystal is disordered or does not relax.
    """
    potential = _potential(crystal)
    relaxed, energy = relax_by(crystal, potential, largest_force=_FORCE_IN_SYMMETRY, keep_symmetry=True)
    return {"energy_per_atom": energy, "n_evaluation": potential.n_evaluation, "relaxed": relaxed}


def relax(crystal: Crystal) -> Crystal:
    """Return the crystal with atoms and cell relaxed, as the standardised primitive cell of its symmetry.

    Raises
    ------
    OracleError
        If the crystal is disordered, does not relax, or its volume changes out of proportion.
    """
    return relax_by(crystal, _potential(crystal))[0]


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
    relaxed, energy = relax_by(crystal, potential)
    potential.species = relaxed.species
    tensor = elastic_tensor(relaxed, potential)
    return {
        **averages(tensor),
        "energy_per_atom": energy,
        "tensor_gpa": tensor.tolist(),
        "n_evaluation": potential.n_evaluation,
        "relaxed": relaxed,
    }


def _potential(crystal: Crystal) -> Potential:
    refuse_disorder(crystal, "CHGNet")
    return Potential(crystal.species)
