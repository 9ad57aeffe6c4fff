"""Structure groups in and out: which structures lack one, what they are compared with, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from matsift.mirror_images import MIRROR_IMAGES
from matsift_schema.store.copying import incoming
from matsift_schema.store.structures import STATED_NOW

#: Stage of the failures of grouping; their detail is the content hash of the rule.
STAGE = "group"

_MIRRORED = " ".join(f"WHEN {number} THEN {stands_for}" for stands_for, number in MIRROR_IMAGES)
# What structures of one group have in common, whatever the tolerances: elements, for ordered ones the reduced formula
# (that of a disordered one depends on its cell), and the space group, that of a mirror image being the same.
_BUCKET = f"""
    concat_ws(' ', CASE WHEN s.is_ordered THEN s.reduced_formula ELSE s.chemical_system || ' (disordered)' END,
              'in space group', CASE s.space_group_number {_MIRRORED} ELSE s.space_group_number END)
"""
_MEMBERS = {"structure_id": "int8", "representative_id": "int8", "rms_displacement": "float8"}
_INSERT_GROUPS = text("""
    INSERT INTO matsift.structure_group (grouping_rule_id, representative_id, run_id)
    SELECT DISTINCT CAST(:rule_id AS int8), i.representative_id, CAST(:run_id AS int8)
    FROM incoming i WHERE i.structure_id = i.representative_id
    ON CONFLICT (grouping_rule_id, representative_id) DO NOTHING
""")
_INSERT_MEMBERS = text("""
    INSERT INTO matsift.structure_group_member (grouping_rule_id, structure_id, structure_group_id, rms_displacement,
                                                run_id)
    SELECT g.grouping_rule_id, i.structure_id, g.id, i.rms_displacement, :run_id
    FROM incoming i
    JOIN matsift.structure_group g ON (g.grouping_rule_id, g.representative_id) = (:rule_id, i.representative_id)
    ORDER BY i.structure_id
    ON CONFLICT (grouping_rule_id, structure_id) DO NOTHING RETURNING structure_id
""")


@dataclass(frozen=True)
class Bucket:
    """Structures that may be the same crystal.

    Parameters
    ----------
    key
        What they have in common.
    representative_ids
        Structures that name a group already, in order of their content hashes.
    missing_ids, missing_hashes
        Structures without a group, in order of their content hashes.
    """

    key: str
    representative_ids: tuple[int, ...]
    missing_ids: tuple[int, ...]
    missing_hashes: tuple[str, ...]


@contextmanager
def alone_on_rule(engine: Engine, content_hash: str) -> Iterator[None]:
    """Wait until no other process groups under a rule, and keep others waiting: two would miss what the other found."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # so that it is closed at the end, and the lock with it
        connection.execute(text("SELECT pg_advisory_lock(7242003, hashtext(:key))"), {"key": content_hash})
        yield


def ensure_rule(session: Session, run_id: int, *, name: str, settings: Mapping[str, Any], content_hash: str) -> int:
    """Return the id of a rule, written where it is new; flushed, not committed."""
    insert = text("""
        INSERT INTO matsift.grouping_rule (name, settings, content_hash, run_id)
        VALUES (:name, CAST(:settings AS jsonb), :content_hash, :run_id) ON CONFLICT (content_hash) DO NOTHING
    """)
    values = {"name": name, "settings": json.dumps(dict(settings)), "content_hash": content_hash, "run_id": run_id}
    session.execute(insert, values)
    query = text("SELECT id FROM matsift.grouping_rule WHERE content_hash = :content_hash")
    return int(session.execute(query, {"content_hash": content_hash}).scalar_one())


def missing_buckets(
    session: Session, rule_hash: str, *, sources: Sequence[str] = (), retry_failed: bool = False
) -> list[Bucket]:
    """Return the structures without a group under a rule, with what they have to be compared with, by key.

    Structures that failed under the rule are left out unless `retry_failed`. `sources` narrows the search to those that
    one of these sources states now; the groups that they may join are those of all sources.
    """
    missing = text(f"""
        SELECT {_BUCKET} COLLATE "C" AS key, s.id, s.content_hash, s.chemical_system
        FROM matsift.structure s
        WHERE {STATED_NOW}
          AND NOT EXISTS (SELECT FROM matsift.structure_group_member m JOIN matsift.grouping_rule r
                              ON r.id = m.grouping_rule_id
                          WHERE m.structure_id = s.id AND r.content_hash = :rule)
          AND (:retry OR NOT EXISTS (SELECT FROM matsift.failure f WHERE f.structure_id = s.id
                                     AND f.stage = :stage AND f.detail = :rule))
        ORDER BY 1, s.content_hash COLLATE "C"
    """)  # noqa: S608  constants
    values = {"rule": rule_hash, "sources": list(sources), "retry": retry_failed, "stage": STAGE}
    found: dict[str, list[tuple[int, str]]] = {}
    systems = set()
    for key, structure_id, content_hash, system in session.execute(missing, values):
        found.setdefault(key, []).append((structure_id, content_hash))
        systems.add(system)
    known = _representatives(session, rule_hash, systems)
    return [
        Bucket(key, tuple(known.get(key, ())), tuple(i for i, _ in rows), tuple(name for _, name in rows))
        for key, rows in found.items()
    ]


def write_members(session: Session, run_id: int, rule_id: int, rows: Iterable[tuple[int, int, float | None]]) -> int:
    """Write (structure id, id of its group's representative, displacement); return how many are new.

    A representative that is a row itself opens its group. Flushed, not committed.
    """
    values = {"rule_id": rule_id, "run_id": run_id}
    with incoming(session, _MEMBERS, rows):
        session.execute(_INSERT_GROUPS, values)
        return len(session.scalars(_INSERT_MEMBERS, values).all())


def group_counts(session: Session, rule_hash: str) -> tuple[int, int, int]:
    """Return how many structures have a group under a rule, in how many groups, and how many groups hold several."""
    query = text("""
        SELECT coalesce(sum(n), 0), count(*), count(*) FILTER (WHERE n > 1) FROM (
            SELECT count(*) AS n FROM matsift.structure_group_member m
            JOIN matsift.grouping_rule r ON r.id = m.grouping_rule_id
            WHERE r.content_hash = :rule GROUP BY m.structure_group_id) AS sized
    """)
    n_structure, n_group, n_several = session.execute(query, {"rule": rule_hash}).one()
    return int(n_structure), n_group, n_several


def _representatives(session: Session, rule_hash: str, systems: Collection[str]) -> dict[str, list[int]]:
    """Return key -> the structures of chemical systems that name a group, in order of their content hashes."""
    query = text(f"""
        SELECT {_BUCKET} COLLATE "C" AS key, s.id
        FROM matsift.structure s
        JOIN matsift.structure_group g ON g.representative_id = s.id
        JOIN matsift.grouping_rule r ON r.id = g.grouping_rule_id
        WHERE r.content_hash = :rule AND s.chemical_system = ANY(:systems)
        ORDER BY s.content_hash COLLATE "C"
    """)  # noqa: S608  constants
    found: dict[str, list[int]] = {}
    for key, structure_id in session.execute(query, {"rule": rule_hash, "systems": list(systems)}):
        found.setdefault(key, []).append(structure_id)
    return found
