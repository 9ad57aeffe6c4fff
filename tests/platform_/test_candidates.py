"""Prototypes, substitutions and the plan of candidates: chemistry that is known, and the same list from one seed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from matsift.candidates.elements import elemental_crystals
from matsift.candidates.ions import ELECTROCHEMICALLY_ACTIVE, IONS, exchange_likelihood, ionic_radius
from matsift.candidates.plan import Candidate, PlanSizes, plan_candidates
from matsift.candidates.prototypes import LARGEST_CELL, Prototype, load_prototypes, shortest_bonds
from matsift.candidates.substitution import Substitution, ionic_substitutions, metallic_substitutions

SIZES = PlanSizes(sodium_labelled=12, sodium_pool=8, ionic=15, metallic=6, sodium_metallic=2)


def prototype(label: str, formula: str) -> Prototype:
    return next(p for p in load_prototypes() if (p.label, p.formula) == (label, formula))


ROCK_SALT = ("AB_cF8_225_a_b", "NaCl")
PEROVSKITE = ("AB3C_cP5_221_a_c_b", "CaTiO3")
FLUORITE = ("AB2_cF12_225_a_c", "CaF2")


@cache
def ionic(label: str, formula: str) -> dict[str, Substitution]:
    return {s.text: s for s in ionic_substitutions(prototype(label, formula))}


@cache
def small_plan(seed: int) -> tuple[Candidate, ...]:
    small = [p for p in load_prototypes() if len(p.crystal.species) <= 5]
    return plan_candidates(seed, SIZES, small)


def test_the_prototypes_are_small_ordered_and_without_repeats() -> None:
    prototypes = load_prototypes()
    assert len(prototypes) == 238
    assert all(p.crystal.is_ordered and len(p.crystal.species) <= LARGEST_CELL for p in prototypes)
    assert len({(p.label, p.formula) for p in prototypes}) == len(prototypes)


@pytest.mark.parametrize(
    ("key", "charges"),
    [
        pytest.param(ROCK_SALT, {"Na": 1, "Cl": -1}, id="rock salt"),
        pytest.param(PEROVSKITE, {"Ca": 2, "Ti": 4, "O": -2}, id="perovskite"),
        pytest.param(("AB3_cP4_221_a_c", "Cu3Au"), {}, id="an alloy has none"),
    ],
)
def test_charges_of_a_prototype(key: tuple[str, str], charges: dict[str, int]) -> None:
    assert prototype(*key).charges == charges


def test_the_bonds_of_rock_salt_are_six_a_site_between_unlike_ions() -> None:
    bonds = shortest_bonds(prototype(*ROCK_SALT))
    assert len(bonds) == 12
    assert {frozenset(b[:2]) for b in bonds} == {frozenset(("Na", "Cl"))}
    assert bonds[0][2] == pytest.approx(2.82, abs=0.03)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        pytest.param(ROCK_SALT, "Cl->Br Na->K", id="KBr"),
        pytest.param(ROCK_SALT, "Cl->O Na->Mg", id="MgO by doubled charges"),
        pytest.param(PEROVSKITE, "Ca->Sr O->O Ti->Ti", id="SrTiO3"),
        pytest.param(PEROVSKITE, "Ca->Na O->F Ti->Mg", id="NaMgF3 by halved charges"),
        pytest.param(PEROVSKITE, "Ca->Cl O->Na Ti->O", id="Na3OCl, an antiperovskite"),
        pytest.param(FLUORITE, "Ca->O F->Na", id="Na2O, antifluorite"),
    ],
)
def test_a_known_compound_is_among_the_substitutions(key: tuple[str, str], text: str) -> None:
    assert text in ionic(*key)


@pytest.mark.parametrize("key", [ROCK_SALT, PEROVSKITE, FLUORITE])
def test_every_ionic_substitution_balances_and_keeps_elements_apart(key: tuple[str, str]) -> None:
    counts = prototype(*key).counts
    for s in ionic(*key).values():
        assert sum(counts[old] * q for (old, _), q in zip(s.mapping, s.charges, strict=True)) == 0
        assert all(new in IONS[q] for (_, new), q in zip(s.mapping, s.charges, strict=True))
        assert len(s.elements) == len(s.mapping)


def test_rock_salt_is_not_turned_inside_out() -> None:
    assert all(s.charges[0] < 0 for s in ionic(*ROCK_SALT).values())  # its first element is chlorine


def test_likely_ions_score_above_unlikely_ones() -> None:
    perovskites = ionic(*PEROVSKITE)
    assert perovskites["Ca->Sr O->O Ti->Ti"].score > perovskites["Ca->Ca O->Te Ti->Ti"].score
    assert exchange_likelihood("K", 1, "Na", 1) > exchange_likelihood("Ag", 1, "Na", 1)
    assert exchange_likelihood("P", -3, "N", -3) == exchange_likelihood("As", -3, "N", -3)  # nitride: no data


def test_lengths_follow_the_radii() -> None:
    bromide = ionic(*ROCK_SALT)["Cl->Br Na->Na"]
    expected = (ionic_radius("Na", 1) + ionic_radius("Br", -1)) / (ionic_radius("Na", 1) + ionic_radius("Cl", -1))
    assert bromide.scale == pytest.approx(expected)
    assert bromide.scale == pytest.approx(5.97 / 5.64, abs=0.02)  # the lattice constants of NaBr and NaCl


def test_an_alloy_takes_like_metals_and_an_ionic_crystal_none() -> None:
    alloys = {s.text: s for s in metallic_substitutions(prototype("AB3_cP4_221_a_c", "Cu3Au"))}
    assert "Au->Au Cu->Ni" in alloys
    assert "Au->Au Cu->Cu" not in alloys
    assert list(metallic_substitutions(prototype(*ROCK_SALT))) == []
    assert list(ionic_substitutions(prototype("AB3_cP4_221_a_c", "Cu3Au"))) == []


def test_an_element_comes_in_its_stable_type_with_bonds_of_its_size() -> None:
    found = {p.label: (crystal, stable) for p, crystal, stable in elemental_crystals("Al")}
    assert {label for label, (_, stable) in found.items() if stable} == {"A_cF4_225_a"}
    fcc = found["A_cF4_225_a"][0]
    nearest = fcc.volume ** (1 / 3) * 2 ** (1 / 6)
    assert nearest == pytest.approx(2.86, rel=0.02)


@pytest.mark.parametrize("element", ["O", "N", "Cl", "H"])
def test_a_gas_is_tried_as_molecules_and_never_called_a_stable_metal(element: str) -> None:
    crystals = list(elemental_crystals(element))
    assert crystals
    assert not any(stable for _, _, stable in crystals)
    assert all(len(crystal.species) % 2 == 0 for _, crystal, _ in crystals)


def test_one_seed_gives_one_plan_and_another_seed_another() -> None:
    again = plan_candidates(3, SIZES, [p for p in load_prototypes() if len(p.crystal.species) <= 5])
    first = [(c.external_id, c.wanted, c.substitution, c.crystal.content_hash) for c in small_plan(3)]
    assert first == [(c.external_id, c.wanted, c.substitution, c.crystal.content_hash) for c in again]
    assert first != [(c.external_id, c.wanted, c.substitution, c.crystal.content_hash) for c in small_plan(4)]


def test_a_plan_holds_what_was_asked_for() -> None:
    plan = small_plan(3)
    pool = [c for c in plan if c.wanted == "pool"]
    sodium = [c for c in plan if c.wanted == "labelled" and "Na" in c.crystal.species]
    assert len(pool) == SIZES.sodium_pool
    assert len(sodium) >= SIZES.sodium_labelled
    assert all("Na" in c.crystal.species and not ELECTROCHEMICALLY_ACTIVE & set(c.crystal.species) for c in pool)
    assert [c.what for c in pool] == ["energy"] * len(pool)
    assert len({(c.crystal.content_hash, c.what) for c in plan}) == len(plan)
    assert [c.external_id for c in plan[:2]] == ["msp-000001", "msp-000002"]


def test_every_element_of_a_plan_has_a_reference_and_references_come_early() -> None:
    plan = small_plan(3)
    elemental = {c.crystal.elements[0] for c in plan if len(c.crystal.elements) == 1}
    assert {e for c in plan for e in c.crystal.elements} <= elemental
    references = [i for i, c in enumerate(plan) if c.wanted == "reference"]
    others = [i for i, c in enumerate(plan) if c.wanted != "reference"]
    assert np.median(references) < 0.7 * np.median(others)


def test_small_cells_come_before_large_ones_on_the_whole() -> None:
    sizes = [len(c.crystal.species) for c in small_plan(3) if c.wanted == "labelled"]
    half = len(sizes) // 2
    assert np.mean(sizes[:half]) < np.mean(sizes[half:])
