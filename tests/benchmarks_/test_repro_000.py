"""The reproduction of paper 000 on a few oxides: rows, structure test, checks, and that it goes on where it stopped."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.repro_000 import __main__ as command
from benchmarks.repro_000 import data, paper, structure_test, tables
from benchmarks.repro_000.checks import regression_checks, structure_checks
from benchmarks.repro_000.data import Oxide
from benchmarks.repro_000.kept import Kept
from benchmarks.repro_000.regression import SHORT, Bench, scores
from benchmarks.repro_000.rows import Samples, samples

from matsift.bond_valence.dataset import Reference
from matsift.bond_valence.decorations import formula
from matsift.bond_valence.ion_pairs import IonPair
from matsift.bond_valence.literature import literature_spinels
from matsift.bond_valence.parameters import ion
from matsift.learners.group_splits import SplitPlan
from matsift.learners.paper_regressors import PAPER_REGRESSORS

PEROVSKITES = {"Sr Ti": 3.94, "Ba Ti": 4.04, "Ba Zr": 4.24, "Ca Ti": 3.89, "Sr Zr": 4.18, "Ba Sn": 4.19, "Sr Sn": 4.12}


@pytest.fixture(scope="module")
def oxides() -> tuple[Oxide, ...]:
    perovskites = [
        Oxide(name, Reference(IonPair("perovskite", ion(a, 2), ion(b, 4)), lattice))
        for name, lattice in PEROVSKITES.items()
        for a, b in [name.split()]
    ]
    spinels = [Oxide(formula(reference.pair), reference) for reference in literature_spinels()[:12]]
    return (*perovskites, *spinels)


@pytest.fixture(scope="module")
def few(oxides: tuple[Oxide, ...]) -> Samples:
    return samples(oxides)


def bench_of(few: Samples, home: Path) -> Bench:
    return Bench("few", few, Kept(home, [few.data.X]), SplitPlan(6, seed=1), 1, lambda _: None)


def test_rows_are_what_the_paper_counts(few: Samples) -> None:
    assert few.n_row == 19 * 2 * 17
    assert few.data.feature_names == ("Er", *(f"{q}_{s}" for s in "AB" for q in ("R0", "b", "NC", "Rcut", "r")))
    assert few.data.n_group == 19
    assert few.part("perovskite").n_group == 7
    strontium_titanate = few.descriptors[0]
    assert strontium_titanate[[0, 2, 3, 4]] == pytest.approx([1.95311, 9.4, 5.5, 1.18], abs=0.03)


def test_a_lattice_error_of_nought_is_at_the_root(few: Samples) -> None:
    """The row nearest to Er = 0 has nearly the screening factor of the root."""
    roots = few.exact()
    assert np.isfinite(roots).all()
    for i, root in enumerate(roots):
        rows = few.oxide_of_row == i
        nearest = np.abs(few.data.X[rows, 0]).argmin()
        assert few.data.y[rows][nearest] == pytest.approx(root, abs=0.0126)


def test_the_automatic_factor_keeps_the_strain_and_the_root_undoes_it(few: Samples) -> None:
    ends = structure_test.relaxed_at(few, structure_test.automatic(few))
    perovskites = few.prototypes == "perovskite"
    known = np.abs(ends.lattice_error[perovskites])
    np.testing.assert_allclose(known[np.isfinite(known)], 0.1, atol=1e-7)
    assert np.nanmean(np.abs(ends.lattice_error)) == pytest.approx(0.1, abs=0.01)
    kept = structure_test.relaxed_at(few, few.exact())
    np.testing.assert_allclose(kept.lattice_error, 0.0, atol=1e-7)
    np.testing.assert_allclose(kept.instability[perovskites, 0], structure_test.reference_instability(few)[perovskites])


def test_results_are_kept_and_a_torn_line_is_measured_again(few: Samples, tmp_path: Path) -> None:
    first = scores(bench_of(few, tmp_path), "both", "linear")
    (file,) = tmp_path.glob("results-*.jsonl")
    again = scores(bench_of(few, tmp_path), "both", "linear")
    assert again == first
    assert len(file.read_text().strip().splitlines()) == 1
    file.write_text(file.read_text()[:-20])
    torn = scores(bench_of(few, tmp_path), "both", "linear")
    assert torn["summary"] == first["summary"]
    assert len(file.read_text().strip().splitlines()) == 2


def test_tables_and_checks_of_a_few_oxides(few: Samples, tmp_path: Path) -> None:
    bench = bench_of(few, tmp_path)
    found = {regressor: scores(bench, "both", regressor) for regressor in SHORT}
    of_structures = structure_test.table_2(bench)
    told = "\n".join([*tables.sizes(few), *tables.table_1("both", found), *tables.table_2(of_structures)])
    assert "| linear | 0.0" in told
    assert "(0.029)" in told
    says = {check.says: check for check in (*regression_checks(found), *structure_checks(of_structures))}
    assert len(says) == 6
    automatic = next(check for key, check in says.items() if "automatic" in key)
    assert automatic.met
    limit = next(check for key, check in says.items() if "l = 200" in key)
    assert limit.wanted == "within 5%"


def test_perov_5_gives_the_lower_of_two_and_the_larger_cation_on_a(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATSIFT_DATA", str(tmp_path))
    rows = [
        ("1", "TiSrO3", 0.3, 61.0),
        ("2", "SrTiO3", 0.1, 61.4),
        ("3", "BaTiO3", 0.7, 65.0),  # too far from the hull
        ("4", "SrTiN3", 0.1, 61.0),
        ("5", "NeTiO3", 0.1, 61.0),
    ]
    for path in data.PEROV_5:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(tmp_path / path, "wt", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["", "material_id", "cif", "formula", "heat_all"])
            if path == data.PEROV_5[0]:
                writer.writerows(
                    (i, name, f"_cell_volume   {v}\n", f, heat) for i, (name, f, heat, v) in enumerate(rows)
                )
    (found,) = data.load("perov_5", tmp_path)
    assert (found.name, found.pair.name) == ("perov_5:2", "perovskite Sr2+ Ti4+")
    assert found.reference.lattice_constant == pytest.approx(61.4 ** (1 / 3))


def test_the_bundled_set_has_as_many_as_the_paper_and_keeps_three_unseen(tmp_path: Path) -> None:
    found = data.load("bundled", tmp_path)
    kinds = [oxide.pair.prototype for oxide in found]
    assert (kinds.count("perovskite"), kinds.count("spinel")) == (115, 130)
    assert [oxide.name for oxide in data.unseen()] == [f"perovskite-{f}" for f in ("BaHfO3", "PbHfO3", "SrHfO3")]


def test_every_regressor_of_the_paper_is_known() -> None:
    assert set(paper.TABLE_1) == set(PAPER_REGRESSORS)


def test_the_command_needs_the_data_of_the_sets_that_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MATSIFT_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "argv", ["repro_000", "--set", "perov_5", "--home", str(tmp_path)])
    assert command.main() == 2
    assert "MATSIFT_DATA" in capsys.readouterr().err


def test_kept_results_are_plain_json(tmp_path: Path) -> None:
    kept = Kept(tmp_path, [np.arange(3.0)])
    assert kept.measured("one", "linear", lambda: {"a": [1, 2.5]}) == {"a": [1, 2.5]}
    (file,) = tmp_path.iterdir()
    key, value = json.loads(file.read_text())
    assert key.startswith("one by ")
    assert value == {"a": [1, 2.5]}
    assert Kept(tmp_path, [np.arange(3.0)]).measured("one", "linear", lambda: None) == {"a": [1, 2.5]}
    assert Kept(tmp_path, [np.arange(4.0)]).measured("one", "linear", lambda: 7) == 7
