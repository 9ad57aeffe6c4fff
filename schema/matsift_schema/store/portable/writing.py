"""The rows of a package into a database: natural keys become ids, what is there stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from matsift.learners.snapshot import snapshot_hash
from matsift_schema.store.copying import incoming
from matsift_schema.store.datasets import find_snapshot, load_snapshot
from matsift_schema.store.portable.keys import RUN, RUN_HASH
from matsift_schema.store.portable.table import PortableTable, Reference
from matsift_schema.store.portable.tables import RUNS

#: Type in the database -> type in the temporary table.
_INCOMING = {
    **dict.fromkeys(("int2", "int4"), "int8"),
    **dict.fromkeys(("int2[]", "int4[]"), "int8[]"),
    "jsonb": "text",
    "vector": "float8[]",
}
_TAKEN = {"vector": "CAST(CAST({} AS real[]) AS vector)"}


class DisagreementError(ValueError):
    """Rows of a package do not agree with one another, or with what the database holds; the text says how."""


@dataclass(frozen=True)
class TakenIn:
    """What became of the rows of a table: those that are new, those that were there, and of these, how many differ."""

    new: int
    there: int
    differing: int = 0


def write_table(
    session: Session, table: PortableTable, rows: Iterable[Sequence[Any]], artifacts: Mapping[str, str]
) -> TakenIn:
    """Write rows of a file, a value for each of its columns; flushed, not committed.

    `artifacts` says where the stored models of the package lie here, by their SHA-256.

    Raises
    ------
    DisagreementError
        If a row names what is nowhere, or contradicts a row that is there.
    """
    columns = {name: _INCOMING.get(kind, kind) for name, kind in table.fields.items()}
    with incoming(session, columns, rows) as n:
        for reference in table.references:
            _refuse_strangers(session, table, reference)
        if table.told:
            _refuse_contradictions(session, table)
        differing = _n_differing(session, table) if table.watched else 0
        statement = text(_insert(table))
        values = {"artifacts": json.dumps(dict(artifacts))} if "artifact_uri" in table.taken else {}
        new = cast("CursorResult[Any]", session.execute(statement, values)).rowcount
    return TakenIn(new, n - new, differing)


def check_snapshots(session: Session, hashes: Sequence[str]) -> None:
    """Return quietly if each snapshot holds what its content hash says.

    Raises
    ------
    DisagreementError
        If one does not.
    """
    for key in hashes:
        found = find_snapshot(session, key)
        if found is None:
            raise DisagreementError(f"the snapshot {key[:12]} is not in it")
        snapshot = load_snapshot(session, found)
        facts = list(
            zip(snapshot.structure_hashes, snapshot.values.tolist(), snapshot.methods, snapshot.origins, strict=True)
        )
        roles = [str(role) for role in snapshot.roles]
        with_folds = [f"{role} {fold}" for role, fold in zip(roles, snapshot.folds, strict=True)]  # of sets of patterns
        told = {
            snapshot_hash(snapshot.property_name, [(*row, role) for row, role in zip(facts, each, strict=True)])
            for each in (roles, with_folds)
        }
        if key not in told:
            raise DisagreementError(f"the rows of the snapshot {key[:12]} are not those that its hash is of")


def _resolved(table: PortableTable) -> str:
    """Return the query of what is written: the rows of `incoming`, their keys as ids."""
    joins = " ".join(_join(i, reference) for i, reference in enumerate(table.references))
    fields = {reference.column: f"k{i}.id" for i, reference in enumerate(table.references)}
    for name, kind in table.columns.items():
        if (table.name, name) != (RUNS.name, *RUN.names):
            fields[name] = _TAKEN.get(kind, f"CAST({{}} AS {kind})").format(f"i.{name}")
    fields |= table.taken
    listed = ", ".join(f"{expression} AS {name}" for name, expression in fields.items())
    order = "i.created_at" if "created_at" in table.columns else "1"
    return f"SELECT {listed} FROM incoming i {joins} ORDER BY {order}"  # noqa: S608  constants


def _insert(table: PortableTable) -> str:
    names = [reference.column for reference in table.references]
    names += [name for name in table.columns if (table.name, name) != (RUNS.name, *RUN.names)]
    names += [name for name in table.taken if name not in names]
    listed = ", ".join(names)
    missing = ""
    if table is RUNS:
        missing = f"WHERE NOT EXISTS (SELECT FROM ({RUN.query}) AS k WHERE k.run_hash = {RUN_HASH.format('w')})"
    return (
        f"INSERT INTO matsift.{table.name} ({listed}) SELECT {listed} FROM ({_resolved(table)}) AS w {missing}"  # noqa: S608
        " ON CONFLICT DO NOTHING"
    )


def _join(i: int, reference: Reference) -> str:
    ours = ", ".join(f"k{i}.{name}" for name in reference.key.names)
    theirs = ", ".join(f"i.{name}" for name in reference.key.names)
    return f"LEFT JOIN ({reference.key.query}) AS k{i} ON ({ours}) = ({theirs})"


def _refuse_strangers(session: Session, table: PortableTable, reference: Reference) -> None:
    stated = f"AND i.{reference.key.names[0]} IS NOT NULL" if reference.optional else ""
    query = text(f"SELECT count(*) FROM incoming i {_join(0, reference)} WHERE k0.id IS NULL {stated}")  # noqa: S608
    n = session.execute(query).scalar_one()
    if n:
        raise DisagreementError(f"{n} rows of {table.name} name a {reference.key.table} that is nowhere")


def _there(table: PortableTable) -> str:
    """Return the rows of a package beside those that the database holds of the same identity."""
    ours, theirs = (", ".join(f"{alias}.{name}" for name in table.own_identity) for alias in ("t", "w"))
    return f"FROM ({_resolved(table)}) AS w JOIN matsift.{table.name} t ON ({ours}) = ({theirs})"


def _refuse_contradictions(session: Session, table: PortableTable) -> None:
    for column in table.told:
        named = ", ".join(f"w.{name}::text" for name in table.own_identity)
        query = text(
            f"SELECT concat_ws(' ', {named}), t.{column}::text, w.{column}::text {_there(table)}"  # noqa: S608
            f" WHERE t.{column} IS DISTINCT FROM w.{column} LIMIT 1"
        )
        found = session.execute(query).one_or_none()
        if found is not None:
            name, here, there = found
            raise DisagreementError(
                f"the {table.name} {name} has the {column} {there} in it and {here} in this database"
            )


def _n_differing(session: Session, table: PortableTable) -> int:
    differ = " OR ".join(f"t.{name} IS DISTINCT FROM w.{name}" for name in table.watched)
    query = text(f"SELECT count(*) {_there(table)} WHERE {differ}")
    values = {"artifacts": "{}"} if "artifact_uri" in table.taken else {}
    return int(session.execute(query, values).scalar_one())
