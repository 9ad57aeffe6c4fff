"""The list of compounds whose densities are computed: what it holds and in which order."""

from __future__ import annotations

from collections import Counter

from matsift.candidates.cubic import CUBIC_PROTOTYPES
from matsift.elasticity.symmetry import space_group_number
from matsift_adapters.data.cubic_compounds import cubic_compounds

LIST = cubic_compounds()


def test_no_compound_stands_twice() -> None:
    assert len(LIST) >= 400
    assert len({c.material_id for c in LIST}) == len(LIST)
    assert len({(c.prototype, c.elements) for c in LIST}) == len(LIST)
    assert len({c.crystal.content_hash for c in LIST}) == len(LIST)


def test_every_start_has_the_space_group_of_its_prototype() -> None:
    wrong = [c for c in LIST if space_group_number(c.crystal) != CUBIC_PROTOTYPES[c.prototype].space_group]
    assert wrong == []


def test_all_prototypes_come_early_and_most_are_of_the_papers_space_group() -> None:
    assert {c.prototype for c in LIST[:20]} == set(CUBIC_PROTOTYPES)
    numbers = Counter(CUBIC_PROTOTYPES[c.prototype].space_group for c in LIST)
    assert numbers[225] > len(LIST) / 2


def test_no_atom_is_nearer_than_atoms_come_and_moduli_are_those_of_solids() -> None:
    for c in LIST:
        kind = CUBIC_PROTOTYPES[c.prototype]
        per_atom = c.crystal.volume / len(kind.places)
        assert 4 < per_atom < 125, c
        assert 1 <= c.k_vrh <= 600, c
        assert 1 <= c.g_vrh <= 600, c


def test_what_is_known_by_heart() -> None:
    by_name = {(c.prototype, c.elements): c for c in LIST}
    assert by_name["rock-salt", ("Mg", "O")].material_id == "mp-1265"
    assert by_name["diamond", ("Si",)].material_id == "mp-149"
    assert by_name["half-heusler", ("Zr", "Ni", "Sn")].crystal.species == ("Zr", "Ni", "Sn")
    assert by_name["fluorite", ("Ca", "F")].crystal.species == ("Ca", "F", "F")
