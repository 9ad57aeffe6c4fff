"""The benchmark of densities: its plainer ways give the same density, its measurement runs."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.density import choices, layers, memory
from benchmarks.density.promolecules import by_form_factors, crystals
from tests.platform_.density_network_cases import SHORT, SMALL_2D, items

from matsift.density.promolecule import promolecule


@pytest.mark.parametrize("name", ["ten atoms, triclinic", "rock salt, conventional"])
def test_the_plain_way_gives_the_same_density_but_for_its_ringing(name: str) -> None:
    crystal = crystals()[name]
    ours, plain = promolecule(crystal), by_form_factors(crystal)
    assert np.abs(ours.values - plain.values).max() < 0.05 * ours.values.max()
    assert np.abs(ours.values - plain.values).mean() < 0.01 * ours.values.mean()


@pytest.mark.parametrize("way", memory.WAYS)
def test_memory_rate_and_waiting_are_measured(way: str) -> None:
    found = memory.measured(way, n=4, points=40)
    assert found["gib"] > 0
    assert found["rate"] > 0
    assert 0 <= found["waiting"] <= 1


def test_unique_values_give_the_answers_of_whole_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_BATCH", 2)
    monkeypatch.setattr(layers, "_CASES", {"3D": layers._CASES["3D, 32 filters"]})
    (row,) = list(layers.lines(1))[2:]
    name, plain, unique, times, difference = (cell.strip() for cell in row.strip("|").split("|"))
    assert name == "3D"
    assert min(float(plain), float(unique), float(times)) > 0
    assert float(difference) < 1e-5


def test_every_choice_is_trained_and_a_fusion_joins_what_came_before() -> None:
    short = {**SHORT, "epochs": 1}
    cases = [
        ("composition", "magpie_cnn", short),
        ("2D", "density_cnn_2d", {**short, **SMALL_2D}),
        ("fusion", "density_fusion", short),
    ]
    found = list(choices.lines(*items(30), cases))
    assert [line.split("|")[1].strip() for line in found[2:]] == ["composition", "2D", "fusion"]
    assert "of 30 held out" in found[0]
    known = {name for name, *_ in choices.CASES}
    assert len(known) == len(choices.CASES)
