"""Generators of compositions and what they proposed, for a study in the database."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store import generated_structures, generation, suggestions
from matsift_schema.store.campaigns import CampaignRecord, write_campaign, write_round
from matsift_schema.store.plans import write_plan

METHOD = "chgnet-0.3.0-finite-strain"


def digest(name: str) -> str:
    """Return a SHA-256 of a name."""
    return hashlib.sha256(f"generation {name}".encode()).hexdigest()


def generator_record(**rest: Any) -> generation.GeneratorRecord:
    """Return a composition GAN that learned from three formulas."""
    values: dict[str, Any] = {
        "content_hash": digest(f"generator {sorted(rest.items(), key=str)}"),
        "kind": "composition_gan",
        "settings": {"steps": 10},
        "seed": 1,
        "formulas_hash": digest("formulas"),
        "n_formula": 3,
        "code_version": "0.1.0",
        "scores": {"round_trip": 0.9},
        "artifact_sha256": digest("artifact"),
        "artifact_uri": "file:///artifacts/gg",
    }
    return generation.GeneratorRecord(**{**values, **rest})


def kept(*formulas: str) -> list[generation.KeptComposition]:
    """Return compositions that are valid; NaCl is the nearest that is known."""
    verdicts = {"charge_neutral": True, "electronegativity_balanced": True}
    return [generation.KeptComposition(formula, verdicts, "NaCl", 0.5) for formula in formulas]


def draw(session: Session, run: int, generator: int, model: int, *formulas: str, **rest: Any) -> int:
    """Return the id of a batch of formulas, the first predicted at 1, the next at 2, all within 0.5."""
    values: dict[str, Any] = {
        "content_hash": digest(f"batch {formulas} {sorted(rest.items(), key=str)}"),
        "study": "shelf_study",
        "generator_id": generator,
        "origin": "gan",
        "settings": {"max_atoms": 20},
        "seed": 1,
        "n_drawn": 100,
        "shares": {"valid": 0.5, "unique": 0.9, "new": 0.8},
    }
    mean = 1.0 + np.arange(len(formulas))
    return generation.write_generation(
        session,
        run,
        generation.GenerationRecord(**{**values, **rest}),
        kept(*formulas),
        model_id=model,
        mean=mean,
        spread=np.full(len(formulas), 0.1),
        lower=mean - 0.5,
        upper=mean + 0.5,
        coverage=0.9,
    )


def suggestion(number: int, **rest: Any) -> suggestions.SuggestionRow:
    """Return a suggestion of round 0 that decodes to NaCl, whose value is 1."""
    values: dict[str, Any] = {
        "round_number": 0,
        "number": number,
        "latent": np.array([0.25, -1.5], dtype=np.float32),
        "score": 2.0,
        "mean": 1.5,
        "spread": 0.5,
        "decodes": True,
        "formula": "NaCl",
        "value": 1.0,
        "reason": None,
    }
    return suggestions.SuggestionRow(**{**values, **rest})


def search(session: Session, run: int, model: int) -> int:
    """Return the id of the campaign of a search with a round of two suggestions, the second in vain."""
    record = CampaignRecord(
        content_hash=digest("campaign"),
        name="shelf_study latent search",
        study="shelf_study",
        property_name="k_vrh",
        strategy="UCB",
        strategy_kind="latent_search",
        batch_size=1,
        seed=1,
        oracle="model",
        oracle_method="model:0123456789ab",
        settings={"kappa": 100.0},
    )
    campaign = write_campaign(session, run, record)
    write_plan(session, run, campaign, n_round=1, stop={})
    nothing = np.zeros(0)
    round_id = write_round(
        session,
        run,
        campaign,
        number=0,
        model_id=model,
        structure_ids=[],
        mean=nothing,
        spread=nothing,
        scores=nothing,
        order=[],
    )
    invalid = suggestion(2, decodes=False, formula=None, value=None, reason="row of Na holds two ones")
    suggestions.write_suggestions(session, run, round_id, [suggestion(1), invalid])
    return campaign


def attempt(formula: str, structure_id: int | None, **rest: Any) -> generated_structures.AttemptRow:
    """Return a relaxed crystal of a formula from the first entry, or a refusal."""
    values: dict[str, Any] = {
        "template_entry_id": None,
        "template_distance": None,
        "assignment": 0,
        "mapping": {"Na": "K"},
        "method": METHOD,
        "outcome": "refused" if structure_id is None else "relaxed",
        "reason": "no crystal of these amounts is known" if structure_id is None else None,
        "seconds": 1.5,
    }
    return generated_structures.AttemptRow(formula=formula, structure_id=structure_id, **{**values, **rest})


def generate(session: Session, run: int, model: int, structure_ids: NDArray[np.int64]) -> None:
    """Write two generators, a batch of two compositions, a search, and an attempt at a crystal of each composition."""
    generator = generation.write_generator(session, run, generator_record())
    generation.write_generator(
        session, run, generator_record(kind="rules", artifact_sha256=None, artifact_uri=None, scores={})
    )
    draw(session, run, generator, model, "KCl", "KBr")
    search(session, run, model)
    entry = session.scalars(text("SELECT min(id) FROM matsift.source_entry WHERE structure_id IS NOT NULL")).one()
    relaxed = attempt("KBr", int(structure_ids[0]), template_entry_id=entry, template_distance=0.5)
    generated_structures.write_attempts(session, run, [relaxed, attempt("KCl", None)])
