"""What a study says about where its structures and labels come from; the adapters read it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from matsift.study.benchmarks import BenchmarkSource
from matsift.study.cod import CodMirror, CodSearch
from matsift.study.label_column import LabelColumn
from matsift.study.materials_project import MaterialsProjectSource
from matsift.study.optimade import OptimadeSource
from matsift.study.prototypes import PrototypesSource
from matsift.study.source_base import ParsedBase, SourceBase, SourceName, SourceTable

FileFormat = Literal["cif", "poscar", "json", "espresso-in", "extxyz", "gen", "traj", "xsf"]


class FilesSource(ParsedBase):
    """A folder (read recursively), an archive or a single file of structures."""

    kind: Literal["files"]
    path: str = Field(description="folder, archive (zip, tar, tar.gz, tar.bz2, tar.xz) or file; relative to the study")
    include: tuple[str, ...] = Field((), description="globs on the member's path; default: every known file name")
    format: FileFormat | None = Field(None, description="format of every file; default: by each file's name")
    exclude: tuple[str, ...] = Field((), description="globs on the member's path")
    id_from: Literal["stem", "path"] = Field("stem", description="entry id: the file's stem, or its path in the source")
    id_key: str | None = Field(None, description="key of the id in JSON records and extended-XYZ comments")


class StructureColumn(SourceTable):
    """The column of a table that holds structures, or the names of files that do."""

    column: str
    format: Literal["auto", "cif", "poscar", "pymatgen", "file"] = "auto"
    files: str | None = Field(None, description="format file: folder or archive that holds the files")
    file_name: str = Field("{}", description="format file: name of the file, {} stands for the column's value")

    @model_validator(mode="after")
    def _files_with_format(self) -> StructureColumn:
        if (self.format == "file") != (self.files is not None):
            raise ValueError("format = 'file' and files = 'FOLDER OR ARCHIVE' go together")
        if self.file_name.count("{}") != 1:
            raise ValueError("file_name holds {} exactly once")
        return self


class JoinedTable(SourceTable):
    """A second table whose columns are added to the rows of the first where the keys agree."""

    path: str
    left: str = Field(description="key column of the first table")
    right: str = Field(description="key column of this table")
    column_names: tuple[str, ...] | None = Field(None, description="for CSV without a header")


class TableSource(ParsedBase):
    """A CSV, JSON or JSON-lines table (also .gz, .bz2, .xz) with one structure a row."""

    kind: Literal["table"]
    path: str
    id_column: str | None = Field(None, description="column of the entry id; default: row-1, row-2 ...")
    structure: StructureColumn
    labels: tuple[LabelColumn, ...] = ()
    payload: tuple[str, ...] = Field((), description="further columns to keep with the entry")
    column_names: tuple[str, ...] | None = Field(None, description="for CSV without a header")
    joins: tuple[JoinedTable, ...] = ()
    url: str | None = Field(None, description="address of an entry, {} stands for its id")


class BundledSource(SourceBase):
    """Computed crystals that this project made itself and ships."""

    kind: Literal["bundled"]
    name: SourceName = "matsift-prototypes"
    licence: str | None = None  # type: ignore[assignment]  # None: the file's own header says it
    dataset: Literal["chgnet_prototypes", "oxide_prototypes", "cubic_densities"] = "chgnet_prototypes"
    path: str | None = Field(
        None, description="another file in the bundled format, such as `matsift dataset build` makes"
    )
    roles: tuple[str, ...] | None = Field(None, description="read only entries of these roles; default: all")


SourceSettings = Annotated[
    FilesSource
    | TableSource
    | BundledSource
    | PrototypesSource
    | BenchmarkSource
    | CodMirror
    | CodSearch
    | OptimadeSource
    | MaterialsProjectSource,
    Field(discriminator="kind"),
]
