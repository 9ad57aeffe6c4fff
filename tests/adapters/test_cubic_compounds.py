"""The list of compounds whose densities are computed, and the table of those that are: what they hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from matsift.candidates.cubic import CUBIC_PROTOTYPES, lattice_constant
from matsift.crystal import ELEMENT_SYMBOLS
from matsift.elasticity.symmetry import space_group_number
from matsift.records import EntryRecord
from matsift.study.sources import BundledSource
from matsift_adapters.data.cubic_compounds import cubic_compounds
from matsift_adapters.sources import open_source

LIST = cubic_compounds()
METHOD = "gpaw-22.8.0-pbe-equation-of-state-471faeb4"


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


def test_the_shipped_table_is_a_bundled_source_of_compounds_of_the_list(tmp_path: Path) -> None:
    source = open_source(BundledSource(kind="bundled", dataset="cubic_densities", name="densities"), tmp_path)
    entries = [item for item in source.iterate() if isinstance(item, EntryRecord)]
    by_name = {f"{c.prototype}-{'-'.join(c.elements)}": c for c in LIST}
    assert entries
    for entry in entries:
        compound = by_name[entry.external_id]
        assert entry.crystal is not None
        assert entry.payload["materials_project"]["id"] == compound.material_id
        if entry.failures:
            assert not entry.labels
            continue
        assert {label.property_name for label in entry.labels} == {"k_vrh", "energy_per_atom"}
        assert {label.method for label in entry.labels} == {METHOD}
        edge = entry.payload["lattice_constant_angstrom"]
        assert edge == pytest.approx(lattice_constant(compound.prototype, entry.crystal.volume), abs=1e-4)
        assert edge == pytest.approx(compound.lattice_constant, rel=0.05), entry.external_id
        atoms = sum(ELEMENT_SYMBOLS.index(symbol) + 1 for symbol in entry.crystal.species)
        assert entry.payload["n_electron"] == pytest.approx(atoms, rel=1e-5), entry.external_id
        assert entry.payload["density"]["rho_lowest_per_angstrom3"] > 0, entry.external_id
