"""How far campaigns are to go, and what ended them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class PlanRow:
    """How far a campaign is to go: rounds at most, and further rules that end it."""

    id: int
    n_round: int
    stop: Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """Where a campaign stands in a round, in what its rules look at.

    `best` is the best label that the model of the round was trained on, in the sense of the goal; `mean_spread` is None
    where no candidate was left; both in the property's unit.
    """

    round_id: int
    number: int
    n_candidate: int
    mean_spread: float | None
    n_acquisition: int
    n_open: int
    n_labelled: int
    n_failed: int
    best: float | None


def find_plan(session: Session, campaign_id: int) -> PlanRow | None:
    """Return the plan of a campaign that counts, None where it has none yet."""
    query = text("SELECT id, n_round, stop FROM matsift.campaign_plan WHERE campaign_id = :id ORDER BY id DESC LIMIT 1")
    row = session.execute(query, {"id": campaign_id}).one_or_none()
    return None if row is None else PlanRow(*row)


def write_plan(session: Session, run_id: int, campaign_id: int, *, n_round: int, stop: Mapping[str, Any]) -> int:
    """Return the id of a new plan of a campaign; flushed, not committed."""
    insert = text("""
        INSERT INTO matsift.campaign_plan (campaign_id, n_round, stop, run_id)
        VALUES (:campaign_id, :n_round, CAST(:stop AS jsonb), :run_id) RETURNING id
    """)
    values = {"campaign_id": campaign_id, "n_round": n_round, "stop": json.dumps(dict(stop)), "run_id": run_id}
    return int(session.execute(insert, values).scalar_one())


def is_stopped(session: Session, round_id: int, plan_id: int) -> bool:
    """Return whether a plan has ended with a round."""
    query = text(
        "SELECT EXISTS (SELECT FROM matsift.campaign_stop"
        " WHERE campaign_round_id = :round_id AND campaign_plan_id = :plan_id)"
    )
    return bool(session.scalar(query, {"round_id": round_id, "plan_id": plan_id}))


def write_stop(
    session: Session, run_id: int, round_id: int, plan_id: int, *, rule: str, value_seen: float, rule_limit: float
) -> bool:
    """Write that a plan ended with a round, by which rule; False where that is known. Flushed, not committed."""
    insert = text("""
        INSERT INTO matsift.campaign_stop (campaign_round_id, campaign_plan_id, rule, value_seen, rule_limit, run_id)
        VALUES (:round_id, :plan_id, :rule, :value_seen, :rule_limit, :run_id)
        ON CONFLICT (campaign_round_id, campaign_plan_id) DO NOTHING RETURNING rule
    """)
    values = {"round_id": round_id, "plan_id": plan_id, "rule": rule, "value_seen": value_seen}
    values |= {"rule_limit": rule_limit, "run_id": run_id}
    return session.execute(insert, values).scalar_one_or_none() is not None


def load_progress(session: Session, campaign_id: int, *, maximize: bool = True) -> list[Progress]:
    """Return the rounds of a campaign by number, with what its rules look at."""
    query = text("""
        SELECT r.id, r.number, r.n_candidate, r.mean_spread, a.n_acquisition, a.n_open, a.n_labelled, a.n_failed, b.best
        FROM matsift.campaign_round r
        JOIN matsift.model_version m ON m.id = r.model_version_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS n_acquisition,
                   count(*) FILTER (WHERE status IN ('proposed', 'claimed', 'released')) AS n_open,
                   count(*) FILTER (WHERE status = 'labelled') AS n_labelled,
                   count(*) FILTER (WHERE status = 'failed') AS n_failed
            FROM matsift.acquisition WHERE campaign_round_id = r.id) AS a
        CROSS JOIN LATERAL (
            SELECT CASE WHEN :maximize THEN max(l.value) ELSE min(l.value) END AS best
            FROM matsift.dataset_row d JOIN matsift.label l ON l.id = d.label_id
            WHERE d.snapshot_id = m.snapshot_id AND d.role = 'train') AS b
        WHERE r.campaign_id = :id ORDER BY r.number
    """)
    return [Progress(*row) for row in session.execute(query, {"id": campaign_id, "maximize": maximize})]
