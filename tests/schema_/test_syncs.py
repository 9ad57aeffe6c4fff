"""How far a source is in step: revisions that are known, tombstones with their reason, what a reading came to."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories.crystals import rock_salt
from tests.factories.entries import SOURCE, broken_entry, entry, ingest
from tests.factories.runs import run_id

from matsift.records import WithdrawnRecord
from matsift_schema.store import catalogue, syncs
from matsift_schema.store.counts import row_counts


def test_only_current_entries_with_a_revision_are_known(session: Session) -> None:
    run = run_id(session)
    entries = [replace(entry("a"), revision="1"), entry("b", rock_salt("K")), replace(broken_entry("c"), revision="2")]
    ingest(session, run, entries)
    assert syncs.known_revisions(session, SOURCE.name) == {"a": "1", "c": "2"}
    assert syncs.known_revisions(session, SOURCE.name, with_failed=False) == {"a": "1"}
    syncs.withdraw_missing(session, SOURCE.name, ["c"])
    assert syncs.known_revisions(session, SOURCE.name) == {"c": "2"}


def test_the_same_content_under_a_new_revision_moves_on_without_a_row(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [replace(entry("a"), revision="1")])
    before = row_counts(session)
    assert ingest(session, run, [replace(entry("a"), revision="2")]) == catalogue.WriteCounts(existing=1)
    assert syncs.known_revisions(session, SOURCE.name) == {"a": "2"}
    assert row_counts(session) == before


def test_an_entry_stored_without_a_revision_gains_it(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a")])
    marked = replace(entry("a"), revision="1")
    assert catalogue.missing_entries(session, SOURCE.name, [entry("a")]) == []
    assert catalogue.missing_entries(session, SOURCE.name, [marked]) == [marked]
    ingest(session, run, [marked])
    assert catalogue.missing_entries(session, SOURCE.name, [marked]) == []


def test_tombstones_say_why(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a"), entry("b", rock_salt("K")), entry("c", payload={"gap": 1.0}), entry("d")])
    ingest(session, run, [entry("c", payload={"gap": 2.0}, version="2")])
    taken_back = [WithdrawnRecord("b", "deprecated"), WithdrawnRecord("never there", "deprecated")]
    assert syncs.withdraw(session, SOURCE.name, taken_back) == 1
    assert syncs.withdraw(session, SOURCE.name, taken_back) == 0
    assert syncs.withdraw_missing(session, SOURCE.name, ["a", "c"]) == 1
    seen = session.execute(text("SELECT external_id, reason FROM analysis.withdrawn_entry ORDER BY 1")).tuples().all()
    assert seen == [("b", "deprecated"), ("c", "superseded"), ("d", "not_stated")]


def test_what_returns_is_no_tombstone_any_more(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a")])
    syncs.withdraw(session, SOURCE.name, [WithdrawnRecord("a", "deprecated")])
    assert ingest(session, run, [entry("a")]) == catalogue.WriteCounts(existing=1, returned=1)
    assert session.scalars(text("SELECT external_id FROM analysis.withdrawn_entry")).all() == []


def test_the_counts_of_a_reading_are_shown(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a")])
    counts = syncs.SyncCounts(new=1, changed=2, unchanged=3, withdrawn=4, failed=5, n_stated=6)
    for digit, version in (("a", "1"), ("b", "2")):
        syncs.write_source_snapshot(
            session, run, SOURCE.name, version=version, content_hash=digit * 64, counts=replace(counts)
        )
    seen = session.execute(
        text("""
            SELECT version, is_latest, n_stated, n_entry, n_with_structure, n_without_structure, n_new, n_changed,
                   n_unchanged, n_withdrawn
            FROM analysis.source_sync ORDER BY version
        """)
    )
    assert seen.tuples().all() == [("1", False, 6, 6, 1, 5, 1, 2, 3, 4), ("2", True, 6, 6, 1, 5, 1, 2, 3, 4)]
