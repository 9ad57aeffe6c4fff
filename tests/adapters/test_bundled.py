"""The bundled data set is read as it was written, with failures, holds and a torn end."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matsift.errors import SourceError
from matsift.records import EntryRecord, FailureRecord
from matsift.study.sources import BundledSource
from matsift_adapters.sources import open_source
from matsift_adapters.sources.bundled import from_record, to_record

HEADER = {
    "dataset": "chgnet_prototypes",
    "version": "2026.11",
    "method": "chgnet-0.3.0-finite-strain",
    "licence": "MIT",
    "date": "2026-11-20",
    "seed": 7,
}
LABELLED: dict[str, Any] = {
    "external_id": "msp-000001",
    "role": "labelled",
    "formula": "NaN",
    "lattice": [0.0, 2.8, 2.8, 2.8, 0.0, 2.8, 2.8, 2.8, 0.0],
    "species": ["Na", "N"],
    "frac_coords": [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]],
    "prototype": "AB_cF8_225_a_b",
    "substitution": {"Cl": "N"},
    "labels": {"k_vrh": 25.5, "g_vrh": -3.0},
    "tensor_gpa": [1.0] * 21,
    "born_stable": True,
    "failure": None,
    "n_evaluation": 240,
    "seconds": 3.5,
}
UNSTABLE = {**LABELLED, "external_id": "msp-000002", "role": "rejected", "born_stable": False}
FAILED = {
    **LABELLED,
    "external_id": "msp-000003",
    "role": "failed",
    "labels": {},
    "born_stable": None,
    "failure": {"stage": "relax", "error_class": "OracleError", "message": "no convergence", "seconds": 9.0},
}


def _write(path: Path, *records: Any) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(record) + "\n" for record in (HEADER, *records))
    return path


def _read(path: Path, **settings: Any) -> list[EntryRecord | FailureRecord]:
    source = open_source(BundledSource(kind="bundled", path=str(path), **settings), path.parent)
    return [item for item in source.iterate() if isinstance(item, EntryRecord | FailureRecord)]


def test_entry_carries_structure_labels_payload(tmp_path: Path) -> None:
    (entry,) = _read(_write(tmp_path / "set.jsonl.gz", LABELLED))
    assert isinstance(entry, EntryRecord)
    assert entry.crystal is not None
    assert (entry.external_id, entry.version, entry.licence) == ("msp-000001", "2026.11", "MIT")
    assert entry.crystal.species == ("Na", "N")
    np.testing.assert_array_equal(entry.crystal.lattice[0], [0.0, 2.8, 2.8])
    assert [(x.property_name, x.value, x.method, x.origin) for x in entry.labels] == [
        ("k_vrh", 25.5, "chgnet-0.3.0-finite-strain", "source:matsift-prototypes"),
        ("g_vrh", -3.0, "chgnet-0.3.0-finite-strain", "source:matsift-prototypes"),
    ]
    assert entry.payload["formula"] == "NaN"
    assert entry.payload["tensor_gpa"] == [1.0] * 21
    assert (entry.holds, entry.failures) == ((), ())


def test_unstable_entry_is_held(tmp_path: Path) -> None:
    (entry,) = _read(_write(tmp_path / "set.jsonl.gz", UNSTABLE))
    assert isinstance(entry, EntryRecord)
    assert entry.holds == ("not_born_stable",)


def test_failed_computation_keeps_its_structure_and_reason(tmp_path: Path) -> None:
    (entry,) = _read(_write(tmp_path / "set.jsonl.gz", FAILED))
    assert isinstance(entry, EntryRecord)
    assert entry.crystal is not None
    assert entry.failures == (
        FailureRecord(
            "relax", "msp-000003", "OracleError", "no convergence", 9.0, structure_hash=entry.crystal.content_hash
        ),
    )


def test_roles_select(tmp_path: Path) -> None:
    path = _write(tmp_path / "set.jsonl.gz", LABELLED, UNSTABLE, FAILED)
    read = _read(path, roles=("rejected", "failed"))
    assert [e.external_id for e in read if isinstance(e, EntryRecord)] == ["msp-000002", "msp-000003"]


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    path = _write(tmp_path / "set.jsonl.gz", LABELLED, UNSTABLE)
    source = open_source(BundledSource(kind="bundled", path=path.name), tmp_path)
    first, second = list(source.iterate()), list(source.iterate())
    assert [e.external_id for e in first if isinstance(e, EntryRecord)] == ["msp-000001", "msp-000002"]
    assert len(first) == len(second)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ({**LABELLED, "labels": {"k_vrh": "high"}}, "'high' is not a number"),
        ({**LABELLED, "labels": {"k_vrh": float("nan")}}, "nan is not a finite number"),
        ({**LABELLED, "labels": {"hardness": 1.0}}, "there is no property 'hardness'"),
        ({**LABELLED, "species": [], "frac_coords": []}, "set.jsonl.gz:line 2: the structure has no atoms"),
        ({**LABELLED, "lattice": [1.0, 2.0]}, "misshapen"),
        ({"role": "pool"}, "not an entry of a bundled data set"),
    ],
    ids=["text-label", "nan-label", "unknown-property", "no-atoms", "short-lattice", "no-id"],
)
def test_bad_line_is_a_failure_and_the_next_line_is_read(tmp_path: Path, bad: Any, problem: str) -> None:
    first, second = _read(_write(tmp_path / "set.jsonl.gz", bad, UNSTABLE))
    failures = first.failures if isinstance(first, EntryRecord) else (first,)
    assert [problem in failure.message for failure in failures] == [True]
    assert isinstance(second, EntryRecord)
    assert second.external_id == "msp-000002"


def test_torn_file_keeps_what_stands_before_the_break(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    records = [{**LABELLED, "external_id": f"msp-{i:06d}", "tensor_gpa": rng.random(21).tolist()} for i in range(100)]
    path = _write(tmp_path / "set.jsonl.gz", *records)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    *entries, last = _read(path)
    assert 10 < len(entries) < 90
    assert isinstance(last, FailureRecord)
    assert last.error_class == "TruncatedError"
    assert "set.jsonl.gz: the file breaks off after line" in last.message


@pytest.mark.parametrize("content", [b"", b"not json\n", b'["a list"]\n', b'{"dataset": "x"}\n'])
def test_file_without_header_is_refused_as_a_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.jsonl").write_bytes(content)
    with pytest.raises(SourceError, match="does not begin with the header"):
        _read(tmp_path / "set.jsonl")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.jsonl\.gz: there is no such file"):
        _read(tmp_path / "nowhere.jsonl.gz")


def test_record_round_trip() -> None:
    for record in (LABELLED, FAILED):
        entry = from_record(record, version="1", licence="MIT", method="m", origin="source:s", place="line 2")
        assert to_record(entry) == record
