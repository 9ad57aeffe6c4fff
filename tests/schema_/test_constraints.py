"""What must hold, holds: every CHECK refuses a row that violates it, and facts are never rewritten."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.schema_.violations import VIOLATIONS

from matsift_schema.engine import make_engine
from matsift_schema.store import campaigns
from matsift_schema.store.counts import row_counts
from matsift_schema.tables import metadata

ALLOWED_UPDATES = {
    "run": "status = 'failed', ended_at = clock_timestamp(), counts = '{}', message = 'x'",
    "source": "description = 'x', licence = 'CC0'",
    "source_entry": "withdrawn_at = clock_timestamp(), withdrawn_reason = 'x', revision = 'x'",
    "acquisition": "status = 'released', claimed_by = NULL, lease_expires_at = NULL, updated_at = clock_timestamp(),"
    " heartbeat_at = clock_timestamp(), external_job = 'x', reason = 'x'",
}
TABLES = sorted(table.name for table in metadata.tables.values())


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Iterator[Engine]:
    """An engine on a database whose every table has rows."""
    own = make_engine(module_database_url)
    with Session(own) as session, session.begin():
        pipeline.small_study(session)
    yield own
    own.dispose()


@pytest.fixture
def session(filled: Engine) -> Iterator[Session]:
    """A session on that database, rolled back."""
    with Session(filled) as session:
        yield session
        session.rollback()


def copy_row(session: Session, table: str, **changes: str) -> None:
    """Insert a copy of a row of a table with some columns changed."""
    columns = [c.name for c in metadata.tables[f"matsift.{table}"].columns if c.identity is None]
    values = [changes.get(name, name) for name in columns]
    target, source = ", ".join(columns), ", ".join(values)
    session.execute(text(f"INSERT INTO matsift.{table} ({target}) SELECT {source} FROM matsift.{table} LIMIT 1"))


def constraint_of(error: IntegrityError) -> str | None:
    assert isinstance(error.orig, psycopg.Error)
    return error.orig.diag.constraint_name


def test_the_small_study_fills_every_table(session: Session) -> None:
    assert [table for table, n in row_counts(session).items() if n == 0] == []


def test_every_check_is_violated_below() -> None:
    checks = {str(c.name) for t in metadata.tables.values() for c in t.constraints if isinstance(c, sa.CheckConstraint)}
    assert checks == set(VIOLATIONS)


@pytest.mark.parametrize("name", VIOLATIONS)
def test_check_refuses(session: Session, name: str) -> None:
    table = name.removeprefix("ck_").partition("__")[0]
    with pytest.raises(IntegrityError) as refused:
        copy_row(session, table, **VIOLATIONS[name])
    assert constraint_of(refused.value) == name


DOUBLES = {
    "uq_structure__content_hash": "structure",
    "uq_source__name": "source",
    "uq_source_entry__source_id_external_id_content_hash": "source_entry",
    "uq_grouping_rule__content_hash": "grouping_rule",
    "uq_structure_group__grouping_rule_id_representative_id": "structure_group",
    "pk_structure_group_member": "structure_group_member",
    "uq_failure__stage_subject_detail_attempt": "failure",
    "uq_descriptor_set__name_version": "descriptor_set",
    "pk_descriptor": "descriptor",
    "uq_property__name": "property",
    "uq_label__structure_id_property_id_method_origin_revision": "label",
    "pk_label_verdict": "label_verdict",
    "uq_dataset_snapshot__content_hash": "dataset_snapshot",
    "pk_dataset_row": "dataset_row",
    "uq_model_version__content_hash": "model_version",
    "pk_evaluation": "evaluation",
    "pk_held_out_prediction": "held_out_prediction",
    "pk_prediction": "prediction",
    "uq_screen__content_hash": "screen",
    "pk_screen_outcome": "screen_outcome",
    "uq_campaign__content_hash": "campaign",
    "uq_campaign_round__campaign_id_number": "campaign_round",
    "pk_candidate_score": "candidate_score",
    "uq_acquisition__campaign_id_structure_id": "acquisition",
    "pk_campaign_stop": "campaign_stop",
    "uq_oracle_result__structure_id_method": "oracle_result",
    "uq_bond_valence_variant__content_hash": "bond_valence_variant",
    "pk_bond_valence_relaxation": "bond_valence_relaxation",
    "uq_study_report__study_content_hash": "study_report",
    "uq_generator_version__content_hash": "generator_version",
    "uq_generation__content_hash": "generation",
    "uq_generated_composition__generation_id_formula": "generated_composition",
    "pk_composition_prediction": "composition_prediction",
    "pk_suggestion": "suggestion",
    "uq_generated_structure__attempt": "generated_structure",
    "uq_measured_pattern__content_hash": "measured_pattern",
    "pk_structure_type": "structure_type",
    "pk_diffraction_profile": "diffraction_profile",
    "pk_held_out_space_group": "held_out_space_group",
    "uq_pattern_identification__content_hash": "pattern_identification",
    "pk_pattern_space_group": "pattern_space_group",
    "pk_pattern_phase": "pattern_phase",
    "uq_volumetric_field__structure_id_kind_method": "volumetric_field",
}


@pytest.mark.parametrize(("name", "table"), DOUBLES.items())
def test_a_double_is_refused(session: Session, name: str, table: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        copy_row(session, table)
    assert constraint_of(refused.value) == name


def test_a_prediction_cannot_be_of_another_property_than_its_model(session: Session) -> None:
    other = "(SELECT id FROM matsift.property WHERE name = 'g_vrh')"
    copy_row(session, "model_version", content_hash=f"'{pipeline.digest('another')}'")
    model = "(SELECT max(id) FROM matsift.model_version)"
    with pytest.raises(IntegrityError) as refused:
        copy_row(session, "prediction", model_version_id=model, property_id=other)
    assert constraint_of(refused.value) == "fk_prediction__model_version_id_property_id__model_version"


def test_a_member_cannot_stand_in_a_group_of_another_rule(session: Session) -> None:
    copy_row(session, "grouping_rule", content_hash=f"'{pipeline.digest('another')}'")
    other = "(SELECT max(id) FROM matsift.grouping_rule)"
    with pytest.raises(IntegrityError) as refused:
        copy_row(session, "structure_group_member", grouping_rule_id=other)
    assert constraint_of(refused.value) == "fk_structure_group_member__group_of_the_rule"


def test_only_a_scored_candidate_can_be_acquired(session: Session) -> None:
    with pytest.raises(IntegrityError) as refused:
        copy_row(session, "acquisition", structure_id="987654321")
    assert constraint_of(refused.value) is not None


@pytest.mark.parametrize("table", [t for t in TABLES if t not in ALLOWED_UPDATES])
def test_facts_are_never_updated(session: Session, table: str) -> None:
    column = next(c.name for c in metadata.tables[f"matsift.{table}"].columns if c.identity is None)
    with pytest.raises(IntegrityError, match=f"matsift.{table} keeps its rows as they are: UPDATE is not allowed"):
        session.execute(text(f"UPDATE matsift.{table} SET {column} = {column}"))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("how", ["DELETE FROM matsift.{}", "TRUNCATE matsift.{} CASCADE"], ids=["delete", "truncate"])
def test_rows_are_never_removed(session: Session, table: str, how: str) -> None:
    with pytest.raises(IntegrityError, match="keeps its rows as they are"):
        session.execute(text(how.format(table)))


@pytest.mark.parametrize("table", ALLOWED_UPDATES)
def test_only_what_may_change_changes(session: Session, table: str) -> None:
    session.execute(text(f"UPDATE matsift.{table} SET {ALLOWED_UPDATES[table]}"))
    allowed = {part.split("=")[0].strip() for part in ALLOWED_UPDATES[table].split(", ")}
    allowed |= {"label_id", "failure_id"} if table == "acquisition" else set()
    for column in metadata.tables[f"matsift.{table}"].columns:
        if column.name in allowed or column.identity is not None:
            continue
        with pytest.raises(IntegrityError, match="UPDATE is not allowed"), session.begin_nested():
            session.execute(text(f"UPDATE matsift.{table} SET {column.name} = {column.name}"))


def test_every_status_of_an_acquisition_is_kept(session: Session) -> None:
    session.execute(text("UPDATE matsift.acquisition SET status = 'released' WHERE rank = 1"))
    history = session.scalars(
        text(
            "SELECT e.status FROM matsift.acquisition_event e JOIN matsift.acquisition a ON a.id = e.acquisition_id"
            " WHERE a.rank = 1 ORDER BY e.id"
        )
    )
    assert history.all() == ["proposed", "released"]


def test_one_structure_is_with_one_method_of_an_oracle_once(session: Session) -> None:
    other = pipeline.campaign_record(content_hash=pipeline.digest("other"))
    run = session.scalars(text("SELECT min(id) FROM matsift.run")).one()
    campaign = campaigns.write_campaign(session, run, other)
    copy_row(session, "campaign_round", campaign_id=str(campaign), number="0")
    newest = "(SELECT max(id) FROM matsift.campaign_round)"
    structure = "(SELECT min(structure_id) FROM matsift.acquisition)"
    copy_row(session, "candidate_score", campaign_round_id=newest, structure_id=structure)
    held = {"status": "'claimed'", "claimed_by": "'anna'", "lease_expires_at": "now()"}
    session.execute(text("UPDATE matsift.acquisition SET " + ", ".join(f"{k} = {v}" for k, v in held.items())))
    with pytest.raises(IntegrityError) as refused:
        copy_row(
            session, "acquisition", campaign_id=str(campaign), campaign_round_id=newest, structure_id=structure, **held
        )
    assert constraint_of(refused.value) == "uq_acquisition__one_claim"
