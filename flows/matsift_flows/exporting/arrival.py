"""A data package of another installation taken in: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from matsift.crystal import Crystal
from matsift.errors import PackageError
from matsift.exchange.manifest import Manifest
from matsift_adapters.exporters.package import Package, open_package
from matsift_flows.exporting.package import MODEL_NAME, TABLE_NAME
from matsift_flows.progress import Advance
from matsift_flows.workspace import Workspace
from matsift_schema.store.portable.table import PortableTable
from matsift_schema.store.portable.tables import MODELS, SNAPSHOTS, STRUCTURES, TABLES
from matsift_schema.store.portable.writing import DisagreementError, TakenIn, check_snapshots, write_table


@dataclass(frozen=True)
class Arrival:
    """A package that was taken in, and what became of the rows of each table."""

    manifest: Manifest
    tables: Mapping[str, TakenIn]

    @property
    def n_new(self) -> int:
        """Rows that are new."""
        return sum(taken.new for taken in self.tables.values())


def import_package(workspace: Workspace, path: Path) -> Arrival:
    """Take a data package in; what is there already stays as it is.

    Every member is compared with the manifest, every structure and snapshot with its content hash. Rows keep the runs
    that computed them; the run of the import says when they came.

    Raises
    ------
    PackageError
        If the package is damaged, does not agree with itself, or contradicts what the database holds; nothing was
        written then.
    """
    with open_package(path) as package:
        for table in TABLES:
            package.check_table(TABLE_NAME.format(table.name), table.file_columns)
        n_row = sum(member.n_row or 0 for member in package.manifest.members.values())
        with workspace.reporter.work("check the package", None, "structures") as advance:
            _check_structures(package, advance)
        parameters = {"study": package.manifest.study, "structures": package.manifest.structures}
        with (
            workspace.run("import", None, parameters) as run,
            workspace.reporter.work(f"import {package.manifest.study}", n_row, "rows") as advance,
            workspace.sessions.begin() as session,
        ):
            arrival = Arrival(package.manifest, _taken_in(workspace, session, package, advance))
            if arrival.n_new:
                run.id(session)
    return arrival


def _taken_in(workspace: Workspace, session: Session, package: Package, advance: Advance) -> dict[str, TakenIn]:
    artifacts = {sha256: workspace.artifacts.put(package.read(name), ".model").uri for sha256, name in _models(package)}
    taken = {}
    try:
        for table in TABLES:
            name = TABLE_NAME.format(table.name)
            taken[table.name] = write_table(session, table, package.rows(name, table.file_columns), artifacts)
            advance(package.manifest.members[name].n_row or 0)
        check_snapshots(session, [row["content_hash"] for row in _records(package, SNAPSHOTS)])
    except DisagreementError as error:
        raise PackageError(str(package.path), str(error), "import it into a database of its own") from error
    except (IntegrityError, DataError, psycopg.Error) as error:  # psycopg's own where rows are copied
        said = str(getattr(error, "orig", error)).partition("\n")[0]
        raise PackageError(str(package.path), f"a row of it breaks a rule of the schema ({said})") from error
    return taken


def _models(package: Package) -> list[tuple[str, str]]:
    """Return SHA-256 and member of every stored model that the models of the package name."""
    named = sorted({row["artifact_sha256"] for row in _records(package, MODELS)})
    found = [(sha256, MODEL_NAME.format(sha256)) for sha256 in named]
    for sha256, name in found:
        member = package.manifest.members.get(name)
        if member is None or member.sha256 != sha256:
            raise PackageError(str(package.path), f"the stored model {sha256[:12]} is not in it")
    return found


def _check_structures(package: Package, advance: Advance) -> None:
    """Raise PackageError if a structure is not what its content hash says."""
    for row in _records(package, STRUCTURES):
        try:
            is_same = _crystal(row).content_hash == row["content_hash"]
        except (ValueError, TypeError, IndexError, OverflowError):
            is_same = False
        if not is_same:
            raise PackageError(str(package.path), f"the structure {row['content_hash']} is not what its hash says")
        advance(1)


def _crystal(row: Mapping[str, Any]) -> Crystal:
    return Crystal(
        np.array(row["lattice"], dtype=np.float64).reshape(3, 3),
        tuple(row["species"]),
        np.array(row["frac_coords"], dtype=np.float64).reshape(-1, 3),
        np.array(row["occupancies"], dtype=np.float64),
        np.array(row["site_index"], dtype=np.int64),
    )


def _records(package: Package, table: PortableTable) -> Iterator[dict[str, Any]]:
    names = [column.name for column in table.file_columns]
    for row in package.rows(TABLE_NAME.format(table.name), table.file_columns):
        yield dict(zip(names, row, strict=True))
