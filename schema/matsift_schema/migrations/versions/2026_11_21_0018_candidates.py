"""What the ranking shows of a structure is kept ready, and so is the mean spread of a campaign's round.

WHY: the best candidates of a million structures took half a minute. Their order is that of the newest model that
looked at each, which no index on predictions can have. Triggers write the table in the transaction that changes what it
is made of, so that it is never out of step. Predictions are found by their lower end too; the index on their property
alone, which every row of a model shares, goes.

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-21
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_functions, drop_views

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_MODULI = {"k_vrh": "bulk", "g_vrh": "shear"}
_COUNTS = {"n_passed": "passed", "n_failed": "failed", "n_unknown": "that could not decide"}
_RANKING_MODEL = """
CREATE VIEW matsift.ranking_model AS
SELECT m.id AS model_version_id, m.content_hash AS model_hash, m.learner, m.property_id, m.created_at AS trained_at
FROM matsift.model_version m
WHERE m.purpose = 'ensemble' AND (
    NOT EXISTS (SELECT FROM matsift.campaign_round r WHERE r.model_version_id = m.id)
    OR EXISTS (SELECT FROM matsift.campaign_round r JOIN matsift.campaign c ON c.id = r.campaign_id
               WHERE r.model_version_id = m.id AND c.strategy <> 'random'));
COMMENT ON VIEW matsift.ranking_model IS
    'The ensembles whose predictions count: all but those that only a random control campaign used.';
COMMENT ON COLUMN matsift.ranking_model.model_version_id IS 'the model';
COMMENT ON COLUMN matsift.ranking_model.model_hash IS 'content hash of the model';
COMMENT ON COLUMN matsift.ranking_model.learner IS 'kind of learner';
COMMENT ON COLUMN matsift.ranking_model.property_id IS 'property that it predicts';
COMMENT ON COLUMN matsift.ranking_model.trained_at IS 'when the model was trained';
"""
# One writer at a time: each statement below sees what the one before committed, and the newest model wins.
_REFRESH = """
CREATE FUNCTION matsift.refresh_candidates(structures bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_custom_plan'
AS $$
BEGIN
    IF cardinality(structures) = 0 THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7242004);
    WITH wanted AS MATERIALIZED (
        SELECT DISTINCT structure_id FROM unnest(structures) AS given (structure_id)
    ), shown AS (
        SELECT DISTINCT ON (r.structure_id, p.name) r.structure_id, p.name, r.mean, r.spread, r.lower, r.upper
        FROM wanted w
        JOIN matsift.prediction r ON r.structure_id = w.structure_id
        JOIN matsift.ranking_model m ON m.model_version_id = r.model_version_id
        JOIN matsift.property p ON p.id = m.property_id AND p.name IN ('k_vrh', 'g_vrh')
        ORDER BY r.structure_id, p.name, m.trained_at DESC, m.model_version_id DESC
    ), moduli AS MATERIALIZED (
        SELECT structure_id,
               max(mean) FILTER (WHERE name = 'k_vrh') AS k_vrh,
               max(spread) FILTER (WHERE name = 'k_vrh') AS k_vrh_spread,
               max(lower) FILTER (WHERE name = 'k_vrh') AS k_vrh_lower,
               max(upper) FILTER (WHERE name = 'k_vrh') AS k_vrh_upper,
               max(mean) FILTER (WHERE name = 'g_vrh') AS g_vrh,
               max(spread) FILTER (WHERE name = 'g_vrh') AS g_vrh_spread,
               max(lower) FILTER (WHERE name = 'g_vrh') AS g_vrh_lower,
               max(upper) FILTER (WHERE name = 'g_vrh') AS g_vrh_upper
        FROM shown GROUP BY structure_id
    ), newest AS (
        SELECT study, max(id) AS screen_id FROM matsift.screen GROUP BY study
    ), screened AS (
        SELECT o.structure_id, n.study,
               count(*) FILTER (WHERE o.outcome = 'passed') AS n_passed,
               count(*) FILTER (WHERE o.outcome = 'failed') AS n_failed,
               count(*) FILTER (WHERE o.outcome = 'unknown') AS n_unknown,
               coalesce(array_agg(o.criterion ORDER BY o.criterion) FILTER (WHERE o.outcome = 'failed'), '{}')
                   AS failed_criteria,
               coalesce(array_agg(o.criterion ORDER BY o.criterion) FILTER (WHERE o.outcome = 'unknown'), '{}')
                   AS unknown_criteria
        FROM moduli u
        JOIN matsift.screen_outcome o ON o.structure_id = u.structure_id
        JOIN newest n ON n.screen_id = o.screen_id
        GROUP BY o.structure_id, n.study
    ), fresh AS MATERIALIZED (
        SELECT u.structure_id, c.study, u.k_vrh, u.k_vrh_spread, u.k_vrh_lower, u.k_vrh_upper,
               u.g_vrh, u.g_vrh_spread, u.g_vrh_lower, u.g_vrh_upper, c.n_passed, c.n_failed, c.n_unknown,
               c.failed_criteria, c.unknown_criteria
        FROM moduli u LEFT JOIN screened c ON c.structure_id = u.structure_id
    ), gone AS (
        DELETE FROM matsift.candidate c USING wanted w
        WHERE c.structure_id = w.structure_id
          AND NOT EXISTS (SELECT FROM fresh f
                          WHERE f.structure_id = c.structure_id AND f.study IS NOT DISTINCT FROM c.study)
    )
    INSERT INTO matsift.candidate AS c (structure_id, study, k_vrh, k_vrh_spread, k_vrh_lower, k_vrh_upper, g_vrh,
        g_vrh_spread, g_vrh_lower, g_vrh_upper, n_passed, n_failed, n_unknown, failed_criteria, unknown_criteria)
    SELECT * FROM fresh ORDER BY structure_id, study
    ON CONFLICT (structure_id, study) DO UPDATE SET
        k_vrh = excluded.k_vrh, k_vrh_spread = excluded.k_vrh_spread, k_vrh_lower = excluded.k_vrh_lower,
        k_vrh_upper = excluded.k_vrh_upper, g_vrh = excluded.g_vrh, g_vrh_spread = excluded.g_vrh_spread,
        g_vrh_lower = excluded.g_vrh_lower, g_vrh_upper = excluded.g_vrh_upper, n_passed = excluded.n_passed,
        n_failed = excluded.n_failed, n_unknown = excluded.n_unknown, failed_criteria = excluded.failed_criteria,
        unknown_criteria = excluded.unknown_criteria
    WHERE c.* IS DISTINCT FROM excluded.*;
END $$;
REVOKE ALL ON FUNCTION matsift.refresh_candidates(bigint[]) FROM PUBLIC;
"""
_TRIGGERS = {
    "prediction": """
        PERFORM matsift.refresh_candidates(ARRAY(
            SELECT i.structure_id FROM inserted i
            JOIN matsift.ranking_model m ON m.model_version_id = i.model_version_id
            JOIN matsift.property p ON p.id = m.property_id
            WHERE p.name IN ('k_vrh', 'g_vrh')))""",
    # The first round of a random campaign takes its model out of the ranking, one of another campaign brings it back.
    "campaign_round": """
        PERFORM matsift.refresh_candidates(ARRAY(
            SELECT r.structure_id FROM inserted i
            JOIN matsift.campaign c ON c.id = i.campaign_id
            JOIN matsift.prediction r ON r.model_version_id = i.model_version_id
            WHERE (c.strategy = 'random') = NOT EXISTS (
                SELECT FROM matsift.campaign_round o
                WHERE o.model_version_id = i.model_version_id AND o.id <> i.id)))""",
    "screen": """
        PERFORM matsift.refresh_candidates(ARRAY(
            SELECT c.structure_id FROM inserted i JOIN matsift.candidate c ON c.study = i.study))""",
    "screen_outcome": """
        PERFORM matsift.refresh_candidates(ARRAY(
            SELECT DISTINCT i.structure_id FROM inserted i
            WHERE EXISTS (SELECT FROM matsift.candidate c WHERE c.structure_id = i.structure_id)))""",
}


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    _create_candidate()
    op.execute(_RANKING_MODEL)
    op.execute(_REFRESH)
    op.execute("SET LOCAL statement_timeout = '1h'")  # a million structures take some minutes
    op.execute("SELECT matsift.refresh_candidates(ARRAY(SELECT DISTINCT structure_id FROM matsift.prediction))")
    _create_indexes()
    _create_triggers()
    op.create_index("ix_prediction__lower", "prediction", ["lower"], unique=False, schema="matsift")
    op.drop_index("ix_prediction__property_id", "prediction", schema="matsift")
    _add_mean_spread()


def downgrade() -> None:
    """Take back; nothing is lost that could not be computed anew."""
    drop_functions()
    drop_views()
    op.drop_column("campaign_round", "mean_spread", schema="matsift")
    op.create_index("ix_prediction__property_id", "prediction", ["property_id"], unique=False, schema="matsift")
    op.drop_index("ix_prediction__lower", "prediction", schema="matsift")
    for table in _TRIGGERS:
        op.execute(f"DROP TRIGGER {table}_refreshes_candidates ON matsift.{table}")
        op.execute(f"DROP FUNCTION matsift.candidates_after_{table}()")
    op.execute("DROP FUNCTION matsift.refresh_candidates(bigint[])")
    op.execute("DROP VIEW matsift.ranking_model")
    op.drop_table("candidate", schema="matsift")


def _create_candidate() -> None:
    numbers: list[sa.Column[Any]] = []
    for name, meaning in _MODULI.items():
        for column, comment in (
            (name, f"newest predicted {meaning} modulus, GPa; NULL = not predicted"),
            (f"{name}_spread", "standard deviation over members, GPa; NULL = not predicted"),
            (f"{name}_lower", "lower end of the calibrated interval, GPa; NULL = not predicted"),
            (f"{name}_upper", "upper end of the calibrated interval, GPa; NULL = not predicted"),
        ):
            numbers.append(sa.Column(column, sa.Double(), nullable=True, comment=comment))
    for column, what in _COUNTS.items():
        comment = f"criteria {what}, count; NULL = not screened"
        numbers.append(sa.Column(column, sa.Integer(), nullable=True, comment=comment))
    for column, what in (("failed_criteria", "failed"), ("unknown_criteria", "that could not decide")):
        comment = f"names of the criteria {what}; NULL = not screened"
        numbers.append(sa.Column(column, postgresql.ARRAY(sa.Text()), nullable=True, comment=comment))
    op.create_table(
        "candidate",
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the structure"),
        sa.Column(
            "study",
            sa.Text(),
            nullable=True,
            comment="study whose newest screen the counts are of; NULL = no study screened it",
        ),
        *numbers,
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_candidate__structure_id__structure")
        ),
        sa.UniqueConstraint(
            "structure_id",
            "study",
            name=op.f("uq_candidate__structure_id_study"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="matsift",
        comment="What the ranking shows of a predicted structure; triggers keep it in step with predictions, "
        "campaigns and screens.",
    )


def _create_indexes() -> None:
    for name in _MODULI:
        order = [sa.text(f"{name}_lower DESC NULLS LAST")]
        op.create_index(f"ix_candidate__{name}_lower", "candidate", order, unique=False, schema="matsift")
        op.create_index(
            f"ix_candidate__{name}_lower_no_failure",
            "candidate",
            order,
            unique=False,
            schema="matsift",
            postgresql_where=sa.text("n_failed = 0"),
        )
    op.create_index(op.f("ix_candidate__study"), "candidate", ["study"], unique=False, schema="matsift")


def _create_triggers() -> None:
    for table, body in _TRIGGERS.items():
        op.execute(
            f"CREATE FUNCTION matsift.candidates_after_{table}() RETURNS trigger LANGUAGE plpgsql"
            " SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$\n"
            f"BEGIN{body};\n    RETURN NULL;\nEND $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_refreshes_candidates AFTER INSERT ON matsift.{table}"
            " REFERENCING NEW TABLE AS inserted"
            f" FOR EACH STATEMENT EXECUTE FUNCTION matsift.candidates_after_{table}()"
        )
    # Nobody changes rows but the triggers.
    op.execute(
        "CREATE TRIGGER candidate_keeps_rows BEFORE UPDATE OR DELETE ON matsift.candidate"
        " FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION matsift.forbid_change()"
    )
    op.execute(
        "CREATE TRIGGER candidate_is_not_truncated BEFORE TRUNCATE ON matsift.candidate"
        " FOR EACH STATEMENT EXECUTE FUNCTION matsift.forbid_change()"
    )


def _add_mean_spread() -> None:
    op.add_column(
        "campaign_round",
        sa.Column(
            "mean_spread",
            sa.Double(),
            nullable=True,
            comment="mean of the candidates' spreads, in the property's unit; NULL = there was no candidate",
        ),
        schema="matsift",
    )
    op.execute("ALTER TABLE matsift.campaign_round DISABLE TRIGGER campaign_round_keeps_rows")
    op.execute(
        "UPDATE matsift.campaign_round r SET mean_spread = (SELECT avg(s.spread) FROM matsift.candidate_score s"
        " WHERE s.campaign_round_id = r.id)"
    )
    op.execute("ALTER TABLE matsift.campaign_round ENABLE TRIGGER campaign_round_keeps_rows")
