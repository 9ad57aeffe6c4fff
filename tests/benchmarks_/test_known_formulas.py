"""The published known formulas in the table of elements and counts: the paper's numbers, and pymatgen's letters."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest
from benchmarks.repro_001.real_data import data_folder
from pymatgen.core import Composition

from matsift.generative.encoding import PAPER_ELEMENTS, Encoding
from matsift.generative.formulas import read_formulas

_FILE = data_folder() / "gaps/mp_formula_space_group_123805.csv.gz"

pytestmark = pytest.mark.skipif(
    not _FILE.exists(), reason=f"the published data are not in {data_folder()}; name their folder in MATSIFT_DATA"
)


def test_the_papers_formulas_fill_its_table() -> None:
    """89,375 of 123,805 formulas differ, of 87 elements; 82,907 have no count above 20 and 62,383 none above 8."""
    with gzip.open(_FILE, "rt", encoding="utf-8") as stream:
        written = [row["pretty_formula"] for row in csv.DictReader(stream)]
    read = read_formulas(written)
    assert not read.failures
    assert len(read.compositions) == 123_805
    known = read.compositions.reduced().unique()
    assert len(known) == 89_375
    assert Encoding.of(known).symbols == PAPER_ELEMENTS
    table = Encoding()
    inside = known.select(table.refusals(known) == 0)
    assert len(inside) == 82_907
    assert int((known.largest_count <= 8).sum()) == 62_383
    some = inside.select(np.arange(0, len(inside), 20))
    decoded = table.decode(table.matrices(some))
    np.testing.assert_array_equal(decoded.compositions.counts, some.counts)
    for row in range(0, len(written), 997):
        composition = Composition(written[row])
        one = read.compositions.select(np.array([row]))
        assert one.formulas() == [composition.reduced_formula]
        assert one.amounts()[0] == {s: int(n) for s, n in composition.get_el_amt_dict().items()}
