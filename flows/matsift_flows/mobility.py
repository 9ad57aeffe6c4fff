"""Mobility: where an ion can go in the first candidates, computed before the screen that asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.execution.pool import Outcome
from matsift.execution.pools import open_pool
from matsift.records import FailureRecord, LabelRecord
from matsift.screening.criteria import FAILED, Percolates, overall
from matsift.study.mobility import BARRIERS, MobilitySettings
from matsift.study.settings import Study
from matsift_adapters.oracles.percolation import INITIALIZER, ORIGIN, TARGET, method_of, payload_of
from matsift_flows.label import run_worker
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.predict import predict
from matsift_flows.screen import look
from matsift_flows.train import StudyModel
from matsift_flows.workspace import Workspace, digest
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import write_labels
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.store.mobility import STAGE, answers, refusals
from matsift_schema.store.predictions import load_predictions
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.settling import write_result
from matsift_schema.store.structures import load_crystals


@inner_flow("mobility")
def mobility(workspace: Workspace, study: Study, trained: Sequence[StudyModel]) -> int:
    """Compute the percolation barriers that the first candidates lack; return how many structures have one now.

    The first are those by the model before any acquisition, among the candidates that no other criterion fails: so
    the screen that follows knows them, and what campaigns choose from does not depend on when they ran.
    """
    asked = study.mobility
    if asked is None:
        return 0
    first = _first_candidates(workspace, study, trained, asked)
    method = method_of(asked)
    with workspace.sessions.begin() as session:
        done = answers(session, method, first).keys()
        refused = set() if workspace.retry_failed else refusals(session, method, first).keys()
        hashes = dict(zip(first, structure_hashes(session, first), strict=True))
    missing = [key for key in first if key not in done and key not in refused]
    if not missing:
        return 0
    parameters = {
        "method": method,
        "structures": digest(hashes.values()),
        "retry_failed": workspace.retry_failed,
    }
    with workspace.run("mobility", study.name, parameters) as run:
        return _compute(workspace, study, run, {key: hashes[key] for key in missing}, asked)


def _first_candidates(
    workspace: Workspace, study: Study, trained: Sequence[StudyModel], asked: MobilitySettings
) -> list[int]:
    """Return the ids of the first candidates, best first, as the report would order them before any acquisition."""
    others = [criterion for criterion in study.screening if not isinstance(criterion, Percolates)]
    structures, outcomes, is_candidate = look(workspace, study, others)
    pool = structures.ids[is_candidate & (overall(outcomes, len(structures)) != FAILED)]
    (model_id,) = (
        model.id
        for model in trained
        if model.wanted.role == "ensemble" and model.wanted.specification.property_name == study.ranking.property
    )
    invoke(predict, workspace, study, model_id, pool)
    with workspace.sessions.begin() as session:
        said = load_predictions(session, model_id, pool)
    sign = -1.0 if study.ranking.goal == "maximize" else 1.0
    ranked_by: NDArray[np.float64] = getattr(said, study.ranking.by)
    order = np.lexsort((np.array(said.structure_hashes), sign * said.mean, sign * ranked_by))
    return [int(said.structure_ids[i]) for i in order if np.isfinite(ranked_by[i])][: asked.top]


def _compute(workspace: Workspace, study: Study, run: LazyRun, hashes: dict[int, str], asked: MobilitySettings) -> int:
    """Compute and write structure by structure, given as id -> content hash; return how many have an answer."""
    found = 0
    with (
        workspace.reporter.work(f"percolation of {asked.full_ion}", len(hashes), "structures") as advance,
        open_pool(
            TARGET,
            n_worker=min(workspace.n_worker, len(hashes)),
            time_limit_s=asked.time_limit_s,
            initializer=INITIALIZER,
        ) as pool,
    ):
        for outcome in pool.run(_payloads(workspace, hashes, asked)):
            _write(workspace, study, run, hashes[int(str(outcome.key))], outcome, method_of(asked))
            advance(1, failed=int(not outcome.ok))
            found += outcome.ok
    return found


def _payloads(
    workspace: Workspace, hashes: dict[int, str], asked: MobilitySettings
) -> Iterator[tuple[int, tuple[dict[str, Any], Any]]]:
    for key in hashes:
        with workspace.sessions.begin() as session:
            (crystal,) = load_crystals(session, [key])
        yield key, payload_of(asked, crystal)


def _write(
    workspace: Workspace, study: Study, run: LazyRun, structure_hash: str, outcome: Outcome, method: str
) -> None:
    with workspace.sessions.begin() as session:
        run_id = run.id(session)
        if not outcome.ok:
            said = str(outcome.error_class), str(outcome.message)
            failure = FailureRecord(STAGE, structure_hash, *said, outcome.seconds, method, structure_hash)
            write_failures(session, run_id, [failure], retried=workspace.retry_failed)
            return
        given = {name: outcome.value[name] for name in BARRIERS if name in outcome.value}
        labels = [(structure_hash, LabelRecord(name, x, method, ORIGIN), None) for name, x in given.items()]
        write_labels(session, run_id, labels)
        write_result(
            session,
            run_id,
            int(str(outcome.key)),
            method,
            detail=outcome.value["detail"],
            worker=run_worker(study),
            seconds=outcome.seconds,
        )
