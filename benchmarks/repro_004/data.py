"""The paper's published formulas: with gaps, those the searches start from, and all that are known."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.repro_001.real_data import data_folder
from benchmarks.repro_004 import paper
from numpy.typing import NDArray

from matsift.generative.formulas import Compositions
from matsift.learners.splits import assign_roles

#: Folder of the files, below that of all published data.
BELOW = "gaps"
_GAPS = "agd_bandgap_29089.csv.gz"
_INITIAL = {"exp2": "agd_initial_1000.csv", "exp3": "agd_initial_300.csv"}
_KNOWN = "mp_formula_space_group_123805.csv.gz"


@dataclass(frozen=True, eq=False)
class Gaps:
    """Compositions of n rows and their gaps, (n,) in eV."""

    compositions: Compositions
    gaps: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.gaps)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Gaps:
        """Return some of the rows."""
        return Gaps(self.compositions.select(rows), self.gaps[rows])

    def joined(self, other: Gaps) -> Gaps:
        """Return these rows and others behind them."""
        compositions = Compositions.concatenated([self.compositions, other.compositions])
        return Gaps(compositions, np.concatenate([self.gaps, other.gaps]))

    @property
    def groups(self) -> list[int]:
        """(n,) numbers, the same for rows of one reduced formula."""
        numbers = self.compositions.reduced().keys()
        return [int(number) for number in numbers]

    @property
    def digest(self) -> str:
        """Eight characters that tell the rows from others."""
        digest = hashlib.sha256(np.ascontiguousarray(self.compositions.counts, dtype="<i2").tobytes())
        digest.update(np.ascontiguousarray(self.gaps, dtype="<f8").tobytes())
        return digest.hexdigest()[:8]


@dataclass(frozen=True, eq=False)
class Data:
    """All rows with gaps, the rows that each experiment starts from, the known formulas and the rows of the last test.

    `external` are the paper's 500: no training of any experiment sees their formulas.
    """

    gaps: Gaps
    initial: dict[str, Gaps]
    known: Compositions
    external: Gaps

    @property
    def digest(self) -> str:
        """Eight characters that tell the data from others."""
        parts = [self.gaps.digest, *(one.digest for one in self.initial.values()), self.external.digest]
        parts.append(hashlib.sha256(self.known.counts.tobytes()).hexdigest())
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:8]


def load(limit: int | None = None) -> Data:
    """Return the data; `limit` keeps so many rows of each at random, for trying, the initial ones a third of them."""
    gaps = _some(_gaps(_GAPS), limit)
    initial = {name: _some(_gaps(file), limit // 3 if limit else None) for name, file in _INITIAL.items()}
    initial["exp4"] = _narrow(gaps, len(initial["exp3"]))
    known = Compositions.from_formulas(sorted({row["pretty_formula"] for row in _rows(_KNOWN)})).reduced().unique()
    if limit:
        known = known.select(np.sort(np.random.default_rng(0).permutation(len(known))[:limit]))
    return Data(gaps, initial, known, _external(gaps, list(initial.values())))


def roles(gaps: Gaps, repeat: int) -> NDArray[np.str_]:
    """Return "train", "validation" or "test" of each row: the paper's 60, 20 and 20 %, formulas kept whole."""
    return assign_roles(
        "by_composition",
        gaps.gaps,
        np.zeros(len(gaps), dtype=bool),
        test_fraction=paper.TEST_SHARE,
        validation_fraction=paper.VALIDATION_SHARE / (1 - paper.TEST_SHARE),
        seed=repeat,
        groups=gaps.groups,
    )


def _external(gaps: Gaps, others: Sequence[Gaps]) -> Gaps:
    """Return rows of the first test that no experiment starts from: 500, fewer where there are not so many."""
    started = Compositions.concatenated([one.compositions for one in others]).reduced()
    left = np.flatnonzero((roles(gaps, 0) == "test") & ~gaps.compositions.reduced().is_in(started))
    drawn = np.random.default_rng(0).permutation(left)[: min(paper.N_EXTERNAL, len(left) // 2)]
    return gaps.take(np.sort(drawn))


def _narrow(gaps: Gaps, n: int) -> Gaps:
    """Return n rows at random of those with a narrow gap."""
    narrow = np.flatnonzero(gaps.gaps < paper.NARROW_GAP)
    return gaps.take(np.sort(np.random.default_rng(0).permutation(narrow)[:n]))


def _some(gaps: Gaps, limit: int | None) -> Gaps:
    if limit is None or limit >= len(gaps):
        return gaps
    return gaps.take(np.sort(np.random.default_rng(0).permutation(len(gaps))[:limit]))


def _gaps(name: str) -> Gaps:
    rows = _rows(name)
    compositions = Compositions.from_formulas([row["composition"] for row in rows])
    return Gaps(compositions, np.array([float(row["Eg"]) for row in rows]))


def _rows(name: str) -> list[dict[str, str]]:
    data = (data_folder() / BELOW / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    return list(csv.DictReader(io.StringIO(text)))
