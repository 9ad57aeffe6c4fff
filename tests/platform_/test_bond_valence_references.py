"""References: what is one, the labels that follow, and the pair of cations as descriptors."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

from matsift.bond_valence import parameters
from matsift.bond_valence.ion_pairs import NoIonPairError
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.parameters import ion, ion_table_hash
from matsift.bond_valence.prototype_match import build
from matsift.bond_valence.references import (
    NotAReferenceError,
    References,
    ReferenceWork,
    label_references,
    reference_of,
)
from matsift.bond_valence.relaxation import lattice_at
from matsift.crystal import Crystal
from matsift.descriptors.oxide_pair import OXIDE_PAIR
from matsift.descriptors.registry import compute

BOTH = ("perovskite", "spinel")
WORK = ReferenceWork(BOTH, (-0.1, 0.1), (0.6, 0.65, 0.7), Variant(), "cations")
SRTIO3 = build("perovskite", "Sr", "Ti", 3.945)
MGAL2O4 = build("spinel", "Mg", "Al", 8.083, 0.2624)
SALT = Crystal.ordered(5.64 * np.eye(3), ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))
KRYPTON = build("perovskite", "Kr", "Ti", 4.0)


def test_labels_of_several_crystals_name_their_positions() -> None:
    found = label_references(([SALT, MGAL2O4, KRYPTON, SRTIO3], WORK))
    assert found.position.tolist() == [1, 3]
    assert found.prototypes == ("spinel", "perovskite")
    assert set(found.failures) == {0, 2}
    assert found.failures[0][0] == "NotAReferenceError"
    assert found.failures[2][0] == "NoIonPairError"
    np.testing.assert_allclose(found.lattice_constant, [8.083, 3.945], atol=1e-6)
    np.testing.assert_allclose(found.screening_factor, [0.630, 0.658], atol=0.003)  # science.md 1.3


def test_a_crystal_does_not_depend_on_what_shares_its_chunk() -> None:
    """To the last bit: chunks are cut anew after an interruption, and the rows have to be the same."""
    large, small = build("spinel", "Cd", "In", 9.3, 0.27), build("perovskite", "Ba", "Zr", 4.19)
    crystals = [MGAL2O4, SRTIO3, large, small, build("spinel", "Zn", "Ga", 8.33, 0.262)]
    together = label_references((crystals, WORK))
    for i, crystal in enumerate(crystals):
        alone = label_references(([crystal], WORK))
        for name in ("screening_factor", "instability_index", "lattice_constant"):
            assert getattr(together, name)[i] == getattr(alone, name)[0]
        rows = together.rows.reference == i
        for name in ("lattice_error", "lattice_constant", "oxygen_parameter", "site_shift", "instability_index"):
            np.testing.assert_array_equal(getattr(together.rows, name)[rows], getattr(alone.rows, name))


def test_the_screening_factor_gives_the_lattice_back() -> None:
    crystals = [MGAL2O4, SRTIO3]
    found = label_references((crystals, WORK))
    for i, crystal in enumerate(crystals):
        rest, _ = lattice_at(reference_of(crystal, BOTH).pair, found.screening_factor[i : i + 1])
        assert rest.lattice_constant[0] == pytest.approx(found.lattice_constant[i], rel=1e-6)


def test_the_index_of_strontium_titanate() -> None:
    found = label_references(([build("perovskite", "Sr", "Ti", 3.905)], WORK))
    assert found.instability_index[0] == pytest.approx(0.0727, abs=5e-5)
    every_ion = ReferenceWork(BOTH, (0.1,), (0.65,), Variant(), "all")
    assert label_references(([build("perovskite", "Sr", "Ti", 3.905)], every_ion)).instability_index[0] == (
        pytest.approx(0.0461, abs=5e-5)
    )


def test_rows_are_one_a_strain_and_screening_factor() -> None:
    rows = label_references(([SRTIO3, MGAL2O4], WORK)).rows
    assert rows.reference.tolist() == [0] * 6 + [1] * 6
    assert rows.strain.tolist() == [-0.1, -0.1, -0.1, 0.1, 0.1, 0.1] * 2
    assert rows.screening_factor.tolist() == [0.6, 0.65, 0.7] * 4


def test_a_crystal_of_a_prototype_that_is_not_wanted_is_no_reference() -> None:
    with pytest.raises(NotAReferenceError, match="it is a spinel; references are of the prototypes perovskite"):
        reference_of(MGAL2O4, ("perovskite",))
    with pytest.raises(NotAReferenceError, match="neither a cubic perovskite nor a normal spinel"):
        reference_of(SALT, BOTH)
    with pytest.raises(NoIonPairError, match="Kr"):
        reference_of(KRYPTON, BOTH)


@pytest.mark.parametrize("crystals", [[], [SALT]], ids=["none", "no reference"])
def test_where_nothing_is_a_reference_there_are_no_rows(crystals: list[Crystal]) -> None:
    found = label_references((crystals, WORK))
    assert len(found.position) == len(found.rows.strain) == 0
    assert len(found.failures) == len(crystals)


def test_a_crystal_of_which_only_the_failure_is_known() -> None:
    found = References.failed("TimeLimitExceeded", "took too long")
    assert found.failures == {0: ("TimeLimitExceeded", "took too long")}
    assert len(found.rows.strain) == 0


def test_the_table_of_ions_is_named_by_its_content() -> None:
    table = Path(parameters.__file__).with_name(parameters.TABLE)
    assert ion_table_hash() == hashlib.sha256(table.read_bytes()).hexdigest()


def test_oxide_pair_of_a_perovskite_and_of_what_is_none() -> None:
    chunk = compute("oxide_pair", [SRTIO3, SALT, KRYPTON])
    strontium, titanium = ion("Sr", 2), ion("Ti", 4)
    expected = [
        value
        for cation in (strontium, titanium)
        for value in (cation.r0, cation.b, cation.coordination, cation.r_cut, cation.r_shannon)
    ]
    np.testing.assert_allclose(chunk.values[0], expected)
    assert OXIDE_PAIR.columns == ("R0_A", "b_A", "NC_A", "Rcut_A", "r_A", "R0_B", "b_B", "NC_B", "Rcut_B", "r_B")
    assert {i: name for i, (name, _) in chunk.failures.items()} == {1: "DescriptorError", 2: "NoIonPairError"}
    assert np.isnan(chunk.values[1:]).all()


def test_oxide_pair_does_not_depend_on_cell_or_lattice_constant() -> None:
    cells = [build("spinel", "Mg", "Al", a, u, primitive=p) for a, u, p in ((8.08, 0.262, True), (8.5, 0.258, False))]
    values = compute("oxide_pair", cells).values
    np.testing.assert_array_equal(values[0], values[1])
    assert not any(math.isnan(value) for value in values[0])
