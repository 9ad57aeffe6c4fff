"""Entries of sources with valid defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session
from tests.factories.crystals import rock_salt

from matsift.crystal import Crystal
from matsift.records import EntryRecord, FailureRecord, LabelRecord
from matsift.structure_facts import StructureFacts, describe
from matsift_schema.store.catalogue import SourceFacts, WriteCounts, write_entries

SOURCE = SourceFacts("shelf", "files", "CC-BY-4.0", "crystals on a shelf")


def label(property_name: str = "k_vrh", value: float = 24.5, **rest: Any) -> LabelRecord:
    """Return a label of the source `SOURCE`."""
    return LabelRecord(property_name, value, **{"method": "pbe-dft", "origin": "source:shelf", **rest})


def entry(external_id: str = "s-1", crystal: Crystal | None = None, **rest: Any) -> EntryRecord:
    """Return an entry with a crystal, NaCl unless given."""
    return EntryRecord(
        external_id, rock_salt() if crystal is None else crystal, **{"version": "1", "licence": "CC-BY-4.0", **rest}
    )


def broken_entry(external_id: str = "s-bad", **rest: Any) -> EntryRecord:
    """Return an entry whose structure could not be read."""
    failure = FailureRecord("parse", external_id, "BadStructureError", "the structure has no atoms")
    return EntryRecord(external_id, None, **{"version": "1", "licence": "CC-BY-4.0", "failures": (failure,), **rest})


def facts_of(entries: Sequence[EntryRecord]) -> dict[str, StructureFacts]:
    """Return content hash -> facts of the crystals of entries."""
    return {e.crystal.content_hash: describe(e.crystal) for e in entries if e.crystal}


def ingest(session: Session, run_id: int, entries: Sequence[EntryRecord], source: SourceFacts = SOURCE) -> WriteCounts:
    """Write entries with their facts."""
    return write_entries(session, run_id, source, entries, facts_of(entries))
