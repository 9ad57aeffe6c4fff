"""Journal and packed file of a computed data set: torn lines, roles, energies, the same bytes from the same journal."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matsift.candidates.plan import Candidate
from matsift.crystal import Crystal
from matsift.elasticity.moduli import from_upper_triangle
from matsift.errors import UserInputError
from matsift.units import PROPERTIES
from matsift_adapters.data import CHGNET_PROTOTYPES
from matsift_adapters.data.journal import Journal, read_journal
from matsift_adapters.data.packing import pack
from matsift_adapters.oracles.chgnet import METHOD

STABLE = [50.0, 20, 20, 0, 0, 0, 50, 20, 0, 0, 0, 50, 0, 0, 0, 15, 0, 0, 15, 0, 15]


def rock_salt(a: float, anion: str = "Cl") -> Crystal:
    fcc = 0.5 * a * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    return Crystal.ordered(fcc, ["Na", anion], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def element(symbol: str, a: float) -> Crystal:
    return Crystal.ordered(a * np.eye(3), [symbol], np.zeros((1, 3)))


def candidate(number: int, wanted: str, crystal: Crystal) -> Candidate:
    what = "elasticity" if wanted == "labelled" else "energy"
    return Candidate(f"msp-{number:06d}", wanted, "AB_cF8_225_a_b", "Cl->Br Na->Na", crystal, what)


def row(c: Candidate, energy: float, relaxed: Crystal | None = None, **elastic: Any) -> dict[str, Any]:
    end = relaxed or c.crystal
    result: dict[str, Any] = {
        "energy_per_atom": energy,
        "n_evaluation": 17,
        "tensor_gpa": None,
        "lattice": end.lattice.ravel().tolist(),
        "species": list(end.species),
        "frac_coords": end.frac_coords.tolist(),
    }
    if c.what == "elasticity":
        moduli = {"k_voigt": 30.0, "k_reuss": 30.0, "k_vrh": 30.0, "g_voigt": 15.0, "g_reuss": 15.0, "g_vrh": 15.0}
        result |= {**moduli, "tensor_gpa": STABLE, "born_stable": True, **elastic}
    return {**head(c), "result": result}


def head(c: Candidate) -> dict[str, Any]:
    return {"start_hash": c.crystal.content_hash, "what": c.what, "date": "2026-11-20", "seconds": 1.5}


def failed(c: Candidate, message: str) -> dict[str, Any]:
    return {**head(c), "failure": {"stage": "relax", "error_class": "OracleError", "message": message}}


SODIUM, CHLORINE = candidate(1, "reference", element("Na", 3.4)), candidate(2, "reference", element("Cl", 3.1))
SALT, FAR = candidate(3, "labelled", rock_salt(5.64)), candidate(4, "labelled", rock_salt(6.2))
POOL, SOFT = candidate(5, "pool", rock_salt(5.2)), candidate(6, "labelled", rock_salt(5.0))
LOST, BROMIDE = candidate(7, "labelled", rock_salt(4.0)), candidate(8, "labelled", rock_salt(5.97, "Br"))
PLAN = [SODIUM, CHLORINE, SALT, FAR, POOL, SOFT, LOST, BROMIDE]
ROWS = [
    row(BROMIDE, -3.3),
    row(SODIUM, -1.3),
    row(CHLORINE, -1.8),
    row(SALT, -3.5),
    row(FAR, -3.4999, relaxed=rock_salt(5.6401)),
    row(POOL, -3.4),
    row(SOFT, -3.2, born_stable=False, g_reuss=-4.0, g_vrh=5.5),
    failed(LOST, "relaxation did not converge in 200 steps: a force of 0.3 eV/angstrom is left"),
]


def packed(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    with gzip.open(path, "rt") as lines:
        header, *entries = (json.loads(line) for line in lines)
    return header, {entry["external_id"]: entry for entry in entries}


def test_every_candidate_gets_its_role(tmp_path: Path) -> None:
    counts = pack(PLAN, ROWS, tmp_path / "set.jsonl.gz", seed=9, method=METHOD)
    header, entries = packed(tmp_path / "set.jsonl.gz")
    assert list(entries) == [c.external_id for c in PLAN]
    assert [e["role"] for e in entries.values()] == [
        "reference", "reference", "labelled", "duplicate", "pool", "rejected", "failed", "labelled",
    ]  # fmt: skip
    assert counts == {"duplicate": 1, "failed": 1, "labelled": 2, "pool": 1, "reference": 2, "rejected": 1}
    assert header["counts"] == {**counts, "labelled_with_sodium": 2, "pool_with_sodium": 1}
    assert (header["seed"], header["method"], header["date"]) == (9, METHOD, "2026-11-20")


def test_energies_are_against_the_elements_and_the_hull_of_the_set(tmp_path: Path) -> None:
    pack(PLAN, ROWS, tmp_path / "set.jsonl.gz", seed=9, method=METHOD)
    _, entries = packed(tmp_path / "set.jsonl.gz")
    salt, pool, bromide = (entries[c.external_id]["labels"] for c in (SALT, POOL, BROMIDE))
    assert salt["formation_energy_per_atom"] == pytest.approx(-3.5 + (1.3 + 1.8) / 2)
    assert salt["energy_above_hull"] == 0
    assert pool["energy_above_hull"] == pytest.approx(0.1)
    assert "energy_above_hull" not in bromide  # no bromine among the references
    assert "k_vrh" not in pool
    assert set(salt) <= set(PROPERTIES)


def test_a_failed_candidate_keeps_its_start_and_its_reason(tmp_path: Path) -> None:
    pack(PLAN, ROWS, tmp_path / "set.jsonl.gz", seed=9, method=METHOD)
    entry = packed(tmp_path / "set.jsonl.gz")[1][LOST.external_id]
    assert entry["failure"]["message"].startswith("relaxation did not converge")
    assert entry["failure"]["seconds"] == 1.5
    assert entry["labels"] == {}
    assert np.allclose(np.reshape(entry["lattice"], (3, 3)), LOST.crystal.lattice)


def test_a_duplicate_names_the_crystal_that_it_repeats(tmp_path: Path) -> None:
    pack(PLAN, ROWS, tmp_path / "set.jsonl.gz", seed=9, method=METHOD)
    entry = packed(tmp_path / "set.jsonl.gz")[1][FAR.external_id]
    assert entry["failure"]["message"] == f"relaxed to the same crystal as {SALT.external_id}"


def test_the_same_journal_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"
    pack(PLAN, ROWS, first, seed=9, method=METHOD)
    pack(PLAN[::-1], ROWS[::-1], second, seed=9, method=METHOD)
    assert first.read_bytes() == second.read_bytes()
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".new"] == []


def test_candidates_not_yet_computed_are_left_out(tmp_path: Path) -> None:
    counts = pack(PLAN, ROWS[:2], tmp_path / "set.jsonl.gz", seed=9, method=METHOD)
    assert counts == {"labelled": 1, "reference": 1}


def test_a_journal_gives_back_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "work" / "journal.jsonl"
    assert read_journal(path) == []
    with Journal(path) as journal:
        journal.append({"n": 1})
    with Journal(path) as journal:
        journal.append({"n": 2, "text": "line\nbreak"})
    assert read_journal(path) == [{"n": 1}, {"n": 2, "text": "line\nbreak"}]


@pytest.mark.parametrize("torn", ['{"n": 3', '{"n": 3}', "\x00\x00"])
def test_a_line_torn_by_a_kill_is_dropped_and_the_next_one_stands_alone(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"n": 1}\n{"n": 2}\n' + torn)
    assert read_journal(path) == [{"n": 1}, {"n": 2}]
    with Journal(path) as journal:
        journal.append({"n": 4})
    assert read_journal(path) == [{"n": 1}, {"n": 2}, {"n": 4}]


def test_the_file_in_the_package_keeps_its_promises() -> None:
    header, entries = packed(CHGNET_PROTOTYPES)
    assert CHGNET_PROTOTYPES.stat().st_size < 2_000_000
    assert header["method"] == METHOD
    labelled = [e for e in entries.values() if e["role"] == "labelled"]
    pool = [e for e in entries.values() if e["role"] == "pool"]
    assert header["counts"]["labelled"] == len(labelled) >= 600
    assert sum("Na" in e["species"] for e in labelled) >= 120
    assert len(pool) >= 120
    for entry in labelled:
        labels = entry["labels"]
        tensor = from_upper_triangle(entry["tensor_gpa"])
        assert np.linalg.eigvalsh(tensor)[0] > 0, entry["external_id"]
        assert 0 < labels["k_reuss"] <= labels["k_vrh"] <= labels["k_voigt"]
        assert 0 < labels["g_reuss"] <= labels["g_vrh"] <= labels["g_voigt"]
        assert tensor[:3, :3].sum() / 9 == pytest.approx(labels["k_voigt"], abs=0.01)
    assert all("Na" in e["species"] and e["tensor_gpa"] is None for e in pool)
    failed_entries = [e for e in entries.values() if e["role"] == "failed"]
    assert all(e["failure"]["message"] and not e["labels"] for e in failed_entries)


def test_a_journal_is_one_processs_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.append({"a": 1})
        with pytest.raises(UserInputError, match=r"another process appends to .*journal\.jsonl; wait until it ends"):
            Journal(path)
        assert read_journal(path) == [{"a": 1}]
    with Journal(path) as journal:
        journal.append({"a": 2})
    assert read_journal(path) == [{"a": 1}, {"a": 2}]
