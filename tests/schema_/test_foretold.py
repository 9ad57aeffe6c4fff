"""Acquisitions that came back labelled, beside what was predicted before."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories import pipeline

from matsift_schema.store import labels
from matsift_schema.store.foretold import load_acquired


def test_only_accepted_labels_of_acquisitions_count_beside_the_prediction_of_their_round(session: Session) -> None:
    study = pipeline.small_study(session)
    table = labels.label_table(session, ["k_vrh"], rule_set=pipeline.RULES)
    assert len(load_acquired(session, study.campaign, rule_set=pipeline.RULES).truth) == 0
    settle = text("""
        UPDATE matsift.acquisition a SET status = 'labelled', label_id = l.id
        FROM matsift.label l JOIN matsift.property p ON p.id = l.property_id
        WHERE l.structure_id = a.structure_id AND p.name = 'k_vrh' AND a.rank <= 2
    """)
    session.execute(settle)
    said = load_acquired(session, study.campaign, rule_set=pipeline.RULES)
    value_of = dict(zip(table.structure_ids.tolist(), table.values.tolist(), strict=True))
    best = study.structure_ids[::-1][:2].tolist()  # ranks 1 and 2
    assert said.round_numbers.tolist() == [0, 0]
    assert said.truth.tolist() == [value_of[key] for key in best]
    assert said.mean.tolist() == [105.0, 104.0]
    assert said.spread.tolist() == [6.0, 5.0]
    assert (said.upper - said.lower).tolist() == [10.0, 10.0]
    assert len(load_acquired(session, study.campaign, rule_set="0" * 64).truth) == 0
