"""Where the campaigns of a study stand, as `matsift campaign` tells it, from the views that analysts read too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.leases import lease_ended


@dataclass(frozen=True)
class RoundStatus:
    """One round of a campaign; spread and error in the unit of the property, None where there is none."""

    number: int
    n_candidate: int
    n_label: int
    mean_spread: float | None
    test_mae: float | None
    test_r2: float | None
    n_open: int
    n_labelled: int
    n_failed: int
    stopped_by: str | None
    best_label: float | None


@dataclass(frozen=True)
class HolderStatus:
    """What a worker holds of a campaign, and until when at the latest."""

    worker: str
    n_claimed: int
    n_expired: int
    lease_expires_at: datetime
    heartbeat_at: datetime | None


@dataclass(frozen=True)
class CampaignStatus:
    """A campaign with its rounds, and who is at work on it; `is_current` unless newer settings took its place."""

    content_hash: str
    name: str
    property_name: str
    unit: str
    strategy: str
    oracle: str
    oracle_method: str
    n_planned_round: int
    stop: dict[str, Any]
    is_current: bool
    stop_value: float | None
    stop_limit: float | None
    rounds: tuple[RoundStatus, ...]
    holders: tuple[HolderStatus, ...]


_CAMPAIGNS = text("""
    SELECT c.id, c.content_hash, c.name, p.name, p.unit, c.strategy, c.oracle, c.oracle_method,
           coalesce(n.n_round, 0), coalesce(n.stop, '{}'),
           NOT EXISTS (SELECT FROM matsift.campaign o WHERE o.study = c.study AND o.id > c.id
                       AND (o.property_id, o.strategy) = (c.property_id, c.strategy)),
           t.value_seen, t.rule_limit
    FROM matsift.campaign c
    JOIN matsift.property p ON p.id = c.property_id
    LEFT JOIN LATERAL (
        SELECT id, n_round, stop FROM matsift.campaign_plan
        WHERE campaign_id = c.id ORDER BY id DESC LIMIT 1) AS n ON true
    LEFT JOIN LATERAL (
        SELECT s.value_seen, s.rule_limit FROM matsift.campaign_stop s
        JOIN matsift.campaign_round r ON r.id = s.campaign_round_id
        WHERE s.campaign_plan_id = n.id ORDER BY r.number DESC LIMIT 1) AS t ON true
    WHERE c.study = :study ORDER BY p.name, c.id
""")
_ROUNDS = text("""
    SELECT v.round, v.n_candidate, v.n_label, v.mean_spread, v.test_mae, v.test_r2, v.n_open, v.n_labelled, v.n_failed,
           v.stopped_by, b.best
    FROM matsift.campaign_round r
    JOIN matsift.campaign c ON c.id = r.campaign_id
    JOIN matsift.model_version m ON m.id = r.model_version_id
    JOIN analysis.campaign_progress v ON (v.campaign_hash, v.round) = (c.content_hash, r.number)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN :maximize THEN max(l.value) ELSE min(l.value) END AS best
        FROM matsift.dataset_row d JOIN matsift.label l ON l.id = d.label_id
        WHERE d.snapshot_id = m.snapshot_id AND d.role = 'train' AND m.property_id = c.property_id) AS b
    WHERE r.campaign_id = :id ORDER BY r.number
""")
_HOLDERS = text(f"""
    SELECT claimed_by, count(*), count(*) FILTER (WHERE {lease_ended()}), max(lease_expires_at),
           max(heartbeat_at)
    FROM matsift.acquisition WHERE campaign_id = :id AND status = 'claimed' GROUP BY claimed_by ORDER BY claimed_by
""")  # noqa: S608  the condition is a constant


def campaign_status(session: Session, study: str, *, maximize: bool = True) -> list[CampaignStatus]:
    """Return the campaigns of a study by property, those of older settings too.

    `maximize` says whether the largest label is the best one.
    """
    found = []
    for key, *rest in session.execute(_CAMPAIGNS, {"study": study}):
        rounds = session.execute(_ROUNDS, {"id": key, "maximize": maximize})
        holders = session.execute(_HOLDERS, {"id": key})
        told: Any = (tuple(RoundStatus(*row) for row in rounds), tuple(HolderStatus(*row) for row in holders))
        found.append(CampaignStatus(*rest, *told))
    return found
