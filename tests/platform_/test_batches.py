"""Descriptors of many structures in killable processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from matsift.crystal import Crystal
from matsift.descriptors.batches import Piece, compute_many, compute_stream
from matsift.descriptors.registry import compute
from matsift.errors import UnknownDescriptorSet

NAMES = ("mp", "magpie", "voronoi")


def salt(symbol: str, size: float = 4.0) -> Crystal:
    return Crystal.ordered(size * np.eye(3), [symbol, "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def many(n: int) -> list[Crystal]:
    return [salt(["Na", "K", "Rb", "Cs"][i % 4], 3.5 + 0.01 * i) for i in range(n)]


def test_chunks_cover_all_structures_once_with_the_values_of_a_direct_call() -> None:
    crystals, gap = many(57), np.arange(57.0)
    seen: list[int] = []
    direct = {name: compute(name, crystals, {"band_gap": gap}).values for name in NAMES}
    for indices, chunks in compute_many(NAMES, crystals, {"band_gap": gap}, n_worker=2, time_limit_s=60, chunk_size=10):
        seen += indices.tolist()
        assert tuple(chunks) == NAMES
        for name in NAMES:
            np.testing.assert_allclose(chunks[name].values, direct[name][indices], rtol=1e-12, atol=1e-12)
            assert len(chunks[name].seconds) == len(indices)
    assert sorted(seen) == list(range(57))


def test_a_structure_that_hangs_or_crashes_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    crystals = many(24)
    crystals[3], crystals[17] = salt("Xe"), salt("Rn")
    started = time.monotonic()
    failures: dict[int, tuple[str, str]] = {}
    finite: set[int] = set()
    for indices, chunks in compute_many(
        ("magpie",),
        crystals,
        n_worker=2,
        time_limit_s=1.0,
        chunk_size=8,
        target="descriptor_targets:compute_with_trouble",
    ):
        chunk = chunks["magpie"]
        failures |= {int(indices[k]): reason for k, reason in chunk.failures.items()}
        finite |= {int(i) for i, row in zip(indices, chunk.values, strict=True) if np.isfinite(row).all()}
    assert failures == {
        3: ("DescriptorTimeout", "descriptors took longer than 1 s"),
        17: ("WorkerDied", "the worker process was ended by SIGABRT"),
    }
    assert finite == set(range(24)) - {3, 17}
    assert time.monotonic() - started < 30


def test_pieces_are_drawn_as_workers_need_them_and_come_back_under_their_keys() -> None:
    drawn: list[int] = []

    def pieces() -> Iterator[Piece]:
        for i in range(20):
            drawn.append(i)
            yield np.array([100 + i, 200 + i]), [salt("Na", 4 + 0.01 * i), salt("K", 4 + 0.01 * i)], None

    ahead: list[int] = []
    found: dict[int, float] = {}
    for keys, chunks in compute_stream(("mp",), pieces(), n_worker=2, time_limit_s=60):
        ahead.append(len(drawn) - len(ahead))
        found |= dict(zip(keys.tolist(), chunks["mp"].values[:, 0], strict=True))
    assert max(ahead) <= 4
    assert found == pytest.approx({base + i: (4 + 0.01 * i) ** 3 for base in (100, 200) for i in range(20)})


def test_no_structures_give_no_chunks() -> None:
    assert list(compute_many(NAMES, [], n_worker=2, time_limit_s=10)) == []


def test_an_unknown_set_is_refused_before_any_work() -> None:
    with pytest.raises(UnknownDescriptorSet, match="no descriptor set 'ward'"):
        next(compute_many(["ward"], many(1), n_worker=1, time_limit_s=10))
