"""Densities that others computed: files and fields of the Materials Project become structures, artifacts and rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matsift.errors import FieldError, MatsiftError, UserInputError
from matsift.records import EntryRecord, FailureRecord
from matsift.structure_facts import describe
from matsift.study.materials_project import MP_LICENCE
from matsift_adapters.fields.read_field import ReadField
from matsift_adapters.fields.reading import Wishes, found_files, read_fields
from matsift_adapters.fields.storage import SUFFIX, dumps
from matsift_adapters.sources.compressed import sha256_of
from matsift_flows.orchestration import inner_flow
from matsift_flows.workspace import Workspace
from matsift_schema.store import fields as store
from matsift_schema.store.catalogue import SourceFacts, write_entries
from matsift_schema.store.failures import missing_failures, write_failures
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.runs import LazyRun

if TYPE_CHECKING:
    from matsift_adapters.fields.materials_project import Calculation

#: The source whose entries are files of densities.
FILES = SourceFacts("density_files", "files", "as the file's owner says", "files of densities that a user named")
#: The source whose entries are calculations of the Materials Project.
MATERIALS_PROJECT = SourceFacts(
    "materials_project_densities", "materials_project", MP_LICENCE, "charge densities of static calculations"
)
#: Detail of the failures of an import; a failure to compute a field has its kind and method there.
DETAIL = "import"

_DIGITS = 12


@dataclass(frozen=True)
class Origin:
    """Where a field comes from: the entry of a source that it belongs to.

    Parameters
    ----------
    source
        The source.
    external_id
        What the source calls it.
    version
        The state of it.
    licence
        Under which its numbers may be used.
    url
        Where it can be looked at.
    """

    source: SourceFacts
    external_id: str
    version: str
    licence: str
    url: str | None = None


@dataclass(frozen=True)
class Imported:
    """What became of one file or id.

    Parameters
    ----------
    subject
        The file or id.
    field
        What was read, None where nothing was.
    is_new
        Whether a row was written.
    problem
        Why there is none; empty otherwise.
    """

    subject: str
    field: ReadField | None
    is_new: bool
    problem: str = ""


Read = tuple[str, Origin | None, ReadField | MatsiftError]


@inner_flow("import fields")
def import_files(
    workspace: Workspace, paths: Sequence[Path], wishes: Wishes | None = None, licence: str = FILES.licence
) -> list[Imported]:
    """Return what became of each of the files of densities, and of those in folders; failures are rows.

    Raises
    ------
    UserInputError
        If the folders hold no such file.
    """
    files = found_files(paths)
    if not files:
        raise UserInputError(
            f"there is no file of a density in {', '.join(map(str, paths))}; name CHGCAR or cube files"
        )
    parameters = {"files": [str(path) for path in files], "wishes": repr(wishes)}
    return import_fields(workspace, _of_files(files, wishes, licence), len(files), parameters)


@inner_flow("fetch fields")
def fetch_fields(workspace: Workspace, material_ids: Sequence[str]) -> list[Imported]:
    """Return what became of the charge densities of materials of the Materials Project; failures are rows.

    Raises
    ------
    SourceError
        If there is no usable key in the environment, the client is not installed, or the service does not answer.
    """
    from matsift_adapters.fields.materials_project import ChargeDensities  # noqa: PLC0415  not everybody's

    with ChargeDensities(material_ids) as client:
        fields = _of_materials(client.read())
        return import_fields(workspace, fields, len(material_ids), {"material_ids": list(material_ids)})


def import_fields(
    workspace: Workspace, fields: Iterable[Read], n_field: int, parameters: Mapping[str, object]
) -> list[Imported]:
    """Store fields one by one, each in a transaction of its own; return what became of each."""
    done = []
    with (
        workspace.run("import fields", None, parameters) as run,
        workspace.reporter.work("import densities", n_field, "fields") as advance,
    ):
        for subject, origin, read in fields:
            done.append(_imported(workspace, run, subject, origin, read))
            advance(1, failed=int(bool(done[-1].problem)))
    return done


def _of_files(files: Sequence[Path], wishes: Wishes | None, licence: str) -> Iterator[Read]:
    for path, read in read_fields(files, wishes):
        origin = None
        if isinstance(read, ReadField):
            sha256 = sha256_of(path)
            origin = Origin(FILES, f"{path.name}@{sha256[:_DIGITS]}", sha256[:_DIGITS], licence)
        yield str(path), origin, read


def _of_materials(found: Iterable[tuple[str, Calculation | None, ReadField | FieldError]]) -> Iterator[Read]:
    for material_id, calculation, read in found:
        origin = None
        if calculation is not None:
            address = f"https://materialsproject.org/materials/{material_id}"
            version = calculation.last_updated
            origin = Origin(MATERIALS_PROJECT, calculation.task_id, version, MP_LICENCE, address)
        yield material_id, origin, read


def _imported(
    workspace: Workspace, run: LazyRun, subject: str, origin: Origin | None, read: ReadField | MatsiftError
) -> Imported:
    """Store a field, or the failure that there is none."""
    if isinstance(read, ReadField) and origin is not None:
        try:
            return Imported(subject, read, _stored(workspace, run, origin, read))
        except MatsiftError as error:
            read = error
    assert isinstance(read, MatsiftError)
    failure = FailureRecord.of(store.STAGE, subject, read, detail=DETAIL)
    with workspace.sessions.begin() as session:
        if workspace.retry_failed or missing_failures(session, [failure]):
            write_failures(session, run.id(session), [failure], retried=workspace.retry_failed)
    return Imported(subject, None, is_new=False, problem=str(read))


def _stored(workspace: Workspace, run: LazyRun, origin: Origin, read: ReadField) -> bool:
    """Store grid, structure, entry and row; return whether the row is new.

    Raises
    ------
    FieldError
        If the structure has another field by the method already.
    """
    artifact = workspace.artifacts.put(dumps(read.grid), SUFFIX)
    key = read.crystal.content_hash
    entry = EntryRecord(
        origin.external_id,
        read.crystal,
        origin.version,
        origin.licence,
        origin.url,
        payload={"name": read.name, "method": read.method, "notes": list(read.notes)},
    )
    with workspace.sessions.begin() as session:
        ids = structure_ids(session, [key])
        if ids:
            known = store.load_fields(session, read.kind, read.method, [ids[key]])
            if len(known) and known.artifacts[0] != artifact.sha256:
                raise FieldError(
                    f"{read.name}: {known.formulae[0]} of this lattice has another {read.kind} by {read.method} "
                    "already; name the method of this one with --method"
                )
            if len(known):
                return False
        write_entries(session, run.id(session), origin.source, [entry], {key: describe(read.crystal)})
        row = store.FieldRow(
            structure_id=structure_ids(session, [key])[key],
            kind=read.kind,
            method=read.method,
            electrons=read.electrons,
            shape=read.grid.shape,
            cell=read.grid.cell,
            n_electron=None if read.electrons is None else read.grid.n_electron,
            artifact_sha256=artifact.sha256,
            artifact_uri=artifact.uri,
            n_electron_expected=read.n_electron_expected,
            n_unpaired=read.n_unpaired,
            source_entry_id=store.entry_of(session, origin.source.name, origin.external_id),
        )
        return bool(store.write_fields(session, run.id(session), [row]))
