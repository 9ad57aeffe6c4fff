"""Views that are written for a million rows say what the plain question says, whatever was written in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.factories.crystals import many
from tests.factories.entries import SOURCE, ingest, label
from tests.factories.pipeline import Study

from matsift_schema.store import campaigns, labels, models, screening, syncs

RANKING_MODEL = """
    SELECT m.id, m.created_at, p.name AS property_name
    FROM matsift.model_version m JOIN matsift.property p ON p.id = m.property_id
    WHERE m.purpose = 'ensemble' AND (
        NOT EXISTS (SELECT FROM matsift.campaign_round r WHERE r.model_version_id = m.id)
        OR EXISTS (SELECT FROM matsift.campaign_round r JOIN matsift.campaign c ON c.id = r.campaign_id
                   WHERE r.model_version_id = m.id AND c.strategy <> 'random'))
"""
PREDICTION = f"""
    SELECT DISTINCT ON (s.content_hash, m.property_name)
           s.content_hash, m.property_name, r.mean, r.spread, r.lower, r.upper, v.content_hash AS model_hash
    FROM matsift.prediction r
    JOIN ({RANKING_MODEL}) AS m ON m.id = r.model_version_id
    JOIN matsift.model_version v ON v.id = m.id
    JOIN matsift.structure s ON s.id = r.structure_id
    ORDER BY s.content_hash, m.property_name, m.created_at DESC, m.id DESC
"""
MODULUS = """
    SELECT r.mean, r.spread, r.lower, r.upper
    FROM matsift.prediction r JOIN ({models}) AS m ON m.id = r.model_version_id
    WHERE r.structure_id = s.id AND m.property_name = '{name}' ORDER BY m.created_at DESC, m.id DESC LIMIT 1
"""
#: View -> (columns that are compared, the same asked of the tables without any thought of speed).
PLAINLY = {
    "prediction": ("structure_hash, property_name, mean, spread, lower, upper, model_hash", PREDICTION),
    "candidate_ranking": (
        """
        structure_hash, k_vrh_gpa, k_vrh_spread_gpa, k_vrh_lower_gpa, k_vrh_upper_gpa, g_vrh_gpa, g_vrh_spread_gpa,
        g_vrh_lower_gpa, g_vrh_upper_gpa, study, screening_state, n_passed, n_failed, n_unknown, failed_criteria,
        unknown_criteria
        """,
        f"""
        SELECT s.content_hash, k.*, g.*, c.study,
               CASE WHEN c.n_failed > 0 THEN 'failed' WHEN c.n_unknown > 0 THEN 'unknown' WHEN c.n_passed > 0
                    THEN 'passed' END,
               c.n_passed, c.n_failed, c.n_unknown, c.failed_criteria, c.unknown_criteria
        FROM matsift.structure s
        LEFT JOIN LATERAL ({MODULUS.format(models=RANKING_MODEL, name="k_vrh")}) AS k ON true
        LEFT JOIN LATERAL ({MODULUS.format(models=RANKING_MODEL, name="g_vrh")}) AS g ON true
        LEFT JOIN LATERAL (
            SELECT n.study,
                   count(*) FILTER (WHERE o.outcome = 'passed') AS n_passed,
                   count(*) FILTER (WHERE o.outcome = 'failed') AS n_failed,
                   count(*) FILTER (WHERE o.outcome = 'unknown') AS n_unknown,
                   coalesce(array_agg(o.criterion ORDER BY o.criterion) FILTER (WHERE o.outcome = 'failed'), '{{}}')
                       AS failed_criteria,
                   coalesce(array_agg(o.criterion ORDER BY o.criterion) FILTER (WHERE o.outcome = 'unknown'), '{{}}')
                       AS unknown_criteria
            FROM matsift.screen_outcome o
            JOIN (SELECT study, max(id) AS id FROM matsift.screen GROUP BY study) AS n ON n.id = o.screen_id
            WHERE o.structure_id = s.id GROUP BY n.study
        ) AS c ON true
        WHERE k.mean IS NOT NULL OR g.mean IS NOT NULL
        """,
    ),
    "screening": (
        "study, screen_hash, structure_hash, criterion, outcome, value_seen, unit",
        """
        SELECT c.study, c.content_hash, s.content_hash, o.criterion, o.outcome, o.value_seen, p.unit
        FROM matsift.screen_outcome o
        JOIN matsift.screen c ON c.id = o.screen_id
        JOIN matsift.structure s ON s.id = o.structure_id
        LEFT JOIN LATERAL (
            SELECT j ->> 'property' AS name FROM jsonb_array_elements(c.criteria -> 'criteria') AS j
            WHERE j ->> 'name' = o.criterion LIMIT 1
        ) AS asked ON true
        LEFT JOIN matsift.property p ON p.name = asked.name
        """,
    ),
    "descriptor_mp": (
        """
        structure_hash, version, volume_angstrom3, density_g_per_cm3, band_gap_ev, n_site, n_element,
        crystal_system_number
        """,
        """
        SELECT s.content_hash, t.version, v.known[1]::float8, v.known[2]::float8, v.known[3]::float8,
               v.known[4]::integer, v.known[5]::integer, v.known[6]::integer
        FROM matsift.descriptor d
        JOIN matsift.descriptor_set t ON t.id = d.descriptor_set_id AND t.name = 'mp'
        JOIN matsift.structure s ON s.id = d.structure_id
        CROSS JOIN LATERAL (
            SELECT array_agg(CASE WHEN (u.place - 1)::smallint = ANY (d.missing_columns) THEN NULL ELSE u.value END
                             ORDER BY u.place) AS known
            FROM unnest(d.vector::real[]) WITH ORDINALITY AS u (value, place)
        ) AS v
        """,
    ),
    "label": (
        "structure_hash, property_name, value, method, origin, revision, verdict, rule, source, external_id",
        """
        SELECT DISTINCT ON (s.content_hash, p.name, l.method, l.origin)
               s.content_hash, p.name, l.value, l.method, l.origin, l.revision, v.verdict, v.rule, o.name, e.external_id
        FROM matsift.label l
        JOIN matsift.structure s ON s.id = l.structure_id
        JOIN matsift.property p ON p.id = l.property_id
        LEFT JOIN matsift.source_entry e ON e.id = l.source_entry_id
        LEFT JOIN matsift.source o ON o.id = e.source_id
        LEFT JOIN LATERAL (
            SELECT * FROM matsift.label_verdict v WHERE v.label_id = l.id ORDER BY v.run_id DESC, v.rule_set LIMIT 1
        ) AS v ON true
        WHERE (l.source_entry_id IS NULL OR EXISTS (
            SELECT FROM matsift.source_entry n
            WHERE n.source_id = e.source_id AND n.structure_id = l.structure_id AND n.withdrawn_at IS NULL))
        ORDER BY s.content_hash, p.name, l.method, l.origin, l.revision DESC
        """,
    ),
    "held_out_prediction": (
        "model_hash, property_name, structure_hash, formula, role, true_value, mean, error",
        """
        SELECT m.content_hash, p.name, s.content_hash, s.reduced_formula, r.role, l.value, h.mean, h.mean - l.value
        FROM matsift.held_out_prediction h
        JOIN matsift.model_version m ON m.id = h.model_version_id
        JOIN matsift.property p ON p.id = m.property_id
        JOIN matsift.label l ON l.id = h.label_id
        JOIN matsift.structure s ON s.id = l.structure_id
        LEFT JOIN matsift.dataset_row r ON r.snapshot_id = m.snapshot_id AND r.label_id = l.id
        """,
    ),
    "campaign_progress": (
        "strategy, property_name, round, round(mean_spread::numeric, 9)",
        """
        SELECT c.strategy, p.name, r.number, round((
                   SELECT avg(s.spread) FROM matsift.candidate_score s WHERE s.campaign_round_id = r.id)::numeric, 9)
        FROM matsift.campaign_round r
        JOIN matsift.campaign c ON c.id = r.campaign_id
        JOIN matsift.property p ON p.id = c.property_id
        """,
    ),
}


def rows(session: Session, query: str) -> list[Any]:
    session.flush()
    return sorted((tuple(row) for row in session.execute(text(query))), key=repr)


def check(session: Session) -> None:
    """Compare all views with the plain questions."""
    for view, (columns, plainly) in PLAINLY.items():
        found = rows(session, f"SELECT {columns} FROM analysis.{view}")
        assert found == rows(session, plainly), view


def ranking_model(session: Session, study: Study, name: str, property_name: str = "k_vrh") -> int:
    record = pipeline.model_record(
        study.snapshot, study.set_id, content_hash=pipeline.digest(name), property_name=property_name
    )
    return models.write_model(session, study.run, record)


def begun(session: Session, study: Study, model: int, strategy: str, number: int = 0) -> None:
    """Begin a campaign, or go on with it, with a round of this model."""
    campaign = campaigns.write_campaign(session, study.run, pipeline.campaign_record(strategy=strategy))
    n = len(study.structure_ids)
    campaigns.write_round(
        session,
        study.run,
        campaign,
        number=number,
        model_id=model,
        structure_ids=study.structure_ids,
        mean=np.ones(n),
        spread=np.linspace(0.1, 7.3, n),
        scores=np.ones(n),
        order=np.arange(n),
    )


def screened(session: Session, study: Study, name: str, ids: Any, *, of_study: str = "shelf_study") -> None:
    screen = screening.write_screen(
        session,
        study.run,
        name=name,
        study=of_study,
        criteria=[{"name": "gap", "kind": "minimum", "property": "band_gap"}, {"name": "cell", "kind": "n_site_below"}],
        content_hash=pipeline.digest(name),
    )
    for criterion, outcome in (("gap", "failed"), ("cell", "passed"), ("other", "failed")):
        screening.write_outcomes(
            session,
            study.run,
            screen,
            criterion=criterion,
            structure_ids=ids,
            outcomes=[outcome] * len(ids),
            values_seen=[1.5] * len(ids),
            details=[None] * len(ids),
        )


def a_newer_model_looks_at_some(session: Session, study: Study) -> None:
    pipeline.predict(session, study.run, ranking_model(session, study, "newer"), study.structure_ids[:3])


def an_older_model_looks_later(session: Session, study: Study) -> None:
    older, newer = (ranking_model(session, study, name) for name in ("older", "newer"))
    pipeline.predict(session, study.run, newer, study.structure_ids[2:])
    pipeline.predict(session, study.run, older, study.structure_ids)


def the_other_modulus(session: Session, study: Study) -> None:
    other = ranking_model(session, study, "shear", "g_vrh")
    pipeline.predict(session, study.run, other, study.structure_ids[::2])


def a_property_that_is_not_ranked(session: Session, study: Study) -> None:
    other = ranking_model(session, study, "gap", "band_gap")
    pipeline.predict(session, study.run, other, study.structure_ids)


def a_random_campaign_takes_a_model_out(session: Session, study: Study) -> None:
    model = ranking_model(session, study, "random")
    pipeline.predict(session, study.run, model, study.structure_ids[1:])
    begun(session, study, model, "random")


def another_campaign_brings_it_back(session: Session, study: Study) -> None:
    model = ranking_model(session, study, "random")
    pipeline.predict(session, study.run, model, study.structure_ids[1:])
    begun(session, study, model, "random")
    check(session)
    begun(session, study, model, "exploration", 1)


def a_structure_that_only_a_random_model_saw(session: Session, study: Study) -> None:
    ingest(session, study.run, pipeline.labelled_entries(9, many(9))[6:])
    new = session.scalars(text("SELECT max(id) FROM matsift.structure")).all()
    model = ranking_model(session, study, "random")
    pipeline.predict(session, study.run, model, np.array(new))
    check(session)
    begun(session, study, model, "random")


def a_baseline_predicts(session: Session, study: Study) -> None:
    record = pipeline.model_record(study.snapshot, study.set_id, purpose="baseline")
    pipeline.predict(session, study.run, models.write_model(session, study.run, record), study.structure_ids)


def a_newer_screen_of_fewer(session: Session, study: Study) -> None:
    screened(session, study, "narrower", study.structure_ids[:2])


def a_screen_of_another_study(session: Session, study: Study) -> None:
    screened(session, study, "theirs", study.structure_ids[1:4], of_study="their_study")


def screened_before_it_is_predicted(session: Session, study: Study) -> None:
    ingest(session, study.run, pipeline.labelled_entries(9, many(9))[6:])
    new = np.array(session.scalars(text("SELECT id FROM matsift.structure ORDER BY id DESC LIMIT 2")).all())
    screened(session, study, "early", new)
    check(session)
    pipeline.predict(session, study.run, study.model, new)


def judged_anew(session: Session, study: Study) -> None:
    n = len(study.label_ids)
    labels.write_verdicts(
        session,
        study.run,
        "f" * 16,
        study.label_ids,
        accepted=[True] * n,
        rules=[None] * n,
        values_seen=[np.nan] * n,
    )


def a_source_revises_a_label_and_takes_it_back(session: Session, study: Study) -> None:
    first, *rest = pipeline.labelled_entries(6)
    revised = replace(first, version="2", labels=(label(value=99.0), label("g_vrh", 98.0)))
    ingest(session, study.run, [revised])
    assert len(rows(session, "SELECT * FROM analysis.label WHERE revision = 2")) == 2
    check(session)
    syncs.withdraw_missing(session, SOURCE.name, [entry.external_id for entry in rest[1:]])


@pytest.mark.parametrize(
    "change",
    [
        a_newer_model_looks_at_some,
        an_older_model_looks_later,
        the_other_modulus,
        a_property_that_is_not_ranked,
        a_random_campaign_takes_a_model_out,
        another_campaign_brings_it_back,
        a_structure_that_only_a_random_model_saw,
        a_baseline_predicts,
        a_newer_screen_of_fewer,
        a_screen_of_another_study,
        screened_before_it_is_predicted,
        judged_anew,
        a_source_revises_a_label_and_takes_it_back,
    ],
    ids=lambda change: change.__name__,
)
def test_views_say_what_the_plain_question_says(session: Session, change: Callable[[Session, Study], None]) -> None:
    study = pipeline.small_study(session)
    check(session)
    change(session, study)
    check(session)


def test_the_newest_ranking_model_is_marked(session: Session) -> None:
    study = pipeline.small_study(session)
    newer, other = ranking_model(session, study, "newer"), ranking_model(session, study, "shear", "g_vrh")
    newest = text("""
        SELECT model_version_id FROM analysis.ranking_model
        WHERE is_newest AND property_name IN ('k_vrh', 'g_vrh') ORDER BY 1
    """)
    assert session.scalars(newest).all() == [newer, other]
    random = ranking_model(session, study, "random")
    begun(session, study, random, "random")
    assert session.scalars(newest).all() == [newer, other]
