"""The tables of docs/campaigns.md about the DFT campaign, from its database.

    MATSIFT_HOME=... python -m benchmarks.dft_binaries.page studies/dft_binaries docs/dft_binaries_ledger.csv

Prints Markdown; writes the ledger of acquisitions as CSV.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.dft_binaries.literature import ATOMS_OF_CUBIC_CELL, SOLIDS, SPACE_GROUPS, materials_project
from pymatgen.core import Composition
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace

STUDY = "dft_binaries"
SHOWN = ("LiF", "NaCl", "MgO", "CaO", "VC", "NbN", "NiAl", "BP", "SiC", "GaAs")

LEDGER = """
SELECT strategy, round, rank, formula, round(predicted_mean::numeric, 1) AS predicted_gpa,
       round(predicted_spread::numeric, 1) AS spread_gpa, status, round(label_value::numeric, 2) AS label_gpa,
       claimed_by, to_char(created_at, 'HH24:MI:SS') AS proposed, to_char(updated_at, 'HH24:MI:SS') AS settled,
       reason, left(structure_hash, 12) AS structure, oracle_method
FROM analysis.acquisition WHERE study = :study ORDER BY strategy, round, rank
"""

#: Errors are looked at with all labels that there are by now, also those that were not there in that round.
CURVE = """
SELECT p.strategy, p.round, p.n_label, p.mean_spread, p.test_mae, k.n, k.known, k.mae, p.stopped_by
FROM analysis.campaign_progress p
CROSS JOIN LATERAL (
    SELECT count(*) AS n, count(l.value) AS known, avg(abs(s.mean - l.value)) AS mae
    FROM analysis.candidate_score s
    LEFT JOIN analysis.label l ON (l.structure_hash, l.method, l.property_name)
                                = (s.structure_hash, p.oracle_method, p.property_name)
    WHERE (s.campaign, s.round) = (p.campaign, p.round) AND s.study = p.study
) AS k
WHERE p.study = :study ORDER BY p.strategy, p.round
"""

LABELS = """
SELECT e.external_id AS id, l.value AS k, (o.detail ->> 'volume_per_atom_angstrom3')::float AS volume, o.seconds,
       (o.detail ->> 'residual_ev')::float AS residual, (o.detail ->> 'n_evaluation')::int AS n_point
FROM analysis.oracle_result o
JOIN analysis.label l ON (l.structure_hash, l.method) = (o.structure_hash, o.method) AND l.property_name = 'k_vrh'
JOIN analysis.source_entry e ON e.structure_hash = o.structure_hash
WHERE e.source = 'dft-binaries-pool' ORDER BY e.external_id
"""


def main(folder: Path, ledger: Path) -> None:
    """Print the tables and write the ledger."""
    with open_workspace(Settings.load(), Reporter(quiet=True)) as workspace, workspace.sessions.begin() as session:
        rows, curve, labels = (_rows(session, query) for query in (LEDGER, CURVE, LABELS))
    with ledger.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} acquisitions, {len(labels)} structures labelled in the campaign\n")
    _table(
        ("strategy", "round", "labels", "mean spread", "MAE test", "MAE rest of pool", "known of it"),
        [
            (
                r["strategy"],
                r["round"],
                r["n_label"],
                *map(_one, (r["mean_spread"], r["test_mae"], r["mae"])),
                f"{r['known']}/{r['n']}",
            )
            for r in curve
        ],
    )
    _beside_literature(labels, _start(folder))


def _beside_literature(labels: Sequence[dict[str, Any]], start: Sequence[dict[str, Any]]) -> None:
    published = materials_project()
    shown, ratios, errors = [], [], []
    for row in [*labels, *start]:
        prototype, _, formula = row["id"].rpartition("-")
        entry = published.get((Composition(formula).reduced_formula, SPACE_GROUPS[prototype]))
        lattice = (row["volume"] * ATOMS_OF_CUBIC_CELL[prototype]) ** (1 / 3)
        if entry is not None:
            ratios.append(row["k"] / entry.bulk_modulus - 1)
        if formula in SOLIDS:
            theirs, measured = SOLIDS[formula]
            errors.append(lattice / theirs - 1)
            beside = "-" if entry is None else f"{entry.bulk_modulus:.1f} ({entry.entry})"
            shown.append(
                (formula, prototype, f"{lattice:.3f}", f"{theirs:.3f}", _one(row["k"]), beside, f"{measured:g}")
            )
    _table(
        ("compound", "prototype", "a, A", "a by PBE (1)", "K, GPa", "K by PBE (2)", "K measured (3)"),
        [row for row in shown if row[0] in SHOWN],
    )
    for name, found in (("K against the Materials Project", ratios), ("a against Haas et al.", errors)):
        if not found:
            continue
        off = 100 * np.array(found)
        print(
            f"{name}: {len(off)} compounds, mean {off.mean():+.2f} %, mean absolute {np.abs(off).mean():.2f} %, "
            f"largest {np.abs(off).max():.1f} %"
        )
    seconds, points = (np.array([row[name] for row in labels]) for name in ("seconds", "n_point"))
    residual = 1000 * np.array([row["residual"] for row in labels])
    print(
        f"{seconds.mean():.0f} s a label, {points.mean():.1f} cells a label, residual {np.median(residual):.2f} meV "
        f"(largest {residual.max():.2f})"
    )


def _start(folder: Path) -> list[dict[str, Any]]:
    with (folder / "start_labelled.csv").open(encoding="utf-8", newline="") as file:
        return [
            {"id": row["id"], "k": float(row["k_vrh_gpa"]), "volume": float(row["volume_per_atom_angstrom3"])}
            for row in csv.DictReader(file)
        ]


def _rows(session: Session, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(text(query), {"study": STUDY}).mappings()]


def _one(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
