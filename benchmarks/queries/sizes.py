"""What the database takes on disk, table by table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

_SIZES = text("""
    SELECT c.relname, pg_relation_size(c.oid), pg_indexes_size(c.oid),
           pg_total_relation_size(c.oid) - pg_relation_size(c.oid) - pg_indexes_size(c.oid)
    FROM pg_class c WHERE c.relnamespace = 'matsift'::regnamespace AND c.relkind = 'r'
""")
_MIB = 2**20


@dataclass(frozen=True)
class Size:
    """One table: rows, and bytes of its rows, of its indexes, of values kept apart and bookkeeping."""

    name: str
    n_row: int
    heap: int
    indexes: int
    apart: int

    @property
    def total(self) -> int:
        """All bytes."""
        return self.heap + self.indexes + self.apart


def sizes(session: Session, counts: dict[str, int]) -> list[Size]:
    """Return the sizes of all tables, the largest first."""
    found = [Size(name, counts.get(name, 0), *rest) for name, *rest in session.execute(_SIZES)]
    return sorted(found, key=lambda size: (-size.total, size.name))


def table(found: list[Size], n_structure: int) -> Iterator[str]:
    """Yield the lines of the table of sizes; what is smaller than a mebibyte is left out."""
    yield "| table | rows | rows MiB | indexes MiB | TOAST and maps MiB | bytes a structure |"
    yield "|---|---:|---:|---:|---:|---:|"
    whole = Size("all tables", sum(s.n_row for s in found), *(sum(c) for c in zip(*_bytes(found), strict=True)))
    for size in (*(s for s in found if s.total >= _MIB), whole):
        numbers = (size.heap / _MIB, size.indexes / _MIB, size.apart / _MIB, size.total / n_structure)
        yield f"| {size.name} | {size.n_row:,} | " + " | ".join(f"{value:,.0f}" for value in numbers) + " |"


def _bytes(found: list[Size]) -> list[tuple[int, int, int]]:
    return [(size.heap, size.indexes, size.apart) for size in found]
