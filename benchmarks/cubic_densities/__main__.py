"""The tables of docs/density.md and of the data card about the densities by GPAW, from the packed table.

    python -m benchmarks.cubic_densities [TABLE]

Prints Markdown.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.cubic_densities.literature import measured
from numpy.typing import NDArray

from matsift.candidates.cubic import CUBIC_PROTOTYPES
from matsift_adapters.data import CUBIC_DENSITIES

_N_OUTLIER = 8


def main(table: Path) -> None:
    """Print what the table says."""
    header, *rows = (json.loads(line) for line in gzip.decompress(table.read_bytes()).splitlines())
    done = [row for row in rows if row["role"] == "labelled"]
    failed = [row for row in rows if row["role"] == "failed"]
    print(f"{len(done)} compounds, {len(failed)} failed; {header['method']}, {header['date']}\n")
    _by_prototype(done, failed)
    _beside_measurement(done)
    _against_materials_project(done)
    _cost(done)
    for row in failed:
        print(f"* {row['external_id']}: {row['failure']['message']}")


def elements_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the elements of a row, in the order of its name."""
    return tuple(str(row["external_id"]).removeprefix(f"{row['prototype']}-").split("-"))


def _by_prototype(done: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, Any]]) -> None:
    lines = []
    for name, kind in CUBIC_PROTOTYPES.items():
        mine = [row for row in done if row["prototype"] == name]
        if not mine:
            continue
        k, moved = (np.array(values) for values in zip(*((_k(row), _moved(row)) for row in mine), strict=True))
        n_failed = sum(row["prototype"] == name for row in failed)
        lines.append(
            (
                *(name, kind.space_group, len(mine), n_failed),
                *(f"{k.min():.0f} to {k.max():.0f}", f"{np.median(moved):.2f}"),
            )
        )
    head = ("prototype", "space group", "compounds", "failed", "K, GPa", "electrons moved an atom, median")
    _print(head, lines)


def _beside_measurement(done: Sequence[Mapping[str, Any]]) -> None:
    lines, errors = [], []
    for row in sorted(done, key=lambda row: (list(CUBIC_PROTOTYPES).index(row["prototype"]), row["formula"])):
        if (beside := measured(row["prototype"], elements_of(row))) is None:
            continue
        errors.append(_k(row) / beside[0] - 1)
        theirs = row["materials_project"]
        values = (f"{row['lattice_constant_angstrom']:.3f}", f"{_k(row):.1f}", f"{row['k_derivative']:.1f}")
        published = f"{theirs['k_vrh']:.0f} ({theirs['id']})"
        lines.append((row["formula"], row["prototype"], *values, published, f"{beside[0]:g} ({beside[1]})"))
    head = ("compound", "prototype", "a, A", "K, GPa", "K'", "K of the Materials Project", "K measured")
    _print(head, lines)
    if errors:
        print(f"K against measurement: {_summary(np.array(errors))}\n")


def _against_materials_project(done: Sequence[Mapping[str, Any]]) -> None:
    k = np.array([_k(row) / row["materials_project"]["k_vrh"] - 1 for row in done])
    theirs = np.array([row["materials_project"]["lattice_constant_angstrom"] for row in done])
    edges = np.array([row["lattice_constant_angstrom"] for row in done]) / theirs - 1
    absolute = np.array([_k(row) - row["materials_project"]["k_vrh"] for row in done])
    print(f"K against the Materials Project: {_summary(k)}; mean absolute {np.abs(absolute).mean():.1f} GPa")
    print(f"a against the Materials Project: {_summary(edges)}\n")
    furthest = np.argsort(-np.abs(absolute))[:_N_OUTLIER]
    head = ("furthest from the Materials Project", "K, GPa", "theirs", "a, A", "theirs")
    _print(
        head,
        [
            (
                *(done[i]["external_id"], f"{_k(done[i]):.1f}", f"{done[i]['materials_project']['k_vrh']:.0f}"),
                *(f"{done[i]['lattice_constant_angstrom']:.3f}", f"{theirs[i]:.3f}"),
            )
            for i in furthest
        ],
    )


def _cost(done: Sequence[Mapping[str, Any]]) -> None:
    seconds = np.array([row["seconds"] for row in done])
    cells = np.array([row["n_evaluation"] + 1 for row in done])
    residual = np.array([row["residual_mev"] for row in done])
    missed = np.array([abs(row["n_electron"] / round(row["n_electron"]) - 1) for row in done])
    print(
        f"{np.median(seconds):.0f} s of wall time a compound (median; most {seconds.max():.0f} s), {cells.mean():.1f} "
        f"cells each, residual of the equation of state {np.median(residual):.2f} meV (largest {residual.max():.2f}), "
        f"electrons on the grid to {missed.max():.0e}\n"
    )


def _summary(ratios: NDArray[np.float64]) -> str:
    off = 100 * ratios
    return (
        f"{len(off)} compounds, mean {off.mean():+.1f} %, median absolute {np.median(np.abs(off)):.1f} %, "
        f"mean absolute {np.abs(off).mean():.1f} %, largest {np.abs(off).max():.0f} %"
    )


def _k(row: Mapping[str, Any]) -> float:
    return float(row["labels"]["k_vrh"])


def _moved(row: Mapping[str, Any]) -> float:
    return float(row["density"]["electrons_moved_per_atom"])


def _print(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CUBIC_DENSITIES)
