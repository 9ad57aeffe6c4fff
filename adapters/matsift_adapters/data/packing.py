"""From a journal to the packed data file: roles, formation energies, hull distances, the same bytes every time."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from matsift.candidates.phases import formation_energies, hull_distances
from matsift.candidates.plan import Candidate
from matsift.candidates.sameness import earlier_same
from matsift.crystal import Crystal
from matsift.units import PROPERTIES
from matsift_adapters.data import DATASET, LICENCE, VERSION

_MODULI = ("k_vrh", "g_vrh", "k_voigt", "k_reuss", "g_voigt", "g_reuss")
ENERGIES = ("energy_per_atom", "formation_energy_per_atom", "energy_above_hull")
_PACKAGES = ("chgnet", "torch", "ase", "spglib", "pymatgen", "numpy")
_DECIMALS = {"lattice": 6, "coordinate": 6, "tensor": 3, "modulus": 3, "energy": 5}


def pack(
    candidates: Sequence[Candidate], rows: Iterable[dict[str, Any]], out: Path, *, seed: int, method: str
) -> dict[str, int]:
    """Write the packed file of the candidates that the journal knows, and return its counts of rows by role.

    The file is written beside its place and moved there whole. The same candidates and journal give the same bytes.

    Parameters
    ----------
    candidates
        The plan; candidates without a journal row are left out.
    rows
        Journal rows; of several for one candidate the last counts.
    out
        The gzip file to write.
    seed, method
        For the header.
    """
    known = with_rows(candidates, rows)
    entries = [_entry(candidate, row) for candidate, row in known]
    _mark_duplicates(entries)
    _add_phase_energies(entries)
    counts = dict(sorted(Counter(str(entry["role"]) for entry in entries).items()))
    write_lines(out, [_header(entries, counts, seed, method, latest_date(known)), *entries])
    return counts


def with_rows(
    candidates: Sequence[Candidate], rows: Iterable[dict[str, Any]]
) -> list[tuple[Candidate, dict[str, Any]]]:
    """Return the candidates that a journal knows with their last row in it, by external id."""
    by_start = {(row["start_hash"], row["what"]): row for row in rows}
    known = [(c, by_start[key]) for c in candidates if (key := (c.crystal.content_hash, c.what)) in by_start]
    return sorted(known, key=lambda pair: pair[0].external_id)


def latest_date(known: Iterable[tuple[Candidate, dict[str, Any]]]) -> str:
    """Return the date of the last row that was computed, "" for none."""
    return max((str(row.get("date", "")) for _, row in known), default="")


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that the computed numbers depend on."""
    return {package: version(package) for package in _PACKAGES}


def _entry(candidate: Candidate, row: dict[str, Any]) -> dict[str, Any]:
    result = row.get("result")
    source = result or {
        "lattice": candidate.crystal.lattice.ravel().tolist(),
        "species": list(candidate.crystal.species),
        "frac_coords": candidate.crystal.frac_coords.tolist(),
    }
    failure = row.get("failure")
    tensor = (result or {}).get("tensor_gpa")
    entry: dict[str, Any] = {
        "external_id": candidate.external_id,
        "role": "failed" if result is None else candidate.wanted,
        "formula": str(candidate.crystal.to_pymatgen().composition.reduced_formula),
        "lattice": _rounded(source["lattice"], "lattice"),
        "species": source["species"],
        "frac_coords": [_rounded(xyz, "coordinate") for xyz in source["frac_coords"]],
        "prototype": candidate.prototype,
        "substitution": candidate.substitution,
        "labels": _labels(result or {}),
        "tensor_gpa": None if tensor is None else _rounded(tensor, "tensor"),
        "born_stable": (result or {}).get("born_stable"),
        "failure": None if failure is None else {**failure, "seconds": row["seconds"]},
        "n_evaluation": (result or {}).get("n_evaluation"),
        "seconds": row["seconds"],
    }
    if entry["role"] == "labelled" and not _passes(entry):
        entry["role"] = "rejected"
    return entry


def _labels(result: dict[str, Any]) -> dict[str, float]:
    labels = {name: round(float(result[name]), _DECIMALS["modulus"]) for name in _MODULI if name in result}
    if "energy_per_atom" in result:
        labels["energy_per_atom"] = round(float(result["energy_per_atom"]), _DECIMALS["energy"])
    return labels


def _passes(entry: dict[str, Any]) -> bool:
    labels = entry["labels"]
    in_order = all(0 < labels[f"{m}_reuss"] <= labels[f"{m}_voigt"] for m in ("k", "g"))
    return bool(entry["born_stable"]) and in_order


def _mark_duplicates(entries: list[dict[str, Any]]) -> None:
    relaxed = [entry for entry in entries if entry["role"] != "failed"]
    firsts = earlier_same(
        [Crystal.ordered(np.array(e["lattice"]), e["species"], np.array(e["frac_coords"])) for e in relaxed],
        np.array([e["labels"]["energy_per_atom"] for e in relaxed]),
    )
    for entry, first in zip(relaxed, firsts, strict=True):
        if first is not None:
            entry["role"] = "duplicate"
            message = f"relaxed to the same crystal as {relaxed[first]['external_id']}"
            seconds = entry["seconds"]
            entry["failure"] = {"stage": "pack", "error_class": "Duplicate", "message": message, "seconds": seconds}


def _add_phase_energies(entries: list[dict[str, Any]]) -> None:
    relaxed = [entry for entry in entries if entry["role"] != "failed"]
    compositions = [Counter(entry["species"]) for entry in relaxed]
    energies = np.array([entry["labels"]["energy_per_atom"] for entry in relaxed])
    formation = formation_energies(compositions, energies)
    distance = hull_distances(compositions, energies)
    for entry, f, d in zip(relaxed, formation, distance, strict=True):
        for name, value in (("formation_energy_per_atom", f), ("energy_above_hull", d)):
            if np.isfinite(value):
                entry["labels"][name] = round(float(value), _DECIMALS["energy"]) + 0.0


def _header(entries: list[dict[str, Any]], counts: dict[str, int], seed: int, method: str, date: str) -> dict[str, Any]:
    sodium = Counter(str(entry["role"]) for entry in entries if "Na" in entry["species"])
    with_sodium = {f"{role}_with_sodium": sodium[role] for role in ("labelled", "pool")}
    return {
        "dataset": DATASET,
        "version": VERSION,
        "method": method,
        "versions": package_versions(),
        "seed": seed,
        "licence": LICENCE,
        "date": date,
        "units": {name: PROPERTIES[name].unit for name in (*_MODULI, *ENERGIES)},
        "counts": {**counts, **with_sodium},
    }


def rounded(values: Iterable[float], decimals: int) -> list[float]:
    """Return numbers rounded to decimals, without a negative zero."""
    return [round(float(v), decimals) + 0.0 for v in values]


def _rounded(values: Sequence[float], kind: str) -> list[float]:
    return rounded(values, _DECIMALS[kind])


def write_lines(out: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Write JSON lines as a gzip file, beside its place and then moved there whole, the same bytes every time."""
    text = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=text, compresslevel=9, mtime=0) as packed:
        for line in lines:
            packed.write(json.dumps(line, separators=(",", ":"), ensure_ascii=True).encode() + b"\n")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f"{out.name}.new")
    beside.write_bytes(text.getvalue())
    beside.replace(out)
