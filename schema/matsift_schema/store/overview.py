"""What a database holds, what failed in it, and what is left open, as `matsift status` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.leases import lease_ended


@dataclass(frozen=True)
class SourceState:
    """A source: entries that it states now, structures among them, and when it was last read to its end."""

    name: str
    kind: str
    licence: str
    n_entry: int
    n_structure: int
    n_label: int
    n_unreadable: int
    read_at: datetime | None


@dataclass(frozen=True)
class StudyState:
    """A study: the run that it was last at, what its newest screen left, what is open, and its newest report.

    `n_candidate` counts the structures that it screened and that have predicted moduli, `n_passing` those of them that
    failed no criterion. `is_running` says whether a process is at it now.
    """

    name: str
    last_flow: str | None
    last_at: datetime | None
    is_running: bool
    flows: list[str]
    n_candidate: int
    n_passing: int
    n_model: int
    report_uri: str | None
    reported_at: datetime | None


@dataclass(frozen=True)
class ModelState:
    """The newest model that predicts a property, and how it does on labels that it never saw; unit of the property."""

    property_name: str
    unit: str
    learner: str
    content_hash: str
    n_label: int
    r2: float | None
    mae: float | None
    trained_at: datetime
    n_older: int


@dataclass(frozen=True)
class CampaignState:
    """A campaign: its last round, and what became of what it asked for; `stopped_by` None while it can go on."""

    study: str
    name: str
    property_name: str
    strategy: str
    oracle: str
    n_round: int
    n_labelled: int
    n_failed: int
    n_open: int
    n_claimed: int
    n_expired: int
    holders: list[str]
    stopped_by: str | None


@dataclass(frozen=True)
class UnfinishedRun:
    """A run that failed or was interrupted, maybe without notice, and that no later run or report has left behind."""

    study: str | None
    flow: str
    status: str
    ended_at: datetime
    message: str | None


@dataclass(frozen=True)
class FailureState:
    """What failed in a stage with one class of error: how many subjects, and the newest: when, what, in which study.

    `n_computed` are those that were computed here; what a source brought as failed stays so.
    """

    stage: str
    error_class: str
    count: int
    n_computed: int
    newest_at: datetime
    example: str
    study: str | None


@dataclass(frozen=True)
class Overview:
    """A database at a glance."""

    n_structure: int
    n_label: int
    n_labelled_structure: int
    n_model: int
    n_prediction: int
    sources: list[SourceState]
    studies: list[StudyState]
    models: list[ModelState]
    campaigns: list[CampaignState]
    unfinished: list[UnfinishedRun]
    failures: list[FailureState]


_TOTALS = text("""
    SELECT (SELECT count(*) FROM matsift.structure), (SELECT count(*) FROM matsift.label),
           (SELECT count(DISTINCT structure_id) FROM matsift.label), (SELECT count(*) FROM matsift.model_version),
           (SELECT count(*) FROM matsift.prediction)
""")
_SOURCES = text("""
    SELECT o.name, o.kind, o.licence, coalesce(e.n, 0), coalesce(e.n_structure, 0), coalesce(l.n, 0),
           coalesce(e.n_unreadable, 0), p.taken_at
    FROM matsift.source o
    LEFT JOIN (SELECT source_id, count(*) AS n, count(DISTINCT structure_id) AS n_structure,
                      count(*) FILTER (WHERE structure_id IS NULL) AS n_unreadable
               FROM matsift.source_entry WHERE withdrawn_at IS NULL GROUP BY source_id) AS e ON e.source_id = o.id
    LEFT JOIN (SELECT e.source_id, count(*) AS n FROM matsift.label l
               JOIN matsift.source_entry e ON e.id = l.source_entry_id GROUP BY 1) AS l ON l.source_id = o.id
    LEFT JOIN (SELECT source_id, max(taken_at) AS taken_at FROM matsift.source_snapshot GROUP BY 1) AS p
        ON p.source_id = o.id
    ORDER BY o.name COLLATE "C"
""")
# The report across studies stands beside theirs under a name that no study can have.
# Whoever carries a study on, or works for its campaigns, holds an advisory lock (store.runs).
_STUDIES = text("""
    WITH named AS (
        SELECT study FROM matsift.run WHERE study IS NOT NULL UNION SELECT study FROM matsift.screen
        UNION SELECT study FROM matsift.campaign UNION SELECT study FROM matsift.study_report)
    SELECT n.study, r.flow, coalesce(r.ended_at, r.started_at),
           EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = 7242002 AND l.granted
                   AND l.objid = (CAST(hashtext(n.study) AS bigint) & 4294967295)
                   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())),
           ARRAY(SELECT DISTINCT flow FROM matsift.run WHERE study = n.study ORDER BY 1),
           c.n, c.n_passing,
           (SELECT count(*) FROM matsift.model_version m JOIN matsift.run u ON u.id = m.run_id WHERE u.study = n.study),
           p.uri, p.created_at
    FROM named n
    LEFT JOIN LATERAL (SELECT flow, started_at, ended_at FROM matsift.run WHERE study = n.study
                       ORDER BY coalesce(ended_at, started_at) DESC, id DESC LIMIT 1) AS r ON true
    CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE n_failed = 0) AS n_passing
                        FROM matsift.candidate WHERE study = n.study) AS c
    LEFT JOIN LATERAL (SELECT uri, created_at FROM matsift.study_report WHERE study = n.study
                       ORDER BY id DESC LIMIT 1) AS p ON true
    WHERE n.study <> 'all-studies'
    ORDER BY n.study COLLATE "C"
""")
_MODELS = text("""
    SELECT r.property_name, r.unit, r.learner, r.model_hash, d.n_row, e.r2, e.mae, r.trained_at,
           (SELECT count(*) FROM analysis.ranking_model o WHERE o.property_id = r.property_id AND NOT o.is_newest)
    FROM analysis.ranking_model r
    JOIN matsift.model_version m ON m.id = r.model_version_id
    JOIN matsift.dataset_snapshot d ON d.id = m.snapshot_id
    LEFT JOIN LATERAL (SELECT max(value) FILTER (WHERE metric = 'r2') AS r2,
                              max(value) FILTER (WHERE metric = 'mae') AS mae
                       FROM matsift.evaluation WHERE model_version_id = m.id AND subset = 'test') AS e ON true
    WHERE r.is_newest ORDER BY r.property_name COLLATE "C"
""")
_CAMPAIGNS = text(f"""
    SELECT c.study, c.name, p.name, c.strategy, c.oracle, coalesce(r.number + 1, 0), a.n_labelled, a.n_failed, a.n_open,
           a.n_claimed, a.n_expired, a.holders, t.rule
    FROM matsift.campaign c
    JOIN matsift.property p ON p.id = c.property_id
    LEFT JOIN LATERAL (SELECT id, number FROM matsift.campaign_round WHERE campaign_id = c.id
                       ORDER BY number DESC LIMIT 1) AS r ON true
    LEFT JOIN LATERAL (SELECT id FROM matsift.campaign_plan WHERE campaign_id = c.id
                       ORDER BY id DESC LIMIT 1) AS n ON true
    LEFT JOIN matsift.campaign_stop t ON (t.campaign_round_id, t.campaign_plan_id) = (r.id, n.id)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status = 'labelled') AS n_labelled,
               count(*) FILTER (WHERE status = 'failed') AS n_failed,
               count(*) FILTER (WHERE status IN ('proposed', 'released')) AS n_open,
               count(*) FILTER (WHERE status = 'claimed') AS n_claimed,
               count(*) FILTER (WHERE status = 'claimed' AND {lease_ended()}) AS n_expired,
               coalesce(array_agg(DISTINCT claimed_by) FILTER (WHERE status = 'claimed'), '{{}}') AS holders
        FROM matsift.acquisition WHERE campaign_id = c.id) AS a
    WHERE NOT EXISTS (SELECT FROM matsift.campaign o WHERE o.study = c.study AND o.id > c.id
                      AND (o.property_id, o.strategy) = (c.property_id, c.strategy))
    ORDER BY c.study COLLATE "C", p.name COLLATE "C", c.id
""")  # noqa: S608  the condition is a constant
_UNFINISHED = text("""
    SELECT r.study, r.flow, CASE WHEN r.status = 'running' THEN 'interrupted' ELSE r.status END,
           coalesce(r.ended_at, r.started_at), r.message
    FROM matsift.run r
    WHERE r.status <> 'completed'
      AND NOT (r.status = 'running' AND EXISTS (
          SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (l.classid, l.objid) IN ((7242002, CAST(hashtext(r.study) AS bigint) & 4294967295),
                                       (7242006, CAST(hashtext(r.parameters ->> 'worker') AS bigint) & 4294967295))))
      AND NOT EXISTS (SELECT FROM matsift.run o WHERE o.flow = r.flow AND o.study IS NOT DISTINCT FROM r.study
                      AND o.id > r.id)
      AND NOT EXISTS (SELECT FROM matsift.study_report p WHERE p.study = r.study AND p.created_at > r.started_at)
    ORDER BY 4 DESC, r.id DESC
""")
_FAILURES = text("""
    SELECT f.stage, f.error_class, count(DISTINCT (f.subject, f.detail)),
           count(DISTINCT (f.subject, f.detail)) FILTER (WHERE f.source_entry_id IS NULL AND r.flow <> 'ingest'),
           max(f.occurred_at),
           (array_agg(f.message ORDER BY f.id DESC))[1], (array_agg(r.study ORDER BY f.id DESC))[1]
    FROM matsift.failure f JOIN matsift.run r ON r.id = f.run_id
    GROUP BY f.stage, f.error_class ORDER BY 5 DESC, 1, 2
""")


def overview(session: Session) -> Overview:
    """Return what the database holds."""
    n_structure, n_label, n_labelled, n_model, n_prediction = session.execute(_TOTALS).one()
    return Overview(
        n_structure,
        n_label,
        n_labelled,
        n_model,
        n_prediction,
        sources=[SourceState(*row) for row in session.execute(_SOURCES)],
        studies=[StudyState(*row) for row in session.execute(_STUDIES)],
        models=[ModelState(*row) for row in session.execute(_MODELS)],
        campaigns=[CampaignState(*row) for row in session.execute(_CAMPAIGNS)],
        unfinished=[UnfinishedRun(*row) for row in session.execute(_UNFINISHED)],
        failures=[FailureState(*row) for row in session.execute(_FAILURES)],
    )
