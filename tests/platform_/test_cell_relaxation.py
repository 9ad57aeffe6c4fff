"""Any oxide relaxes, cell and atoms, to where the relaxation of its prototype ends."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.bond_valence.cell_relaxation import AT_REST, CellRelaxationError, relax_cell
from matsift.bond_valence.charges import assign_valences
from matsift.bond_valence.energy import evaluate
from matsift.bond_valence.ion_pairs import PairTable, assign_ions
from matsift.bond_valence.prototype_match import build, match
from matsift.bond_valence.relaxation import relax
from matsift.crystal import Crystal

CASES = {
    "spinel stretched": (build("spinel", "Mg", "Al", 8.083, 0.2624), 0.65, 1.08),
    "spinel pressed": (build("spinel", "Zn", "Cr", 8.327, 0.2616), 0.6, 0.95),
    "perovskite stretched": (build("perovskite", "Sr", "Ti", 3.905), 0.6, 1.08),
    "perovskite pressed": (build("perovskite", "Ba", "Ce", 4.39), 0.7, 0.95),
}


def scaled(crystal: Crystal, factor: float) -> Crystal:
    return Crystal.ordered(crystal.lattice * factor, list(crystal.species), crystal.frac_coords)


@pytest.mark.parametrize(("crystal", "sf", "stretch"), CASES.values(), ids=CASES.keys())
def test_a_prototype_ends_where_its_own_relaxation_does(crystal: Crystal, sf: float, stretch: float) -> None:
    found = relax_cell(scaled(crystal, stretch), assign_valences(crystal), sf, at_rest=(1e-5, 1e-7))
    before, after = match(crystal), match(found.crystal)
    assert before is not None
    assert after is not None
    wanted = relax(PairTable.of([assign_ions(before)]), np.array([sf]), np.array([before.lattice_constant]))
    assert after.lattice_constant == pytest.approx(wanted.lattice_constant[0], abs=1e-5)
    if before.prototype == "spinel":
        assert after.oxygen_parameter == pytest.approx(wanted.oxygen_parameter[0], abs=1e-5)


def test_displaced_atoms_of_a_supercell_come_back_and_the_energy_is_that_of_the_small_cell() -> None:
    small = build("perovskite", "Sr", "Ti", 3.905)
    whole = small.to_pymatgen()
    whole.make_supercell([2, 1, 1])
    rng = np.random.default_rng(0)
    large = Crystal.from_pymatgen(whole)
    moves = rng.normal(scale=0.01, size=(len(large.species), 3))
    sheared = large.lattice @ (np.eye(3) + rng.normal(scale=0.01, size=(3, 3)))
    displaced = Crystal.ordered(sheared, list(large.species), large.frac_coords + moves)
    found = relax_cell(displaced, assign_valences(displaced), 0.6, at_rest=(1e-4, 1e-6))
    reference = relax_cell(small, assign_valences(small), 0.6, at_rest=(1e-4, 1e-6))
    assert found.energy / 2 == pytest.approx(reference.energy, abs=1e-5)
    assert found.crystal.volume / 2 == pytest.approx(reference.crystal.volume, rel=1e-4)


def test_what_is_left_is_what_was_asked_for() -> None:
    crystal = CASES["spinel stretched"][0]
    valences = assign_valences(crystal)
    found = relax_cell(scaled(crystal, 1.05), valences, 0.65)
    left = evaluate([found.crystal], [valences], 0.65)
    assert np.linalg.norm(left.forces[0], axis=1).max() == pytest.approx(found.largest_force, abs=1e-9)
    assert np.abs(left.stresses[0]).max() == pytest.approx(found.largest_stress, abs=1e-9)
    assert found.largest_force <= AT_REST[0]
    assert found.largest_stress <= AT_REST[1]
    assert left.energies[0] == pytest.approx(found.energy, abs=1e-9)
    assert 1 < found.n_evaluation < 30


def test_a_cell_that_grows_without_bound_is_given_up() -> None:
    crystal = build("perovskite", "Sr", "Ti", 3.905)
    with pytest.raises(CellRelaxationError, match=r"grows without bound at the screening factor 1\.5"):
        relax_cell(crystal, assign_valences(crystal), 1.5)
