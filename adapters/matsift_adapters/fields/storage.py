"""Grids as artifacts: chunked and compressed float32 in Parquet, and a source of them for networks.

A grid is one column of a Parquet file, `value`, the third axis fastest; a row group is a slab of planes along the first
axis. BYTE_STREAM_SPLIT puts the like bytes of neighbouring numbers together before zstd, which takes half off. The
shape and the cell stand in the file's metadata. Why Parquet: docs/decisions/0017.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from matsift.density.grid import NETWORK_SHAPE, DensityGrid
from matsift.errors import ArtifactError
from matsift_adapters.artifacts import ArtifactStore

#: Ending of the file names in the artifact store.
SUFFIX = ".grid.parquet"

_SHAPE, _CELL = b"matsift.shape", b"matsift.cell_angstrom"
_VALUE = "value"
_SLAB_POINTS = 1 << 17
_LEVEL = 3


def dumps(grid: DensityGrid) -> bytes:
    """Return the compressed file of a grid, its values rounded to float32.

    Raises
    ------
    BadStructureError
        If it is no grid: values that are not finite, as float32 neither, or a flat cell.
    """
    with np.errstate(over="ignore"):
        kept = DensityGrid(np.ascontiguousarray(grid.values, dtype=np.float32), np.asarray(grid.cell, dtype=np.float64))
    kept.check()
    metadata = {_SHAPE: json.dumps(kept.shape), _CELL: json.dumps(kept.cell.tolist())}
    schema = pa.schema([pa.field(_VALUE, pa.float32(), nullable=False)], metadata=metadata)
    plane = kept.shape[1] * kept.shape[2]
    stream = io.BytesIO()
    pq.write_table(
        pa.Table.from_arrays([pa.array(kept.values.reshape(-1))], schema=schema),
        stream,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=False,
        column_encoding={_VALUE: "BYTE_STREAM_SPLIT"},
        row_group_size=plane * max(1, _SLAB_POINTS // plane),
        write_statistics=False,
        write_page_checksum=True,
    )
    return stream.getvalue()


def loads(content: bytes) -> DensityGrid:
    """Return the grid of a compressed file, values as float32.

    Raises
    ------
    ArtifactError
        If it is no such file, or damaged.
    """
    file, shape, cell = _opened(content)
    try:
        values = file.read(columns=[_VALUE], use_threads=False).column(0).to_numpy()
        return DensityGrid(values.reshape(shape), cell)
    except (pa.ArrowException, OSError, ValueError, IndexError) as error:
        raise _damaged(error) from error


def load_planes(content: bytes, start: int, stop: int) -> NDArray[np.float32]:
    """Return the planes start to stop of the first axis, (stop - start, b, c), decompressing only their slabs.

    Raises
    ------
    ArtifactError
        If it is no such file, damaged, or has no such planes.
    """
    file, (n_a, n_b, n_c), _ = _opened(content)
    if not 0 <= start < stop <= n_a:
        raise ArtifactError(f"the grid has {n_a} planes; there are no planes {start} to {stop}")
    plane, thick = n_b * n_c, file.metadata.row_group(0).num_rows // (n_b * n_c)
    if thick < 1:
        raise _damaged(ValueError("a row group of it is no slab of planes"))
    groups = range(start // thick, (stop - 1) // thick + 1)
    offset = groups.start * thick
    try:
        values = file.read_row_groups(groups, columns=[_VALUE], use_threads=False).column(0).to_numpy()
        return np.asarray(values[(start - offset) * plane : (stop - offset) * plane].reshape(-1, n_b, n_c))
    except (pa.ArrowException, OSError, ValueError, IndexError) as error:
        raise _damaged(error) from error


@dataclass(frozen=True, eq=False)
class StoredFields:
    """n grids of an artifact store, each read when a batch asks for it: a `FieldSource`.

    Parameters
    ----------
    store
        Where the grids are.
    addresses
        (n,) SHA-256 of the grids, as the rows of `volumetric_field` say.
    shape
        Points along each axis of what `load` gives.
    prepare
        What to do with a grid as it was stored, for example into the conventional cell and onto the points of `shape`;
        None takes it as it is.
    """

    store: ArtifactStore
    addresses: Sequence[str]
    shape: tuple[int, int, int] = NETWORK_SHAPE
    prepare: Callable[[DensityGrid], DensityGrid] | None = None

    def __len__(self) -> int:
        """Return n."""
        return len(self.addresses)

    def grid(self, row: int) -> DensityGrid:
        """Return one grid, prepared.

        Raises
        ------
        ArtifactError
            If it is missing, damaged, or has another shape.
        """
        found = loads(self.store.get(self.addresses[row]))
        if self.prepare is not None:
            found = self.prepare(found)
        if found.shape != self.shape:
            told = " x ".join(map(str, found.shape))
            wanted = " x ".join(map(str, self.shape))
            raise ArtifactError(
                f"the grid {self.addresses[row]} has {told} points, not {wanted}; resample it before training"
            )
        return found

    def load(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (k, a, b, c) values, e/angstrom3, of k rows in the order asked."""
        values = np.empty((len(rows), *self.shape), dtype=np.float32)
        for i, row in enumerate(rows):
            values[i] = self.grid(int(row)).values
        return values


def _damaged(error: Exception) -> ArtifactError:
    return ArtifactError(f"the grid is damaged ({' '.join(str(error).split())[:200]}); import or compute it anew")


def _opened(content: bytes) -> tuple[Any, tuple[int, int, int], NDArray[np.float64]]:
    """Return the open file, the shape and the cell."""
    try:
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        metadata = file.schema_arrow.metadata or {}
        n_a, n_b, n_c = (int(n) for n in json.loads(metadata[_SHAPE]))
        cell = np.array(json.loads(metadata[_CELL]), dtype=np.float64).reshape(3, 3)
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise ArtifactError(f"this is no stored grid ({told}); import or compute it anew") from error
    if min(n_a, n_b, n_c) < 1 or file.metadata.num_rows != n_a * n_b * n_c:
        raise ArtifactError("the grid is damaged (it holds fewer values than points); import or compute it anew")
    return file, (n_a, n_b, n_c), cell
