"""A ranking by two objectives of the candidates that fail no criterion, for the last two questions."""

from __future__ import annotations

import numpy as np
from benchmarks.queries.models import digest
from benchmarks.queries.structures import PROPERTIES, STUDY
from numpy.typing import NDArray
from sqlalchemy import text

from matsift.ranking.objectives import Estimates, Objective
from matsift.ranking.ranked import rank_by_objectives
from matsift_flows.workspace import Workspace
from matsift_schema.store.objective_rankings import RankingRecord, find_ranking, write_ranking

OBJECTIVES = tuple(Objective(property=name, goal="maximize", threshold=50.0) for name in PROPERTIES)
_COVERAGE = 0.9
_CANDIDATES = text("""
    SELECT c.structure_id, s.content_hash, c.k_vrh, c.k_vrh_lower, c.k_vrh_upper, c.g_vrh, c.g_vrh_lower, c.g_vrh_upper
    FROM matsift.candidate c
    JOIN matsift.structure s ON s.id = c.structure_id
    WHERE c.study = :study AND c.n_failed = 0
    ORDER BY c.structure_id
""")


def fill(workspace: Workspace) -> bool:
    """Write the ranking and return whether it was missing."""
    with workspace.run("rank", STUDY, {}) as run, workspace.sessions.begin() as session:
        key = digest("ranking")
        if find_ranking(session, key) is not None:
            return False
        rows = session.execute(_CANDIDATES, {"study": STUDY}).all()
        values = np.array([row[2:] for row in rows], dtype=np.float64)
        estimates = [_predicted(values[:, 3 * i : 3 * i + 3]) for i in range(len(OBJECTIVES))]
        newest = text("SELECT property_name, model_version_id FROM analysis.ranking_model WHERE is_newest")
        screen = session.scalars(
            text("SELECT max(id) FROM matsift.screen WHERE study = :study"), {"study": STUDY}
        ).one()
        models = {row.property_name: row.model_version_id for row in session.execute(newest)}
        record = RankingRecord(key, STUDY, screen, OBJECTIVES, models, {})
        scores = rank_by_objectives(OBJECTIVES, estimates, [row[1] for row in rows])
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        write_ranking(session, run.id(session), record, structure_ids=ids, estimates=estimates, scores=scores)
    return True


def _predicted(intervals: NDArray[np.float64]) -> Estimates:
    """Return what a model says, of (n, 3) mean, lower and upper ends."""
    mean, lower, upper = intervals.T
    return Estimates.predicted(mean, lower, upper, np.full(len(intervals), _COVERAGE))
