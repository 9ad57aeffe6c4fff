"""What networks are fed with: order, reading ahead, waiting that is counted, errors of the reader, scales."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.platform_.density_network_cases import GRID, labels, symmetric_fields, whole
from torch import Tensor

from matsift.density.feeds import FieldFeed, JointFeed, MagpieScale, MemoryFeed, chunks, field_scale
from matsift.density.field_source import InMemoryFields, OrbitFields
from matsift.density.loader import AHEAD, Loader, Wanted
from matsift.density.remembered import RememberedFields
from matsift.density.views import Normalisation
from matsift.errors import ArtifactError, UserInputError

CPU = torch.device("cpu")
ROWS = np.arange(20)


@dataclass(eq=False)
class Slow:
    """A feed that takes its time, and remembers which threads read what."""

    seconds: float = 0.0
    fails_at: int = -1
    slow: bool = True
    origins: bool = False
    read: list[tuple[str, int]] = field(default_factory=list)

    def batch(self, rows: NDArray[np.int64], shifted: NDArray[np.bool_] | None = None) -> tuple[Tensor, ...]:
        time.sleep(self.seconds)
        self.read.append((threading.current_thread().name, int(rows[0])))
        if rows[0] == self.fails_at:
            raise ArtifactError("the grid is damaged")
        return (torch.from_numpy(rows),)


def wanted(size: int = 3) -> list[Wanted]:
    return [(some, None) for some in chunks(ROWS, size)]


@pytest.mark.parametrize("slow", [True, False], ids=["ahead", "at once"])
def test_batches_come_in_the_order_asked(slow: bool) -> None:
    feed = Slow(slow=slow)
    got = [batch[0].tolist() for batch in Loader(feed, CPU).batches(wanted())]
    assert got == [some.tolist() for some in chunks(ROWS, 3)]
    assert {thread.startswith("densities") for thread, _ in feed.read} == {slow}


def test_no_more_than_a_few_batches_are_held() -> None:
    feed = Slow()
    coming = Loader(feed, CPU).batches(wanted(1))
    next(coming)
    time.sleep(0.1)
    assert len(feed.read) <= AHEAD
    coming.close()
    assert len(feed.read) <= AHEAD


def test_waiting_is_counted() -> None:
    slow_reader = Loader(Slow(seconds=0.02), CPU)
    for _ in slow_reader.batches(wanted(5)):
        pass
    assert slow_reader.waiting > 0.7
    slow_network = Loader(Slow(), CPU)
    for _ in slow_network.batches(wanted(5)):
        time.sleep(0.05)
    assert slow_network.waiting < 0.5
    assert Loader(Slow(), CPU).waiting == 0.0


def test_an_error_of_the_reader_reaches_the_training() -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        list(Loader(Slow(fails_at=6), CPU).batches(wanted()))


def test_symmetric_densities_are_fed_as_unique_values() -> None:
    fields = symmetric_fields(6)
    feed = FieldFeed(fields, Normalisation("std", 2.0))
    assert not feed.slow
    (values,) = feed.batch(np.array([4, 1]))
    np.testing.assert_allclose(values.numpy(), fields.values[[4, 1]] / 2)
    plain = FieldFeed(whole(fields), Normalisation("std", 2.0))
    assert plain.slow
    (grids,) = plain.batch(np.array([4, 1]))
    assert np.array_equal(values.numpy()[:, labels().reshape(-1)].reshape(2, GRID, GRID, GRID), grids.numpy())


def test_symmetric_densities_whose_views_differ_are_fed_as_grids() -> None:
    tetragonal = labels().copy()
    tetragonal[1] += int(tetragonal.max()) + 1
    values = np.random.default_rng(0).random((2, int(tetragonal.max()) + 1)).astype(np.float32)
    (grids,) = FieldFeed(OrbitFields(values, tetragonal), Normalisation("none")).batch(np.array([1]))
    assert grids.shape == (1, GRID, GRID, GRID)


@pytest.mark.parametrize("form", [symmetric_fields(4), whole(symmetric_fields(4))], ids=["unique", "whole"])
def test_the_other_origin_lies_half_a_body_diagonal_away(form: Any) -> None:
    feed = FieldFeed(form, Normalisation("none"), origins=True)
    (values,) = feed.batch(np.arange(4), np.array([False, True, True, False]))
    grids = values.numpy()
    grids = grids if grids.ndim == 4 else grids[:, labels().reshape(-1)].reshape(4, GRID, GRID, GRID)
    wanted = whole(symmetric_fields(4)).values.copy()
    wanted[1:3] = np.roll(wanted[1:3], (6, 6, 6), axis=(1, 2, 3))
    assert np.array_equal(grids, wanted)


def test_a_symmetry_without_a_second_origin() -> None:
    other = labels(216).copy()
    corner = other[0, 0, 0]
    other[other == other[GRID // 2, GRID // 2, GRID // 2]] = corner  # two orbits as one: their images are two
    other = np.unique(other, return_inverse=True)[1].reshape(other.shape).astype(np.int32)
    other[1, 1, 1] = other[0, 0, 1]
    assert FieldFeed(OrbitFields(np.zeros((1, 99), np.float32), labels(216)), Normalisation("none"), origins=True)
    with pytest.raises(UserInputError, match="no second origin"):
        FieldFeed(OrbitFields(np.zeros((1, 99), np.float32), other), Normalisation("none"), origins=True)


@pytest.mark.parametrize("kind", ["std", "log1p"])
def test_the_scale_is_that_of_all_points_of_the_rows(kind: Any) -> None:
    fields = symmetric_fields(9)
    rows = np.array([7, 2, 2, 5])
    points = whole(fields).values[rows]
    points = np.log1p(points) if kind == "log1p" else points
    for form in (fields, whole(fields), InMemoryFields(whole(fields).values.astype(np.float64))):
        assert field_scale(kind, form, rows).scale == pytest.approx(float(points.std(dtype=np.float64)), rel=1e-5)


def test_features_are_scaled_and_padded() -> None:
    features = np.random.default_rng(0).normal(5, 3, (50, 132))
    features[0, 0] = np.nan
    scale = MagpieScale.of(features)
    pictures = scale.pictures(features)
    assert pictures.shape == (50, 1, 12, 12)
    flat = pictures.reshape(50, 144)
    assert not flat[:, 132:].any()
    np.testing.assert_allclose(flat[:, 1:132].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(flat[:, 1:132].std(axis=0), 1, atol=1e-5)
    assert flat[0, 0] == 0


def test_inputs_of_several_networks_come_together() -> None:
    first, second = MemoryFeed(torch.arange(5.0)), FieldFeed(whole(symmetric_fields(5)), Normalisation("none"))
    joint = JointFeed((first, second))
    numbers, grids = joint.batch(np.array([3, 1]))
    assert numbers.tolist() == [3, 1]
    assert grids.shape == (2, GRID, GRID, GRID)
    assert joint.slow
    assert not joint.origins


@dataclass(eq=False)
class Counted:
    """A source that remembers which rows were read."""

    fields: InMemoryFields
    read: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.fields)

    def load(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        self.read += rows.tolist()
        return self.fields.load(rows)


@pytest.mark.parametrize(("n_kept", "n_read"), [(7, 7), (3, 7 + 4 + 4), (0, 7 * 3)], ids=["all", "three", "none"])
def test_densities_are_read_once_as_far_as_memory_allows(n_kept: int, n_read: int) -> None:
    fields = whole(symmetric_fields(7))
    counted = Counted(fields)
    source = RememberedFields(counted, n_kept * fields.values[0].nbytes)
    rng = np.random.default_rng(0)
    for _ in range(3):
        for rows in chunks(rng.permutation(7), 3):
            assert np.array_equal(source.load(rows), fields.values[rows])
    assert len(counted.read) == n_read
    assert len(source) == 7
    twice = np.array([6, 2, 6])
    assert np.array_equal(source.load(twice), fields.values[twice])
    assert source.load(np.zeros(0, dtype=np.int64)).shape == (0, GRID, GRID, GRID)
