"""Packed rows straight into the tables: what arrives is what was sent; two writers do not hinder each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.factories.crystals import many, rock_salt, shared_site
from tests.factories.entries import SOURCE, entry, facts_of, ingest, label
from tests.factories.runs import run_id

from matsift.structure_facts import describe
from matsift_schema.engine import make_engine
from matsift_schema.store import catalogue, copying, packing
from matsift_schema.store.copying import incoming_packed, unless_overtaken
from matsift_schema.store.counts import row_counts
from matsift_schema.store.structures import write_structures


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(database_url)
    yield made
    made.dispose()


def test_packed_fields_are_what_they_were(session: Session) -> None:
    columns = {
        "t": "text",
        "n": "text",
        "i2": "int2",
        "i8": "int8",
        "f8": "float8",
        "ts": "text[]",
        "none": "text[]",
        "f8s": "float8[]",
        "i4s": "int4[]",
        "i2s": "int2[]",
        "j": "jsonb",
    }
    fields = (
        packing.text_field("Na₃PS₄ \x00 \udcff"),
        packing.text_field(None),
        packing.int2_field(-7),
        packing.int8_field(2**40),
        packing.float8_field(-0.1),
        packing.text_array(["Na", "not an element", ""]),
        packing.text_array([]),
        packing.float8_arrays([np.array([[1.5, -2.5], [np.pi, 0.0]])])[0],
        packing.int4_arrays([np.array([3, -4])])[0],
        packing.int2_array(np.array([5])),
        packing.jsonb_field('{"a": [1, null]}'),
    )
    row = len(columns).to_bytes(2, "big") + b"".join(fields)
    with incoming_packed(session, columns, [row]):
        found = session.execute(text("SELECT * FROM incoming")).one()
    assert tuple(found) == (
        *("Na₃PS₄ \\x00 \\udcff", None, -7, 2**40, -0.1, ["Na", "not an element", ""], []),
        *([1.5, -2.5, np.pi, 0.0], [3, -4], [5], {"a": [1, None]}),
    )


def test_arrays_of_many_rows_are_cut_where_they_end(session: Session) -> None:
    arrays = [np.arange(n, dtype=np.float64) for n in (0, 3, 1)]
    rows = [(1).to_bytes(2, "big") + packed for packed in packing.float8_arrays(arrays)]
    with incoming_packed(session, {"values": "float8[]"}, rows):
        assert session.scalars(text("SELECT values FROM incoming")).all() == [[], [0.0, 1.0, 2.0], [0.0]]
    assert packing.float8_arrays([]) == []


def test_arrays_that_are_alike_are_packed_once(session: Session) -> None:
    arrays = [np.ones(3), np.ones(2), np.ones(3), np.array([1.0, 0.5, 1.0]), np.zeros(0)]
    packed = packing.alike_arrays(packing.float8_arrays, arrays)
    assert packed == packing.float8_arrays(arrays)
    assert packed[0] is packed[2]


@pytest.mark.parametrize("odd", ["", "b" * 63, "b" * 200, "ü" * 64, "\x00" * 64, "\udcff" * 64])
def test_texts_of_one_length_and_others(session: Session, odd: str) -> None:
    hashes = ["a" * 64, "0" * 64]
    for values in (hashes, [*hashes, odd], [odd, *hashes], [odd]):
        sent = session.execute(text("SELECT :values"), {"values": copying.texts(session, values)}).scalar_one()
        assert sent == [packing.storable(value) for value in values]


@pytest.mark.parametrize(
    ("stated", "stored"),
    [
        (float("nan"), None),
        ([float("inf"), 1.5], [None, 1.5]),
        ("\x00", r"\x00"),
        ("\udcff", r"\udcff"),
        ("NaN", "NaN"),
        (r"\u0000", r"\u0000"),
        ({"\x00": "😀"}, {r"\x00": "😀"}),
        ("Na₃PS₄", "Na₃PS₄"),
    ],
)
def test_a_payload_is_stored_as_jsonb_takes_it(session: Session, stated: object, stored: object) -> None:
    ingest(session, run_id(session), [entry("a", payload={"z": 1, "a": stated})])
    assert session.execute(text("SELECT payload FROM matsift.source_entry")).scalar_one() == {"z": 1, "a": stored}


def test_ids_that_another_session_stored_meanwhile_are_met(engine: Engine) -> None:
    """What was unknown when it was looked up is looked up again once the table refuses it."""
    entries = [entry(str(i), crystal) for i, crystal in enumerate(many(3))]
    with Session(engine) as session:
        run = run_id(session)
        session.commit()
        assert catalogue.look_up(session, SOURCE.name, entries) == catalogue.LookedUp(entries, all_unknown=True)
        with Session(engine) as other:
            ingest(other, run, entries[:2])
            other.commit()
        counts = catalogue.write_entries(session, run, SOURCE, entries, facts_of(entries), unknown=True)
        assert (counts.inserted, counts.existing, counts.structures) == (1, 2, 1)
        assert catalogue.look_up(session, SOURCE.name, entries) == catalogue.LookedUp([], all_unknown=False)


def test_a_large_copy_goes_in_pieces(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_SLAB_BYTES", 100)
    crystals = many(25)
    n = write_structures(session, run_id(session), [(c, describe(c), ()) for c in crystals])
    assert n == row_counts(session)["structure"] == 25


def test_a_structure_given_twice_is_stored_once_with_the_holds_of_its_first_entry(session: Session) -> None:
    entries = [entry("a", holds=("first",)), entry("b", holds=("second",)), entry("c", shared_site())]
    assert ingest(session, run_id(session), entries).structures == 2
    stored = text("SELECT holds FROM matsift.structure WHERE is_ordered")
    assert session.scalars(stored).all() == [["first"]]


def test_ids_that_are_one_once_stored_are_one_entry(session: Session) -> None:
    entries = [entry("a\x00"), entry(r"a\x00", rock_salt("K"))]
    counts = ingest(session, run_id(session), entries)
    assert (counts.inserted, counts.duplicates) == (1, 1)


_ROWS = """
    SELECT e.external_id, e.content_hash, e.payload::text, e.canonical_number, s.content_hash, s.formula, s.holds,
           s.lattice, s.frac_coords, s.space_group_number
    FROM matsift.source_entry e JOIN matsift.structure s ON s.id = e.structure_id ORDER BY 1
"""


def test_what_was_packed_ahead_is_what_is_written(session: Session) -> None:
    described = [replace(entry(str(i), c, canonical_number=i), facts=describe(c)) for i, c in enumerate(many(5))]
    entries = [*described, entry("packed late", shared_site())]
    packed = catalogue.pack_entries(entries)
    assert (len(packed.entries), len(packed.structures)) == (6, 5)
    found = []
    for rows in (packed, None):
        with session.begin_nested() as savepoint:
            catalogue.write_entries(session, run_id(session), SOURCE, entries, facts_of(entries), rows)
            found.append([tuple(row) for row in session.execute(text(_ROWS))])
            savepoint.rollback()
    assert len(found[0]) == 6
    assert found[0] == found[1]


def test_the_row_of_another_entry_of_the_same_id_or_crystal_is_not_taken(session: Session) -> None:
    salt = replace(entry("a", holds=("of a",)), facts=describe(rock_salt()))
    other, twin = replace(salt, crystal=rock_salt("K"), facts=None), replace(salt, external_id="b", holds=("of b",))
    packed = catalogue.pack_entries([salt, twin])
    counts = catalogue.write_entries(session, run_id(session), SOURCE, [other, twin], facts_of([other, twin]), packed)
    assert (counts.inserted, counts.structures) == (2, 2)
    rows = [(row.external_id, row.formula, row.holds) for row in session.execute(text(_ROWS))]
    assert rows == [("a", "K1 Cl1", ["of a"]), ("b", "Na1 Cl1", ["of b"])]


def test_labels_of_new_structures_are_compared_with_one_another(session: Session) -> None:
    """The first of two values of one structure counts, the other is a conflict; the rest go straight in."""
    crystal = rock_salt()
    entries = [
        entry("a", crystal, labels=(label("k_vrh", 24.0), label("g_vrh", 14.0, uncertainty=0.5))),
        entry("b", crystal, labels=(label("k_vrh", 25.0),)),
        entry("c", rock_salt("K"), labels=(label("k_vrh", 18.0),)),
    ]
    counts = ingest(session, run_id(session), entries)
    assert counts.labels == 3
    rows = session.execute(
        text(
            "SELECT e.external_id, l.value, l.uncertainty, l.revision FROM matsift.label l"
            " JOIN matsift.source_entry e ON e.id = l.source_entry_id ORDER BY l.value"
        )
    ).all()
    assert [tuple(row) for row in rows] == [("a", 14.0, 0.5, 1), ("c", 18.0, None, 1), ("a", 24.0, None, 1)]
    conflicts = text("SELECT count(*) FROM matsift.failure WHERE error_class = 'ConflictingLabel'")
    assert session.execute(conflicts).scalar_one() == 1


def test_later_labels_of_a_known_structure_are_compared(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a", labels=(label("k_vrh", 24.0),))])
    counts = ingest(session, run, [entry("b", labels=(label("k_vrh", 24.0), label("g_vrh", 14.0)))])
    assert (counts.structures, counts.labels) == (0, 1)


def test_two_writers_of_the_same_structures_and_ids(engine: Engine) -> None:
    """The second waits for the first to commit, then finds that all is there."""
    entries = [entry(str(i), crystal) for i, crystal in enumerate(many(20))]
    facts = facts_of(entries)
    with Session(engine) as setting_up:
        run = run_id(setting_up)
        catalogue.write_source(setting_up, SOURCE)
        setting_up.commit()
    counts: list[catalogue.WriteCounts] = []

    def second() -> None:
        with Session(engine) as session:
            counts.append(catalogue.write_entries(session, run, SOURCE, entries, facts))
            session.commit()

    with Session(engine) as first:
        mine = catalogue.write_entries(first, run, SOURCE, entries, facts)
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it does not wait for the transaction that stores the same"
        first.commit()
        thread.join(30)
        assert (mine.inserted, mine.structures) == (20, 20)
        assert counts == [catalogue.WriteCounts(existing=20)]
        assert row_counts(first)["structure"] == row_counts(first)["source_entry"] == 20


def test_what_is_overtaken_again_and_again_is_an_error_in_the_end(session: Session) -> None:
    calls = []

    def overtaken() -> None:
        calls.append(1)
        raise UniqueViolation("duplicate key")

    with pytest.raises(UniqueViolation):
        unless_overtaken(session, overtaken)
    assert len(calls) == 5
    assert session.execute(text("SELECT 1")).scalar_one() == 1


def test_a_chunk_with_a_row_that_the_table_refuses_leaves_nothing(engine: Engine) -> None:
    good = entry("good")
    bad = replace(entry("bad", rock_salt("K")), canonical_number=-1)
    with Session(engine) as session:
        run = run_id(session)
        session.commit()
        before = row_counts(session)
        with pytest.raises(Exception, match="canonical_number_is_not_negative"):
            ingest(session, run, [good, bad])
        session.rollback()
        assert row_counts(session) == before


def test_a_statement_asked_often_is_still_planned_for_its_parameters(engine: Engine) -> None:
    with Session(engine) as session:
        for number in range(12):  # psycopg would prepare it after five, PostgreSQL plan it for no parameters after ten
            assert catalogue.missing_entries(session, SOURCE.name, [entry(f"no {number}")])
        assert session.scalars(text("SELECT statement FROM pg_prepared_statements")).all() == []
