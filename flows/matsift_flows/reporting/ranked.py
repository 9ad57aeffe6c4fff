"""The candidates of a study and their order, as reports show them and hand-offs follow them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from matsift.reports.data import Candidate, Ranking, RankingSettings
from matsift.reports.ranking import rank
from matsift.study.settings import Study
from matsift_adapters.oracles.percolation import method_of
from matsift_flows.campaigns import Campaign
from matsift_flows.screen import Screening
from matsift_schema.store.ranking import load_candidates


def ranked(
    session: Session,
    study: Study,
    screening: Screening,
    models: Mapping[str, int],
    campaigns: Sequence[Campaign],
) -> tuple[list[Candidate], Ranking]:
    """Return the candidates of a study with what is known of them, and their ranking.

    `models` maps each property to the model whose predictions count.
    """
    candidates = load_candidates(
        session,
        screening.candidate_ids,
        model_ids=models,
        screen_id=screening.screen_id,
        campaign_ids=[campaign.id for campaign in campaigns],
        label_properties=study.labels.properties,
        mobility_method=None if study.mobility is None else method_of(study.mobility),
    )
    about = study.ranking
    return candidates, rank(candidates, RankingSettings(about.property, about.goal, about.by, about.prefer_computed))
