"""The comparisons of paper 002, on crystals made for it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.repro_002 import __main__ as command
from benchmarks.repro_002 import crystals as published
from benchmarks.repro_002.checks import checks
from benchmarks.repro_002.copies import with_copies
from benchmarks.repro_002.crystals import Stock
from benchmarks.repro_002.described import describe
from benchmarks.repro_002.found import difference, found_by, of_first, sets_kept, wrong_answers
from benchmarks.repro_002.task import Items, Task, epochs_of

from matsift.crystal import Crystal
from matsift.diffraction.ensemble import GroupPrediction
from matsift.diffraction.leakage import leaks_into
from matsift.diffraction.metrics import GroupMetrics
from matsift.diffraction.sets import SetSettings
from matsift.diffraction.sparse import SparseProfiles

_CUBIC, _FACES = np.eye(3), np.ones((3, 3)) - np.eye(3)
_ORIGIN, _CENTRE, _QUARTER = [0.0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]


def _kinds(edge: float) -> list[Crystal]:
    """Return rock salt, caesium chloride and zinc blende: groups 225, 221 and 216."""
    salt = Crystal.ordered(_FACES * edge / 2, ["Na", "Cl"], np.array([_ORIGIN, _CENTRE]))
    chloride = Crystal.ordered(_CUBIC * edge * 0.7, ["Cs", "Cl"], np.array([_ORIGIN, _CENTRE]))
    blende = Crystal.ordered(_FACES * edge / 2, ["Zn", "S"], np.array([_ORIGIN, _QUARTER]))
    return [salt, chloride, blende]


def _fluorite(edge: float) -> Crystal:
    """Return fluorite: group 225 too, but another structure type."""
    places = np.array([_ORIGIN, _QUARTER, [-x for x in _QUARTER]])
    return Crystal.ordered(_FACES * edge / 2, ["Ca", "F", "F"], places)


@pytest.fixture(scope="module")
def made_up() -> Stock:
    """32 crystals of each kind and eight fluorites, no two alike."""
    crystals = [crystal for edge in np.geomspace(4.5, 7.5, 32) for crystal in _kinds(float(edge))]
    crystals += [_fluorite(float(edge)) for edge in np.geomspace(4.6, 7.0, 8)]
    return Stock(tuple(crystals), ("made up",) * len(crystals), tuple(map(str, range(len(crystals)))))


def said_by(probabilities: list[list[list[float]]]) -> GroupPrediction:
    members = np.array(probabilities)
    return GroupPrediction(members.mean(axis=0), members)


def items_of(classes: list[int]) -> Items:
    n = len(classes)
    empty = SparseProfiles.from_lists([[0]] * n, [[1.0]] * n)
    return Items(np.arange(n), empty, np.array(classes) + 1, np.ones(n), np.array(classes))


def test_crystals_are_read_as_they_were_written(tmp_path: Path) -> None:
    shared = Crystal(np.eye(3) * 4, ("Fe", "Mg"), np.zeros((2, 3)), np.array([0.3, 0.7]), np.array([0, 0]))
    rows = [("a", shared), ("b", _kinds(5.0)[0])]
    published.write(tmp_path / "kept.npz", rows)
    found = published.read(tmp_path / "kept.npz")
    assert [name for name, _ in found] == ["a", "b"]
    assert [crystal.content_hash for _, crystal in found] == [crystal.content_hash for _, crystal in rows]


def test_no_validation_item_is_trained_on_nor_a_look_alike_of_it(made_up: Stock) -> None:
    task = Task.draw(describe(made_up.crystals), SetSettings(n_item=2, min_items=10), cap=9)
    assert task.groups == (216, 221, 225)
    items, sets = task.held_out()
    training = task.training("inf")
    assert len(items) == 5 * 2 * 3
    assert np.bincount(sets).tolist() == [0, 6, 6, 6, 6, 6]
    assert np.bincount(training.classes).tolist() == [9, 9, 9]
    assert not set(items.rows.tolist()) & set(training.rows.tolist())
    copied = with_copies(training, task.crystals(training, made_up.crystals), [items], n_copy=3, seed=1)
    assert 2 * len(training) < len(copied) <= 4 * len(training)
    assert not leaks_into(copied.profiles, copied.classes, items.profiles, items.classes).any()
    ratio = np.log(copied.volumes[27:] / np.exp(task.data.log_volumes[copied.rows[27:]]))
    assert 0.05 < ratio.std() < 0.15
    again = with_copies(training, task.crystals(training, made_up.crystals), [items], n_copy=3, seed=1)
    assert (again.profiles.bins == copied.profiles.bins).all()


@pytest.mark.parametrize(("n_item", "epochs"), [(100, 8), (50, 16), (70, 11), (1000, 1)])
def test_a_smaller_set_takes_as_many_steps(n_item: int, epochs: int) -> None:
    assert epochs_of(n_item, 100, 8) == epochs


def test_metrics_of_two_sets() -> None:
    right, wrong = [0.9, 0.1], [0.4, 0.6]
    said = said_by([[right, wrong[::-1], wrong, wrong], [right, right[::-1], right[::-1], right[::-1]]])
    found = found_by(said, items_of([0, 1, 0, 1]), np.array([1, 1, 2, 2]), (1, 2))
    assert [one.recall for one in found.ensemble] == [1.0, 0.5]
    assert [one.recall for one in found.specific] == [0.75, 0.5]
    assert difference(found.ensemble, found.specific, "recall").mean == 0.125
    assert found.by_lines == [1.0, 1.0]  # triclinic cells have all lines
    alone = of_first(said, 1)
    assert (alone.probabilities == said.members[0]).all()
    assert found.volume is None


def test_sets_that_are_calibrated_on_the_others_hold_the_true_group() -> None:
    rng = np.random.default_rng(3)
    classes = rng.integers(0, 4, 500)
    logits = rng.normal(size=(500, 4)) + 2.0 * np.eye(4)[classes]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    kept = sets_kept(GroupPrediction(chances, chances[None]), items_of(classes.tolist()), np.arange(500) % 5)
    assert 0.85 < kept.covered.mean < 0.95
    assert 1 < kept.size < 3
    assert kept.sure_right > 0.8


def test_wrong_answers_by_relation() -> None:
    said = said_by([[[0, 1.0], [0, 1.0], [1.0, 0]]])
    shares = wrong_answers(said, items_of([0, 1, 1]), (1, 2))
    assert shares == {"subgroup": 0.5, "supergroup": 0.5, "both": 0.0, "unrelated": 0.0, "same crystal system": 1.0}


def test_a_baseline_that_is_not_beaten_is_told() -> None:
    classes = [0, 1] * 4
    truth, sets = items_of(classes), np.repeat([1, 2], 4)
    sure = np.eye(2)[classes]
    volumes = np.full(8, 1.05)
    said = GroupPrediction(sure, sure[None], volumes, None, volumes[None])
    found = {"vol_inf": found_by(said, truth, sets, (1, 2))}
    nearest = {"bins": [GroupMetrics(1, 1, 1, 1)] * 2, "pooled": [GroupMetrics(0.5, 0.5, 0.5, 0.5)] * 2}
    told = checks(found, nearest)
    assert [check.met for check in told] == [False, True, True]
    assert "(bins)" in told[0].says
    assert "5.0%" in told[2].measured


def test_the_command_trains_and_tells(
    made_up: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "stock", lambda *_, **__: made_up)
    monkeypatch.setattr("benchmarks.telling.data_folder", lambda: tmp_path)
    small = "--items 2 --epochs 2 --copies 1 --members 2 --width 2 --workers 0"
    monkeypatch.setattr(sys, "argv", ["repro_002", *small.split(), "--home", str(tmp_path), "--device", "cpu"])
    assert command.main() == 1
    first = capsys.readouterr()
    assert "SpgVolNet on D(inf) - SpgNet on D(inf), ensemble" in first.out
    assert "| types left out (2 items of 1 groups)" in first.out
    assert first.err.count("right in training") == 2 * (2 + 2 + 5 + 2)
    assert command.main() == 1
    second = capsys.readouterr()
    assert second.err == ""
    assert _without_time(second.out) == _without_time(first.out)


def _without_time(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("This run took")]
