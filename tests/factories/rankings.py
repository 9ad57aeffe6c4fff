"""Rankings by two objectives, in the database and as the report shows them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.ranking.objectives import Estimates, Objective
from matsift.ranking.ranked import Scores, rank_by_objectives
from matsift_schema.store.objective_rankings import RankingRecord, write_ranking
from matsift_schema.store.structures import load_structures

OBJECTIVES = (
    Objective(property="k_vrh", goal="maximize", threshold=101.0),
    Objective(property="energy_above_hull", goal="minimize", threshold=0.05, weight=2.0),
)


def estimates(n: int) -> list[Estimates]:
    """Return moduli of 100, 101, ... GPa and hull distances of 0, 0.01, ... eV/atom, the last of them unknown."""
    mean: NDArray[np.float64] = np.arange(n, dtype=np.float64) + 100.0
    hull: NDArray[np.float64] = np.arange(n, dtype=np.float64) / 100
    hull[-1] = np.nan
    moduli = Estimates.predicted(mean, mean - 5.0, mean + 5.0, np.full(n, 0.9))
    return [moduli, Estimates.known(hull, "stated")]


def record(screen: int, model: int, content_hash: str = "c" * 64, study: str = "shelf_study") -> RankingRecord:
    """Return a ranking of the candidates of a screen."""
    return RankingRecord(content_hash, study, screen, OBJECTIVES, {"k_vrh": model}, {})


def rank(
    session: Session, run: int, screen: int, model: int, ids: NDArray[np.int64], content_hash: str = "c" * 64
) -> tuple[int, Scores]:
    """Return the id of a ranking of structures, and how they stand."""
    known = estimates(len(ids))
    scores = rank_by_objectives(OBJECTIVES, known, load_structures(session, ids=ids).hashes)
    made = record(screen, model, content_hash)
    return write_ranking(session, run, made, structure_ids=ids, estimates=known, scores=scores), scores
