"""Rankings by several objectives: found by what they rest on, and written once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.ranking.objectives import Estimates, Objective
from matsift.ranking.ranked import Scores
from matsift_schema.store.arrays import Ids
from matsift_schema.store.copying import incoming

_PLACES = {
    "structure_id": "int8",
    "layer": "int4",
    "pareto_place": "int4",
    "chance": "float8",
    "utility": "float8",
    "utility_place": "int4",
    "unknown": "text",
}
_VALUES = {
    "structure_id": "int8",
    "position": "int4",
    "origin": "text",
    "mean": "float8",
    "deviation": "float8",
    "chance": "float8",
}


@dataclass(frozen=True)
class RankingRecord:
    """One ranking: what it is of, and what was asked for.

    `models` maps an objective's property to the model behind its predictions; `prices` is plain JSON.
    """

    content_hash: str
    study: str
    screen_id: int
    objectives: tuple[Objective, ...]
    models: Mapping[str, int]
    prices: Mapping[str, Any]


def find_ranking(session: Session, content_hash: str) -> int | None:
    """Return the id of a ranking, None where it was never written."""
    query = text("SELECT id FROM matsift.ranking WHERE content_hash = :content_hash")
    return session.execute(query, {"content_hash": content_hash}).scalar_one_or_none()


def write_ranking(
    session: Session,
    run_id: int,
    record: RankingRecord,
    *,
    structure_ids: Ids,
    estimates: Sequence[Estimates],
    scores: Scores,
) -> int:
    """Return the id of a ranking, written with every place and value where its content hash is new.

    Flushed, not committed.
    """
    insert = text("""
        INSERT INTO matsift.ranking (content_hash, study, screen_id, n_candidate, prices, correlation, run_id)
        VALUES (:content_hash, :study, :screen_id, :n, CAST(:prices AS jsonb), CAST(:correlation AS jsonb), :run_id)
        ON CONFLICT (content_hash) DO NOTHING RETURNING id
    """)
    values = {
        "content_hash": record.content_hash,
        "study": record.study,
        "screen_id": record.screen_id,
        "n": len(structure_ids),
        "prices": json.dumps(dict(record.prices)),
        "correlation": json.dumps(_correlation(record.objectives, scores.correlation)),
        "run_id": run_id,
    }
    ranking_id = session.execute(insert, values).scalar_one_or_none()
    if ranking_id is None:
        known = find_ranking(session, record.content_hash)
        assert known is not None
        return known
    _write_objectives(session, run_id, ranking_id, record, scores)
    _write_places(session, run_id, ranking_id, structure_ids, scores)
    _write_values(session, run_id, ranking_id, structure_ids, estimates, scores)
    return int(ranking_id)


def _correlation(objectives: Sequence[Objective], matrix: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Return the correlations above the diagonal that are not zero, by the names of both objectives."""
    found: dict[str, dict[str, float]] = {}
    for i, j in zip(*np.nonzero(np.triu(matrix, 1)), strict=True):
        found.setdefault(objectives[i].property, {})[objectives[j].property] = float(matrix[i, j])
    return found


def _write_objectives(session: Session, run_id: int, ranking_id: int, record: RankingRecord, scores: Scores) -> None:
    insert = text("""
        INSERT INTO matsift.ranking_objective (ranking_id, position, name, unit, goal, threshold, weight, worst, best,
                                               model_version_id, run_id)
        VALUES (:ranking_id, :position, :name, :unit, :goal, :threshold, :weight, :worst, :best, :model, :run_id)
    """)
    for position, (asked, (worst, best)) in enumerate(zip(record.objectives, scores.scales, strict=True), start=1):
        values = {
            "ranking_id": ranking_id,
            "position": position,
            "name": asked.property,
            "unit": asked.unit,
            "goal": asked.goal,
            "threshold": asked.threshold,
            "weight": asked.weight,
            "worst": worst,
            "best": best,
            "model": record.models.get(asked.property),
            "run_id": run_id,
        }
        session.execute(insert, values)


def _write_places(session: Session, run_id: int, ranking_id: int, structure_ids: Ids, scores: Scores) -> None:
    insert = text("""
        INSERT INTO matsift.ranking_place (ranking_id, structure_id, layer, pareto_place, chance, utility,
                                           utility_place, unknown, run_id)
        SELECT :ranking_id, structure_id, layer, pareto_place, chance, utility, utility_place,
               string_to_array(unknown, ','), :run_id
        FROM incoming ORDER BY structure_id
    """)
    columns = zip(
        structure_ids,
        scores.layer.tolist(),
        scores.pareto_place.tolist(),
        scores.chance.tolist(),
        scores.utility.tolist(),
        scores.utility_place.tolist(),
        scores.unknown,
        strict=True,
    )
    rows = (
        (
            int(key),
            layer or None,
            place or None,
            _number(chance),
            _number(utility),
            by_utility or None,
            ",".join(unknown),
        )
        for key, layer, place, chance, utility, by_utility, unknown in columns
    )
    with incoming(session, _PLACES, rows):
        session.execute(insert, {"ranking_id": ranking_id, "run_id": run_id})


def _write_values(
    session: Session, run_id: int, ranking_id: int, structure_ids: Ids, estimates: Sequence[Estimates], scores: Scores
) -> None:
    insert = text("""
        INSERT INTO matsift.ranking_value (ranking_id, structure_id, position, origin, mean, deviation, chance, run_id)
        SELECT :ranking_id, structure_id, position, origin, mean, deviation, chance, :run_id
        FROM incoming ORDER BY structure_id, position
    """)

    def rows_of(position: int, known: Estimates) -> list[tuple[Any, ...]]:
        finite = np.isfinite(known.mean)
        means = np.where(finite, known.mean, np.nan).tolist()
        deviations = np.where(finite, known.deviation, np.nan).tolist()
        chances = scores.chances[:, position - 1].tolist()
        return [
            (int(key), position, str(origin), _number(mean), _number(deviation), _number(chance))
            for key, origin, mean, deviation, chance in zip(
                structure_ids, known.origin, means, deviations, chances, strict=True
            )
        ]

    rows = (row for position, known in enumerate(estimates, start=1) for row in rows_of(position, known))
    with incoming(session, _VALUES, rows):
        session.execute(insert, {"ranking_id": ranking_id, "run_id": run_id})


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
