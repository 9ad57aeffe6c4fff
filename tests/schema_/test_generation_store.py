"""Generators, batches, suggestions and attempts at crystals: in, out, and once."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from tests.factories import generation as factory
from tests.factories import pipeline

from matsift_schema.store import campaigns, generated_structures, generation, suggestions
from matsift_schema.store.handed_off import HandedOff, handed_off


@pytest.fixture
def study(session: Session) -> pipeline.Study:
    """A small study, with generators of its own."""
    return pipeline.small_study(session, is_diffracted=False)


def test_a_generator_comes_back_as_it_was_written_and_is_there_once(session: Session, study: pipeline.Study) -> None:
    record = factory.generator_record(seed=7, settings={"epochs": 3, "width": 0.5})
    first = generation.write_generator(session, study.run, record)
    assert generation.write_generator(session, study.run, record) == first
    assert generation.find_generator(session, record.content_hash) == (first, record)
    assert generation.find_generator(session, factory.digest("none")) is None


def test_compositions_of_a_batch_come_in_its_order_with_what_the_model_says(
    session: Session, study: pipeline.Study
) -> None:
    generator = generation.write_generator(session, study.run, factory.generator_record(seed=8))
    one = factory.draw(session, study.run, generator, study.model, "LiF", "NaF", "KF")
    other = factory.draw(session, study.run, generator, study.model, "RbF", seed=2)
    rows = generation.load_compositions(session, [other, one], study.model)
    assert [(row.formula, row.origin, row.rank, row.mean) for row in rows] == [
        ("RbF", "gan", 1, 1.0), ("LiF", "gan", 1, 1.0), ("NaF", "gan", 2, 2.0), ("KF", "gan", 3, 3.0),
    ]  # fmt: skip
    assert (rows[3].lower, rows[3].upper, rows[3].spread, rows[3].coverage) == (2.5, 3.5, 0.1, 0.9)
    assert rows[0].verdicts == {"charge_neutral": True, "electronegativity_balanced": True}
    assert (rows[0].nearest_formula, rows[0].nearest_distance) == ("NaCl", 0.5)
    assert generation.load_compositions(session, [], study.model) == []


def test_a_batch_is_found_by_its_content_and_keeps_the_shares(session: Session, study: pipeline.Study) -> None:
    generator = generation.write_generator(session, study.run, factory.generator_record(seed=9))
    shares = {"counts": {"kept": 0}, "makers": {"gan": {"valid": None}}}
    key = factory.draw(session, study.run, generator, study.model, content_hash=factory.digest("b"), shares=shares)
    assert generation.find_generation(session, factory.digest("b")) == key
    record = generation.load_generation(session, key)
    assert (record.shares, record.n_drawn, record.generator_id) == (shares, 100, generator)
    with pytest.raises(IntegrityError):
        factory.draw(session, study.run, generator, study.model, content_hash=factory.digest("b"))


def test_suggestions_come_back_bit_by_bit_in_the_order_of_the_search(session: Session, study: pipeline.Study) -> None:
    record = pipeline.campaign_record(strategy="search", strategy_kind="latent_search")
    campaign = campaigns.write_campaign(session, study.run, record)
    rounds = [
        campaigns.write_round(
            session, study.run, campaign, number=number, model_id=study.model,
            structure_ids=[], mean=[], spread=[], scores=[], order=[],
        )
        for number in (0, 1)
    ]  # fmt: skip
    latent = np.random.default_rng(0).normal(size=128).astype(np.float32)
    later = factory.suggestion(2, round_number=1, latent=latent, value=-3.25, score=None, mean=None, spread=None)
    suggestions.write_suggestions(session, study.run, rounds[1], [later])
    suggestions.write_suggestions(session, study.run, rounds[0], [factory.suggestion(1, latent=2 * latent)])
    first, second = suggestions.load_suggestions(session, campaign)
    assert (first.round_number, first.number, first.value) == (0, 1, 1.0)
    np.testing.assert_array_equal(first.latent, 2 * latent)
    np.testing.assert_array_equal(second.latent, latent)
    assert second.latent.dtype == np.float32
    assert (second.score, second.mean, second.spread, second.value, second.formula) == (None, None, None, -3.25, "NaCl")
    with pytest.raises(IntegrityError):
        suggestions.write_suggestions(session, study.run, rounds[1], [later])


def test_attempts_are_there_once_a_template_and_assignment(session: Session, study: pipeline.Study) -> None:
    pool = generated_structures.load_templates(session, ["shelf"], max_sites=100)
    entry, key = int(pool.entry_ids[0]), int(study.structure_ids[1])
    rows = [
        factory.attempt("LiF", key, template_entry_id=entry, template_distance=0.25, mapping={"Na": "Li", "Cl": "F"}),
        factory.attempt("LiF", None, template_entry_id=entry, template_distance=0.25, assignment=1, reason="no"),
        factory.attempt("NaF", None),
    ]
    assert generated_structures.write_attempts(session, study.run, rows) == 3
    assert generated_structures.write_attempts(session, study.run, rows) == 0
    assert generated_structures.load_attempts(session, ["NaF", "LiF", "KF"], factory.METHOD) == rows
    assert generated_structures.load_attempts(session, ["LiF"], "another") == []


def test_the_last_attempt_counts(session: Session, study: pipeline.Study) -> None:
    first = factory.attempt("LiF", None, outcome="failed", reason="TimeLimitExceeded: 300 s")
    again = factory.attempt("LiF", int(study.structure_ids[1]), attempt=2)
    assert generated_structures.write_attempts(session, study.run, [first]) == 1
    assert generated_structures.write_attempts(session, study.run, [first, again]) == 1
    assert generated_structures.load_attempts(session, ["LiF"], factory.METHOD) == [again]


def test_templates_are_what_sources_state_and_small_enough(session: Session, study: pipeline.Study) -> None:
    pool = generated_structures.load_templates(session, ["shelf"], max_sites=100)
    assert sorted(pool.structure_ids.tolist()) == sorted(study.structure_ids.tolist())
    assert list(pool.structure_hashes) == sorted(pool.structure_hashes)
    assert len(generated_structures.load_templates(session, ["shelf"], max_sites=1)) == 0
    assert len(generated_structures.load_templates(session, ["generated:x"], max_sites=100)) == 0
    names = generated_structures.template_names(session, pool.entry_ids[:1])
    source, external_id, formula, _ = names[int(pool.entry_ids[0])]
    assert (source, external_id, formula) == ("shelf", pool.external_ids[0], pool.formulae[0])


def test_what_was_handed_off_says_its_state(session: Session, study: pipeline.Study) -> None:
    found = handed_off(session, "shelf_study", study.structure_ids)
    assert len(found) == 3
    assert set(found.values()) == {HandedOff("chgnet", "proposed", "k_vrh", "GPa", None, None, None)}
    assert handed_off(session, "another", study.structure_ids) == {}
