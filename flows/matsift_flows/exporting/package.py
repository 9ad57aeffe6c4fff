"""The data package of a study: rows, models, cards and licences in one file that another installation takes in."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from matsift.errors import UserInputError
from matsift.exchange.manifest import Manifest, Member
from matsift.reports.model_card_page import card_markdown
from matsift.study.settings import Study
from matsift_adapters.exporters.package import describe_member, write_package
from matsift_adapters.exporters.tables import parquet_writer
from matsift_flows.progress import Advance
from matsift_flows.reporting.cards import card_of
from matsift_flows.workspace import Workspace, code_version
from matsift_schema.store.portable import scope
from matsift_schema.store.portable.reading import read_table
from matsift_schema.store.portable.table import PortableTable
from matsift_schema.store.portable.tables import TABLES
from matsift_schema.store.streaming import read_at_one_moment

#: Folders of a package: tables by the name of the table, stored models by their SHA-256, cards by that of the model.
TABLE_NAME = "tables/{}.parquet"
MODEL_NAME = "models/{}.model"
CARD_NAME = "cards/{}.md"


@dataclass(frozen=True)
class WrittenPackage:
    """A package: where it lies, its manifest, and rows by table."""

    path: Path
    manifest: Manifest
    rows: Mapping[str, int]


def export_package(workspace: Workspace, study: Study, path: Path, *, licences: Sequence[str] = ()) -> WrittenPackage:
    """Write the package of what a study has in the database.

    Parameters
    ----------
    workspace, study
        Of which study, and where it is.
    path
        File to write.
    licences
        Licences that may be in it; none means any.

    Raises
    ------
    UserInputError
        If the study has no models here, an entry has another licence, or the file cannot be written.
    ArtifactError
        If a stored model is missing or damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder,
        workspace.sessions.begin() as session,
    ):
        read_at_one_moment(session)
        if not scope.choose(session, study.name, study.structure_sources):
            raise UserInputError(f"the study {study.name} has no models here; run `matsift run` with it first")
        found = scope.chosen_licences(session)
        _refuse_licences(found, licences)
        writing = _Writing(Path(folder))
        with workspace.reporter.work(f"package {study.name}", None, "rows") as advance:
            for table in TABLES:
                writing.add_table(session, table, advance)
        for sha256 in scope.chosen_artifacts(session):
            writing.add(MODEL_NAME.format(sha256), workspace.artifacts.get(sha256))
        structures, snapshots, models = scope.chosen_hashes(session)
        for model in models:
            writing.add(CARD_NAME.format(model[:12]), card_markdown(card_of(workspace, model)).encode())
        writing.add("licences.json", _json(found))
        writing.add("study.json", _json(study.model_dump(mode="json")))
        manifest = Manifest(
            study=study.name,
            title=study.study.title,
            matsift=code_version(),
            licences=tuple(sorted({licence for by_licence in found.values() for licence in by_licence})),
            structures=structures,
            snapshots=tuple(snapshots),
            models=tuple(models),
            members=writing.members,
        )
        write_package(path, manifest, writing.files)
    rows = {table.name: writing.members[TABLE_NAME.format(table.name)].n_row or 0 for table in TABLES}
    return WrittenPackage(path, manifest, rows)


class _Writing:
    """Files that become members, and what the manifest says of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: dict[str, Path] = {}
        self.members: dict[str, Member] = {}

    def add(self, name: str, content: bytes) -> None:
        path = self._path()
        path.write_bytes(content)
        self._note(name, path, None)

    def add_table(self, session: Session, table: PortableTable, advance: Advance) -> None:
        path, n_row = self._path(), 0
        with parquet_writer(path, table.file_columns) as writer:
            for rows in read_table(session, table):
                writer.write(rows)
                advance(len(rows))
                n_row += len(rows)
        self._note(TABLE_NAME.format(table.name), path, n_row)

    def _path(self) -> Path:
        return self._folder / f"{len(self.files)}"

    def _note(self, name: str, path: Path, n_row: int | None) -> None:
        self.files[name], self.members[name] = path, describe_member(path, n_row)


def _refuse_licences(found: Mapping[str, Mapping[str, int]], licences: Sequence[str]) -> None:
    for source, by_licence in found.items():
        for licence, n in by_licence.items():
            if licences and licence not in licences:
                raise UserInputError(
                    f"the package would hold {n} entries of {source} under {licence}; a package is whole or it "
                    "gives no equal models, so add --licence for it, or train a study without them"
                )


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
