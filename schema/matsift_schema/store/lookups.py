"""Names and hashes to database ids."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.errors import UnknownProperty
from matsift_schema.store.copying import select_binary, texts


def property_ids(session: Session) -> dict[str, int]:
    """Return property name -> id."""
    return dict(session.execute(text("SELECT name, id FROM matsift.property")).tuples().all())


def property_id(session: Session, name: str) -> int:
    """Return the id of a property.

    Raises
    ------
    UnknownProperty
        If the database has no property of this name.
    """
    known = property_ids(session)
    if name not in known:
        raise UnknownProperty(name, list(known))
    return known[name]


def structure_ids(session: Session, hashes: Sequence[str]) -> dict[str, int]:
    """Return content hash -> id of the structures that are there."""
    query = "SELECT content_hash, id FROM matsift.structure WHERE content_hash = ANY(%(hashes)s)"
    return dict(select_binary(session, query, {"hashes": texts(session, hashes)}))


def structure_hashes(session: Session, ids: Sequence[int]) -> list[str]:
    """Return the content hash of each structure, in the order of the ids."""
    query = text("SELECT id, content_hash FROM matsift.structure WHERE id = ANY(:ids)")
    found: dict[int, str] = dict(session.execute(query, {"ids": list(ids)}).tuples().all())
    return [found[key] for key in ids]
