"""What the flows ask of a large database, each question in a transaction that is taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.queries.structures import PROPERTIES, SETS, SOURCE
from benchmarks.queries.study import ELEMENT, RULES
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.descriptors.registry import descriptor_set
from matsift_flows.workspace import Workspace
from matsift_schema.store import descriptors, failures, labels, lookups, predictions, ranking, screening, syncs, why
from matsift_schema.store.campaigns import load_scores
from matsift_schema.store.catalogue import known_entries
from matsift_schema.store.counts import row_counts
from matsift_schema.store.overview import overview
from matsift_schema.store.structures import load_structures, structure_digest

_ASKED_AGAIN_S = 10.0  # what is answered within is timed on a warm server
_IDS = text("SELECT id FROM matsift.structure ORDER BY id")
_STATED = text("SELECT external_id FROM matsift.source_entry WHERE withdrawn_at IS NULL")


@dataclass(frozen=True)
class Step:
    """One question of a flow: who asks, what, how many things it gave, how long it took."""

    flow: str
    question: str
    n: int
    seconds: float


def measure(workspace: Workspace, limit_s: float) -> Iterator[Step]:
    """Yield every question with its time; one that takes longer than the limit is cancelled and says so."""
    with workspace.sessions() as session:
        everything = np.array(session.scalars(_IDS).all(), dtype=np.int64)
        stated = list(session.scalars(_STATED))
        pool = load_structures(session, elements=[ELEMENT]).ids
        model_ids = _models(session)
        questions = _questions(session, everything, pool, stated, model_ids)
    for flow, question, ask in questions:
        with workspace.sessions() as session:
            session.execute(text(f"SET LOCAL statement_timeout = '{int(limit_s)}s'"))
            started = time.perf_counter()
            try:
                answer = ask(session)
                if time.perf_counter() - started < _ASKED_AGAIN_S:
                    session.rollback()
                    started = time.perf_counter()
                    answer = ask(session)
            except Exception as error:  # noqa: BLE001  a question that takes too long is a result of the benchmark
                yield Step(flow, f"{question}: {type(error).__name__}", 0, time.perf_counter() - started)
                continue
            finally:
                session.rollback()
            yield Step(flow, question, _length(answer), time.perf_counter() - started)


def table(steps: Sequence[Step]) -> Iterator[str]:
    """Yield the lines of the table of questions."""
    yield "| flow | question | answers | seconds |"
    yield "|---|---|---:|---:|"
    for step in steps:
        yield f"| {step.flow} | {step.question} | {step.n:,} | {step.seconds:.2f} |"


def _questions(
    session: Session,
    everything: np.ndarray[Any, np.dtype[np.int64]],
    pool: np.ndarray[Any, np.dtype[np.int64]],
    stated: list[str],
    model_ids: dict[str, int],
) -> list[tuple[str, str, Callable[[Session], Any]]]:
    mp = descriptor_set(SETS[0])
    fingerprint = descriptor_set("fingerprint")
    sources = [SOURCE.name]
    set_id = descriptors.find_descriptor_set(session, mp.name, mp.version)
    screen_id = session.scalar(text("SELECT max(id) FROM matsift.screen"))
    round_id = session.scalar(text("SELECT min(id) FROM matsift.campaign_round"))
    assert set_id is not None
    assert screen_id is not None
    assert round_id is not None
    some = everything[:: max(1, len(everything) // 100)]
    one = lookups.structure_hashes(session, [int(pool[0])])[0]
    model_id = model_ids[PROPERTIES[0]]
    return [
        ("ingest", "known_revisions", lambda s: syncs.known_revisions(s, SOURCE.name)),
        (
            "ingest",
            "known_revisions without failed",
            lambda s: syncs.known_revisions(s, SOURCE.name, with_failed=False),
        ),
        ("ingest", "known_entries of 500", lambda s: known_entries(s, SOURCE.name, stated[:500])),
        ("ingest", "withdraw_missing, nothing withdrawn", lambda s: syncs.withdraw_missing(s, SOURCE.name, stated)),
        ("ingest", "withdraw_missing, 100 withdrawn", lambda s: syncs.withdraw_missing(s, SOURCE.name, stated[100:])),
        (
            "featurize",
            "missing_descriptors, none is",
            lambda s: descriptors.missing_descriptors(s, mp.name, mp.version, sources=sources),
        ),
        (
            "featurize",
            "missing_descriptors, all are",
            lambda s: descriptors.missing_descriptors(s, fingerprint.name, fingerprint.version, sources=sources),
        ),
        ("featurize", "structure_digest", lambda s: structure_digest(s, sources)),
        ("judge", "label_table", lambda s: labels.label_table(s, PROPERTIES, rule_set=RULES)),
        ("train", "load_matrix of 10,000", lambda s: descriptors.load_matrix(s, [set_id], everything[:10_000])[0]),
        ("screen", "load_structures, all", lambda s: load_structures(s, sources=sources)),
        (
            "screen",
            f"load_structures with {ELEMENT}",
            lambda s: load_structures(s, elements=[ELEMENT], sources=sources),
        ),
        ("screen", "has_descriptors of all", lambda s: descriptors.has_descriptors(s, [set_id], everything)),
        ("screen", "failed_structures", lambda s: failures.failed_structures(s, "relax")),
        ("screen", "criterion_counts", lambda s: screening.criterion_counts(s, screen_id)),
        (
            "predict",
            "structures_without_prediction of all",
            lambda s: predictions.structures_without_prediction(s, model_id, everything),
        ),
        ("predict", "structure_hashes of all", lambda s: lookups.structure_hashes(s, everything.tolist())),
        (
            "acquire",
            f"load_predictions of those with {ELEMENT}",
            lambda s: predictions.load_predictions(s, model_id, pool),
        ),
        ("acquire", "load_scores of a round", lambda s: load_scores(s, round_id).score),
        ("report", f"load_candidates, all with {ELEMENT}", lambda s: _candidates(s, pool, model_ids, screen_id)),
        ("rank", "load_candidates, 100", lambda s: _candidates(s, some, model_ids, screen_id)),
        ("report", "failure_counts", failures.failure_counts),
        ("why", "find_structures by beginning of a hash", lambda s: why.find_structures(s, one[:10])),
        ("why", "find_structures by external id", lambda s: why.find_structures(s, "made-7")),
        ("why", "chain of one structure", lambda s: why.why(s, one)),
        ("status", "row_counts", row_counts),
        ("status", "overview, studies", lambda s: overview(s).studies),
    ]


def _candidates(session: Session, ids: Any, model_ids: dict[str, int], screen_id: int) -> list[Any]:
    return ranking.load_candidates(session, ids, model_ids=model_ids, screen_id=screen_id, label_properties=PROPERTIES)


def _models(session: Session) -> dict[str, int]:
    query = text("""
        SELECT p.name, min(m.id) FROM matsift.model_version m JOIN matsift.property p ON p.id = m.property_id
        GROUP BY p.name
    """)
    return dict(session.execute(query).tuples().all())


def _length(answer: Any) -> int:
    return answer if isinstance(answer, int) else 1 if isinstance(answer, str) else len(answer)
