"""What an oracle that computes is asked of a crystal: energy, band gap, relaxation, equation of state, elasticity.

The functions take any engine. What goes wrong with one structure is an `OracleError` of one sentence. The same crystal
gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from matsift.crystal import Crystal
from matsift.elasticity.equation_of_state import EquationOfState, fit_equation_of_state, next_step, window
from matsift.elasticity.internal import relax_positions
from matsift.elasticity.symmetry import space_group_number, standardised
from matsift.errors import OracleError
from matsift_adapters.oracles.band_gap import band_gap
from matsift_adapters.oracles.engine import BandEngine, Bands, Engine
from matsift_adapters.oracles.finite_strain import SETTLED_FORCE, averages, elastic_tensor, relax

_CUBIC = range(195, 231)


def label(crystal: Crystal, engine: Engine, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the task that settings name, and under "detail" what they were read off.

    Raises
    ------
    OracleError
        If the crystal has no answer.
    """
    found = _TASKS[settings["task"]](crystal, engine, settings)
    found["detail"]["n_evaluation"] = engine.n_evaluation
    return found


def refuse_disorder(crystal: Crystal, who: str) -> None:
    """Raise OracleError if a crystal has shared or partly empty sites."""
    if not crystal.is_ordered:
        raise OracleError(f"the structure is disordered; {who} needs one whole atom a site")


def refuse_large(crystal: Crystal, max_atoms: int | None) -> None:
    """Raise OracleError if a crystal has more atoms than an oracle takes; None stands for any number."""
    if max_atoms is not None and crystal.n_site > max_atoms:
        raise OracleError(f"the structure has {crystal.n_site} atoms, more than the {max_atoms} of max_atoms")


def _energy(crystal: Crystal, engine: Engine, _settings: Mapping[str, Any]) -> dict[str, Any]:
    energies, forces, _ = engine.evaluate(crystal.lattice[None], (crystal.frac_coords @ crystal.lattice)[None])
    largest = float(np.linalg.norm(forces[0], axis=1).max())
    return {
        "energy_per_atom": float(energies[0]) / crystal.n_site,
        "detail": {"largest_force_ev_per_angstrom": largest},
    }


def _band_gap(crystal: Crystal, engine: Engine, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the gap on the mesh: least energy of the empty bands over the largest of the filled, 0 for a metal."""
    assert isinstance(engine, BandEngine)
    found = engine.bands(crystal.lattice, crystal.frac_coords @ crystal.lattice, settings["empty_bands"])
    gap = band_gap([(found.eigenvalues, found.occupations)])
    if gap is None:
        raise OracleError("the eigenvalues hold no empty band, or are no numbers")
    return {
        "band_gap": gap,
        "energy_per_atom": found.energy / crystal.n_site,
        "detail": {
            "largest_force_ev_per_angstrom": found.largest_force,
            "n_electron": found.n_electron,
            "n_band": found.eigenvalues.shape[1],
            **_edges(found, is_metal=gap == 0.0),
        },
    }


def _edges(found: Bands, *, is_metal: bool) -> dict[str, Any]:
    """Return the edges of the bands and the k-points that they lie at, and the least gap at one k-point."""
    names = ("valence_band_maximum", "conduction_band_minimum")
    if is_metal:
        return {f"{name}_{what}": None for name in names for what in ("ev", "kpoint")} | {"direct_gap_ev": None}
    n_filled = round(found.n_electron / 2)
    top, bottom = found.eigenvalues[:, n_filled - 1], found.eigenvalues[:, n_filled]
    at = int(top.argmax()), int(bottom.argmin())
    told: dict[str, Any] = {"direct_gap_ev": float((bottom - top).min())}
    for name, place, energies in zip(names, at, (top, bottom), strict=True):
        told |= {f"{name}_ev": float(energies[place]), f"{name}_kpoint": found.kpoints[place].tolist()}
    return told


def _relaxation(crystal: Crystal, engine: Engine, settings: Mapping[str, Any]) -> dict[str, Any]:
    relaxed, energy = relax(crystal, engine, largest_force=settings["largest_force"])
    return {"energy_per_atom": energy, "detail": {"relaxed": _as_json(relaxed)}}


def _equation_of_state(crystal: Crystal, engine: Engine, settings: Mapping[str, Any]) -> dict[str, Any]:
    state, relaxed, detail = _fitted(crystal, engine, settings)
    return {
        "k_vrh": state.bulk_modulus,
        "energy_per_atom": state.energy / relaxed.n_site,
        "detail": {**detail, "relaxed": _as_json(relaxed)},
    }


def _fitted(
    crystal: Crystal, engine: Engine, settings: Mapping[str, Any]
) -> tuple[EquationOfState, Crystal, dict[str, Any]]:
    """Return the equation of state of a cubic crystal, the crystal at its minimum, and the points behind it."""
    start = standardised(crystal)
    if (number := space_group_number(start)) not in _CUBIC:
        raise OracleError(
            f"the crystal is not cubic (space group {number}), "
            "so its volume alone gives neither its cell nor its Hill average"
        )
    engine.species = start.species
    size, n_point = 1 + settings["step"], settings["points"]
    energies: dict[int, float] = {}
    while (step := next_step(energies, n_point)) is not None:
        energies[step] = _settled_energy(start, size**step, engine)
    taken = window(energies, n_point)
    volumes = np.array([start.volume * size ** (3 * k) for k in taken])
    state = fit_equation_of_state(volumes, np.array([energies[k] for k in taken]))
    factor = (state.volume / start.volume) ** (1 / 3)
    relaxed = Crystal.ordered(start.lattice * factor, list(start.species), start.frac_coords)
    detail = {
        "volume_per_atom_angstrom3": state.volume / start.n_site,
        "k_equation_of_state_gpa": state.bulk_modulus,
        "k_derivative": state.derivative,
        "residual_ev": state.residual,
        "volumes_angstrom3": volumes.tolist(),
        "energies_ev": [energies[k] for k in taken],
    }
    return state, relaxed, detail


def _settled_energy(crystal: Crystal, factor: float, engine: Engine) -> float:
    cell = crystal.lattice * factor
    settled = relax_positions(
        engine.evaluate, cell[None], (crystal.frac_coords @ cell)[None], largest_force=SETTLED_FORCE
    )
    return float(settled.energies[0])


def _elasticity(crystal: Crystal, engine: Engine, settings: Mapping[str, Any]) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    if engine.has_exact_stress:
        relaxed, energy = relax(crystal, engine, largest_force=settings["largest_force"])
    else:
        state, relaxed, detail = _fitted(crystal, engine, settings)
        energy = state.energy / relaxed.n_site
    engine.species = relaxed.species
    tensor = elastic_tensor(relaxed, engine, strain=settings["strain"])
    return {
        **averages(tensor),
        "energy_per_atom": energy,
        "detail": {**detail, "tensor_gpa": tensor.tolist(), "relaxed": _as_json(relaxed)},
    }


def _as_json(crystal: Crystal) -> dict[str, Any]:
    return {
        "lattice": crystal.lattice.tolist(),
        "species": list(crystal.species),
        "frac_coords": crystal.frac_coords.tolist(),
    }


_TASKS = {
    "energy": _energy,
    "band_gap": _band_gap,
    "relaxation": _relaxation,
    "equation_of_state": _equation_of_state,
    "elasticity": _elasticity,
}
