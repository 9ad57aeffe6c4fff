"""Oxides that a study thinks up: entries with a lattice to start from, and never as references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from matsift.records import EntryRecord
from matsift.study.prototypes import PrototypesSource
from matsift.study.sources import SourceSettings
from matsift_adapters.sources.registry import open_source

ADAPTER: TypeAdapter[Any] = TypeAdapter(SourceSettings)
IONS = ("Sr2+", "Ba2+", "Mg2+", "Zn2+", "Al3+", "Ti4+", "Hf4+")


def settings(**given: Any) -> PrototypesSource:
    read = ADAPTER.validate_python({"kind": "prototypes", "ions": IONS, **given})
    assert isinstance(read, PrototypesSource)
    return read


def entries(given: PrototypesSource, base_dir: Path) -> list[EntryRecord]:
    return [item for item in open_source(given, base_dir).iterate() if isinstance(item, EntryRecord)]


def test_every_entry_is_held_and_says_its_ions(tmp_path: Path) -> None:
    found = {entry.external_id: entry for entry in entries(settings(), tmp_path)}
    assert list(found) == [
        *(f"{name}-perovskite" for name in ("BaHfO3", "BaTiO3", "SrHfO3", "SrTiO3")),
        *(f"{name}-spinel" for name in ("HfMg2O4", "HfZn2O4", "MgAl2O4", "TiMg2O4", "TiZn2O4", "ZnAl2O4")),
    ]
    entry = found["SrHfO3-perovskite"]
    assert entry.holds == ("starting_lattice",)
    assert entry.labels == ()
    assert entry.payload == {
        "prototype": "perovskite",
        "a": "Sr2+",
        "b": "Hf4+",
        "tolerance_factor": pytest.approx(0.8646, abs=1e-4),
    }
    assert entry.facts is not None
    assert (entry.facts.reduced_formula, entry.facts.space_group_number) == ("SrHfO3", 221)
    assert found["MgAl2O4-spinel"].facts is not None
    assert found["MgAl2O4-spinel"].facts.space_group_number == 227


def test_same_words_are_the_same_state(tmp_path: Path) -> None:
    once, again = (open_source(settings(), tmp_path) for _ in range(2))
    assert once.content_hash == again.content_hash
    assert [e.content_hash for e in entries(settings(), tmp_path)] == [
        e.content_hash for e in entries(settings(), tmp_path)
    ]
    assert open_source(settings(tolerance_factor=(0.85, 1.0)), tmp_path).content_hash != once.content_hash


def test_only_the_prototypes_and_sizes_asked_for(tmp_path: Path) -> None:
    narrow = settings(prototypes=["perovskite"], tolerance_factor=(0.9, 1.0))
    assert [e.external_id for e in entries(narrow, tmp_path)] == [
        "BaHfO3-perovskite",
        "BaTiO3-perovskite",
        "SrTiO3-perovskite",
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ions": ("Sr2+", "strontium")}, "'strontium' is not a cation; write it as Ti4\\+"),
        ({"ions": ("Sr2+", "Sr7+")}, "Sr7\\+ has no"),
        ({"ions": ("Sr2+", "Sr2+")}, "ions names 'Sr2\\+' twice"),
        ({"prototypes": ["garnet"]}, "'perovskite' or 'spinel'"),
        ({"tolerance_factor": (1.0, 0.8)}, "is not a range"),
    ],
    ids=["no ion", "no parameters", "twice", "no prototype", "turned round"],
)
def test_slips_are_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(**given)
