"""Quality: every label of a study gets the verdict of the study's rules, kept either way."""

from __future__ import annotations

from typing import Literal

import numpy as np

from matsift.screening.labels import MODULI, LabelRow, LabelTable
from matsift.screening.quality import judge as judge_labels
from matsift.screening.quality import rule_set_hash
from matsift.study.settings import Study
from matsift_adapters.oracles.registry import oracle
from matsift_flows.orchestration import inner_flow
from matsift_flows.workspace import Workspace, digest
from matsift_schema.store.labels import LabelColumns, label_table, write_verdicts

Whose = Literal["sources", "oracle"]


@inner_flow("judge")
def judge(workspace: Workspace, study: Study, whose: Whose = "sources") -> int:
    """Judge labels that the rules of a study have not judged yet; return how many verdicts are new.

    Those of its sources, or those of its oracle: the latter only when all acquisitions of a round are settled, so that
    a run that was interrupted among them judges like any other.
    """
    rule_set = rule_set_hash(study.labels.rules)
    properties = sorted({*study.labels.properties, *MODULI})
    methods, origins = study.labels.methods, study.label_origins
    if whose == "oracle":
        asked = oracle(study.campaign.oracle)
        methods, origins = (asked.method,), frozenset({asked.origin})
    with workspace.sessions.begin() as session:
        labels = label_table(session, properties, rule_set=rule_set, methods=methods)
    ours = np.array([origin in origins for origin in labels.origins], dtype=bool)
    open_rows = ours & np.array([verdict is None for verdict in labels.verdicts], dtype=bool)
    if not open_rows.any():
        return 0
    rows = _rows(labels)
    verdicts = judge_labels(study.labels.rules, LabelTable.of_rows(rows))
    parameters = {
        "rule_set": rule_set,
        "rules": [rule.model_dump(mode="json") for rule in study.labels.rules],
        "labels": digest(
            f"{rows[i].entry} {rows[i].property_name} {rows[i].value.hex()}" for i in np.flatnonzero(ours)
        ),
    }
    with workspace.run("judge", study.name, parameters) as run, workspace.sessions.begin() as session:
        written = write_verdicts(
            session,
            run.id(session),
            rule_set,
            labels.label_ids[open_rows],
            accepted=verdicts.accepted[open_rows],
            rules=[rule for rule, is_open in zip(verdicts.rule, open_rows, strict=True) if is_open],
            values_seen=verdicts.value_seen[open_rows],
        )
    _tell(workspace, labels, verdicts.accepted, open_rows)
    return written


def _rows(labels: LabelColumns) -> list[LabelRow]:
    return [
        LabelRow((key, method, origin), name, float(value), elements, holds)
        for key, name, value, method, origin, elements, holds in zip(
            labels.structure_hashes,
            labels.property_names,
            labels.values,
            labels.methods,
            labels.origins,
            labels.elements,
            labels.holds,
            strict=True,
        )
    ]


def _tell(workspace: Workspace, labels: LabelColumns, accepted: np.ndarray, judged: np.ndarray) -> None:
    entries = {
        (labels.structure_hashes[i], labels.methods[i], labels.origins[i]): bool(accepted[i])
        for i in np.flatnonzero(judged)
    }
    good = sum(entries.values())
    workspace.reporter.say(
        f"  judge: {good} labelled structures accepted, {len(entries) - good} rejected by a named rule"
    )
