"""Descriptor columns of a data set; what depends on the crystal alone is kept on disk by its content hash."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.repro_001.real_data import RealSet
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.batches import compute_many
from matsift.descriptors.registry import compute, descriptor_set
from matsift.descriptors.sets import DescriptorChunk

#: Columns in this order; "packing" is ours, the others are those of the paper.
SETS = ("mp", "mp_energy", "packing", "magpie", "voronoi")
_OF_CRYSTAL = ("mp", "packing", "magpie", "voronoi")
_TIME_LIMIT_S = 120.0
_CHUNK = 100

#: A cached structure: the columns of all sets in `_OF_CRYSTAL`, and for each set whether it failed.
_Cache = dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]


@dataclass(frozen=True, eq=False)
class Features:
    """X (n, n_column), the set and name of each column, and for each set which structures have no descriptors."""

    X: NDArray[np.float64]
    names: tuple[str, ...]
    set_of_column: tuple[str, ...]
    failed: dict[str, NDArray[np.bool_]]


def features(data: RealSet, *, cache: Path, n_worker: int) -> Features:
    """Return the descriptors of all structures of a set, computing those that the cache lacks."""
    cached = _cached(data.crystals, cache, n_worker)
    rows = [cached[crystal.content_hash] for crystal in data.crystals]
    stacked, lost = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    widths = np.cumsum([len(descriptor_set(name).columns) for name in _OF_CRYSTAL])[:-1]
    blocks = dict(zip(_OF_CRYSTAL, np.split(stacked, widths, axis=1), strict=True))
    blocks["mp"][:, descriptor_set("mp").columns.index("band_gap_ev")] = data.facts["band_gap"]
    blocks["mp_energy"] = compute("mp_energy", data.crystals, data.facts).values
    columns = [(name, column) for name in SETS for column in descriptor_set(name).columns]
    return Features(
        np.hstack([blocks[name] for name in SETS]),
        tuple(column for _, column in columns),
        tuple(name for name, _ in columns),
        {name: lost[:, i] for i, name in enumerate(_OF_CRYSTAL)},
    )


def _cached(crystals: Sequence[Crystal], folder: Path, n_worker: int) -> _Cache:
    known = _read(folder)
    missing = list({c.content_hash: c for c in crystals if c.content_hash not in known}.values())
    done = 0
    for positions, chunks in compute_many(
        _OF_CRYSTAL, missing, n_worker=n_worker, time_limit_s=_TIME_LIMIT_S, chunk_size=_CHUNK
    ):
        fresh = _rows([missing[i].content_hash for i in positions], chunks)
        _write(folder, fresh)
        known.update(fresh)
        done += len(positions)
        print(f"\r  descriptors: {done} of {len(missing)} structures", end="", flush=True)
    if missing:
        print()
    return known


def _rows(hashes: Sequence[str], chunks: dict[str, DescriptorChunk]) -> _Cache:
    values = np.hstack([chunks[name].values for name in _OF_CRYSTAL])
    failed = np.array([[i in chunks[name].failures for name in _OF_CRYSTAL] for i in range(len(hashes))])
    return {h: (values[i], failed[i]) for i, h in enumerate(hashes)}


def _read(folder: Path) -> _Cache:
    known: _Cache = {}
    for path in sorted(folder.glob(f"{_key()}-*.npz")):
        with np.load(path, allow_pickle=False) as stored:
            known.update(
                {str(h): (v, f) for h, v, f in zip(stored["hashes"], stored["values"], stored["failed"], strict=True)}
            )
    return known


def _write(folder: Path, rows: _Cache) -> None:
    """Write one file of rows whole or not at all, so that a run that is killed can be continued."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as stream:
        np.savez_compressed(
            stream,
            hashes=np.array(list(rows)),
            values=np.array([values for values, _ in rows.values()]),
            failed=np.array([failed for _, failed in rows.values()]),
        )
    os.replace(stream.name, folder / f"{_key()}-{min(rows)[:16]}.npz")  # noqa: PTH105  one call, both systems


def _key() -> str:
    return "_".join(f"{name}{descriptor_set(name).version}" for name in _OF_CRYSTAL)
