"""Generators of compositions, what they proposed, what models say of it, and the crystals that were tried for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, REAL, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    SCHEMA,
    Base,
    finite,
    identity,
    json_object,
    not_empty,
    one_of,
    reference,
    run_reference,
    sha256_hex,
    timestamp,
)

_NOT_NEGATIVE = "{0} >= 0 AND {0} < 'Infinity'"


class GeneratorVersion(Base):
    """One generator of compositions: a trained network, or rules."""

    __tablename__ = "generator_version"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        one_of("kind", "composition_autoencoder", "composition_gan", "rules", "random"),
        sha256_hex("formulas_hash"),
        CheckConstraint("n_formula >= 0", name="n_formula_is_not_negative"),
        sha256_hex("artifact_sha256"),
        CheckConstraint(
            "(kind IN ('rules', 'random') OR artifact_sha256 IS NOT NULL)"
            " AND (artifact_sha256 IS NULL) = (artifact_uri IS NULL)",
            name="networks_have_an_artifact",
        ),
        not_empty("artifact_uri"),
        Index(None, "run_id"),
        {"comment": "One generator of compositions; same kind, settings, seed and formulas are the same generator."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of kind, settings, seed and formulas_hash")
    kind: Mapped[str] = mapped_column(
        comment="composition_autoencoder, composition_gan, rules (substitution in prototypes) or random (drawn counts)"
    )
    settings: Mapped[dict[str, Any]] = json_object("settings of the generator, all of them")
    seed: Mapped[int] = mapped_column(BigInteger, comment="seed of the training")
    formulas_hash: Mapped[str] = mapped_column(
        comment="SHA-256 of the formulas that it learned from, sorted, one a line"
    )
    n_formula: Mapped[int] = mapped_column(comment="formulas that it learned from, count")
    scores: Mapped[dict[str, Any]] = json_object("how well it was trained, for example round_trip, fraction of 1")
    artifact_sha256: Mapped[str | None] = mapped_column(
        comment="SHA-256 of the stored network, or list of formulas; NULL = none"
    )
    artifact_uri: Mapped[str | None] = mapped_column(comment="where that lay when it was stored; NULL = none")
    code_version: Mapped[str] = mapped_column(comment="version of matsift that made it")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class Generation(Base):
    """One batch of proposals: so many were drawn from a generator, and the best were kept."""

    __tablename__ = "generation"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        not_empty("study"),
        one_of("origin", "gan", "latent_search", "rules", "random"),
        CheckConstraint("(origin = 'latent_search') = (campaign_id IS NOT NULL)", name="searches_have_a_campaign"),
        CheckConstraint("n_drawn >= 0", name="n_drawn_is_not_negative"),
        Index(None, "study"),
        Index(None, "generator_version_id"),
        Index(None, "campaign_id"),
        Index(None, "run_id"),
        {"comment": "One batch of compositions drawn from a generator; the shares count those that were not kept too."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(
        comment="SHA-256 of study, generator, origin, settings, seed, and of the model that chose"
    )
    study: Mapped[str] = mapped_column(comment="study that asked for it")
    generator_version_id: Mapped[int] = reference("generator_version.id", "the generator")
    origin: Mapped[str] = mapped_column(comment="gan, latent_search, rules or random")
    campaign_id: Mapped[int | None] = reference("campaign.id", "campaign of a latent search; NULL = drawn at random")
    settings: Mapped[dict[str, Any]] = json_object("filters of sizes, rules of validity, how many were kept by what")
    seed: Mapped[int] = mapped_column(BigInteger, comment="seed of the drawing")
    n_drawn: Mapped[int] = mapped_column(BigInteger, comment="samples drawn, or suggestions of a search, count")
    shares: Mapped[dict[str, Any]] = json_object("shares of the samples that are valid, unique, new: fractions of 1")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class GeneratedComposition(Base):
    """A composition that a generator proposed and a study kept, with the verdicts of the chemistry rules."""

    __tablename__ = "generated_composition"
    __table_args__ = (
        UniqueConstraint("generation_id", "formula"),
        UniqueConstraint("generation_id", "rank"),
        not_empty("formula"),
        CheckConstraint("rank >= 1", name="rank_counts_from_one"),
        not_empty("nearest_formula"),
        CheckConstraint(_NOT_NEGATIVE.format("nearest_distance"), name="nearest_distance_is_not_negative"),
        CheckConstraint("(nearest_formula IS NULL) = (nearest_distance IS NULL)", name="nearest_has_a_distance"),
        Index(None, "formula"),
        Index(None, "run_id"),
        {"comment": "A composition that a generator proposed and a study kept, with the verdicts of the rules."},
    )

    id: Mapped[int] = identity()
    generation_id: Mapped[int] = reference("generation.id", "the batch that it comes from")
    rank: Mapped[int] = mapped_column(comment="1 for the best of the batch by the model that chose")
    formula: Mapped[str] = mapped_column(comment="reduced formula that was proposed")
    verdicts: Mapped[dict[str, Any]] = json_object("validity verdicts by rule, for example charge_neutral")
    nearest_formula: Mapped[str | None] = mapped_column(
        comment="nearest formula that the study knows, by the earth mover's distance; NULL = it knows none"
    )
    nearest_distance: Mapped[float | None] = mapped_column(
        comment="earth mover's distance to it (modified Pettifor scale, no unit); NULL = it knows none"
    )
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class CompositionPrediction(Base):
    """What one model says of one composition that has no crystal yet."""

    __tablename__ = "composition_prediction"
    __table_args__ = (
        ForeignKeyConstraint(
            ["model_version_id", "property_id"],
            [f"{SCHEMA}.model_version.id", f"{SCHEMA}.model_version.property_id"],
        ),
        finite("mean"),
        finite("lower"),
        finite("upper"),
        CheckConstraint(_NOT_NEGATIVE.format("spread"), name="spread_is_not_negative"),
        CheckConstraint("lower <= upper", name="interval_is_ordered"),
        CheckConstraint("coverage > 0 AND coverage < 1", name="coverage_is_a_fraction"),
        Index(None, "model_version_id"),
        Index(None, "run_id"),
        {"comment": "What one model says of one generated composition, crystal or none."},
    )

    generated_composition_id: Mapped[int] = reference("generated_composition.id", "the composition", primary_key=True)
    model_version_id: Mapped[int] = reference("model_version.id", "the model", primary_key=True)
    property_id: Mapped[int] = reference("property.id", "the property, which names the unit")
    mean: Mapped[float] = mapped_column(comment="predicted value, in the property's unit")
    spread: Mapped[float] = mapped_column(comment="standard deviation over members, in the property's unit")
    lower: Mapped[float] = mapped_column(comment="lower end of the calibrated interval, in the property's unit")
    upper: Mapped[float] = mapped_column(comment="upper end of the calibrated interval, in the property's unit")
    coverage: Mapped[float] = mapped_column(comment="share of true values the interval is calibrated to hold, 0 to 1")
    run_id: Mapped[int] = run_reference()


class Suggestion(Base):
    """One point of the latent space that a search asked for, and what became of it."""

    __tablename__ = "suggestion"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_counts_from_one"),
        CheckConstraint(
            "cardinality(latent) > 0 AND '-Infinity' < ALL (latent) AND 'Infinity' > ALL (latent)",
            name="latent_is_finite",
        ),
        finite("score"),
        finite("mean"),
        CheckConstraint(_NOT_NEGATIVE.format("spread"), name="spread_is_not_negative"),
        not_empty("formula"),
        CheckConstraint("decodes = (formula IS NOT NULL)", name="what_decodes_has_a_formula"),
        CheckConstraint("(value IS NULL) = (reason IS NOT NULL)", name="no_value_without_a_reason"),
        CheckConstraint("value IS NULL OR decodes", name="values_are_of_formulas"),
        finite("value"),
        not_empty("reason"),
        Index(None, "formula"),
        Index(None, "run_id"),
        {"comment": "One point of the latent space that a search asked for; together they are its whole state."},
    )

    campaign_round_id: Mapped[int] = reference("campaign_round.id", "the round", primary_key=True)
    number: Mapped[int] = mapped_column(
        primary_key=True, comment="place among the suggestions of the whole search, from 1"
    )
    latent: Mapped[list[float]] = mapped_column(
        ARRAY(REAL), comment="the point, coordinates of the autoencoder, no unit"
    )
    score: Mapped[float | None] = mapped_column(
        comment="value of the acquisition function there; unit as the strategy; NULL = it has none"
    )
    mean: Mapped[float | None] = mapped_column(
        comment="what the surrogate expected there, in the property's unit; NULL = it was not asked"
    )
    spread: Mapped[float | None] = mapped_column(
        comment="its standard deviation there, in the property's unit; NULL = it was not asked"
    )
    decodes: Mapped[bool] = mapped_column(comment="the autoencoder makes a formula of it")
    formula: Mapped[str | None] = mapped_column(comment="that reduced formula; NULL = it makes none")
    value: Mapped[float | None] = mapped_column(
        comment="what the property model says of the formula, in the property's unit; NULL = the reason says why not"
    )
    reason: Mapped[str | None] = mapped_column(comment="why there is no value; NULL = there is one")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class GeneratedStructure(Base):
    """One attempt at a crystal of a composition: a template, other elements in it, a relaxation."""

    __tablename__ = "generated_structure"
    __table_args__ = (
        UniqueConstraint(
            "formula",
            "template_entry_id",
            "assignment",
            "method",
            "attempt",
            name="uq_generated_structure__attempt",
            postgresql_nulls_not_distinct=True,
        ),
        not_empty("formula"),
        CheckConstraint("assignment >= 0", name="assignment_is_not_negative"),
        CheckConstraint("attempt >= 1", name="attempt_counts_from_one"),
        CheckConstraint(_NOT_NEGATIVE.format("template_distance"), name="template_distance_is_not_negative"),
        CheckConstraint(
            "template_distance IS NULL OR template_entry_id IS NOT NULL", name="distances_are_to_templates"
        ),
        not_empty("method"),
        one_of("outcome", "relaxed", "rediscovered", "refused", "failed"),
        CheckConstraint(
            "(outcome IN ('relaxed', 'rediscovered')) = (structure_id IS NOT NULL)", name="success_has_a_structure"
        ),
        CheckConstraint("(outcome IN ('refused', 'failed')) = (reason IS NOT NULL)", name="no_success_has_a_reason"),
        not_empty("reason"),
        CheckConstraint(_NOT_NEGATIVE.format("seconds"), name="seconds_is_a_duration"),
        Index(None, "template_entry_id"),
        Index(None, "structure_id"),
        Index(None, "run_id"),
        {"comment": "One attempt at a crystal of a composition: those that came to nothing are kept with the reason."},
    )

    id: Mapped[int] = identity()
    formula: Mapped[str] = mapped_column(comment="reduced formula of the composition")
    template_entry_id: Mapped[int | None] = reference(
        "source_entry.id", "entry whose crystal was the template; NULL = none has these amounts"
    )
    template_distance: Mapped[float | None] = mapped_column(
        comment="earth mover's distance to it (modified Pettifor scale, no unit); NULL = no template"
    )
    assignment: Mapped[int] = mapped_column(
        comment="which of the assignments of elements to sites, cheapest first, from 0; amounts that tie give several"
    )
    mapping: Mapped[dict[str, Any]] = json_object("element of the template -> element that takes its sites")
    method: Mapped[str] = mapped_column(comment="how it was relaxed, for example chgnet-0.3.0-finite-strain")
    outcome: Mapped[str] = mapped_column(
        comment="relaxed, rediscovered (the formula is known), refused (no template, or a bad crystal) or failed"
    )
    structure_id: Mapped[int | None] = reference(
        "structure.id", "the crystal; NULL = the reason says why there is none"
    )
    reason: Mapped[str | None] = mapped_column(comment="why there is no crystal; NULL = there is one")
    seconds: Mapped[float] = mapped_column(comment="wall-clock time of the attempt, s")
    attempt: Mapped[int] = mapped_column(server_default=text("1"), comment="1 for the first try, 2 for the first retry")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()
