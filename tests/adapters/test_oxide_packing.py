"""The packed file of oxides: roles, numbers of the cell, energies against the other data set's phases."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matsift.bond_valence.prototype_match import build
from matsift.candidates.oxides import plan_oxides
from matsift.candidates.plan import Candidate
from matsift.crystal import Crystal
from matsift.records import EntryRecord
from matsift.study.sources import BundledSource
from matsift_adapters.data import OXIDE_PROTOTYPES
from matsift_adapters.data.oxide_packing import pack_oxides
from matsift_adapters.oracles.chgnet import METHOD_IN_SYMMETRY, label
from matsift_adapters.sources import open_source

PLAN = {c.external_id: c for c in plan_oxides(0)}


def _row(candidate: Candidate, relaxed: Crystal, energy: float) -> dict[str, Any]:
    result = {
        "energy_per_atom": energy,
        "n_evaluation": 7,
        "lattice": relaxed.lattice.ravel().tolist(),
        "species": list(relaxed.species),
        "frac_coords": relaxed.frac_coords.tolist(),
    }
    return {**_start(candidate), "result": result}


def _start(candidate: Candidate) -> dict[str, Any]:
    return {"start_hash": candidate.crystal.content_hash, "what": candidate.what, "date": "2026-11-21", "seconds": 1.5}


def _packed(path: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    pack_oxides(list(PLAN.values()), rows, path, method=METHOD_IN_SYMMETRY)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_rows_say_what_relaxed_to_what(tmp_path: Path) -> None:
    perovskite, unseen, spinel = (PLAN[n] for n in ("perovskite-SrTiO3", "perovskite-SrHfO3", "spinel-MgAl2O4"))
    rows = [
        _row(spinel, build("spinel", "Mg", "Al", 8.17, 0.2625), -7.487),
        _row(perovskite, build("perovskite", "Sr", "Ti", 3.94), -8.42),
        _row(unseen, build("perovskite", "Sr", "Hf", 4.15), -8.9),
    ]
    header, *entries = _packed(tmp_path / "set.gz", rows)
    assert header["counts"] == {"labelled": 2, "unseen": 1}
    told = [(e["external_id"], e["role"], e["ions"], e["formula"]) for e in entries]
    assert told == [
        ("perovskite-SrHfO3", "unseen", "Sr2+ Hf4+", "SrHfO3"),
        ("perovskite-SrTiO3", "labelled", "Sr2+ Ti4+", "SrTiO3"),
        ("spinel-MgAl2O4", "labelled", "Mg2+ Al3+", "MgAl2O4"),
    ]
    assert [(e["lattice_constant_angstrom"], e["oxygen_parameter"]) for e in entries] == [
        (4.15, None),
        (3.94, None),
        (8.17, 0.2625),
    ]
    assert entries[1]["labels"]["energy_per_atom"] == -8.42
    assert {"formation_energy_per_atom", "energy_above_hull"} < set(entries[1]["labels"])


def test_what_failed_or_became_something_else_has_no_labels(tmp_path: Path) -> None:
    lost, moved = PLAN["perovskite-CdTiO3"], PLAN["perovskite-KNbO3"]
    failure = {"stage": "relax", "error_class": "OracleError", "message": "it does not relax"}
    rows = [{**_start(lost), "failure": failure}, _row(moved, build("spinel", "Mg", "Al", 8.1), -7.0)]
    _, *entries = _packed(tmp_path / "set.gz", rows)
    assert [(e["role"], e["labels"], e["failure"]["error_class"]) for e in entries] == [
        ("failed", {}, "OracleError"),
        ("failed", {}, "OtherPrototype"),
    ]


def test_the_same_journal_gives_the_same_bytes(tmp_path: Path) -> None:
    candidate = PLAN["perovskite-BaTiO3"]
    rows = [_row(candidate, candidate.crystal, -8.0)]
    _packed(tmp_path / "one.gz", rows)
    _packed(tmp_path / "two.gz", rows)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()


def test_the_bundled_file_is_read_with_holds(tmp_path: Path) -> None:
    source = open_source(BundledSource(kind="bundled", dataset="oxide_prototypes", name="oxides"), tmp_path)
    entries = {e.external_id: e for e in source.iterate() if isinstance(e, EntryRecord)}
    assert entries["perovskite-SrTiO3"].holds == ()
    assert {label.method for label in entries["perovskite-SrTiO3"].labels} == {METHOD_IN_SYMMETRY}
    assert entries["perovskite-SrHfO3"].holds == ("unseen",)


def test_the_bundled_file_is_the_plan_relaxed() -> None:
    with gzip.open(OXIDE_PROTOTYPES, "rt", encoding="utf-8") as lines:
        header, *entries = (json.loads(line) for line in lines)
    assert header["dataset"] == "oxide_prototypes"
    assert {e["external_id"] for e in entries} == set(PLAN)
    assert all(e["ions"] == PLAN[e["external_id"]].substitution for e in entries)


def test_relaxation_keeps_the_symmetry() -> None:
    """A cubic CaTiO3 would tilt; its cell has to stay that of a cube."""
    start = build("perovskite", "Ca", "Ti", 3.7)
    found = label(("energy_in_symmetry", start))
    lattice = found["relaxed"].lattice
    assert lattice == pytest.approx(3.886 * np.eye(3), abs=0.02)
    assert len(found["relaxed"].species) == 5
