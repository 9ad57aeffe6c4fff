"""Relaxations with the bond valence force field: what is missing, and rows in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.factories.crystals import many
from tests.factories.entries import entry, ingest
from tests.factories.runs import run_id

from matsift.records import FailureRecord
from matsift_schema.store import bond_valence as store
from matsift_schema.store.failures import write_failures
from matsift_schema.store.lookups import structure_ids

VARIANT = pipeline.digest("variant")
DETAIL = f"perovskite {VARIANT}"
CRYSTALS = many(4)


@pytest.fixture
def ids(session: Session) -> NDArray[np.int64]:
    """Ids of four structures; the first two are relaxed from +10 % at two screening factors, the last has a hold."""
    entries = [entry(f"s-{i}", crystal) for i, crystal in enumerate(CRYSTALS[:3])]
    held = entry("s-3", CRYSTALS[3], holds=("starting_lattice",))
    ingest(session, run_id(session), [*entries, held])
    found = structure_ids(session, [crystal.content_hash for crystal in CRYSTALS])
    ids = np.array([found[crystal.content_hash] for crystal in CRYSTALS])
    pipeline.relax(session, run_id(session), ids[:2])
    return ids


def missing(session: Session, ids: NDArray[np.int64], **changes: Any) -> list[int]:
    """Return the positions of the structures that lack a relaxation from +10 % at 0.65 and 0.75."""
    asked: dict[str, Any] = {"detail": DETAIL, "strains": [0.1], "screening_factors": [0.65, 0.75], **changes}
    variant = asked.pop("variant", VARIANT)
    found = store.missing_relaxations(session, variant, **asked)
    return sorted(ids.tolist().index(key) for key in found)


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, [2, 3]),
        ({"without_holds": ["starting_lattice"]}, [2]),
        ({"without_holds": ["duplicate"]}, [2, 3]),
        ({"screening_factors": [0.75]}, [2, 3]),
        ({"screening_factors": [0.65, 0.7]}, [0, 1, 2, 3]),
        ({"strains": [-0.1, 0.1]}, [0, 1, 2, 3]),
        ({"variant": pipeline.digest("another")}, [0, 1, 2, 3]),
        ({"sources": ["shelf"]}, [2, 3]),
        ({"sources": ["elsewhere"]}, []),
    ],
    ids=str,
)
def test_missing_are_those_that_lack_a_sample(
    session: Session, ids: NDArray[np.int64], changes: dict[str, Any], left: list[int]
) -> None:
    assert missing(session, ids, **changes) == left


def test_what_failed_is_missing_only_where_it_is_tried_again(session: Session, ids: NDArray[np.int64]) -> None:
    key = CRYSTALS[2].content_hash
    failure = FailureRecord(store.STAGE, key, "NotAReferenceError", "it is none", detail=DETAIL, structure_hash=key)
    write_failures(session, run_id(session), [failure])
    assert missing(session, ids) == [3]
    assert missing(session, ids, retry_failed=True) == [2, 3]
    assert missing(session, ids, detail=f"spinel {VARIANT}") == [2, 3]


def test_relaxations_come_back_as_they_were_written(session: Session, ids: NDArray[np.int64]) -> None:
    found = store.load_relaxations(session, VARIANT, ids[:1])
    assert len(found) == 2
    np.testing.assert_array_equal(found.screening_factors, [0.65, 0.75])
    np.testing.assert_array_equal(found.lattice_errors, [-0.02, np.nan])
    np.testing.assert_array_equal(found.lattice_constants, [3.92, np.nan])
    assert list(found.problems) == [None, "it did not come to rest"]
    assert len(store.load_relaxations(session, VARIANT)) == 4
    assert len(store.load_relaxations(session, pipeline.digest("another"))) == 0


def test_the_same_relaxation_twice_adds_no_row(session: Session, ids: NDArray[np.int64]) -> None:
    variant = store.find_variant(session, VARIANT)
    assert variant is not None
    found = store.load_relaxations(session, VARIANT)
    assert store.write_relaxations(session, run_id(session), variant, found) == 0
    assert pipeline.relax(session, run_id(session), ids[:3]) == variant
    assert len(store.load_relaxations(session, VARIANT)) == 6
