"""Every view of `analysis` leaves the database, by its name, under conditions on its columns, with its licences."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session
from tests.factories.crystals import rock_salt, shared_site
from tests.factories.entries import SOURCE, entry, ingest
from tests.factories.pipeline import small_study
from tests.factories.runs import run_id

from matsift.errors import UserInputError
from matsift.exchange.conditions import Condition, OrderBy
from matsift_schema.store.exported_structures import StructureChoice, choose_structures, read_structures
from matsift_schema.store.exported_views import find_view, list_views, read_view

OPEN, CLOSED = "CC0-1.0", "CC-BY-NC-4.0"


def exported(session: Session, name: str, *conditions: str, **how: Any) -> list[dict[str, Any]]:
    """Return the rows of a view as they are exported."""
    view = find_view(session, name)
    parsed = [Condition.parse(written) for written in conditions]
    names = [column.name for column in view.exported]
    return [
        dict(zip(names, row, strict=True))
        for chunk in read_view(session, view, conditions=parsed, **how)
        for row in chunk
    ]


@pytest.fixture
def two_licences(session: Session) -> Session:
    """Three structures: one under an open licence, one under another, one under both."""
    run = run_id(session)
    ingest(
        session,
        run,
        [
            entry("open", rock_salt("Na"), licence=OPEN),
            entry("closed", rock_salt("K"), licence=CLOSED),
            entry("both-1", shared_site(), licence=OPEN),
            entry("both-2", shared_site(), licence=CLOSED),
        ],
    )
    return session


def test_every_view_is_exported_with_the_comments_of_its_columns(session: Session) -> None:
    small_study(session)
    names = [name for name, _ in list_views(session)]
    assert {"structure", "label", "candidate_ranking"} <= set(names)
    for name in names:
        view = find_view(session, name)
        assert all(column.comment for column in view.exported), name
        exported(session, name, limit=3)


@pytest.mark.parametrize(
    ("condition", "n"),
    [
        ("n_site<=2", 6),
        ("n_site > 2", 0),
        ("formula=NaCl", 6),
        ("formula!=NaCl", 0),
        ("elements has Na", 6),
        ("elements has K", 0),
        ("is_ordered=true", 6),
        ("volume_angstrom3<31.5", 2),
        ("space_group_symbol=null", 0),
        ("space_group_symbol!=null", 6),
        ("formula=x' OR 'a'='a", 0),
        ("created_at>2026-01-01", 6),
    ],
)
def test_conditions_choose_rows(session: Session, condition: str, n: int) -> None:
    small_study(session)
    assert len(exported(session, "structure", condition)) == n


def test_rows_are_ordered_and_limited(session: Session) -> None:
    small_study(session)
    found = exported(session, "structure", order=OrderBy.parse("volume_angstrom3 desc"), limit=3)
    volumes = [row["volume_angstrom3"] for row in found]
    assert volumes == sorted(volumes, reverse=True)
    assert len(volumes) == 3


@pytest.mark.parametrize(
    ("view", "condition", "sentence"),
    [
        ("structures", "n_site=1", "there is no view 'structures'; .* for example structure"),
        ("structure; DROP TABLE x", "n_site=1", "there is no view"),
        ("structure", "n_sites=1", "the view structure has no column 'n_sites'; it has n_site"),
        ("structure", "n_site=many", "n_site holds a whole number, not 'many'"),
        ("structure", "volume_angstrom3<nan", "volume_angstrom3 holds a number, not 'nan'"),
        ("structure", "is_ordered=perhaps", "is_ordered is true or false, not 'perhaps'"),
        ("structure", "elements=Na", "elements cannot be compared by =; ask whether it has a value"),
        ("structure", "formula has Na", "formula is no list"),
        ("structure", "n_site", "'n_site' is no condition; write COLUMN=VALUE"),
        ("source_entry", "payload=1", "payload cannot be compared by ="),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(session: Session, view: str, condition: str, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        exported(session, view, condition)


def test_an_order_that_is_none_is_told() -> None:
    with pytest.raises(UserInputError, match="is no order; write a column, and desc after it"):
        OrderBy.parse("value upwards")


def test_structures_have_the_licences_of_their_entries_and_are_chosen_by_them(two_licences: Session) -> None:
    assert sorted(row["licences"] for row in exported(two_licences, "structure")) == [
        [CLOSED],
        [CLOSED, OPEN],
        [OPEN],
    ]
    assert sorted(row["licences"] for row in exported(two_licences, "structure", licences=[OPEN])) == [
        [CLOSED, OPEN],
        [OPEN],
    ]


def test_entries_have_their_own_licence(two_licences: Session) -> None:
    found = exported(two_licences, "source_entry", licences=[CLOSED])
    assert {row["external_id"] for row in found} == {"closed", "both-2"}
    assert "licences" not in found[0]


def test_a_view_without_licences_says_so(session: Session) -> None:
    with pytest.raises(UserInputError, match="the rows of element have no licence of their own"):
        exported(session, "element", licences=[OPEN])


def test_labels_have_the_licence_of_the_entry_that_states_them(session: Session) -> None:
    small_study(session)
    found = exported(session, "label")
    assert {tuple(row["licences"]) for row in found} == {(SOURCE.licence,)}


def test_structures_are_chosen_by_source_licence_hash_and_condition(two_licences: Session) -> None:
    def chosen(**how: Any) -> set[str]:
        ids, _ = choose_structures(two_licences, StructureChoice(**how))
        return {s.structure_hash for chunk in read_structures(two_licences, ids.tolist()) for s in chunk}

    na, k, both = (c.content_hash for c in (rock_salt("Na"), rock_salt("K"), shared_site()))
    assert chosen() == {na, k, both}
    assert chosen(sources=(SOURCE.name,)) == {na, k, both}
    assert chosen(sources=("elsewhere",)) == set()
    assert chosen(licences=(OPEN,)) == {na, both}
    assert chosen(hashes=(k, na)) == {na, k}
    assert chosen(conditions=(Condition.parse("elements has K"),), licences=(CLOSED,)) == {k, both}


def test_structures_stand_in_the_order_of_the_hashes_asked_for(two_licences: Session) -> None:
    wanted = tuple(sorted((rock_salt("Na").content_hash, rock_salt("K").content_hash), reverse=True))
    ids, n_disordered = choose_structures(two_licences, StructureChoice(hashes=wanted))
    (found,) = list(read_structures(two_licences, ids.tolist()))
    assert tuple(structure.structure_hash for structure in found) == wanted
    assert n_disordered == 0


def test_disordered_structures_are_counted(two_licences: Session) -> None:
    assert choose_structures(two_licences, StructureChoice())[1] == 1
