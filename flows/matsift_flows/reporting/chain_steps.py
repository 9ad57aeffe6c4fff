"""The steps behind a prediction, from the model back to the descriptors, in the words of terminal and page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from matsift.reports.notation import moment

Row = Mapping[str, Any]

_HASH_SHOWN = 12


@dataclass(frozen=True)
class Step:
    """One step of a chain, and the runs that made it."""

    name: str
    text: str
    run_ids: tuple[int | None, ...] = ()


def model_steps(row: Row) -> tuple[Step, ...]:
    """Return model, artifact, snapshot, labels and descriptors of a row of `analysis.provenance`."""
    roles = ", ".join(f"{row[f'n_{role}']} {role}" for role in ("train", "validation", "test"))
    return (
        Step(
            "model",
            f"{short(row['model_hash'])} {row['learner']} ({row['purpose']}), seed {row['seed']}, "
            f"trained {moment(row['model_trained_at'])}, code {row['model_code_version']}",
            (row["model_run_id"],),
        ),
        Step("artifact", row["artifact_uri"]),
        Step(
            "snapshot",
            f"{short(row['snapshot_hash'])}: {row['n_label']} labels by {row['sampling_strategy']}, {roles}",
            (row["snapshot_run_id"],),
        ),
        Step(
            "labels",
            f"{', '.join(row['label_methods'])} from {', '.join(row['label_origins'])}",
            tuple(row["label_run_ids"]),
        ),
        Step("descriptors", ", ".join(row["descriptor_sets"]), tuple(row["descriptor_run_ids"])),
    )


def runs(run_ids: Iterable[int | None]) -> str:
    """Return the runs as they stand after a step: `` [runs 3, 4]``; nothing where none is known."""
    known = sorted({run for run in run_ids if run is not None})
    if not known:
        return ""
    return f" [run{'s' if len(known) > 1 else ''} {', '.join(map(str, known))}]"


def short(content_hash: str) -> str:
    """Return the beginning of a hash."""
    return content_hash[:_HASH_SHOWN]
