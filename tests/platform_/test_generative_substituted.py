"""New crystals from templates: what is matched with what, what stays, how the cell is scaled, what is refused."""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift.generative.ionic_charges import balanced_charges
from matsift.generative.pettifor import SCALE, position
from matsift.generative.substituted import TemplateCell, assignments, substitute
from matsift.structure_facts import space_group
from matsift_adapters.sources.bundled import bundled_path

_PEROVSKITE = Crystal.ordered(
    np.eye(3) * 3.84,
    ["Ca", "Ti", "O", "O", "O"],
    np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]),
)
_ROCK_SALT = Crystal.ordered(
    5.64 / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]), ["Na", "Cl"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
)


def test_amounts_are_matched_and_ties_all_made_cheapest_first() -> None:
    ways = assignments({"Ca": 1, "Ti": 1, "O": 3}, {"Sr": 2, "Zr": 2, "O": 6})
    assert [way.text for way in ways] == ["O->O Ca->Sr Ti->Zr", "O->O Ca->Zr Ti->Sr"]
    assert ways[0].cost == (1 + 2) / 5
    assert ways[0].cost < ways[1].cost


@given(
    st.lists(st.sampled_from(SCALE), min_size=4, max_size=4, unique=True),
    st.lists(st.sampled_from(SCALE), min_size=4, max_size=4, unique=True),
    st.lists(st.integers(1, 2), min_size=4, max_size=4),
)
def test_assignments_are_all_of_them_in_order(old: list[str], new: list[str], amounts: list[int]) -> None:
    amounts[0] = 1  # so that they have no common divisor
    ways = assignments(dict(zip(old, amounts, strict=True)), dict(zip(new, amounts, strict=True)))
    ones = amounts.count(1)
    assert len({way.mapping for way in ways}) == len(ways) == math.factorial(ones) * math.factorial(4 - ones)
    assert [way.cost for way in ways] == sorted(way.cost for way in ways)
    of_old, of_new = dict(zip(old, amounts, strict=True)), dict(zip(new, amounts, strict=True))
    for way in ways:
        assert all(of_old[o] == of_new[n] for o, n in way.mapping)
        cost = sum(of_old[o] * abs(position(o) - position(n)) for o, n in way.mapping) / sum(amounts)
        assert way.cost == pytest.approx(cost)


def test_amounts_that_differ_are_refused() -> None:
    with pytest.raises(BadStructureError, match="amounts 1:1:3 cannot lend its structure to a formula with 1:2:4"):
        assignments({"Ca": 1, "Ti": 1, "O": 3}, {"Mg": 1, "Al": 2, "O": 4})


def test_rock_salt_keeps_its_structure_and_takes_the_size_of_the_new_ions() -> None:
    (made,) = substitute(_ROCK_SALT, {"K": 1, "Br": 1})
    assert made.crystal.n_site == 8
    assert Counter(made.crystal.species) == {"K": 4, "Br": 4}
    assert made.space_group_number == 225
    assert space_group(made.crystal)[0] == 225
    assert made.crystal.lattice == pytest.approx(np.eye(3) * 5.64 * made.scale)
    assert made.crystal.lattice[0, 0] == pytest.approx(6.60, rel=0.02)  # measured: 6.60 angstrom


def test_elements_that_may_change_places_give_crystals_of_their_own() -> None:
    made = substitute(_PEROVSKITE, {"Sr": 1, "Ti": 1, "O": 3})
    assert [m.assignment.text for m in made] == ["O->O Ca->Sr Ti->Ti", "O->O Ca->Ti Ti->Sr"]
    assert made[0].crystal.lattice[0, 0] == pytest.approx(3.905, rel=0.03)  # measured
    for m in made:
        assert (m.crystal.n_site, m.space_group_number) == (5, 221)
    assert len(substitute(_PEROVSKITE, {"Sr": 1, "Ti": 1, "O": 3}, most=1)) == 1


def test_equal_crystals_count_once() -> None:
    """Anion and cation of caesium chloride may change places: it is the same crystal."""
    template = Crystal.ordered(np.eye(3) * 4.12, ["Cs", "Cl"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    (made,) = substitute(template, {"Rb": 1, "Br": 1})
    assert made.assignment.text == "Cs->Rb Cl->Br"


def test_sites_nearly_symmetric_are_put_in_place() -> None:
    rng = np.random.default_rng(0)
    shaken = Crystal.ordered(
        _PEROVSKITE.lattice, list(_PEROVSKITE.species), _PEROVSKITE.frac_coords + rng.normal(0, 0.004, (5, 3))
    )
    assert space_group(shaken)[0] == 1
    cell = TemplateCell.of(shaken)
    assert cell.space_group_number == 221
    assert substitute(shaken, {"Sr": 1, "Ti": 1, "O": 3})[0].space_group_number == 221
    assert substitute(shaken, {"Sr": 1, "Ti": 1, "O": 3}, tolerance=1e-4)[0].space_group_number == 1


def test_bundled_crystals_keep_sites_stoichiometry_and_space_group() -> None:
    """One crystal of each of many space groups takes other elements, one to one."""
    others = ["Kr", "Ar", "Ne", "He", "Xe", "Rn"]
    of_group: dict[int, Crystal] = {}
    for crystal in _bundled():
        of_group.setdefault(space_group(crystal)[0] or 0, crystal)
    assert len(of_group) > 12
    for number, crystal in of_group.items():
        counts = Counter(crystal.species)
        renamed = dict(zip(counts, others, strict=False))
        (made,) = substitute(crystal, {renamed[e]: n for e, n in counts.items()}, most=1)
        assert made.space_group_number >= number or number == 0
        assert made.space_group_number == TemplateCell.of(crystal).space_group_number
        assert made.crystal.n_site % TemplateCell.of(crystal).crystal.n_site == 0
        times = made.crystal.n_site / crystal.n_site
        assert Counter(made.crystal.species) == {dict(made.assignment.mapping)[e]: n * times for e, n in counts.items()}


def test_disorder_is_refused() -> None:
    shared = Crystal(np.eye(3) * 4.0, ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.5]), np.zeros(2, dtype=np.int64))
    with pytest.raises(BadStructureError, match="disordered"):
        substitute(shared, {"Rb": 1, "Cs": 1})


def test_alloys_are_scaled_by_metallic_radii() -> None:
    bcc = Crystal.ordered(np.eye(3) * 2.88, ["Ni", "Al"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    (made,) = substitute(bcc, {"Ag": 1, "Mg": 1})
    assert made.crystal.lattice[0, 0] == pytest.approx(3.31, rel=0.05)  # measured


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        pytest.param({"Na": 1, "Cl": 1}, {"Na": 1, "Cl": -1}, id="salt"),
        pytest.param({"Sr": 1, "Ti": 1, "O": 3}, {"Sr": 2, "Ti": 4, "O": -2}, id="perovskite"),
        pytest.param({"Sr": 1, "Cl": 1, "F": 3}, {"Sr": 2, "Cl": 1, "F": -1}, id="the paper's SrClF3"),
        pytest.param({"Ce": 1, "C": 1}, {"Ce": 4, "C": -4}, id="carbide"),
        pytest.param({"Fe": 3, "O": 4}, None, id="mixed valence"),
        pytest.param({"Ni": 1, "Al": 1}, None, id="alloy"),
        pytest.param({"O": 2}, None, id="element"),
    ],
)
def test_likeliest_charges(amounts: dict[str, int], expected: dict[str, int] | None) -> None:
    found = balanced_charges(amounts)
    assert (found[0] if found else None) == expected
    assert all(sum(n * charges[e] for e, n in amounts.items()) == 0 for charges in found)


def test_charges_like_those_of_the_template_are_preferred() -> None:
    amounts = {"Fe": 1, "Co": 1, "F": 5}
    for like in ({"Fe": 2, "Co": 3, "F": -1}, {"Fe": 3, "Co": 2, "F": -1}):
        assert balanced_charges(amounts, like=like)[0] == like


def _bundled() -> list[Crystal]:
    """The relaxed compounds among the first rows of the bundled set."""
    lines = gzip.decompress(bundled_path("chgnet_prototypes").read_bytes()).splitlines()[1:200]
    rows = [row for row in map(json.loads, lines) if row["role"] != "failed" and len(set(row["species"])) > 1]
    return [Crystal.ordered(np.array(r["lattice"]), r["species"], np.array(r["frac_coords"])) for r in rows]
