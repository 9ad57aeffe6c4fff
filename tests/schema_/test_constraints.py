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

from matsift_schema.engine import make_engine
from matsift_schema.store import campaigns
from matsift_schema.store.counts import row_counts
from matsift_schema.tables import metadata

NAN, INFINITY = "'NaN'", "'Infinity'"
HASH = "'not a hash'"

# Constraint -> what to change in a valid row of its table (the first word) so that the row violates it.
VIOLATIONS: dict[str, dict[str, str]] = {
    "ck_run__status_is_known": {"status": "'done'", "ended_at": "now() + interval '1 day'"},
    "ck_run__flow_is_not_empty": {"flow": "''"},
    "ck_run__code_version_is_not_empty": {"code_version": "''"},
    "ck_run__ended_unless_running": {"status": "'completed'"},
    "ck_run__ends_after_start": {"status": "'failed'", "ended_at": "started_at - interval '1 s'"},
    "ck_failure__stage_is_not_empty": {"stage": "''"},
    "ck_failure__subject_is_not_empty": {"subject": "''"},
    "ck_failure__error_class_is_not_empty": {"error_class": "''"},
    "ck_failure__seconds_is_a_duration": {"seconds": "-1"},
    "ck_failure__attempt_counts_from_one": {"attempt": "0"},
    "ck_source__name_is_not_empty": {"name": "''"},
    "ck_source__kind_is_not_empty": {"kind": "''"},
    "ck_source__kind_is_lower_case": {"kind": "'Files'"},
    "ck_source_snapshot__content_hash_is_sha256": {"content_hash": HASH},
    "ck_source_snapshot__counts_agree": {"n_failure": "n_entry + 1"},
    "ck_structure__content_hash_is_sha256": {"content_hash": HASH},
    "ck_structure__lattice_is_3_by_3": {"lattice": "lattice[1:8]"},
    "ck_structure__arrays_agree": {"occupancies": "occupancies[1:1]"},
    "ck_structure__has_sites": {"n_site": "0"},
    "ck_structure__has_elements": {"n_element": "3"},
    "ck_structure__space_group_number_exists": {"space_group_number": "231"},
    "ck_structure__crystal_system_is_known": {"crystal_system": "'Cubic'"},
    "ck_structure__volume_is_positive": {"volume_angstrom3": NAN},
    "ck_structure__density_is_positive": {"density_g_per_cm3": "0"},
    "ck_source_entry__content_hash_is_sha256": {"content_hash": HASH},
    "ck_source_entry__external_id_is_not_empty": {"external_id": "''"},
    "ck_source_entry__canonical_number_is_not_negative": {"canonical_number": "-1"},
    "ck_source_entry__withdrawn_after_created": {"withdrawn_at": "created_at - interval '1 s'"},
    "ck_grouping_rule__content_hash_is_sha256": {"content_hash": HASH},
    "ck_grouping_rule__name_is_not_empty": {"name": "''"},
    "ck_structure_group_member__rms_is_not_negative": {"rms_displacement": NAN},
    "ck_element__atomic_number_exists": {"atomic_number": "119"},
    "ck_element__group_number_exists": {"group_number": "19"},
    "ck_element__period_exists": {"period": "8"},
    "ck_element__mass_is_positive": {"atomic_mass_u": "0"},
    "ck_descriptor_set__name_is_not_empty": {"name": "''"},
    "ck_descriptor_set__version_is_not_empty": {"version": "''"},
    "ck_descriptor_set__columns_are_counted": {"n_column": "n_column + 1"},
    "ck_descriptor__seconds_is_a_duration": {"seconds": NAN},
    "ck_descriptor__missing_columns_exist": {"missing_columns": "'{6}'"},
    "ck_property__name_is_not_empty": {"name": "''"},
    "ck_property__unit_is_not_empty": {"unit": "''"},
    "ck_property__bounds_are_ordered": {"lower_bound": "2", "upper_bound": "1"},
    "ck_label__value_is_finite": {"value": NAN},
    "ck_label__method_is_not_empty": {"method": "''"},
    "ck_label__origin_names_source_or_oracle": {"origin": "'the web'"},
    "ck_label__uncertainty_is_not_negative": {"uncertainty": "-0.1"},
    "ck_label__revision_counts_from_one": {"revision": "0"},
    "ck_label_verdict__rule_set_is_hash": {"rule_set": HASH},
    "ck_label_verdict__verdict_is_known": {"verdict": "'doubtful'", "rule": "NULL"},
    "ck_label_verdict__rejected_by_a_rule": {"verdict": "'rejected'", "rule": "NULL"},
    "ck_dataset_snapshot__content_hash_is_sha256": {"content_hash": HASH},
    "ck_dataset_snapshot__strategy_is_not_empty": {"strategy": "''"},
    "ck_dataset_snapshot__has_rows": {"n_row": "0"},
    "ck_dataset_row__role_is_known": {"role": "'holdout'"},
    "ck_dataset_row__fold_is_not_negative": {"fold": "-1"},
    "ck_model_version__content_hash_is_sha256": {"content_hash": HASH},
    "ck_model_version__artifact_sha256_is_sha256": {"artifact_sha256": HASH},
    "ck_model_version__learner_is_not_empty": {"learner": "''"},
    "ck_model_version__artifact_uri_is_not_empty": {"artifact_uri": "''"},
    "ck_model_version__purpose_is_known": {"purpose": "'fun'"},
    "ck_model_version__has_columns": {"column_names": "'{}'"},
    "ck_model_descriptor_set__position_is_not_negative": {"position": "-1"},
    "ck_evaluation__metric_is_not_empty": {"metric": "''"},
    "ck_evaluation__subset_is_not_empty": {"subset": "''"},
    "ck_evaluation__value_is_finite": {"value": INFINITY},
    "ck_evaluation__n_row_is_not_negative": {"n_row": "-1"},
    "ck_held_out_prediction__mean_is_finite": {"mean": NAN},
    "ck_held_out_prediction__spread_is_not_negative": {"spread": "-1"},
    "ck_held_out_prediction__interval_is_ordered": {"lower": "2", "upper": "1"},
    "ck_feature_importance__gain_fraction_is_a_fraction": {"gain_fraction": "1.1"},
    "ck_feature_importance__rank_counts_from_one": {"rank": "0"},
    "ck_prediction__mean_is_finite": {"mean": NAN},
    "ck_prediction__lower_is_finite": {"lower": "'-Infinity'"},
    "ck_prediction__upper_is_finite": {"upper": INFINITY},
    "ck_prediction__spread_is_not_negative": {"spread": NAN},
    "ck_prediction__interval_is_ordered": {"lower": "upper + 1"},
    "ck_prediction__coverage_is_a_fraction": {"coverage": "1"},
    "ck_screen__content_hash_is_sha256": {"content_hash": HASH},
    "ck_screen__name_is_not_empty": {"name": "''"},
    "ck_screen_outcome__outcome_is_known": {"outcome": "'maybe'"},
    "ck_screen_outcome__criterion_is_not_empty": {"criterion": "''"},
    "ck_screen_outcome__value_seen_is_finite": {"value_seen": NAN},
    "ck_campaign__content_hash_is_sha256": {"content_hash": HASH},
    "ck_campaign__name_is_not_empty": {"name": "''"},
    "ck_campaign__strategy_is_not_empty": {"strategy": "''"},
    "ck_campaign__oracle_is_not_empty": {"oracle": "''"},
    "ck_campaign__batch_is_positive": {"batch_size": "0"},
    "ck_campaign__strategy_kind_is_not_empty": {"strategy_kind": "''"},
    "ck_campaign__oracle_method_is_not_empty": {"oracle_method": "''"},
    "ck_campaign_plan__n_round_is_not_negative": {"n_round": "-1"},
    "ck_campaign_stop__rule_is_known": {"rule": "'boredom'"},
    "ck_campaign_stop__value_seen_is_finite": {"value_seen": NAN},
    "ck_campaign_stop__rule_limit_is_finite": {"rule_limit": INFINITY},
    "ck_campaign_round__number_is_not_negative": {"number": "-1"},
    "ck_campaign_round__n_candidate_is_not_negative": {"n_candidate": "-1"},
    "ck_candidate_score__mean_is_finite": {"mean": NAN},
    "ck_candidate_score__score_is_finite": {"score": INFINITY},
    "ck_candidate_score__spread_is_not_negative": {"spread": "-1"},
    "ck_candidate_score__rank_counts_from_one": {"rank": "0"},
    "ck_acquisition__status_is_known": {"status": "'lost'"},
    "ck_acquisition__score_is_finite": {"score": NAN},
    "ck_acquisition__rank_counts_from_one": {"rank": "0"},
    "ck_acquisition__claimed_by_somebody": {"status": "'claimed'", "lease_expires_at": "now()"},
    "ck_acquisition__lease_while_claimed": {"lease_expires_at": "now()"},
    "ck_acquisition__labelled_has_label": {"status": "'labelled'"},
    "ck_acquisition__failed_has_failure": {"status": "'failed'"},
    "ck_oracle_result__method_is_not_empty": {"method": "''"},
    "ck_oracle_result__worker_is_not_empty": {"worker": "''"},
    "ck_oracle_result__seconds_is_a_duration": {"seconds": "-1"},
    "ck_bond_valence_variant__content_hash_is_sha256": {"content_hash": HASH},
    "ck_bond_valence_variant__method_is_not_empty": {"method": "''"},
    "ck_bond_valence_relaxation__prototype_is_known": {"prototype": "'garnet'", "strain": "0.2"},
    "ck_bond_valence_relaxation__strain_leaves_a_cell": {"strain": "-1"},
    "ck_bond_valence_relaxation__factor_is_positive": {"screening_factor": "0"},
    "ck_bond_valence_relaxation__lattice_error_is_finite": {"lattice_error": NAN, "strain": "0.2"},
    "ck_bond_valence_relaxation__lattice_is_positive": {"lattice_constant": "0", "strain": "0.2"},
    "ck_bond_valence_relaxation__oxygen_parameter_is_finite": {"oxygen_parameter": INFINITY, "strain": "0.2"},
    "ck_bond_valence_relaxation__shift_is_not_negative": {"site_shift": "-0.1", "strain": "0.2"},
    "ck_bond_valence_relaxation__gii_is_not_negative": {"global_instability_index": "-0.1", "strain": "0.2"},
    "ck_bond_valence_relaxation__relaxed_or_has_a_problem": {
        "lattice_error": "NULL",
        "lattice_constant": "NULL",
        "problem": "NULL",
        "strain": "0.2",
    },
    "ck_bond_valence_relaxation__error_goes_with_lattice": {"lattice_constant": "NULL", "strain": "0.2"},
    "ck_study_report__content_hash_is_sha256": {"content_hash": HASH},
    "ck_study_report__study_is_not_empty": {"study": "''"},
    "ck_study_report__uri_is_not_empty": {"uri": "''"},
    "ck_generator_version__content_hash_is_sha256": {"content_hash": HASH},
    "ck_generator_version__kind_is_known": {"kind": "'oracle'"},
    "ck_generator_version__formulas_hash_is_sha256": {"formulas_hash": HASH},
    "ck_generator_version__n_formula_is_not_negative": {"n_formula": "-1"},
    "ck_generator_version__artifact_sha256_is_sha256": {"artifact_sha256": HASH},
    "ck_generator_version__networks_have_an_artifact": {"artifact_sha256": "NULL", "artifact_uri": "NULL"},
    "ck_generator_version__artifact_uri_is_not_empty": {"artifact_uri": "''"},
    "ck_generation__content_hash_is_sha256": {"content_hash": HASH},
    "ck_generation__study_is_not_empty": {"study": "''"},
    "ck_generation__origin_is_known": {"origin": "'dream'"},
    "ck_generation__searches_have_a_campaign": {"origin": "'latent_search'"},
    "ck_generation__n_drawn_is_not_negative": {"n_drawn": "-1"},
    "ck_generated_composition__formula_is_not_empty": {"formula": "''"},
    "ck_generated_composition__rank_counts_from_one": {"rank": "0"},
    "ck_generated_composition__nearest_formula_is_not_empty": {"nearest_formula": "''"},
    "ck_generated_composition__nearest_distance_is_not_negative": {"nearest_distance": "-0.1"},
    "ck_generated_composition__nearest_has_a_distance": {"nearest_distance": "NULL"},
    "ck_composition_prediction__mean_is_finite": {"mean": NAN},
    "ck_composition_prediction__lower_is_finite": {"lower": "'-Infinity'"},
    "ck_composition_prediction__upper_is_finite": {"upper": INFINITY},
    "ck_composition_prediction__spread_is_not_negative": {"spread": NAN},
    "ck_composition_prediction__interval_is_ordered": {"lower": "upper + 1"},
    "ck_composition_prediction__coverage_is_a_fraction": {"coverage": "1"},
    "ck_suggestion__number_counts_from_one": {"number": "0"},
    "ck_suggestion__latent_is_finite": {"latent": "'{0, NaN}'"},
    "ck_suggestion__score_is_finite": {"score": INFINITY},
    "ck_suggestion__mean_is_finite": {"mean": NAN},
    "ck_suggestion__spread_is_not_negative": {"spread": "-1"},
    "ck_suggestion__formula_is_not_empty": {"formula": "''"},
    "ck_suggestion__what_decodes_has_a_formula": {"formula": "NULL"},
    "ck_suggestion__no_value_without_a_reason": {"value": "NULL"},
    "ck_suggestion__values_are_of_formulas": {"decodes": "false", "formula": "NULL"},
    "ck_suggestion__value_is_finite": {"value": NAN},
    "ck_suggestion__reason_is_not_empty": {"value": "NULL", "reason": "''"},
    "ck_generated_structure__formula_is_not_empty": {"formula": "''"},
    "ck_generated_structure__assignment_is_not_negative": {"assignment": "-1"},
    "ck_generated_structure__template_distance_is_not_negative": {"template_distance": NAN},
    "ck_generated_structure__distances_are_to_templates": {"template_entry_id": "NULL", "template_distance": "1"},
    "ck_generated_structure__method_is_not_empty": {"method": "''"},
    "ck_generated_structure__outcome_is_known": {"outcome": "'lost'"},
    "ck_generated_structure__success_has_a_structure": {"structure_id": "NULL"},
    "ck_generated_structure__no_success_has_a_reason": {"reason": "'why'"},
    "ck_generated_structure__reason_is_not_empty": {"outcome": "'failed'", "structure_id": "NULL", "reason": "''"},
    "ck_generated_structure__seconds_is_a_duration": {"seconds": NAN},
    "ck_measured_pattern__content_hash_is_sha256": {"content_hash": HASH},
    "ck_measured_pattern__name_is_not_empty": {"name": "''"},
    "ck_measured_pattern__wavelength_is_positive": {"wavelength_angstrom": "0"},
    "ck_measured_pattern__arrays_agree": {"intensity": "'{}'"},
    "ck_structure_type__method_is_not_empty": {"method": "''"},
    "ck_structure_type__name_is_not_empty": {"name": "''"},
    "ck_diffraction_profile__arrays_agree": {"intensities": "'{}'"},
    "ck_diffraction_profile__bins_exist": {"bins": "'{0, 10001}'"},
    "ck_diffraction_profile__intensities_are_fractions": {"intensities": "'{1, 1.5}'"},
    "ck_diffraction_profile__seconds_is_a_duration": {"seconds": NAN},
    "ck_held_out_space_group__predicted_is_a_space_group": {"predicted": "231"},
    "ck_held_out_space_group__probability_is_one": {"probability": NAN},
    "ck_held_out_space_group__true_probability_is_one": {"true_probability": "-0.1"},
    "ck_held_out_space_group__members_agree": {"member_predicted": "'{}'"},
    "ck_held_out_space_group__true_rank_is_positive": {"true_rank": "0"},
    "ck_held_out_space_group__set_size_is_not_negative": {"set_size": "-1"},
    "ck_held_out_space_group__relation_is_known": {"relation": "'cousin'"},
    "ck_held_out_space_group__volumes_are_positive": {"volume_lower": "0"},
    "ck_held_out_space_group__quartiles_are_ordered": {"volume_lower": "volume_upper + 1"},
    "ck_held_out_space_group__volume_has_quartiles": {"volume_upper": "NULL"},
    "ck_pattern_identification__content_hash_is_sha256": {"content_hash": HASH},
    "ck_pattern_identification__index_hash_is_sha256": {"index_hash": HASH},
    "ck_pattern_identification__index_is_named": {"index_hash": "NULL"},
    "ck_pattern_identification__n_indexed_is_not_negative": {"n_indexed": "-1"},
    "ck_pattern_identification__volumes_are_positive": {"volume_upper": INFINITY},
    "ck_pattern_identification__quartiles_are_ordered": {"volume_upper": "volume_lower - 1"},
    "ck_pattern_identification__volume_has_quartiles": {"volume": "NULL"},
    "ck_pattern_space_group__is_a_space_group": {"space_group_number": "0"},
    "ck_pattern_space_group__rank_is_positive": {"rank": "0"},
    "ck_pattern_space_group__probability_is_one": {"probability": "1.1"},
    "ck_pattern_space_group__network_probability_is_one": {"network_probability": NAN},
    "ck_pattern_space_group__members_are_ones": {"member_probabilities": "'{0.5, 2}'"},
    "ck_pattern_space_group__search_score_is_one": {"search_score": NAN},
    "ck_pattern_phase__fit_is_known": {"fit": "'tight'"},
    "ck_pattern_phase__rank_is_positive": {"rank": "0"},
    "ck_pattern_phase__score_is_one": {"score": NAN},
    "ck_pattern_phase__share_is_one": {"share": "1.1"},
    "ck_pattern_phase__cell_scale_is_positive": {"cell_scale": "0"},
    "ck_pattern_phase__zero_shift_deg_is_finite": {"zero_shift_deg": NAN},
    "ck_volumetric_field__kind_is_known": {"kind": "'spin'"},
    "ck_volumetric_field__method_is_not_empty": {"method": "''"},
    "ck_volumetric_field__electrons_is_known": {"electrons": "'core'"},
    "ck_volumetric_field__shape_is_three_counts": {"shape": "'{4, 0, 4}'"},
    "ck_volumetric_field__cell_is_3_by_3": {"cell": "'{4, 0, 0, 0, 4, 0, 0, 0, NaN}'"},
    "ck_volumetric_field__densities_have_electrons": {"kind": "'elf'"},
    "ck_volumetric_field__n_electron_is_positive": {"n_electron": NAN},
    "ck_volumetric_field__n_electron_expected_is_positive": {"n_electron_expected": "0"},
    "ck_volumetric_field__n_unpaired_is_finite": {"n_unpaired": INFINITY},
    "ck_volumetric_field__artifact_sha256_is_sha256": {"artifact_sha256": HASH},
    "ck_volumetric_field__artifact_uri_is_not_empty": {"artifact_uri": "''"},
}

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
