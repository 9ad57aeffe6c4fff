"""Official folds: a dataset snapshot for each fold of a benchmark, once its source was read to its end."""

from __future__ import annotations

from collections.abc import Sequence

from matsift.learners.official_folds import N_FOLD, SEED
from matsift.learners.snapshot import snapshot_hash
from matsift_flows.orchestration import inner_flow
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import find_snapshot, write_snapshot
from matsift_schema.store.folds import STRATEGY, FoldedLabel, folded_labels, has_folds, n_folded_entry
from matsift_schema.store.syncs import SyncCounts


@inner_flow("folds")
def keep_folds(workspace: Workspace, study: str, source_name: str, synced: SyncCounts) -> int:
    """Keep the official folds of a source as dataset snapshots; return how many are new.

    Fold k is one snapshot a property: the labels that the benchmark tests in fold k have the role test, the others
    train, and every row names the fold that it is tested in. Rows without a structure or a label are in none; the
    settings of the snapshot count them. All folds are written, or none is.
    """
    if not synced.is_whole:
        return 0
    with workspace.sessions.begin() as session:
        if not (synced.new or synced.changed or synced.withdrawn) and has_folds(session, source_name):
            return 0
        labels = folded_labels(session, source_name)
        n_entry = n_folded_entry(session, source_name)
        wanted = {
            snapshot_hash(name, _content(rows, fold)): (name, rows, fold)
            for name, rows in labels.items()
            for fold in range(N_FOLD)
        }
        missing = [key for key in wanted if find_snapshot(session, key) is None]
    if not missing:
        return 0
    parameters = {"source": source_name, "snapshots": missing}
    with workspace.run("folds", study, parameters) as run, workspace.sessions.begin() as session:
        for key in missing:
            name, rows, fold = wanted[key]
            write_snapshot(
                session,
                run.id(session),
                key,
                property_name=name,
                strategy=STRATEGY,
                settings={
                    "source": source_name,
                    "fold": fold,
                    "n_fold": N_FOLD,
                    "n_without_label": n_entry - len(rows),
                },
                seed=SEED,
                label_ids=[row.label_id for row in rows],
                roles=_roles(rows, fold),
                folds=[row.fold for row in rows],
            )
    workspace.reporter.say(f"  folds: {len(missing)} dataset snapshots of the official folds of {source_name}")
    return len(missing)


def _roles(rows: Sequence[FoldedLabel], fold: int) -> list[str]:
    return ["test" if row.fold == fold else "train" for row in rows]


def _content(rows: Sequence[FoldedLabel], fold: int) -> list[tuple[str, float, str, str, str]]:
    return [
        (row.structure_hash, row.value, row.method, row.origin, role)
        for row, role in zip(rows, _roles(rows, fold), strict=True)
    ]
