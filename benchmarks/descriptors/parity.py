"""The engine's numbers beside matminer's: how many agree by group of columns, and which do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from benchmarks.descriptors.reference import KINDS, Reference
from benchmarks.descriptors.samples import Sample
from numpy.typing import NDArray

from matsift.descriptors.registry import compute_chunk, descriptor_set

RELATIVE, ABSOLUTE = 1e-4, 1e-6
#: The engine's set that holds the columns of each kind of reference.
SET_OF = {"magpie": "magpie", "structural": "voronoi_128"}
_CHUNK = 200


@dataclass(frozen=True, eq=False)
class Comparison:
    """Both sides' values of the structures for which matminer was asked: (n, n_column), NaN where there are none."""

    kind: str
    columns: tuple[str, ...]
    samples: tuple[Sample, ...]
    ours: NDArray[np.float64]
    theirs: NDArray[np.float64]
    references: tuple[Reference, ...]
    failures: dict[int, str]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n, n_column) whether matminer gives a value."""
        return np.isfinite(self.theirs)

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """(n, n_column) whether the values are the same to 1e-4 relative or 1e-6 absolute."""
        with np.errstate(invalid="ignore"):
            return np.abs(self.ours - self.theirs) <= np.maximum(RELATIVE * np.abs(self.theirs), ABSOLUTE)

    @property
    def disagreeing(self) -> NDArray[np.int64]:
        """Positions of the structures with a value that matminer gives and the engine does not match."""
        return np.flatnonzero((self.known & ~self.agrees).any(axis=1))


def compare(samples: Sequence[Sample], cache: Mapping[tuple[str, str, str], Reference]) -> list[Comparison]:
    """Return the comparison of compositions and that of structures."""
    comparisons = []
    for kind in KINDS:
        asked = [s for s in samples if (kind, s.set_name, s.name) in cache]
        columns = descriptor_set(SET_OF[kind]).columns
        references = tuple(cache[kind, s.set_name, s.name] for s in asked)
        theirs = np.array([[r.values.get(name, np.nan) for name in columns] for r in references])
        ours, failures = _ours(SET_OF[kind], asked, len(columns))
        table = theirs.reshape(len(asked), len(columns))
        comparisons.append(Comparison(kind, columns, tuple(asked), ours, table, references, failures))
    return comparisons


def _ours(name: str, samples: Sequence[Sample], n_column: int) -> tuple[NDArray[np.float64], dict[int, str]]:
    blocks, failures, start = [np.zeros((0, n_column))], dict[int, str](), 0
    rest = iter(samples)
    while part := list(islice(rest, _CHUNK)):
        chunk = compute_chunk(((name,), [sample.crystal for sample in part], None))[name]
        blocks.append(chunk.values)
        failures |= {start + i: ": ".join(reason) for i, reason in chunk.failures.items()}
        start += len(part)
    return np.concatenate(blocks), failures


def group_of(column: str) -> str:
    """Return the group that a column is counted in."""
    if column.startswith("mean ordering parameter"):
        return f"chemical ordering, {column.removeprefix('mean ordering parameter ')}"
    for part, group in _GROUPS.items():
        if part in column:
            return group
    raise KeyError(column)


_GROUPS = {
    "CN_VoronoiNN": "effective coordination",
    "relative cell size": "cell sizes",
    "bond length": "bond lengths",
    "neighbor distance variation": "bond lengths",
    "max packing efficiency": "packing efficiency",
    "local difference": "local property differences",
    "-norm": "stoichiometry",
    "MagpieData": "elemental statistics",
    "valence electrons": "valence orbitals",
    "compound possible": "ionic character",
    "ionic char": "ionic character",
}


def agreement_table(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield the lines of the agreement table by group of columns."""
    yield "| group | columns | values of matminer | agree | structures that differ | largest difference of the rest |"
    yield "|---|---|---|---|---|---|"
    for c in comparisons:
        groups = np.array([group_of(column) for column in c.columns])
        for group in dict.fromkeys(groups.tolist()):
            yield _row(c, group, groups == group)
        yield _row(c, f"**{SET_OF[c.kind]}, all**", np.ones(len(groups), dtype=bool))


def _row(c: Comparison, group: str, chosen: NDArray[np.bool_]) -> str:
    known, agrees = c.known[:, chosen], (c.agrees & c.known)[:, chosen]
    apart = np.abs(c.ours - c.theirs)[:, chosen] / np.maximum(np.abs(c.theirs[:, chosen]), ABSOLUTE / RELATIVE)
    share = agrees.sum() / max(known.sum(), 1)
    differ = int((known & ~agrees).any(axis=1).sum())
    largest = apart[agrees].max(initial=0.0)
    return f"| {group} | {chosen.sum()} | {known.sum():,} | {share:.4%} | {differ} | {largest:.1e} |"
