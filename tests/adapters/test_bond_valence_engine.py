"""The force field as an engine: general cells relax with it, and what it cannot answer is the structure's failure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.factories.oxide_cells import crooked_perovskite, perovskite, rock_salt, spinel
from threadpoolctl import threadpool_limits

from matsift.bond_valence.charges import assign_valences
from matsift.bond_valence.energy import evaluate
from matsift.crystal import Crystal
from matsift.elasticity.equation_of_state import GPA_PER_EV_A3
from matsift.errors import OracleError
from matsift.study.oracles import AseOracle
from matsift_adapters.oracles.ase_engine import ase_engine, label
from matsift_adapters.oracles.finite_strain import relax
from matsift_adapters.oracles.registry import oracle

SETTINGS = {"screening_factor": 0.65}


def asked(task: str, **settings: Any) -> AseOracle:
    """Return the settings of an oracle of the force field."""
    return AseOracle.model_validate({"calculator": "bond_valence", "settings": SETTINGS | settings, "task": task})


def test_the_engine_gives_what_the_force_field_says() -> None:
    crystal = crooked_perovskite()
    engine = ase_engine("bond_valence", SETTINGS, crystal.species)
    cells = np.array([crystal.lattice, crystal.lattice * 1.01])
    energies, forces, stresses = engine.evaluate(cells, np.array([crystal.frac_coords @ cell for cell in cells]))
    direct = evaluate([crystal], [assign_valences(crystal)], 0.65)
    assert energies[0] == pytest.approx(direct.energies[0], abs=1e-9)
    np.testing.assert_allclose(forces[0], direct.forces[0], rtol=0, atol=1e-8)
    np.testing.assert_allclose(stresses[0], direct.stresses[0] * GPA_PER_EV_A3, rtol=1e-6)
    assert (energies.shape, forces.shape, stresses.shape) == ((2,), (2, 10, 3), (2, 3, 3))
    assert engine.n_evaluation == 2


def test_a_perovskite_off_its_sites_relaxes_to_no_force_and_no_stress() -> None:
    start = crooked_perovskite()
    engine = ase_engine("bond_valence", SETTINGS, start.species)
    with threadpool_limits(1):  # ASE's small matrices are slower by the dozen on a busy machine's threads
        relaxed, energy = relax(start, engine, largest_force=1e-3)
    again = evaluate([relaxed], [assign_valences(relaxed)], 0.65)
    assert np.abs(again.forces[0]).max() < 2e-3
    assert np.abs(again.stresses[0]).max() < 1e-4
    assert again.energies[0] / relaxed.n_site == pytest.approx(energy, abs=1e-6)
    assert energy < evaluate([start], [assign_valences(start)], 0.65).energies[0] / start.n_site


def test_oxidation_states_are_told_anew_for_another_crystal() -> None:
    cobalt = spinel("Co", "Co", 8.084, 0.2633)
    backwards = Crystal.ordered(cobalt.lattice, list(cobalt.species)[::-1], cobalt.frac_coords[::-1])
    engine = ase_engine("bond_valence", SETTINGS, cobalt.species)
    energies = []
    for crystal in (cobalt, backwards):
        engine.species = crystal.species
        energies.append(engine.evaluate(crystal.lattice[None], (crystal.frac_coords @ crystal.lattice)[None])[0][0])
    assert energies[0] == pytest.approx(energies[1], abs=1e-9)


def test_an_oracle_of_the_force_field_labels_moduli() -> None:
    found = oracle(asked("elasticity"))
    assert found.method.startswith("bond-valence-elasticity-")
    assert found.method != oracle(asked("elasticity", coulomb_weight=3)).method
    with threadpool_limits(1):
        values = label(found.payload(perovskite("Sr", "Ti", 3.9)))
    assert values["born_stable"]
    a = np.linalg.det(np.array(values["detail"]["relaxed"]["lattice"])) ** (1 / 3)
    squeezed, stretched = (perovskite("Sr", "Ti", a * (1 + strain)) for strain in (-1e-4, 1e-4))
    chunk = evaluate([squeezed, stretched], [assign_valences(squeezed)] * 2, 0.65)
    rise = np.trace(chunk.stresses[1] - chunk.stresses[0]) / 3 / np.log(stretched.volume / squeezed.volume)
    assert values["k_vrh"] == pytest.approx(rise * GPA_PER_EV_A3, rel=0.01)


@pytest.mark.parametrize(
    ("crystal", "settings", "sentence"),
    [
        (rock_salt("Na", 4.8), SETTINGS, "no oxidation states of Na with parameters balance its oxygen"),
        (rock_salt("Pu", 5.4), SETTINGS, "the element Pu has no bond-valence parameters beside O2-"),
        (rock_salt("Mg", 4.2), {}, "the ASE calculator 'bond_valence' refuses its settings"),
        (rock_salt("Mg", 4.2), SETTINGS | {"wieght": 2}, "the ASE calculator 'bond_valence' refuses its settings"),
        (rock_salt("Mg", 4.2), SETTINGS | {"radii": "atomic"}, "there are no 'atomic' radii"),
        (rock_salt("Mg", 4.2), {"screening_factor": -1}, "a screening factor of -1 screens nothing"),
    ],
    ids=["no balance", "no parameters", "no factor", "misspelt", "no such radii", "negative factor"],
)
def test_what_has_no_answer_says_why(crystal: Crystal, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OracleError, match=sentence):
        label(({"calculator": "bond_valence", "settings": settings, "task": "energy"}, crystal))
