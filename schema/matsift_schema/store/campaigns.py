"""Campaigns: rounds with the score of every candidate, and what was proposed for labelling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Floats, Ids
from matsift_schema.store.copying import incoming
from matsift_schema.store.lookups import property_id

_SCORE_COLUMNS = {"structure_id": "int8", "mean": "float8", "spread": "float8", "score": "float8", "rank": "int4"}
_INSERT_SCORES = text("""
    INSERT INTO matsift.candidate_score (campaign_round_id, structure_id, mean, spread, score, rank)
    SELECT :round_id, structure_id, mean, spread, score, rank FROM incoming ORDER BY structure_id
""")


@dataclass(frozen=True)
class CampaignRecord:
    """One active-learning loop; `content_hash` names everything else in it.

    How far it goes is none of it: that is its plan (`plans`), which may be extended.
    """

    content_hash: str
    name: str
    study: str
    property_name: str
    strategy: str
    strategy_kind: str
    batch_size: int
    seed: int
    oracle: str
    oracle_method: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class RoundRow:
    """One round of a campaign."""

    id: int
    number: int
    model_version_id: int
    n_candidate: int


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of n candidates in one round, by rank; (n,) each."""

    structure_ids: NDArray[np.int64]
    structure_hashes: tuple[str, ...]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    score: NDArray[np.float64]


def find_campaign(session: Session, content_hash: str) -> int | None:
    """Return the id of a campaign, None where it was not begun."""
    query = text("SELECT id FROM matsift.campaign WHERE content_hash = :content_hash")
    return session.execute(query, {"content_hash": content_hash}).scalar_one_or_none()


def write_campaign(session: Session, run_id: int, campaign: CampaignRecord) -> int:
    """Return the id of a campaign, inserted where its content hash is new; flushed, not committed."""
    insert = text("""
        INSERT INTO matsift.campaign (content_hash, name, study, property_id, strategy, strategy_kind, batch_size, seed,
                                      oracle, oracle_method, settings, run_id)
        VALUES (:content_hash, :name, :study, :property_id, :strategy, :strategy_kind, :batch_size, :seed, :oracle,
                :oracle_method, CAST(:settings AS jsonb), :run_id)
        ON CONFLICT (content_hash) DO NOTHING
    """)
    values = {
        **{name: getattr(campaign, name) for name in ("content_hash", "name", "study", "strategy", "batch_size")},
        **{name: getattr(campaign, name) for name in ("strategy_kind", "seed", "oracle", "oracle_method")},
        "property_id": property_id(session, campaign.property_name),
        "settings": json.dumps(dict(campaign.settings)),
        "run_id": run_id,
    }
    session.execute(insert, values)
    campaign_id = find_campaign(session, campaign.content_hash)
    assert campaign_id is not None
    return campaign_id


def load_rounds(session: Session, campaign_id: int) -> list[RoundRow]:
    """Return the rounds of a campaign, by number."""
    query = text(
        "SELECT id, number, model_version_id, n_candidate FROM matsift.campaign_round"
        " WHERE campaign_id = :id ORDER BY number"
    )
    return [RoundRow(*row) for row in session.execute(query, {"id": campaign_id})]


def find_round(session: Session, campaign_id: int, number: int) -> int | None:
    """Return the id of a round, None where it did not take place yet."""
    query = text("SELECT id FROM matsift.campaign_round WHERE campaign_id = :id AND number = :number")
    return session.execute(query, {"id": campaign_id, "number": number}).scalar_one_or_none()


def write_round(
    session: Session,
    run_id: int,
    campaign_id: int,
    *,
    number: int,
    model_id: int,
    structure_ids: Ids,
    mean: Floats,
    spread: Floats,
    scores: Floats,
    order: Ids,
) -> int:
    """Return the id of a round, written with the score of every candidate; flushed, not committed.

    A round that is there already is left as it is.

    Parameters
    ----------
    session, run_id, campaign_id, number, model_id
        Where, by which run, of which campaign, which round, scored by which model.
    structure_ids, mean, spread, scores
        (n,) each, in one order.
    order
        (n,) positions from the most to the least wanted, as `matsift.acquisition.registry.rank` gives them.
    """
    insert = text("""
        INSERT INTO matsift.campaign_round (campaign_id, number, model_version_id, n_candidate, mean_spread, run_id)
        VALUES (:campaign_id, :number, :model_id, :n_candidate, :mean_spread, :run_id)
        ON CONFLICT (campaign_id, number) DO NOTHING RETURNING id
    """)
    values: dict[str, Any] = {"campaign_id": campaign_id, "number": number, "model_id": model_id, "run_id": run_id}
    values |= {"n_candidate": len(structure_ids), "mean_spread": float(np.mean(spread)) if len(spread) else None}
    new = session.execute(insert, values).scalar_one_or_none()
    if new is None:
        known = find_round(session, campaign_id, number)
        assert known is not None
        return known
    rows = (
        (int(structure_ids[i]), float(mean[i]), float(spread[i]), float(scores[i]), rank)
        for rank, i in enumerate(order, start=1)
    )
    with incoming(session, _SCORE_COLUMNS, rows):
        session.execute(_INSERT_SCORES, {"round_id": new})
    return int(new)


def load_scores(session: Session, round_id: int) -> Scores:
    """Return the scores of a round, by rank."""
    query = text("""
        SELECT s.id, s.content_hash, c.mean, c.spread, c.score
        FROM matsift.candidate_score c JOIN matsift.structure s ON s.id = c.structure_id
        WHERE c.campaign_round_id = :id ORDER BY c.rank
    """)
    rows = session.execute(query, {"id": round_id}).all()
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * 5
    numbers = [np.array(column, dtype=np.float64) for column in columns[2:]]
    return Scores(np.array(columns[0], dtype=np.int64), columns[1], *numbers)


def propose_acquisitions(session: Session, run_id: int, round_id: int, count: int) -> int:
    """Propose the best candidates of a round until it has `count` acquisitions; return how many are new.

    A structure that the campaign acquired before is passed over. Flushed, not committed.
    """
    insert = text("""
        INSERT INTO matsift.acquisition (campaign_id, campaign_round_id, structure_id, rank, score, oracle_method,
                                         run_id)
        SELECT r.campaign_id, r.id, c.structure_id, c.rank, c.score, m.oracle_method, :run_id
        FROM matsift.campaign_round r JOIN matsift.candidate_score c ON c.campaign_round_id = r.id
        JOIN matsift.campaign m ON m.id = r.campaign_id
        WHERE r.id = :round_id AND NOT EXISTS (
            SELECT FROM matsift.acquisition a WHERE (a.campaign_id, a.structure_id) = (r.campaign_id, c.structure_id))
        ORDER BY c.rank
        LIMIT greatest(0, :count - (SELECT count(*) FROM matsift.acquisition a WHERE a.campaign_round_id = :round_id))
        ON CONFLICT (campaign_id, structure_id) DO NOTHING RETURNING id
    """)
    return len(session.execute(insert, {"run_id": run_id, "round_id": round_id, "count": count}).all())


def acquired_structures(session: Session, campaign_id: int) -> set[int]:
    """Return the ids of all structures that a campaign ever proposed."""
    query = text("SELECT structure_id FROM matsift.acquisition WHERE campaign_id = :id")
    return set(session.scalars(query, {"id": campaign_id}))


def current_campaigns(session: Session, study: str, oracle_method: str) -> list[tuple[int, str]]:
    """Return (id, property) of the campaigns of a study that ask a method of an oracle, by id.

    Of a property and strategy only the newest counts.
    """
    query = text("""
        SELECT id, name FROM (
            SELECT DISTINCT ON (c.property_id, c.strategy) c.id, p.name
            FROM matsift.campaign c JOIN matsift.property p ON p.id = c.property_id
            WHERE c.study = :study AND c.oracle_method = :method
            ORDER BY c.property_id, c.strategy, c.id DESC
        ) AS newest ORDER BY id
    """)
    return list(session.execute(query, {"study": study, "method": oracle_method}).tuples())


def is_proposed(session: Session, round_id: int) -> bool:
    """Return whether a round has acquisitions."""
    query = text("SELECT EXISTS (SELECT FROM matsift.acquisition WHERE campaign_round_id = :id)")
    return bool(session.scalar(query, {"id": round_id}))
