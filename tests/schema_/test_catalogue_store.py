"""Entries in, crystals out: idempotent, with history, and nothing lost."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from tests.factories.crystals import many, rock_salt, shared_site
from tests.factories.entries import SOURCE, broken_entry, entry, facts_of, ingest, label
from tests.factories.runs import run_id

from matsift.records import EntryRecord
from matsift_schema.store import catalogue, syncs
from matsift_schema.store.counts import row_counts
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.structures import load_crystals, load_structures


def current(session: Session) -> dict[str, str]:
    return {key: digest for key, (digest, _) in catalogue.known_entries(session, SOURCE.name).items()}


def test_entries_come_with_structures_labels_and_failures(session: Session) -> None:
    entries = [entry("a", labels=(label(),)), entry("b", rock_salt("K")), broken_entry("c")]
    counts = ingest(session, run_id(session), entries)
    assert counts == catalogue.WriteCounts(inserted=3, structures=2, labels=1, failures=1)
    assert current(session) == {e.external_id: e.content_hash for e in entries}


def test_same_content_twice_adds_no_row(session: Session) -> None:
    entries = [entry("a", labels=(label(),)), broken_entry("c"), entry("d", rock_salt("K"))]
    run = run_id(session)
    ingest(session, run, entries)
    before = row_counts(session)
    assert catalogue.missing_entries(session, SOURCE.name, entries) == []
    assert ingest(session, run, entries) == catalogue.WriteCounts(existing=3)
    assert row_counts(session) == before


def test_two_entries_may_share_a_structure(session: Session) -> None:
    counts = ingest(session, run_id(session), [entry("a"), entry("b")])
    assert (counts.inserted, counts.structures) == (2, 1)


def test_later_version_with_other_content_is_a_new_row_and_the_old_one_stays(session: Session) -> None:
    run = run_id(session)
    first, second = entry("a", payload={"gap": 1.0}), entry("a", payload={"gap": 2.0}, version="2")
    ingest(session, run, [first])
    assert ingest(session, run, [second]).inserted == 1
    assert current(session) == {"a": second.content_hash}
    assert row_counts(session)["source_entry"] == 2


def test_a_revised_entry_no_longer_describes_its_old_structure(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a", rock_salt("Na"))])
    ingest(session, run, [entry("a", rock_salt("K"), version="2")])
    assert load_structures(session, sources=["shelf"]).reduced_formulae == ("KCl",)
    seen = session.execute(text("SELECT external_id, formula, n_state FROM analysis.source_entry")).tuples().all()
    assert seen == [("a", "KCl", 2)]


def test_an_entry_has_one_current_state(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a", payload={"gap": 1.0})])
    ingest(session, run, [entry("a", payload={"gap": 2.0}, version="2")])
    with pytest.raises(IntegrityError, match="ix_source_entry__current"):
        session.execute(text("UPDATE matsift.source_entry SET withdrawn_at = NULL"))


def test_later_version_with_same_content_adds_nothing(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a")])
    assert ingest(session, run, [entry("a", version="2")]) == catalogue.WriteCounts(existing=1)


def test_content_that_comes_back_is_current_again_without_a_new_row(session: Session) -> None:
    run = run_id(session)
    first, second = entry("a", payload={"gap": 1.0}), entry("a", payload={"gap": 2.0}, version="2")
    for stated in (first, second, first):
        ingest(session, run, [stated])
    assert current(session) == {"a": first.content_hash}
    ingest(session, run, [second])
    assert current(session) == {"a": second.content_hash}
    assert row_counts(session)["source_entry"] == 2


@pytest.mark.parametrize("together", [True, False], ids=["one chunk", "two chunks"])
def test_same_id_and_version_with_other_content_is_refused_with_a_failure(session: Session, together: bool) -> None:
    run = run_id(session)
    first, second = entry("a", payload={"gap": 1.0}), entry("a", payload={"gap": 2.0})
    for chunk in [[first, second]] if together else [[first], [second]]:
        counts = ingest(session, run, chunk)
    assert (counts.duplicates, counts.failures) == (1, 1)
    assert current(session) == {"a": first.content_hash}
    message = session.execute(text("SELECT message FROM matsift.failure")).scalar_one()
    assert message.startswith("shelf states 'a' twice in version 1 with other content; the first is kept")
    assert catalogue.missing_entries(session, SOURCE.name, [first, second]) == []


def test_withdrawn_entries_are_kept_and_can_come_back(session: Session) -> None:
    run = run_id(session)
    both = [entry("a"), entry("b", rock_salt("K"))]
    ingest(session, run, both)
    assert syncs.withdraw_missing(session, SOURCE.name, ["a"]) == 1
    assert set(current(session)) == {"a"}
    assert syncs.withdraw_missing(session, SOURCE.name, ["a"]) == 0
    ingest(session, run, both)
    assert set(current(session)) == {"a", "b"}


def test_an_entry_with_history_is_withdrawn_as_a_whole(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a", payload={"gap": 1.0})])
    ingest(session, run, [entry("a", payload={"gap": 2.0}, version="2")])
    assert syncs.withdraw_missing(session, SOURCE.name, []) == 1
    assert current(session) == {}


def test_snapshot_of_a_source_is_noted_once(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry("a")])

    def write(digit: str = "a") -> bool:
        return syncs.write_source_snapshot(
            session, run, SOURCE.name, version="1", content_hash=digit * 64, counts=syncs.SyncCounts(new=1)
        )

    assert syncs.latest_snapshot(session, SOURCE.name) is None
    assert [write(), write()] == [True, False]
    assert syncs.latest_snapshot(session, SOURCE.name) == ("a" * 64, 1)
    assert [write("b"), write("a"), write("a")] == [True, True, False]  # a source may return to an earlier state
    assert syncs.latest_snapshot(session, SOURCE.name) == ("a" * 64, 1)


def test_crystals_come_back_bit_for_bit_in_the_order_asked(session: Session) -> None:
    crystals = [rock_salt("K"), shared_site(), rock_salt("Na")]
    ingest(session, run_id(session), [entry(str(i), c) for i, c in enumerate(crystals)])
    ids = structure_ids(session, [c.content_hash for c in crystals])
    loaded = load_crystals(session, [ids[c.content_hash] for c in crystals])
    for crystal, back in zip(crystals, loaded, strict=True):
        assert back.content_hash == crystal.content_hash
        assert back.species == crystal.species
        np.testing.assert_array_equal(back.lattice, crystal.lattice)
        np.testing.assert_array_equal(back.frac_coords, crystal.frac_coords)
        np.testing.assert_array_equal(back.occupancies, crystal.occupancies)
        np.testing.assert_array_equal(back.site_index, crystal.site_index)


def test_unknown_structure_id_is_an_error(session: Session) -> None:
    with pytest.raises(KeyError, match="1 of 1 structure ids"):
        load_crystals(session, [987654321])


def test_structures_come_ordered_by_content_hash_and_filtered(session: Session) -> None:
    crystals = [*many(5), rock_salt("K", "Br"), rock_salt("Na", "F")]
    ingest(session, run_id(session), [entry(str(i), c) for i, c in enumerate(crystals)])
    table = load_structures(session)
    assert list(table.hashes) == sorted(c.content_hash for c in crystals)
    assert set(load_structures(session, elements=["Na", "F"]).reduced_formulae) == {"NaF"}
    assert len(load_structures(session, elements=["Na"])) == 6
    assert len(load_structures(session, ids=table.ids[:3])) == 3
    assert len(load_structures(session, sources=["elsewhere"])) == 0
    assert len(load_structures(session, sources=["shelf"])) == 7
    assert table.space_group_numbers.tolist() == [225] * 7
    assert len(load_structures(session, elements=["Og"])) == 0


def test_disordered_structure_is_stored_with_its_facts(session: Session) -> None:
    ingest(session, run_id(session), [entry("a", shared_site(), holds=("disordered",))])
    row = session.execute(
        text("SELECT n_site, n_element, elements, is_ordered, holds, chemical_system FROM matsift.structure")
    ).one()
    assert tuple(row) == (2, 3, ["Cl", "K", "Na"], False, ["disordered"], "Cl-K-Na")


@pytest.mark.parametrize(
    "payload",
    [{"text": "a\x00b"}, {"gap": float("nan"), "deep": [{"x": float("inf")}]}, {"name": "Na₃PS₄ µ"}, {"d": "\ud800"}],
    ids=["nul", "not finite", "unicode", "lone surrogate"],
)
def test_odd_payloads_are_kept_as_far_as_json_can(session: Session, payload: dict[str, object]) -> None:
    assert ingest(session, run_id(session), [entry("a", payload=payload)]).inserted == 1


def test_odd_texts_are_stored_escaped(session: Session) -> None:
    odd = EntryRecord("id\x00\udcff", rock_salt(), "1", "CC0")
    catalogue.write_entries(session, run_id(session), SOURCE, [odd], facts_of([odd]))
    assert session.execute(text("SELECT external_id FROM matsift.source_entry")).scalar_one() == r"id\x00\udcff"
