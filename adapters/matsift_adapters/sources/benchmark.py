"""Published benchmark sets: matminer's file, its checksum, and the official folds of matbench."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matsift.errors import SourceError
from matsift.learners.official_folds import matbench_folds
from matsift.records import FailureRecord, SourceItem
from matsift.study.benchmarks import BenchmarkSource
from matsift.study.label_column import LabelColumn
from matsift.study.sources import StructureColumn, TableSource
from matsift_adapters.sources.benchmark_file import file_of
from matsift_adapters.sources.benchmark_sets import CLASSIFICATION, MATBENCH, Pinned, known, pinned
from matsift_adapters.sources.compressed import BrokenOffError
from matsift_adapters.sources.source import Known, Source, state_hash
from matsift_adapters.sources.table_rows import Row, rows
from matsift_adapters.sources.tables import broken_off, entries_of_cells

#: Columns that are added to those of the file, and kept in the payload: how the labels were made, and the fold.
TRANSFORM, FOLD = "transform", "official_fold"
_ID = "benchmark_id"


def open_benchmark(settings: BenchmarkSource, base_dir: Path, *, cache: Path, n_worker: int) -> Source:
    """Return the source of a benchmark set, its file checked against the pinned checksum.

    Raises
    ------
    SourceError
        If there is no such set, it holds no crystals, or the file is missing or another one.
    """
    said = pinned(settings.dataset)
    structure = settings.structure or known(settings.dataset).structure
    if structure not in said.columns:
        raise SourceError(
            settings.dataset,
            f"it holds no crystal structures, its columns are {', '.join(said.columns)}",
            "name a set with structures, such as matbench_log_kvrh, or its column of structures",
        )
    path, sha256 = file_of(settings, said, base_dir, cache)
    table = _as_table(settings, said, path, structure)
    digest = state_hash(sha256, table)
    version = settings.version or digest[:12]

    def read(known: Known) -> Iterator[SourceItem]:
        return entries_of_cells(table, version, _rows(said, table), known, n_worker=n_worker)

    return Source(settings.name, settings.kind, version, table.licence, table.description, digest, read)


def _as_table(settings: BenchmarkSource, said: Pinned, path: Path, structure: str) -> TableSource:
    """Return the set as a table: what the study says goes before what is known."""
    about = known(settings.dataset)
    labels = about.labels if settings.labels is None else settings.labels
    added = [TRANSFORM] if any(_is_transformed(label) for label in labels) else []
    added += [FOLD] if settings.dataset.startswith(MATBENCH) and settings.dataset != CLASSIFICATION else []
    return TableSource(
        kind="table",
        name=settings.name,
        licence=about.licence if settings.licence == "unknown" else settings.licence,
        version=settings.version,
        description=settings.description or said.description,
        path=str(path),
        time_limit_s=settings.time_limit_s,
        max_site=settings.max_site,
        id_column=settings.id_column or about.id_column or _ID,
        structure=StructureColumn(column=structure, format="pymatgen"),
        labels=labels,
        payload=(*(about.payload if settings.payload is None else settings.payload), *added),
    )


def _rows(said: Pinned, table: TableSource) -> Iterator[Row | FailureRecord]:
    """Yield the rows with what is added to them; folds are those of all rows, so a file of fewer or more has none."""
    added = {_ID, TRANSFORM, FOLD}
    wanted = [table.structure.column, *(label.column for label in table.labels), *table.payload, table.id_column]
    found: list[Row] = []
    broken = None
    try:
        # one by one: what stands before a break is kept
        for row in rows(Path(table.path), wanted=[name for name in wanted if name is not None and name not in added]):
            found.append(row)  # noqa: PERF402
    except BrokenOffError as error:
        broken = broken_off(Path(table.path).name, len(found), error)
    names = _names(said.dataset, len(found))
    has_folds = FOLD in table.payload and broken is None and len(found) == said.n_row
    folds = matbench_folds(len(found)).tolist() if has_folds else [None] * len(found)
    transform = {label.property: f"10 ** ({label.column})" for label in table.labels if _is_transformed(label)}
    columns = {label.column for label in table.labels}
    for row, name, fold in zip(found, names, folds, strict=True):
        cells = {column: _plain(cell, is_label=column in columns) for column, cell in row.cells.items()}
        yield Row(row.number, {**cells, _ID: name, TRANSFORM: transform, FOLD: fold}, row.problem)
    if broken is not None:
        yield broken


def _names(dataset: str, n: int) -> list[str]:
    """Return the ids of rows by matbench's numbering: ``mb-log-kvrh-00001``; of another set by its own name."""
    prefix = dataset.replace("matbench", "mb").replace("_", "-") if dataset.startswith(MATBENCH) else dataset
    width = math.floor(math.log10(max(n, 1))) + 1
    return [f"{prefix}-{number:0{width}d}" for number in range(1, n + 1)]


def _plain(cell: Any, *, is_label: bool) -> Any:
    """Return a cell without the wrapping of arrays; a label that pandas wrote as NaN is none."""
    if isinstance(cell, dict) and cell.get("@module") == "numpy":
        return cell.get("data")
    return None if is_label and isinstance(cell, float) and math.isnan(cell) else cell


def _is_transformed(label: LabelColumn) -> bool:
    return label.unit is not None and label.unit.startswith("log10 ")
