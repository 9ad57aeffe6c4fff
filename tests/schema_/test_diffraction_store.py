"""Profiles, symmetry, held-out space groups and answers to patterns: what is missing, and rows in and out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories import diffraction
from tests.factories.crystals import many
from tests.factories.entries import entry, ingest
from tests.factories.runs import run_id

from matsift.diffraction.sparse import SparseProfiles
from matsift.records import FailureRecord
from matsift_schema.store import diffraction as profiles
from matsift_schema.store import patterns, space_groups, symmetry
from matsift_schema.store.counts import row_counts
from matsift_schema.store.descriptors import STAGE
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import label_table
from matsift_schema.store.lookups import structure_ids

CRYSTALS = sorted(many(4), key=lambda crystal: crystal.content_hash)


@pytest.fixture
def ids(session: Session) -> NDArray[np.int64]:
    """Ids of four structures, ordered by content hash."""
    ingest(session, run_id(session), [entry(f"s-{i}", crystal) for i, crystal in enumerate(CRYSTALS)])
    found = structure_ids(session, [crystal.content_hash for crystal in CRYSTALS])
    return np.array([found[crystal.content_hash] for crystal in CRYSTALS])


def lines(seed: int = 2, n: int = 3) -> SparseProfiles:
    """Return n profiles of one to 2000 lines, the last bin among them."""
    rng = np.random.default_rng(seed)
    bins = [np.sort(rng.choice(10001, size, replace=False)) for size in (1, 50, 2000)[:n]]
    bins[-1][-1] = 10000
    intensities = [np.append(rng.uniform(1e-5, 1, len(row) - 1), 1.0).astype(np.float32) for row in bins]
    return SparseProfiles.from_lists(bins, intensities)


def test_profiles_come_back_to_the_last_bit(session: Session, ids: NDArray[np.int64]) -> None:
    set_id, given = diffraction.profile_set(session), lines()
    written = profiles.write_profiles(session, run_id(session), set_id, ids[:3], given, seconds=np.zeros(3))
    found = profiles.load_profiles(session, set_id)
    assert written == 3
    np.testing.assert_array_equal(found.structure_ids, ids[:3])
    assert found.structure_hashes == tuple(crystal.content_hash for crystal in CRYSTALS[:3])
    np.testing.assert_array_equal(found.profiles.offsets, given.offsets)
    np.testing.assert_array_equal(found.profiles.bins, given.bins)
    np.testing.assert_array_equal(found.profiles.intensities, given.intensities)
    assert [str(column.dtype) for column in (found.profiles.bins, found.profiles.intensities)] == ["int16", "float32"]


def test_some_profiles_come_in_the_order_of_the_hashes(session: Session, ids: NDArray[np.int64]) -> None:
    set_id = diffraction.write_profiles(session, run_id(session), ids[:3])
    found = profiles.load_profiles(session, set_id, ids[[3, 2, 0]])
    np.testing.assert_array_equal(found.structure_ids, ids[[0, 2]])
    assert len(profiles.load_profiles(session, set_id, ids[3:])) == 0


def test_a_profile_that_is_there_stays(session: Session, ids: NDArray[np.int64]) -> None:
    set_id = diffraction.write_profiles(session, run_id(session), ids[:3])
    assert profiles.write_profiles(session, run_id(session), set_id, ids[:3], lines(), seconds=np.zeros(3)) == 0
    np.testing.assert_array_equal(profiles.load_profiles(session, set_id).profiles.bins[:2], [0, 5000])


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, [2]),
        ({"retry_failed": True}, [2, 3]),
        ({"sources": ["shelf"]}, [2]),
        ({"sources": ["elsewhere"]}, []),
        ({"version": "2"}, [0, 1, 2, 3]),
    ],
    ids=str,
)
def test_missing_profiles_are_those_that_were_not_tried(
    session: Session, ids: NDArray[np.int64], options: dict[str, Any], left: list[int]
) -> None:
    diffraction.write_profiles(session, run_id(session), ids[:2])
    key = CRYSTALS[3].content_hash
    failure = FailureRecord(STAGE, key, "BadStructureError", "no", detail="diffraction@1", structure_hash=key)
    write_failures(session, run_id(session), [failure])
    found = profiles.missing_profiles(session, "diffraction", **{"version": "1", **options})
    assert found.tolist() == ids[left].tolist()


def test_missing_symmetry_is_what_no_type_was_found_for(session: Session, ids: NDArray[np.int64]) -> None:
    method, run = diffraction.METHOD, run_id(session)
    diffraction.write_symmetry(session, run, ids[:1])
    key = CRYSTALS[3].content_hash
    failure = FailureRecord(symmetry.STAGE, key, "BadStructureError", "no", detail=method, structure_hash=key)
    write_failures(session, run, [failure])
    assert symmetry.missing_symmetry(session, method).tolist() == ids[1:3].tolist()
    assert symmetry.missing_symmetry(session, method, retry_failed=True).tolist() == ids[1:].tolist()
    assert symmetry.missing_symmetry(session, "spglib-symprec-0.1").tolist() == ids.tolist()
    assert symmetry.structure_types(session, method, ids[[1, 0]]) == [None, "225: 4 m-3m | 4 m-3m"]


def test_density_and_space_group_are_in_the_order_of_the_ids(session: Session, ids: NDArray[np.int64]) -> None:
    diffraction.write_symmetry(session, run_id(session), ids[:1])
    order = [2, 0, 3]
    expected = [CRYSTALS[i].occupancies.sum() / CRYSTALS[i].volume for i in order]
    np.testing.assert_allclose(symmetry.atoms_per_volume(session, ids[order]), expected, rtol=1e-12)
    known = {row.id: row.space_group_number for row in session.execute(text("SELECT * FROM matsift.structure"))}
    assert symmetry.space_groups_now(session, ids[order]).tolist() == [known[ids[2]], 225, known[ids[3]]]


def test_held_out_groups_come_back_beside_the_truth(session: Session, ids: NDArray[np.int64]) -> None:
    model = diffraction.diffract(session, run_id(session), ids)
    found = space_groups.load_held_out_groups(session, model)
    given = diffraction.said(label_table(session, ["space_group_number"]).label_ids[-2:])
    for name in ("label_ids", "predicted", "member_predicted", "member_probabilities", "true_rank", "volume", "in_set"):
        np.testing.assert_array_equal(getattr(found.said, name), getattr(given, name))
    assert list(found.said.relation) == ["same", "subgroup"]
    assert found.structure_hashes == tuple(crystal.content_hash for crystal in CRYSTALS[2:])
    assert (found.truth.tolist(), found.true_volume.tolist()) == ([225, 225], [40.0, 40.0])
    assert (list(found.roles), found.folds.tolist()) == (["test", "test"], [1, 2])


def test_what_networks_cannot_say_is_unknown(session: Session, ids: NDArray[np.int64]) -> None:
    model = diffraction.diffract(session, run_id(session), ids)
    first = diffraction.said(label_table(session, ["space_group_number"]).label_ids[:1])
    unknown = replace(first, true_rank=np.array([0]), relation=[None], volume=np.full((1, 3), np.nan))
    assert space_groups.write_held_out_groups(session, run_id(session), model, unknown) == 1
    assert space_groups.write_held_out_groups(session, run_id(session), model, first) == 0
    row = session.execute(
        text(
            "SELECT true_rank, relation, predicted_volume_angstrom3, volume_error, role"
            " FROM analysis.held_out_space_group WHERE role = 'train'"
        )
    ).one()
    assert tuple(row) == (None, None, None, None, "train")
    assert np.isnan(space_groups.load_held_out_groups(session, model).said.volume).sum() == 3


def test_the_confusion_view_counts_each_true_group(session: Session, ids: NDArray[np.int64]) -> None:
    diffraction.diffract(session, run_id(session), ids)
    query = "SELECT space_group_number, predicted, n_structure, fraction FROM analysis.space_group_confusion ORDER BY 2"
    assert [tuple(row) for row in session.execute(text(query))] == [(225, 221, 1, 0.5), (225, 225, 1, 0.5)]


def test_the_same_answer_twice_adds_no_row(session: Session, ids: NDArray[np.int64]) -> None:
    model = diffraction.diffract(session, run_id(session), ids)
    before = row_counts(session)
    pattern = patterns.write_pattern(
        session,
        run_id(session),
        name="another name",
        wavelength_angstrom=1.5406,
        two_theta_deg=[27.4, 31.7],
        intensity=[13, 100],
    )
    again = diffraction.answer(diffraction.profile_set(session), model, ids)
    known = patterns.find_answer(session, again.content_hash)
    assert patterns.write_answer(session, run_id(session), pattern, again) == known
    assert {**row_counts(session), "run": 0} == {**before, "run": 0}


def test_an_answer_is_told_in_one_row(session: Session, ids: NDArray[np.int64]) -> None:
    diffraction.diffract(session, run_id(session), ids)
    row = session.execute(text("SELECT * FROM analysis.identified_pattern")).mappings().one()
    told = {name: row[name] for name in ("name", "space_group_number", "probability", "likely_set", "n_peak")}
    assert told == {
        "name": "salt",
        "space_group_number": 225,
        "probability": 0.8,
        "likely_set": [225, 221],
        "n_peak": 2,
    }
    assert row["best_structure_hash"] == CRYSTALS[0].content_hash
    fits = session.scalars(text("SELECT fit FROM analysis.pattern_phase ORDER BY 1")).all()
    assert fits == ["alone", "mixture"]


def test_an_answer_without_networks_or_profiles(session: Session, ids: NDArray[np.int64]) -> None:
    diffraction.diffract(session, run_id(session), ids)
    pattern = patterns.find_pattern(session, patterns.pattern_hash(1.5406, [27.4, 31.7], [13.0, 100.0]))
    assert pattern is not None
    full = diffraction.answer(diffraction.profile_set(session), 1, ids)
    bare = replace(full, content_hash=diffraction.digest("b"), model_id=None, index=None, volume=None, phases=())
    patterns.write_answer(session, run_id(session), pattern, bare)
    query = "SELECT best_formula, model_hash, volume_angstrom3 FROM analysis.identified_pattern WHERE n_indexed IS NULL"
    assert tuple(session.execute(text(query)).one()) == (None, None, None)


def test_the_hash_of_a_pattern_is_of_what_was_measured() -> None:
    first = patterns.pattern_hash(1.5406, [20.0, 30.0], [1.0, 2.0])
    assert first == patterns.pattern_hash(1.5406, np.array([20, 30]), [1, 2])
    assert first != patterns.pattern_hash(1.5418, [20.0, 30.0], [1.0, 2.0])
    assert first != patterns.pattern_hash(1.5406, [20.0, 30.0], [2.0, 1.0])


def test_the_newest_ensemble_is_the_one_that_identifies(session: Session, ids: NDArray[np.int64]) -> None:
    assert patterns.latest_group_model(session) is None
    model = diffraction.diffract(session, run_id(session), ids)
    assert patterns.latest_group_model(session) == (model, "shelf_study")
    assert patterns.latest_group_model(session, "shelf_study") == (model, "shelf_study")
    assert patterns.latest_group_model(session, "another") is None


def test_phases_are_told_with_the_entries_that_state_them(session: Session, ids: NDArray[np.int64]) -> None:
    facts = patterns.phase_facts(session, ids[:2])
    assert facts[int(ids[0])].structure_hash == CRYSTALS[0].content_hash
    assert facts[int(ids[0])].entries == (("shelf", "s-0"),)
