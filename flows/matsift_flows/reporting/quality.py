"""What the quality rules of a study say of its labels."""

from __future__ import annotations

from collections import Counter

from sqlalchemy.orm import Session

from matsift.reports.data import QualityRow
from matsift.screening.quality import rule_set_hash
from matsift.study.settings import Study
from matsift_schema.store.labels import label_table


def label_quality(session: Session, study: Study) -> list[QualityRow]:
    """Return how many labels each rule kept and rejected, property by property, in the order of the rules."""
    rule_set = rule_set_hash(study.labels.rules)
    rows = []
    for name in study.labels.properties:
        labels = label_table(session, [name], rule_set=rule_set, methods=study.labels.methods)
        kept, rejected = len(labels), Counter(rule for rule in labels.rules if rule is not None)
        for rule in (rule.kind for rule in study.labels.rules):
            kept -= rejected[rule]
            rows.append(QualityRow(f"labels of {name}", rule, kept, rejected[rule]))
    return rows
