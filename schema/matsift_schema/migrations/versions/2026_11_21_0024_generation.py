"""Generators of compositions: what they are, what they drew, what a search asked for, the crystals that were tried.

WHY: a composition that ends in a ranking has a long way behind it: a network, a batch of which the shares are worth
more than the samples, or a search whose suggestions are its whole state, verdicts, a template, a relaxation. Each is a
row that never changes, those that came to nothing too, so that a search goes on where it stood and a share can be
counted again. The table `generated_composition` had no writer yet; it is made anew.

Revision ID: 0024
Revises: 0023
Create Date: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift.errors import DatabaseError
from matsift_schema.migrations.helpers import drop_functions, drop_views, forbid_change
from matsift_schema.migrations.new_tables import (
    checks,
    column,
    create_index,
    create_table,
    created_at,
    foreign_keys,
    json_object,
)

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_KEY, _TEXT, _COUNT = sa.BigInteger(), sa.Text(), sa.Integer()
_FLOAT: sa.Double[float] = sa.Double()
_NOT_NEGATIVE = "{0} >= 0 AND {0} < 'Infinity'"
_FINITE = "{0} > '-Infinity' AND {0} < 'Infinity'"
_SHA256 = "length({0}) = 64 AND {0} !~ '[^0-9a-f]'"
_TABLES = (
    "generator_version",
    "generation",
    "generated_composition",
    "composition_prediction",
    "suggestion",
    "generated_structure",
)


def upgrade() -> None:
    """Apply; refused where somebody wrote generated compositions by hand."""
    drop_functions()
    drop_views()
    _require_no_rows()
    op.drop_table("generated_composition", schema="matsift")
    _create_generators()
    _create_generations()
    _create_compositions()
    _create_predictions()
    _create_suggestions()
    _create_structures()
    for table in _TABLES:
        op.create_index(op.f(f"ix_{table}__run_id"), table, ["run_id"], unique=False, schema="matsift")
        forbid_change(table)


def downgrade() -> None:
    """Take back."""
    drop_functions()
    drop_views()
    for table in reversed(_TABLES):
        op.drop_table(table, schema="matsift")
    _create_compositions_before()
    forbid_change("generated_composition")


def _require_no_rows() -> None:
    if op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT FROM matsift.generated_composition)")):
        raise DatabaseError(
            "matsift.generated_composition holds rows that no version of matsift wrote; save and remove them first"
        )


def _create_generators() -> None:
    create_table(
        "generator_version",
        "One generator of compositions; same kind, settings, seed and formulas are the same generator.",
        [
            column("content_hash", _TEXT, "SHA-256 of kind, settings, seed and formulas_hash"),
            column(
                "kind",
                _TEXT,
                "composition_autoencoder, composition_gan, rules (substitution in prototypes) or random (drawn counts)",
            ),
            json_object("settings", "settings of the generator, all of them"),
            column("seed", _KEY, "seed of the training"),
            column("formulas_hash", _TEXT, "SHA-256 of the formulas that it learned from, sorted, one a line"),
            column("n_formula", _COUNT, "formulas that it learned from, count"),
            json_object("scores", "how well it was trained, for example round_trip, fraction of 1"),
            column(
                "artifact_sha256",
                _TEXT,
                "SHA-256 of the stored network, or list of formulas; NULL = none",
                nullable=True,
            ),
            column("artifact_uri", _TEXT, "where that lay when it was stored; NULL = none", nullable=True),
            column("code_version", _TEXT, "version of matsift that made it"),
        ],
        {
            "content_hash_is_sha256": _SHA256.format("content_hash"),
            "kind_is_known": "kind IN ('composition_autoencoder', 'composition_gan', 'rules', 'random')",
            "formulas_hash_is_sha256": _SHA256.format("formulas_hash"),
            "n_formula_is_not_negative": "n_formula >= 0",
            "artifact_sha256_is_sha256": _SHA256.format("artifact_sha256"),
            "networks_have_an_artifact": "(kind IN ('rules', 'random') OR artifact_sha256 IS NOT NULL)"
            " AND (artifact_sha256 IS NULL) = (artifact_uri IS NULL)",
            "artifact_uri_is_not_empty": "artifact_uri <> ''",
        },
        unique={"content_hash": ["content_hash"]},
    )


def _create_generations() -> None:
    create_table(
        "generation",
        "One batch of compositions drawn from a generator; the shares count those that were not kept too.",
        [
            column(
                "content_hash",
                _TEXT,
                "SHA-256 of study, generator, origin, settings, seed, and of the model that chose",
            ),
            column("study", _TEXT, "study that asked for it"),
            column("generator_version_id", _KEY, "the generator"),
            column("origin", _TEXT, "gan, latent_search, rules or random"),
            column("campaign_id", _KEY, "campaign of a latent search; NULL = drawn at random", nullable=True),
            json_object("settings", "filters of sizes, rules of validity, how many were kept by what"),
            column("seed", _KEY, "seed of the drawing"),
            column("n_drawn", _KEY, "samples drawn, or suggestions of a search, count"),
            json_object("shares", "shares of the samples that are valid, unique, new: fractions of 1"),
        ],
        {
            "content_hash_is_sha256": _SHA256.format("content_hash"),
            "study_is_not_empty": "study <> ''",
            "origin_is_known": "origin IN ('gan', 'latent_search', 'rules', 'random')",
            "searches_have_a_campaign": "(origin = 'latent_search') = (campaign_id IS NOT NULL)",
            "n_drawn_is_not_negative": "n_drawn >= 0",
        },
        unique={"content_hash": ["content_hash"]},
        references={"generator_version_id": "generator_version", "campaign_id": "campaign"},
        indexes=[["study"], ["generator_version_id"], ["campaign_id"]],
    )


def _create_compositions() -> None:
    create_table(
        "generated_composition",
        "A composition that a generator proposed and a study kept, with the verdicts of the rules.",
        [
            column("generation_id", _KEY, "the batch that it comes from"),
            column("rank", _COUNT, "1 for the best of the batch by the model that chose"),
            column("formula", _TEXT, "reduced formula that was proposed"),
            json_object("verdicts", "validity verdicts by rule, for example charge_neutral"),
            column(
                "nearest_formula",
                _TEXT,
                "nearest formula that the study knows, by the earth mover's distance; NULL = it knows none",
                nullable=True,
            ),
            column(
                "nearest_distance",
                _FLOAT,
                "earth mover's distance to it (modified Pettifor scale, no unit); NULL = it knows none",
                nullable=True,
            ),
        ],
        {
            "formula_is_not_empty": "formula <> ''",
            "rank_counts_from_one": "rank >= 1",
            "nearest_formula_is_not_empty": "nearest_formula <> ''",
            "nearest_distance_is_not_negative": _NOT_NEGATIVE.format("nearest_distance"),
            "nearest_has_a_distance": "(nearest_formula IS NULL) = (nearest_distance IS NULL)",
        },
        unique={"generation_id_formula": ["generation_id", "formula"], "generation_id_rank": ["generation_id", "rank"]},
        references={"generation_id": "generation"},
        indexes=[["formula"]],
    )


def _create_predictions() -> None:
    table = "composition_prediction"
    of_interval = "in the property's unit"
    op.create_table(
        table,
        column("generated_composition_id", _KEY, "the composition"),
        column("model_version_id", _KEY, "the model"),
        column("property_id", _KEY, "the property, which names the unit"),
        column("mean", _FLOAT, f"predicted value, {of_interval}"),
        column("spread", _FLOAT, f"standard deviation over members, {of_interval}"),
        column("lower", _FLOAT, f"lower end of the calibrated interval, {of_interval}"),
        column("upper", _FLOAT, f"upper end of the calibrated interval, {of_interval}"),
        column("coverage", _FLOAT, "share of true values the interval is calibrated to hold, 0 to 1"),
        column("run_id", _KEY, "run that wrote this row"),
        *checks(
            table,
            {
                "mean_is_finite": _FINITE.format("mean"),
                "lower_is_finite": _FINITE.format("lower"),
                "upper_is_finite": _FINITE.format("upper"),
                "spread_is_not_negative": _NOT_NEGATIVE.format("spread"),
                "interval_is_ordered": "lower <= upper",
                "coverage_is_a_fraction": "coverage > 0 AND coverage < 1",
            },
        ),
        *foreign_keys(
            table,
            {
                "generated_composition_id": "generated_composition",
                "model_version_id": "model_version",
                "property_id": "property",
                "run_id": "run",
            },
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id", "property_id"],
            ["matsift.model_version.id", "matsift.model_version.property_id"],
            name=op.f(f"fk_{table}__model_version_id_property_id__model_version"),
        ),
        sa.PrimaryKeyConstraint("generated_composition_id", "model_version_id", name=op.f(f"pk_{table}")),
        schema="matsift",
        comment="What one model says of one generated composition, crystal or none.",
    )
    create_index(table, ["model_version_id"])


def _create_suggestions() -> None:
    table = "suggestion"
    unit = "in the property's unit"
    op.create_table(
        table,
        column("campaign_round_id", _KEY, "the round"),
        column("number", _COUNT, "place among the suggestions of the whole search, from 1"),
        column("latent", sa.ARRAY(sa.REAL()), "the point, coordinates of the autoencoder, no unit"),
        column(
            "score",
            _FLOAT,
            "value of the acquisition function there; unit as the strategy; NULL = it has none",
            nullable=True,
        ),
        column("mean", _FLOAT, f"what the surrogate expected there, {unit}; NULL = it was not asked", nullable=True),
        column("spread", _FLOAT, f"its standard deviation there, {unit}; NULL = it was not asked", nullable=True),
        column("decodes", sa.Boolean(), "the autoencoder makes a formula of it"),
        column("formula", _TEXT, "that reduced formula; NULL = it makes none", nullable=True),
        column(
            "value",
            _FLOAT,
            f"what the property model says of the formula, {unit}; NULL = the reason says why not",
            nullable=True,
        ),
        column("reason", _TEXT, "why there is no value; NULL = there is one", nullable=True),
        column("run_id", _KEY, "run that wrote this row"),
        created_at(),
        *checks(
            table,
            {
                "number_counts_from_one": "number >= 1",
                "latent_is_finite": "cardinality(latent) > 0 AND '-Infinity' < ALL (latent)"
                " AND 'Infinity' > ALL (latent)",
                "score_is_finite": _FINITE.format("score"),
                "mean_is_finite": _FINITE.format("mean"),
                "spread_is_not_negative": _NOT_NEGATIVE.format("spread"),
                "formula_is_not_empty": "formula <> ''",
                "what_decodes_has_a_formula": "decodes = (formula IS NOT NULL)",
                "no_value_without_a_reason": "(value IS NULL) = (reason IS NOT NULL)",
                "values_are_of_formulas": "value IS NULL OR decodes",
                "value_is_finite": _FINITE.format("value"),
                "reason_is_not_empty": "reason <> ''",
            },
        ),
        *foreign_keys(table, {"campaign_round_id": "campaign_round", "run_id": "run"}),
        sa.PrimaryKeyConstraint("campaign_round_id", "number", name=op.f(f"pk_{table}")),
        schema="matsift",
        comment="One point of the latent space that a search asked for; together they are its whole state.",
    )
    create_index(table, ["formula"])


def _create_structures() -> None:
    create_table(
        "generated_structure",
        "One attempt at a crystal of a composition: those that came to nothing are kept with the reason.",
        [
            column("formula", _TEXT, "reduced formula of the composition"),
            column(
                "template_entry_id",
                _KEY,
                "entry whose crystal was the template; NULL = none has these amounts",
                nullable=True,
            ),
            column(
                "template_distance",
                _FLOAT,
                "earth mover's distance to it (modified Pettifor scale, no unit); NULL = no template",
                nullable=True,
            ),
            column(
                "assignment",
                _COUNT,
                "which of the assignments of elements to sites, cheapest first, from 0; amounts that tie give several",
            ),
            json_object("mapping", "element of the template -> element that takes its sites"),
            column("method", _TEXT, "how it was relaxed, for example chgnet-0.3.0-finite-strain"),
            column(
                "outcome",
                _TEXT,
                "relaxed, rediscovered (the formula is known), refused (no template, or a bad crystal) or failed",
            ),
            column("structure_id", _KEY, "the crystal; NULL = the reason says why there is none", nullable=True),
            column("reason", _TEXT, "why there is no crystal; NULL = there is one", nullable=True),
            column("seconds", _FLOAT, "wall-clock time of the attempt, s"),
        ],
        {
            "formula_is_not_empty": "formula <> ''",
            "assignment_is_not_negative": "assignment >= 0",
            "template_distance_is_not_negative": _NOT_NEGATIVE.format("template_distance"),
            "distances_are_to_templates": "template_distance IS NULL OR template_entry_id IS NOT NULL",
            "method_is_not_empty": "method <> ''",
            "outcome_is_known": "outcome IN ('relaxed', 'rediscovered', 'refused', 'failed')",
            "success_has_a_structure": "(outcome IN ('relaxed', 'rediscovered')) = (structure_id IS NOT NULL)",
            "no_success_has_a_reason": "(outcome IN ('refused', 'failed')) = (reason IS NOT NULL)",
            "reason_is_not_empty": "reason <> ''",
            "seconds_is_a_duration": _NOT_NEGATIVE.format("seconds"),
        },
        unique={"attempt": ["formula", "template_entry_id", "assignment", "method"]},
        nulls_not_distinct=True,
        references={"template_entry_id": "source_entry", "structure_id": "structure"},
        indexes=[["template_entry_id"], ["structure_id"]],
    )


def _create_compositions_before() -> None:
    """The table as revision 0011 made it."""
    create_table(
        "generated_composition",
        "A composition that a generator proposed, with the verdicts of the chemistry rules.",
        [
            column("model_version_id", _KEY, "generator version; NULL = rules, not a trained model", nullable=True),
            column("formula", _TEXT, "reduced formula that was proposed"),
            json_object("verdicts", "validity verdicts by rule, for example charge_neutral"),
            column(
                "template_entry_id",
                _KEY,
                "entry whose crystal was the template; NULL = none was found",
                nullable=True,
            ),
            column("structure_id", _KEY, "crystal that was built; NULL = none was", nullable=True),
        ],
        {"formula_is_not_empty": "formula <> ''"},
        unique={"model_version_id_formula": ["model_version_id", "formula"]},
        nulls_not_distinct=True,
        references={
            "model_version_id": "model_version",
            "template_entry_id": "source_entry",
            "structure_id": "structure",
        },
        indexes=[["template_entry_id"], ["structure_id"], ["run_id"]],
    )
