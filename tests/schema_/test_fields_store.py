"""Volumetric fields: what is missing, and rows in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories.crystals import many
from tests.factories.entries import entry, ingest
from tests.factories.fields import METHOD, digest, field_row, write_fields
from tests.factories.runs import run_id

from matsift.records import FailureRecord
from matsift_schema.store import fields
from matsift_schema.store.failures import write_failures
from matsift_schema.store.lookups import structure_ids

CRYSTALS = sorted(many(4), key=lambda crystal: crystal.content_hash)


@pytest.fixture
def ids(session: Session) -> NDArray[np.int64]:
    """Ids of four structures, ordered by content hash."""
    ingest(session, run_id(session), [entry(f"s-{i}", crystal) for i, crystal in enumerate(CRYSTALS)])
    found = structure_ids(session, [crystal.content_hash for crystal in CRYSTALS])
    return np.array([found[crystal.content_hash] for crystal in CRYSTALS])


def test_fields_come_back_in_the_order_of_the_hashes(session: Session, ids: NDArray[np.int64]) -> None:
    cell = np.arange(9.0).reshape(3, 3)
    rows = [field_row(ids[2], cell=cell), field_row(ids[0], n_electron_expected=None)]
    assert fields.write_fields(session, run_id(session), rows) == 2
    found = fields.load_fields(session, "promolecule", METHOD)
    assert found.structure_ids.tolist() == ids[[0, 2]].tolist()
    assert found.structure_hashes == tuple(CRYSTALS[i].content_hash for i in (0, 2))
    np.testing.assert_array_equal(found.shapes, [[4, 4, 6]] * 2)
    np.testing.assert_array_equal(found.cells[1], cell)
    np.testing.assert_array_equal(found.n_electron, [28.001] * 2)
    np.testing.assert_array_equal(found.n_electron_expected, [np.nan, 28.0])
    assert found.artifacts == tuple(digest(str(ids[i])) for i in (0, 2))


def test_fields_of_some_structures(session: Session, ids: NDArray[np.int64]) -> None:
    write_fields(session, run_id(session), ids[:3])
    found = fields.load_fields(session, "promolecule", METHOD, ids[[3, 2, 0]])
    assert found.structure_ids.tolist() == ids[[0, 2]].tolist()
    none = fields.load_fields(session, "dft_charge", METHOD)
    assert (len(none), none.shapes.shape, none.cells.shape) == (0, (0, 3), (0, 3, 3))


def test_a_field_that_is_there_stays(session: Session, ids: NDArray[np.int64]) -> None:
    write_fields(session, run_id(session), ids[:1])
    again = [field_row(ids[0], artifact_sha256=digest("another")), field_row(ids[0], method="another")]
    assert fields.write_fields(session, run_id(session), again) == 1
    assert fields.load_fields(session, "promolecule", METHOD).artifacts == (digest(str(ids[0])),)
    assert fields.field_methods(session, "promolecule") == {"another": 1, METHOD: 1}


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, [1, 2]),
        ({"retry_failed": True}, [1, 2, 3]),
        ({"sources": ["shelf"]}, [1, 2]),
        ({"sources": ["elsewhere"]}, []),
        ({"kind": "dft_charge"}, [0, 1, 2, 3]),
        ({"method": "another"}, [0, 1, 2, 3]),
        ({"space_groups": (1, 194)}, []),
        ({"space_groups": (225, 225)}, [1, 2]),
    ],
    ids=str,
)
def test_missing_fields_are_those_that_were_not_tried(
    session: Session, ids: NDArray[np.int64], options: dict[str, Any], left: list[int]
) -> None:
    write_fields(session, run_id(session), ids[:1])
    key = CRYSTALS[3].content_hash
    detail = fields.failure_detail("promolecule", METHOD)
    failure = FailureRecord(fields.STAGE, key, "BadStructureError", "no", detail=detail, structure_hash=key)
    write_failures(session, run_id(session), [failure])
    wanted = {"kind": "promolecule", "method": METHOD, **options}
    assert fields.missing_fields(session, **wanted).tolist() == ids[left].tolist()


def test_missing_fields_of_some_structures(session: Session, ids: NDArray[np.int64]) -> None:
    found = fields.missing_fields(session, "promolecule", METHOD, structure_ids=ids[[3, 1]])
    assert found.tolist() == ids[[1, 3]].tolist()


def test_the_view_tells_volume_and_electrons(session: Session, ids: NDArray[np.int64]) -> None:
    cell = [[0.0, 2.0, 2.0], [2.0, 0.0, 2.0], [2.0, 2.0, 0.0]]
    elf = {"kind": "elf", "electrons": None, "n_electron": None, "n_electron_expected": None}
    fields.write_fields(
        session, run_id(session), [field_row(ids[0], cell=cell, shape=(2, 2, 4)), field_row(ids[0], **elf)]
    )
    rows = session.execute(text("SELECT * FROM analysis.volumetric_field ORDER BY kind DESC")).mappings().all()
    density, localisation = rows
    assert density["structure_hash"] == CRYSTALS[0].content_hash
    assert (density["volume_angstrom3"], density["voxel_angstrom3"]) == pytest.approx((16.0, 1.0))
    assert (density["n_electron_error"], density["mean_per_angstrom3"]) == pytest.approx((0.001, 28.001 / 16))
    assert [localisation[name] for name in ("electrons", "n_electron", "mean_per_angstrom3")] == [None] * 3
