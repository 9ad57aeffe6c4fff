"""What the report says of campaigns: spread over the pool before any acquisition, and the learning curves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from matsift.reports.data import LearningCurve, LearningPoint, PoolSpread
from matsift.study.settings import Study
from matsift.units import property_definition
from matsift_flows.campaigns import Campaign
from matsift_schema.store.campaigns import RoundRow, load_rounds, load_scores
from matsift_schema.store.datasets import load_snapshot
from matsift_schema.store.models import load_evaluations, load_model


def pool_spreads(session: Session, study: Study, campaigns: Sequence[Campaign]) -> tuple[PoolSpread, ...]:
    """Return the spread of each property over the pool in the first round (paper, Fig. 5a)."""
    found: dict[str, PoolSpread] = {}
    for campaign in campaigns:
        name = campaign.property_name
        rounds = load_rounds(session, campaign.id)
        threshold = study.campaign.low_spread.get(name)
        if name not in found and rounds and threshold is not None:
            spread = load_scores(session, rounds[0].id).spread
            found[name] = PoolSpread(name, property_definition(name).unit, spread, threshold)
    return tuple(found.values())


def learning_curves(session: Session, study: Study, campaigns: Sequence[Campaign]) -> tuple[LearningCurve, ...]:
    """Return the rounds of every campaign (paper, Fig. 6), errors on a test set that no round touches."""
    return tuple(
        LearningCurve(
            campaign=study.name,
            property_name=campaign.property_name,
            unit=property_definition(campaign.property_name).unit,
            arm=campaign.strategy.name,
            points=tuple(_point(session, row) for row in load_rounds(session, campaign.id)),
        )
        for campaign in campaigns
    )


def _point(session: Session, row: RoundRow) -> LearningPoint:
    snapshot = load_snapshot(session, load_model(session, row.model_version_id).snapshot_id)
    test = {e.metric: e.value for e in load_evaluations(session, [row.model_version_id]) if e.subset == "test"}
    spread = load_scores(session, row.id).spread
    return LearningPoint(
        round_number=row.number,
        n_label=int((snapshot.roles == "train").sum()),
        remaining_mean_spread=float(spread.mean()) if len(spread) else None,
        test_mae=test.get("mae"),
        test_r2=test.get("r2"),
    )
