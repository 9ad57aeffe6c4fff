"""Formulas to measure with: the published known ones where they are, random ones besides."""

from __future__ import annotations

import csv
import gzip
import io

import numpy as np
from benchmarks.repro_001.real_data import data_folder

from matsift.generative.formulas import N_ELEMENT, Compositions, read_formulas

_KNOWN = "gaps/mp_formula_space_group_123805.csv.gz"


def known(n: int, seed: int) -> tuple[str, Compositions]:
    """Return a name and compositions: the published known formulas, each once, or n random ones."""
    file = data_folder() / _KNOWN
    if not file.exists():
        return "random formulas", drawn(n, seed).reduced().unique()
    rows = csv.DictReader(io.StringIO(gzip.decompress(file.read_bytes()).decode()))
    read = read_formulas([row["pretty_formula"] for row in rows])
    return "published known formulas", read.compositions.reduced().unique()


def drawn(n: int, seed: int) -> Compositions:
    """Return n random compositions of 2 to 5 elements with up to 7 atoms each, as a generator's sizes are."""
    rng = np.random.default_rng(seed)
    n_element = rng.integers(2, 6, n)
    order = np.argsort(rng.random((n, N_ELEMENT)), axis=1)[:, :5]
    held = np.arange(5)[None, :] < n_element[:, None]
    rows, places = np.nonzero(held)
    counts = rng.integers(1, 8, len(rows))
    return Compositions.of_entries(n, rows, order[rows, places], counts)
