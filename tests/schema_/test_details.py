"""What the cards of a report read: the nearest structures, what campaigns did, whom to cite."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy.orm import Session
from tests.factories.pipeline import small_study, write_fingerprints

from matsift.descriptors.fingerprint import FINGERPRINT
from matsift.reports.desk import CitedSource
from matsift_schema.store.descriptors import descriptor_set_names
from matsift_schema.store.details import acquisition_stories, cited_sources, similar_structures
from matsift_schema.store.structures import load_structures


def test_the_nearest_are_told_of_those_with_a_fingerprint_only(session: Session) -> None:
    study = small_study(session, is_diffracted=False)
    assert similar_structures(session, study.structure_ids, 2) == {}
    values = np.zeros((4, len(FINGERPRINT.columns)))
    values[:, 0] = [0.0, 1.0, 3.0, 7.0]
    write_fingerprints(session, study.run, study.structure_ids[:4], values)
    hashes = load_structures(session, ids=study.structure_ids).hashes
    found = similar_structures(session, study.structure_ids, 2)
    assert set(found) == set(hashes[:4])
    assert [one.structure_hash for one in found[hashes[1]]] == [hashes[0], hashes[2]]
    assert [one.distance for one in found[hashes[1]]] == pytest.approx([1.0, 2.0])
    assert found[hashes[1]][0].told.startswith("shelf: s-")


def test_a_story_holds_what_was_predicted_and_every_step_of_the_ledger(session: Session) -> None:
    study = small_study(session, is_diffracted=False)
    found = acquisition_stories(session, study.structure_ids, [study.campaign])
    hashes = load_structures(session, ids=study.structure_ids).hashes
    assert set(found) == set(hashes[3:])  # the three of the largest score, which is the last
    [story] = found[hashes[5]]
    assert (story.strategy, story.property_name, story.unit) == ("exploration", "k_vrh", "GPa")
    assert (story.round_number, story.rank, story.n_candidate) == (0, 1, 6)
    assert (story.mean, story.spread, story.value) == (105.0, 6.0, None)
    assert [step.status for step in story.steps] == ["proposed"]
    assert acquisition_stories(session, study.structure_ids, []) == {}


def test_a_source_is_cited_with_version_and_licence(session: Session) -> None:
    small_study(session, is_diffracted=False)
    [cited] = cited_sources(session, ["shelf", "nowhere"])
    assert cited == CitedSource("shelf", cited.description, "1", cited.licence)
    assert cited.licence


def test_descriptor_sets_are_named_in_the_order_asked_for(session: Session) -> None:
    study = small_study(session, is_diffracted=False)
    other = write_fingerprints(session, study.run, study.structure_ids[:1], np.zeros((1, len(FINGERPRINT.columns))))
    assert descriptor_set_names(session, [other, study.set_id]) == [FINGERPRINT.name, "mp"]
