"""What an oracle said of one structure, written: labels or a failure, and every acquisition that waited for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from matsift.errors import OracleError
from matsift.execution.killable import Outcome
from matsift.records import FailureRecord, LabelRecord
from matsift_adapters.oracles.registry import Oracle
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import write_labels
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.settling import (
    STAGE,
    has_result,
    n_failure,
    open_properties,
    settle_answered,
    write_result,
)

_TOLD_BESIDE = ("born_stable", "tensor_gpa", "n_evaluation")


@dataclass(frozen=True)
class Answer:
    """Values by property, or why there are none, as (class of the error, one sentence)."""

    values: Mapping[str, float] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    failure: tuple[str, str] | None = None
    seconds: float = 0.0


def answer_of(asked: Oracle, outcome: Outcome) -> Answer:
    """Return what a worker process found: a crystal that is mechanically unstable has no moduli."""
    if not outcome.ok:
        return Answer(failure=(str(outcome.error_class), str(outcome.message)), seconds=outcome.seconds)
    said = outcome.value
    if not said.get("born_stable", True):
        message = (
            "the elastic tensor is not positive definite, so the crystal is mechanically unstable "
            f"(K_VRH {said['k_vrh']:.1f} GPa, G_VRH {said['g_vrh']:.1f} GPa)"
        )
        return Answer(failure=(OracleError.__name__, message), seconds=outcome.seconds)
    values = {name: float(said[name]) for name in asked.properties if name in said}
    detail = said.get("detail", {name: said[name] for name in _TOLD_BESIDE if name in said})
    return Answer(values, detail, seconds=outcome.seconds)


@dataclass(frozen=True)
class Recorded:
    """What became of an answer: whether it is a failure, and how many acquisitions it settled."""

    failed: bool
    n_settled: int


def record(
    session: Session,
    run: LazyRun,
    asked: Oracle,
    structure: tuple[int, str],
    answer: Answer,
    *,
    worker: str,
    attempt: int,
) -> Recorded:
    """Write an answer about a structure, given as (id, content hash), and settle what waits for it.

    An answer is kept whoever holds the claim by now: a label is a fact. The same answer twice adds nothing. Flushed,
    not committed.

    Parameters
    ----------
    session, run, asked, structure, answer
        Where, by which run, whose answer about what.
    worker
        Who returned it.
    attempt
        Which attempt at the structure it is: a failure of it that is written already is left alone.
    """
    structure_id, structure_hash = structure
    failure = answer.failure
    if failure is None and not has_result(session, structure_id, asked.method):
        failure = _write(session, run, asked, structure, answer, worker)
    if failure is not None and attempt > n_failure(session, structure_hash, asked.method):
        row = FailureRecord(STAGE, structure_hash, *failure, answer.seconds, asked.method, structure_hash)
        write_failures(session, run.id(session), [row], retried=True)
    n_settled = settle_answered(session, structure_id=structure_id, method=asked.method, worker=worker)
    return Recorded(failure is not None, n_settled)


def _write(
    session: Session, run: LazyRun, asked: Oracle, structure: tuple[int, str], answer: Answer, worker: str
) -> tuple[str, str] | None:
    """Write the labels of an answer; return a failure where campaigns want a property that it does not hold."""
    structure_id, structure_hash = structure
    good = {name: value for name, value in answer.values.items() if math.isfinite(value)}
    lacking = [name for name in open_properties(session, structure_id, asked.method) if name not in good]
    if good:
        stated = [(structure_hash, LabelRecord(name, x, asked.method, asked.origin), None) for name, x in good.items()]
        write_labels(session, run.id(session), stated)
        write_result(
            session,
            run.id(session),
            structure_id,
            asked.method,
            detail=answer.detail,
            worker=worker,
            seconds=answer.seconds,
        )
    if not lacking:
        return None
    return OracleError.__name__, f"the answer holds no finite value of {', '.join(lacking)}"
