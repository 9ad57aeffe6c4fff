"""Grids as artifacts: bit for bit, lazily, and with a sentence where they are damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from matsift.density.grid import DensityGrid
from matsift.errors import ArtifactError, BadStructureError
from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.fields.storage import SUFFIX, StoredFields, dumps, load_planes, loads

CELL = np.array([[0.1 + 0.2, 2.0, 2.0], [2.0, 0.0, 2.0], [2.0, 2.0, 1e-17]])


def grid(shape: tuple[int, int, int] = (5, 7, 11), seed: int = 1) -> DensityGrid:
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return DensityGrid(values, CELL)


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 7, 11), (3, 300, 400), (200, 30, 30)], ids=str)
def test_a_grid_comes_back_to_the_last_bit(shape: tuple[int, int, int]) -> None:
    given = grid(shape)
    found = loads(dumps(given))
    np.testing.assert_array_equal(found.values.view(np.uint32), given.values.view(np.uint32))
    np.testing.assert_array_equal(found.cell, given.cell)
    assert found.values.dtype == np.float32


@given(
    arrays(
        np.float32,
        st.tuples(*[st.integers(1, 9)] * 3),
        elements=st.floats(allow_nan=False, allow_infinity=False, width=32),
    )
)
def test_any_finite_values_come_back(values: NDArray[np.float32]) -> None:
    found = loads(dumps(DensityGrid(values, CELL)))
    np.testing.assert_array_equal(found.values.view(np.uint32), values.view(np.uint32))


def test_the_same_grid_has_the_same_bytes() -> None:
    assert dumps(grid()) == dumps(DensityGrid(np.asfortranarray(grid().values.astype(np.float64)), CELL))


def test_a_smooth_density_is_much_smaller_than_its_values() -> None:
    x = np.cos(2 * np.pi * np.arange(60) / 60)
    smooth = DensityGrid((2 + x[:, None, None] * x[:, None] * x).astype(np.float32), 4 * np.eye(3))
    assert len(dumps(smooth)) < 0.5 * smooth.values.nbytes


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (3, 200), (145, 146), (140, 150), (0, 200)])
def test_planes_come_without_the_rest(start: int, stop: int) -> None:
    given = grid((200, 30, 30))
    np.testing.assert_array_equal(load_planes(dumps(given), start, stop), given.values[start:stop])


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (2, 2), (4, 6)])
def test_there_are_no_other_planes(start: int, stop: int) -> None:
    with pytest.raises(ArtifactError, match="the grid has 5 planes"):
        load_planes(dumps(grid()), start, stop)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39], ids=str)
def test_what_is_not_finite_is_not_stored(value: float) -> None:
    values = np.ones((2, 2, 2))
    values[1, 1, 1] = value
    with pytest.raises(BadStructureError, match="not a finite number"):
        dumps(DensityGrid(values, CELL))


def torn(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    return content[:400] + bytes([content[400] ^ 1]) + content[401:]


@pytest.mark.parametrize(
    "damage", [torn, flipped, lambda _: b"", lambda _: b"PAR1 junk PAR1"], ids=["torn", "flipped", "empty", "junk"]
)
def test_damage_is_told(damage: object) -> None:
    assert callable(damage)
    with pytest.raises(ArtifactError, match="grid"):
        loads(damage(dumps(grid((30, 30, 30)))))


def addresses(store: ArtifactStore, grids: list[DensityGrid]) -> list[str]:
    return [store.put(dumps(each), SUFFIX).sha256 for each in grids]


def test_a_batch_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    store, grids = ArtifactStore(tmp_path), [grid(seed=seed) for seed in range(4)]
    source = StoredFields(store, addresses(store, grids), (5, 7, 11))
    assert len(source) == 4
    batch = source.load(np.array([3, 0, 3]))
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch, [grids[i].values for i in (3, 0, 3)])
    next(tmp_path.glob(f"*/{source.addresses[1]}*")).unlink()
    with pytest.raises(ArtifactError, match="there is no artifact"):
        source.load(np.array([1]))


def test_grids_are_prepared_on_the_way(tmp_path: Path) -> None:
    store, given = ArtifactStore(tmp_path), grid()

    def halved(found: DensityGrid) -> DensityGrid:
        return DensityGrid(found.values[:, :, ::2], found.cell)

    batch: NDArray[np.float32] = StoredFields(store, addresses(store, [given]), (5, 7, 6), halved).load(np.array([0]))
    np.testing.assert_array_equal(batch[0], given.values[:, :, ::2])


def test_a_grid_of_another_shape_is_refused(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with pytest.raises(ArtifactError, match="has 5 x 7 x 11 points, not 60 x 60 x 60; resample it"):
        StoredFields(store, addresses(store, [grid()])).load(np.array([0]))
