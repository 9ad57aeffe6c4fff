"""Barriers beside measured conductivities: the table, its last lines, and a sentence where the data are not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.mobility import known
from benchmarks.mobility.__main__ import Conductor, compare, main

from matsift.crystal import Crystal


def halide(anion: str, a: float, conductivity: float) -> Conductor:
    half = a / 2 * (1.0 - np.eye(3))
    crystal = Crystal.ordered(half, ["Li", anion], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    return Conductor(anion, f"Li{anion}", conductivity, crystal)


def test_data_that_are_not_there_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MATSIFT_DATA", str(tmp_path))
    assert main([]) == known.main() == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all("name the folder of the data in MATSIFT_DATA" in line for line in said)


def test_a_row_a_crystal_and_what_was_refused() -> None:
    rows = [halide("Cl", 5.14, 1e-9), halide("I", 6.0, 1e-5), halide("F", 4.03, 1e-12), halide("H", 4.08, 1e-7)]
    title, _, *lines = compare(rows, n_worker=1)
    assert title.startswith("4 ordered lithium conductors, bvse-bvlain-0.25.1-Li1+-")
    assert [line.split()[0] for line in lines[:3]] == ["LiI", "LiCl", "LiF"]
    assert lines[4] == "refused: 1 bvlain has no parameters of Li1+"
    assert [line[:3] for line in lines[-3:]] == ["1D:", "2D:", "3D:"]
    assert "over 3; median" in lines[-1]
    assert "for 1 above 1e-06 S/cm" in lines[-1]
