"""The filter by licence, on every view of the catalogue: nothing comes out under a licence that its entries lack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.factories import pipeline

from matsift.errors import UserInputError
from matsift_schema.engine import make_engine
from matsift_schema.store.exported_structures import StructureChoice, choose_structures
from matsift_schema.store.exported_views import View, find_view, list_views, read_view

_ANOTHER = "Proprietary-1.0"
#: Views of things that are of no structure: element, run, model and the like; they refuse the filter.
_OWN = {"source_entry", "withdrawn_entry", "source_sync"}


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Iterator[Engine]:
    engine = make_engine(module_database_url)
    with Session(engine) as session, session.begin():
        pipeline.small_study(session)
    yield engine
    engine.dispose()


@pytest.fixture
def session(filled: Engine) -> Iterator[Session]:
    with Session(filled) as session:
        yield session


def views(session: Session) -> list[View]:
    found = [find_view(session, name) for name, _ in list_views(session)]
    assert len(found) > 30
    return found


def n_row(session: Session, view: View, *licences: str) -> int:
    return sum(len(chunk) for chunk in read_view(session, view, licences=licences))


def n_licensed(session: Session, view: View) -> int:
    """Return how many rows name a structure or an entry; each has licences, and others (new compositions) have none."""
    names = [column.name for column in view.exported]
    rows = [dict(zip(names, row, strict=True)) for chunk in read_view(session, view) for row in chunk]
    licensed = [row for row in rows if row["structure_hash"] or row.get("source")]
    assert [bool(row["licences"]) for row in rows] == [row in licensed for row in rows], view.name
    return len(licensed)


def used(session: Session) -> list[str]:
    return list(session.scalars(text("SELECT DISTINCT licence FROM matsift.source_entry")))


def test_every_view_of_structures_knows_their_licences(session: Session) -> None:
    for view in views(session):
        of_structures = "structure_hash" in {column.name for column in view.columns}
        assert (view.licences is not None) == (of_structures and view.name not in _OWN), view.name


def test_no_row_comes_out_under_a_licence_that_nobody_gave(session: Session) -> None:
    for view in views(session):
        if view.licences is not None or view.name in _OWN:
            assert n_row(session, view, _ANOTHER) == 0, view.name
        else:
            with pytest.raises(UserInputError, match="have no licence of their own"):
                n_row(session, view, _ANOTHER)
    assert choose_structures(session, StructureChoice(licences=(_ANOTHER,)))[0].size == 0


def test_all_rows_come_out_under_the_licences_that_were_given(session: Session) -> None:
    for view in views(session):
        if view.licences is not None:
            assert n_row(session, view, *used(session)) == n_licensed(session, view), view.name


def test_no_row_comes_out_once_its_entries_are_withdrawn(session: Session) -> None:
    withdrawn = "UPDATE matsift.source_entry SET withdrawn_at = clock_timestamp(), withdrawn_reason = 'missing'"
    session.execute(text(f"{withdrawn} WHERE withdrawn_at IS NULL"))
    for view in views(session):
        if view.licences is not None:
            assert n_row(session, view, *used(session)) == 0, view.name
    session.rollback()
