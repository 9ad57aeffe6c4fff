"""Which oxides a prototype may hold, by charge and by size."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Species

from matsift.bond_valence.decorations import (
    decorations,
    formula,
    is_balanced,
    larger_first,
    starting_crystal,
    starting_lattice_constant,
    tolerance_factor,
)
from matsift.bond_valence.ion_pairs import STOICHIOMETRY, IonPair
from matsift.bond_valence.parameters import Ion, NoIonParametersError, ion, known_ions, read_ion
from matsift.bond_valence.prototype_match import PROTOTYPES, NoPrototypeError, match

IONS = [ion(*known) for known in known_ions()]


def decorated(prototype: str, a: str, b: str) -> IonPair:
    return IonPair(prototype, read_ion(a), read_ion(b))


@pytest.mark.parametrize(
    ("oxide", "written"),
    [
        (decorated("perovskite", "Sr2+", "Ti4+"), "SrTiO3"),
        (decorated("spinel", "Mg2+", "Al3+"), "MgAl2O4"),
        (decorated("spinel", "Ge4+", "Mg2+"), "GeMg2O4"),
        (decorated("spinel", "Co2+", "Co3+"), "Co3O4"),
    ],
    ids=["perovskite", "spinel", "4-2 spinel", "one element"],
)
def test_formula_stands_with_a_first(oxide: IonPair, written: str) -> None:
    assert formula(oxide) == written
    assert is_balanced(oxide)


def test_tolerance_factor_is_goldschmidts_on_shannons_radii() -> None:
    radii = [float(Species(symbol, charge).get_shannon_radius("VI", "", "ionic")) for symbol, charge in
             (("Sr", 2), ("Ti", 4))]  # fmt: skip
    assert tolerance_factor(decorated("perovskite", "Sr2+", "Ti4+")) == pytest.approx(
        (radii[0] + 1.4) / (math.sqrt(2) * (radii[1] + 1.4)), abs=1e-12
    )


@pytest.mark.parametrize(
    ("oxide", "measured"),
    [
        (decorated("perovskite", "Sr2+", "Ti4+"), 3.905),
        (decorated("perovskite", "La3+", "Al3+"), 3.79),
        (decorated("perovskite", "Ba2+", "Zr4+"), 4.19),
        (decorated("spinel", "Mg2+", "Al3+"), 8.083),
        (decorated("spinel", "Zn2+", "Fe3+"), 8.44),
    ],
    ids=lambda x: x.name if isinstance(x, IonPair) else "",
)
def test_lattice_to_start_from_is_good_to_a_tenth(oxide: IonPair, measured: float) -> None:
    assert starting_lattice_constant(oxide) == pytest.approx(measured, rel=0.1)


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_all_decorations_balance_fit_and_are_the_prototype(prototype: str) -> None:
    found = list(decorations(prototype, IONS, tolerance_factors=(0.8, 1.0), radii_angstrom=(0.5, 1.6)))
    assert len(found) > 100
    assert [formula(x) for x in found] == sorted(formula(x) for x in found)
    assert max(Counter(formula(x) for x in found).values()) == 1
    n_a, n_b, n_oxygen = STOICHIOMETRY[prototype]
    for oxide in found:
        assert n_a * oxide.a.oxidation + n_b * oxide.b.oxidation == 2 * n_oxygen
        assert min(oxide.a.r_shannon, oxide.b.r_shannon) >= 0.5
        if prototype == "perovskite":
            assert 0.8 <= tolerance_factor(oxide) <= 1.0
            assert oxide.a.r_shannon > oxide.b.r_shannon
    for oxide in found[::40]:
        seen = match(starting_crystal(oxide))
        assert seen is not None
        assert (seen.prototype, seen.a_element, seen.b_element) == (prototype, oxide.a.symbol, oxide.b.symbol)
        assert seen.lattice_constant == pytest.approx(starting_lattice_constant(oxide), abs=1e-4)


def test_one_formula_of_several_charges_is_one_candidate() -> None:
    ions = [read_ion(name) for name in ("Fe2+", "Fe3+", "Ti3+", "Ti4+")]
    assert [formula(x) for x in decorations("spinel", ions)] == sorted({"Fe3O4", "FeTi2O4", "TiFe2O4"})


def test_ion_without_a_radius_fits_nowhere() -> None:
    lone = [x for x in IONS if math.isnan(x.r_shannon)]
    assert lone
    assert not list(decorations("spinel", lone))


@given(st.sampled_from(IONS), st.sampled_from(IONS))
def test_either_ion_may_be_larger_but_only_one_order_is_a_perovskite(first: Ion, second: Ion) -> None:
    assert len(list(decorations("perovskite", [first, second]))) <= 1


def test_without_a_radius_there_is_no_cell_to_start_from() -> None:
    lone = next(x for x in IONS if math.isnan(x.r_shannon))
    with pytest.raises(NoIonParametersError, match="has no Shannon radius"):
        starting_crystal(IonPair("perovskite", read_ion("Sr2+"), lone))


def test_larger_ion_sits_on_a() -> None:
    turned = larger_first(decorated("perovskite", "Ti4+", "Sr2+"))
    assert (turned.a.symbol, turned.b.symbol) == ("Sr", "Ti")
    assert larger_first(turned) == turned


def test_unknown_prototype_is_named() -> None:
    with pytest.raises(NoPrototypeError, match="'garnet'; use one of perovskite, spinel"):
        list(decorations("garnet", IONS))
