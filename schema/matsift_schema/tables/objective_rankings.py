"""Rankings by several objectives at once: Pareto layers, chances of meeting the thresholds, expected utility."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
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

_FRACTION = "{0} >= 0 AND {0} <= 1"


class ObjectiveRanking(Base):
    """One ranking of the candidates of a screen by several objectives."""

    __tablename__ = "ranking"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        not_empty("study"),
        CheckConstraint("n_candidate >= 0", name="n_candidate_is_not_negative"),
        Index(None, "study"),
        Index(None, "screen_id"),
        Index(None, "run_id"),
        {"comment": "One ranking of candidates by several objectives; what it rests on changes, and it is another."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(
        comment="SHA-256 of study, objectives, prices, and what was known of every candidate"
    )
    study: Mapped[str] = mapped_column(comment="study that asks for it")
    screen_id: Mapped[int] = reference("screen.id", "screen whose candidates it ranks, those that failed no criterion")
    n_candidate: Mapped[int] = mapped_column(comment="candidates, count")
    prices: Mapped[dict[str, Any]] = json_object("source, and usd_per_kg by element, for the objective cost; {} = none")
    correlation: Mapped[dict[str, Any]] = json_object(
        "objective -> objective -> correlation of their ensembles' members, large values good; none = 0"
    )
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class RankingObjective(Base):
    """One objective of a ranking, with what the study asks of it."""

    __tablename__ = "ranking_objective"
    __table_args__ = (
        UniqueConstraint("ranking_id", "name"),
        CheckConstraint("position >= 1", name="position_counts_from_one"),
        not_empty("name"),
        not_empty("unit"),
        one_of("goal", "maximize", "minimize"),
        finite("threshold"),
        CheckConstraint("weight > 0 AND weight < 'Infinity'", name="weight_is_positive"),
        finite("worst"),
        finite("best"),
        CheckConstraint("CASE goal WHEN 'maximize' THEN worst <= best ELSE worst >= best END", name="best_is_good"),
        Index(None, "model_version_id"),
        Index(None, "run_id"),
        {"comment": "One objective of a ranking."},
    )

    ranking_id: Mapped[int] = reference("ranking.id", "the ranking", primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="place in the study, from 1")
    name: Mapped[str] = mapped_column(comment="property, or cost")
    unit: Mapped[str] = mapped_column(comment="unit of all its values")
    goal: Mapped[str] = mapped_column(comment="maximize or minimize")
    threshold: Mapped[float | None] = mapped_column(
        comment="value that a candidate must reach, in the objective's unit; NULL = none"
    )
    weight: Mapped[float] = mapped_column(comment="share in the utility against the others, no unit")
    worst: Mapped[float] = mapped_column(comment="value of no worth in the utility, in the objective's unit")
    best: Mapped[float] = mapped_column(comment="value of full worth in the utility, in the objective's unit")
    model_version_id: Mapped[int | None] = reference(
        "model_version.id", "model behind its predictions; NULL = none, values are stated or computed"
    )
    run_id: Mapped[int] = run_reference()


class RankingPlace(Base):
    """Where one candidate stands in a ranking."""

    __tablename__ = "ranking_place"
    __table_args__ = (
        CheckConstraint("layer >= 1", name="layer_counts_from_one"),
        CheckConstraint("pareto_place >= 1", name="pareto_place_counts_from_one"),
        CheckConstraint("utility_place >= 1", name="utility_place_counts_from_one"),
        CheckConstraint(_FRACTION.format("chance"), name="chance_is_a_fraction"),
        CheckConstraint(_FRACTION.format("utility"), name="utility_is_a_fraction"),
        CheckConstraint(
            "(layer IS NULL) = (cardinality(unknown) > 0) AND (layer IS NULL) = (pareto_place IS NULL)"
            " AND (layer IS NULL) = (utility IS NULL) AND (layer IS NULL) = (utility_place IS NULL)",
            name="unknown_has_no_place",
        ),
        Index(None, "structure_id"),
        Index(None, "run_id"),
        {"comment": "Where one candidate stands in a ranking."},
    )

    ranking_id: Mapped[int] = reference("ranking.id", "the ranking", primary_key=True)
    structure_id: Mapped[int] = reference("structure.id", "the candidate", primary_key=True)
    layer: Mapped[int | None] = mapped_column(comment="Pareto layer, 1 = the front; NULL = an objective is unknown")
    pareto_place: Mapped[int | None] = mapped_column(
        comment="place by layer, then chance, then utility, from 1; NULL = an objective is unknown"
    )
    chance: Mapped[float | None] = mapped_column(
        comment="probability of meeting all thresholds, 0 to 1; NULL = there is none, or one cannot be judged"
    )
    utility: Mapped[float | None] = mapped_column(comment="expected utility, 0 to 1; NULL = an objective is unknown")
    utility_place: Mapped[int | None] = mapped_column(
        comment="place by expected utility, from 1; NULL = an objective is unknown"
    )
    unknown: Mapped[list[str]] = mapped_column(comment="names of the objectives that are unknown")
    run_id: Mapped[int] = run_reference()


class RankingValue(Base):
    """What was known of one objective of one candidate when it was ranked."""

    __tablename__ = "ranking_value"
    __table_args__ = (
        ForeignKeyConstraint(
            ["ranking_id", "structure_id"],
            [f"{SCHEMA}.ranking_place.ranking_id", f"{SCHEMA}.ranking_place.structure_id"],
        ),
        ForeignKeyConstraint(
            ["ranking_id", "position"],
            [f"{SCHEMA}.ranking_objective.ranking_id", f"{SCHEMA}.ranking_objective.position"],
        ),
        one_of("origin", "predicted", "computed", "stated", "composition", "no_path", "unknown"),
        finite("mean"),
        CheckConstraint("deviation >= 0 AND deviation < 'Infinity'", name="deviation_is_not_negative"),
        CheckConstraint(
            "(origin IN ('no_path', 'unknown')) = (mean IS NULL) AND (mean IS NULL) = (deviation IS NULL)",
            name="known_has_a_mean",
        ),
        CheckConstraint(_FRACTION.format("chance"), name="chance_is_a_fraction"),
        Index(None, "run_id"),
        {"comment": "What was known of one objective of one candidate when it was ranked."},
    )

    ranking_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="the ranking")
    structure_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="the candidate"
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="the objective")
    origin: Mapped[str] = mapped_column(
        comment="predicted, computed, stated (by a source), composition (by prices), no_path (of a barrier) or unknown"
    )
    mean: Mapped[float | None] = mapped_column(
        comment="expected value, in the objective's unit; NULL = unknown, or no path"
    )
    deviation: Mapped[float | None] = mapped_column(
        comment="standard deviation of the value, in the objective's unit; 0 = known; NULL with the mean"
    )
    chance: Mapped[float | None] = mapped_column(
        comment="probability of meeting the threshold, 0 to 1; NULL = there is none, or the value is unknown"
    )
    run_id: Mapped[int] = run_reference()
