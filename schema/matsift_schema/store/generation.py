"""Generators of compositions and what they proposed: networks, batches, compositions and their predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Floats
from matsift_schema.store.copying import incoming

GeneratorKind = Literal["composition_autoencoder", "composition_gan", "rules", "random"]
Origin = Literal["gan", "latent_search", "rules", "random"]

_COMPOSITION_COLUMNS = {
    "rank": "int4",
    "formula": "text",
    "verdicts": "text",
    "nearest_formula": "text",
    "nearest_distance": "float8",
    "mean": "float8",
    "spread": "float8",
    "lower": "float8",
    "upper": "float8",
}


@dataclass(frozen=True)
class GeneratorRecord:
    """One generator of compositions; `content_hash` names kind, settings, seed and the formulas.

    A network has an artifact, rules have none. `scores` say how well it was trained, numbers by name.
    """

    content_hash: str
    kind: GeneratorKind
    settings: Mapping[str, Any]
    seed: int
    formulas_hash: str
    n_formula: int
    code_version: str
    scores: Mapping[str, Any] = field(default_factory=dict)
    artifact_sha256: str | None = None
    artifact_uri: str | None = None


@dataclass(frozen=True)
class GenerationRecord:
    """One batch of proposals; `campaign_id` is that of a latent search, None where compositions were drawn."""

    content_hash: str
    study: str
    generator_id: int
    origin: Origin
    settings: Mapping[str, Any]
    seed: int
    n_drawn: int
    shares: Mapping[str, Any] = field(default_factory=dict)
    campaign_id: int | None = None


@dataclass(frozen=True)
class KeptComposition:
    """One composition of a batch: verdicts by rule, the nearest formula that is known and its distance."""

    formula: str
    verdicts: Mapping[str, Any]
    nearest_formula: str | None = None
    nearest_distance: float | None = None


@dataclass(frozen=True)
class CompositionRow:
    """A stored composition with what one model says of it, in the property's unit."""

    id: int
    formula: str
    origin: Origin
    rank: int
    verdicts: Mapping[str, Any]
    nearest_formula: str | None
    nearest_distance: float | None
    mean: float
    spread: float
    lower: float
    upper: float
    coverage: float


def find_generator(session: Session, content_hash: str) -> tuple[int, GeneratorRecord] | None:
    """Return id and record of a generator, None where it was not made."""
    query = text("""
        SELECT id, content_hash, kind, settings, seed, formulas_hash, n_formula, code_version, scores, artifact_sha256,
               artifact_uri FROM matsift.generator_version WHERE content_hash = :content_hash
    """)
    row = session.execute(query, {"content_hash": content_hash}).one_or_none()
    return None if row is None else (int(row[0]), GeneratorRecord(*row[1:]))


def write_generator(session: Session, run_id: int, generator: GeneratorRecord) -> int:
    """Return the id of a generator, inserted where its content hash is new; flushed, not committed."""
    insert = text("""
        INSERT INTO matsift.generator_version (content_hash, kind, settings, seed, formulas_hash, n_formula, scores,
                                               artifact_sha256, artifact_uri, code_version, run_id)
        VALUES (:content_hash, :kind, CAST(:settings AS jsonb), :seed, :formulas_hash, :n_formula,
                CAST(:scores AS jsonb), :artifact_sha256, :artifact_uri, :code_version, :run_id)
        ON CONFLICT (content_hash) DO NOTHING
    """)
    values = {**asdict(generator), "run_id": run_id}
    values |= {name: json.dumps(values[name], sort_keys=True) for name in ("settings", "scores")}
    session.execute(insert, values)
    query = text("SELECT id FROM matsift.generator_version WHERE content_hash = :content_hash")
    return int(session.execute(query, {"content_hash": generator.content_hash}).scalar_one())


def find_generation(session: Session, content_hash: str) -> int | None:
    """Return the id of a batch, None where it was not drawn."""
    query = text("SELECT id FROM matsift.generation WHERE content_hash = :content_hash")
    return session.execute(query, {"content_hash": content_hash}).scalar_one_or_none()


def load_generation(session: Session, generation_id: int) -> GenerationRecord:
    """Return what is stored of a batch."""
    query = text("""
        SELECT content_hash, study, generator_version_id, origin, settings, seed, n_drawn, shares, campaign_id
        FROM matsift.generation WHERE id = :id
    """)
    return GenerationRecord(*session.execute(query, {"id": generation_id}).one())


def write_generation(
    session: Session,
    run_id: int,
    generation: GenerationRecord,
    kept: Sequence[KeptComposition],
    *,
    model_id: int,
    mean: Floats,
    spread: Floats,
    lower: Floats,
    upper: Floats,
    coverage: float,
) -> int:
    """Return the id of a batch that is new, written with its n compositions, best first; flushed, not committed.

    Parameters
    ----------
    session, run_id, generation
        Where, by which run, the batch.
    kept
        n compositions, each formula once; their order is their rank.
    model_id, mean, spread, lower, upper, coverage
        The model that chose them and what it says of each, (n,) in the unit of its property.
    """
    insert = text("""
        INSERT INTO matsift.generation (content_hash, study, generator_version_id, origin, campaign_id, settings, seed,
                                        n_drawn, shares, run_id)
        VALUES (:content_hash, :study, :generator_id, :origin, :campaign_id, CAST(:settings AS jsonb), :seed, :n_drawn,
                CAST(:shares AS jsonb), :run_id)
        RETURNING id
    """)
    values = {**asdict(generation), "run_id": run_id}
    values |= {name: json.dumps(values[name], sort_keys=True) for name in ("settings", "shares")}
    generation_id = int(session.execute(insert, values).scalar_one())
    columns = [[float(x) for x in column] for column in (mean, spread, lower, upper)]
    rows = (
        (rank, c.formula, json.dumps(dict(c.verdicts), sort_keys=True), c.nearest_formula, c.nearest_distance, *said)
        for rank, (c, said) in enumerate(zip(kept, zip(*columns, strict=True), strict=True), start=1)
    )
    about = {"generation_id": generation_id, "run_id": run_id, "model_id": model_id, "coverage": coverage}
    with incoming(session, _COMPOSITION_COLUMNS, rows):
        session.execute(_INSERT_COMPOSITIONS, about)
        session.execute(_INSERT_PREDICTIONS, about)
    return generation_id


_INSERT_COMPOSITIONS = text("""
    INSERT INTO matsift.generated_composition (generation_id, rank, formula, verdicts, nearest_formula,
                                               nearest_distance, run_id)
    SELECT :generation_id, rank, formula, CAST(verdicts AS jsonb), nearest_formula, nearest_distance, :run_id
    FROM incoming ORDER BY rank
""")
_INSERT_PREDICTIONS = text("""
    INSERT INTO matsift.composition_prediction (generated_composition_id, model_version_id, property_id, mean, spread,
                                                lower, upper, coverage, run_id)
    SELECT c.id, m.id, m.property_id, i.mean, i.spread, i.lower, i.upper, :coverage, :run_id
    FROM incoming i
    JOIN matsift.generated_composition c ON (c.generation_id, c.rank) = (:generation_id, i.rank)
    JOIN matsift.model_version m ON m.id = :model_id
    ORDER BY c.id
""")


def load_compositions(session: Session, generation_ids: Sequence[int], model_id: int) -> list[CompositionRow]:
    """Return the compositions of batches with what a model says of them, batch by batch, best first."""
    query = text("""
        SELECT c.id, c.formula, b.origin, c.rank, c.verdicts, c.nearest_formula, c.nearest_distance, q.mean, q.spread,
               q.lower, q.upper, q.coverage
        FROM matsift.generated_composition c
        JOIN matsift.generation b ON b.id = c.generation_id
        JOIN matsift.composition_prediction q ON (q.generated_composition_id, q.model_version_id) = (c.id, :model_id)
        WHERE b.id = ANY(CAST(:ids AS int8[])) ORDER BY array_position(CAST(:ids AS int8[]), b.id), c.rank
    """)
    rows = session.execute(query, {"ids": [int(key) for key in generation_ids], "model_id": model_id})
    return [CompositionRow(*row) for row in rows.tuples()]
