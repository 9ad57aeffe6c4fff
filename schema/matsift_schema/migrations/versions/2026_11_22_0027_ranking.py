"""Rankings by several objectives at once, with what was known of every candidate when it was ranked.

WHY: a good electrolyte is stiff, stable and open to its ion at once, and which candidates no other beats in everything
cannot be seen in an order by one property. Layers, chances and utilities depend on all candidates together, so no view
can give them: each ranking is a set of rows that never change, beside the objectives that were asked for.

Revision ID: 0027
Revises: 0024
Create Date: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift_schema.migrations.helpers import drop_functions, drop_views, forbid_change
from matsift_schema.migrations.new_tables import (
    checks,
    column,
    create_index,
    create_table,
    foreign_keys,
    json_object,
)

revision = "0027"
down_revision = "0024"
branch_labels = None
depends_on = None

_KEY, _TEXT, _COUNT = sa.BigInteger(), sa.Text(), sa.Integer()
_FLOAT: sa.Double[float] = sa.Double()
_FINITE = "{0} > '-Infinity' AND {0} < 'Infinity'"
_FRACTION = "{0} >= 0 AND {0} <= 1"
_SHA256 = "length({0}) = 64 AND {0} !~ '[^0-9a-f]'"
_TABLES = ("ranking", "ranking_objective", "ranking_place", "ranking_value")


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    _create_rankings()
    _create_objectives()
    _create_places()
    _create_values()
    for table in _TABLES:
        create_index(table, ["run_id"])
        forbid_change(table)


def downgrade() -> None:
    """Take back."""
    drop_functions()
    drop_views()
    for table in reversed(_TABLES):
        op.drop_table(table, schema="matsift")


def _create_rankings() -> None:
    create_table(
        "ranking",
        "One ranking of candidates by several objectives; what it rests on changes, and it is another.",
        [
            column(
                "content_hash", _TEXT, "SHA-256 of study, objectives, prices, and what was known of every candidate"
            ),
            column("study", _TEXT, "study that asks for it"),
            column("screen_id", _KEY, "screen whose candidates it ranks, those that failed no criterion"),
            column("n_candidate", _COUNT, "candidates, count"),
            json_object("prices", "source, and usd_per_kg by element, for the objective cost; {} = none"),
            json_object(
                "correlation",
                "objective -> objective -> correlation of their ensembles' members, large values good; none = 0",
            ),
        ],
        {
            "content_hash_is_sha256": _SHA256.format("content_hash"),
            "study_is_not_empty": "study <> ''",
            "n_candidate_is_not_negative": "n_candidate >= 0",
        },
        unique={"content_hash": ["content_hash"]},
        references={"screen_id": "screen"},
        indexes=[["study"], ["screen_id"]],
    )


def _create_objectives() -> None:
    table, unit = "ranking_objective", "in the objective's unit"
    op.create_table(
        table,
        column("ranking_id", _KEY, "the ranking"),
        column("position", _COUNT, "place in the study, from 1"),
        column("name", _TEXT, "property, or cost"),
        column("unit", _TEXT, "unit of all its values"),
        column("goal", _TEXT, "maximize or minimize"),
        column("threshold", _FLOAT, f"value that a candidate must reach, {unit}; NULL = none", nullable=True),
        column("weight", _FLOAT, "share in the utility against the others, no unit"),
        column("worst", _FLOAT, f"value of no worth in the utility, {unit}"),
        column("best", _FLOAT, f"value of full worth in the utility, {unit}"),
        column(
            "model_version_id",
            _KEY,
            "model behind its predictions; NULL = none, values are stated or computed",
            nullable=True,
        ),
        column("run_id", _KEY, "run that wrote this row"),
        *checks(
            table,
            {
                "position_counts_from_one": "position >= 1",
                "name_is_not_empty": "name <> ''",
                "unit_is_not_empty": "unit <> ''",
                "goal_is_known": "goal IN ('maximize', 'minimize')",
                "threshold_is_finite": _FINITE.format("threshold"),
                "weight_is_positive": "weight > 0 AND weight < 'Infinity'",
                "worst_is_finite": _FINITE.format("worst"),
                "best_is_finite": _FINITE.format("best"),
                "best_is_good": "CASE goal WHEN 'maximize' THEN worst <= best ELSE worst >= best END",
            },
        ),
        *foreign_keys(table, {"ranking_id": "ranking", "model_version_id": "model_version", "run_id": "run"}),
        sa.PrimaryKeyConstraint("ranking_id", "position", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("ranking_id", "name", name=op.f(f"uq_{table}__ranking_id_name")),
        schema="matsift",
        comment="One objective of a ranking.",
    )
    create_index(table, ["model_version_id"])


def _create_places() -> None:
    table, lacking = "ranking_place", "NULL = an objective is unknown"
    op.create_table(
        table,
        column("ranking_id", _KEY, "the ranking"),
        column("structure_id", _KEY, "the candidate"),
        column("layer", _COUNT, f"Pareto layer, 1 = the front; {lacking}", nullable=True),
        column("pareto_place", _COUNT, f"place by layer, then chance, then utility, from 1; {lacking}", nullable=True),
        column(
            "chance",
            _FLOAT,
            "probability of meeting all thresholds, 0 to 1; NULL = there is none, or one cannot be judged",
            nullable=True,
        ),
        column("utility", _FLOAT, f"expected utility, 0 to 1; {lacking}", nullable=True),
        column("utility_place", _COUNT, f"place by expected utility, from 1; {lacking}", nullable=True),
        column("unknown", sa.ARRAY(_TEXT), "names of the objectives that are unknown"),
        column("run_id", _KEY, "run that wrote this row"),
        *checks(
            table,
            {
                "layer_counts_from_one": "layer >= 1",
                "pareto_place_counts_from_one": "pareto_place >= 1",
                "utility_place_counts_from_one": "utility_place >= 1",
                "chance_is_a_fraction": _FRACTION.format("chance"),
                "utility_is_a_fraction": _FRACTION.format("utility"),
                "unknown_has_no_place": "(layer IS NULL) = (cardinality(unknown) > 0)"
                " AND (layer IS NULL) = (pareto_place IS NULL)"
                " AND (layer IS NULL) = (utility IS NULL) AND (layer IS NULL) = (utility_place IS NULL)",
            },
        ),
        *foreign_keys(table, {"ranking_id": "ranking", "structure_id": "structure", "run_id": "run"}),
        sa.PrimaryKeyConstraint("ranking_id", "structure_id", name=op.f(f"pk_{table}")),
        schema="matsift",
        comment="Where one candidate stands in a ranking.",
    )
    create_index(table, ["structure_id"])


def _create_values() -> None:
    table, unit = "ranking_value", "in the objective's unit"
    op.create_table(
        table,
        column("ranking_id", _KEY, "the ranking"),
        column("structure_id", _KEY, "the candidate"),
        column("position", _COUNT, "the objective"),
        column(
            "origin",
            _TEXT,
            "predicted, computed, stated (by a source), composition (by prices), no_path (of a barrier) or unknown",
        ),
        column("mean", _FLOAT, f"expected value, {unit}; NULL = unknown, or no path", nullable=True),
        column(
            "deviation",
            _FLOAT,
            f"standard deviation of the value, {unit}; 0 = known; NULL with the mean",
            nullable=True,
        ),
        column(
            "chance",
            _FLOAT,
            "probability of meeting the threshold, 0 to 1; NULL = there is none, or the value is unknown",
            nullable=True,
        ),
        column("run_id", _KEY, "run that wrote this row"),
        *checks(
            table,
            {
                "origin_is_known": "origin IN ('predicted', 'computed', 'stated', 'composition', 'no_path', 'unknown')",
                "mean_is_finite": _FINITE.format("mean"),
                "deviation_is_not_negative": "deviation >= 0 AND deviation < 'Infinity'",
                "known_has_a_mean": "(origin IN ('no_path', 'unknown')) = (mean IS NULL)"
                " AND (mean IS NULL) = (deviation IS NULL)",
                "chance_is_a_fraction": _FRACTION.format("chance"),
            },
        ),
        *foreign_keys(table, {"run_id": "run"}),
        sa.ForeignKeyConstraint(
            ["ranking_id", "structure_id"],
            ["matsift.ranking_place.ranking_id", "matsift.ranking_place.structure_id"],
            name=op.f(f"fk_{table}__ranking_id_structure_id__ranking_place"),
        ),
        sa.ForeignKeyConstraint(
            ["ranking_id", "position"],
            ["matsift.ranking_objective.ranking_id", "matsift.ranking_objective.position"],
            name=op.f(f"fk_{table}__ranking_id_position__ranking_objective"),
        ),
        sa.PrimaryKeyConstraint("ranking_id", "structure_id", "position", name=op.f(f"pk_{table}")),
        schema="matsift",
        comment="What was known of one objective of one candidate when it was ranked.",
    )
