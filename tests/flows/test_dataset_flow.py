"""The flow that computes the bundled data sets, on the first candidates of a seed, in real worker processes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from matsift.candidates.plan import plan_candidates
from matsift.errors import UserInputError
from matsift_adapters.data import DATASET, OXIDE_PROTOTYPES
from matsift_flows.dataset import build_dataset, missing_candidates
from matsift_flows.dataset_recipes import RECIPES

SEED = 2026


@pytest.mark.slow
def test_a_build_that_was_killed_goes_on_and_ends_with_the_same_file(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    whole = build_dataset(
        tmp_path / "whole", tmp_path / "whole.gz", seed=SEED, n_worker=1, limit=5, progress=seen.append
    )
    assert (whole.n_candidate, whole.n_computed_now, whole.n_left) == (5, 5, 0)
    assert sum(whole.counts.values()) == 5
    assert [s["done"] for s in seen] == [1, 2, 3, 4, 5]

    # Killed while it wrote its fourth line.
    journal = tmp_path / "whole" / RECIPES[DATASET].journal
    lines = journal.read_bytes().splitlines(keepends=True)
    torn = tmp_path / "torn" / RECIPES[DATASET].journal
    torn.parent.mkdir()
    torn.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    assert len(missing_candidates(plan_candidates(SEED)[:5], torn)) == 2
    continued = build_dataset(torn.parent, tmp_path / "torn.gz", seed=SEED, n_worker=1, limit=5)
    assert (continued.n_computed_now, continued.n_left) == (2, 0)
    assert _values(tmp_path / "torn.gz") == _values(tmp_path / "whole.gz")

    again = build_dataset(tmp_path / "whole", tmp_path / "again.gz", seed=SEED, n_worker=1, limit=5)
    assert again.n_computed_now == 0
    assert (tmp_path / "again.gz").read_bytes() == (tmp_path / "whole.gz").read_bytes()


@pytest.mark.slow
def test_oxides_are_built_into_a_file_of_their_own(tmp_path: Path) -> None:
    built = build_dataset(
        tmp_path / "work", tmp_path / "oxides.gz", dataset="oxide_prototypes", seed=SEED, n_worker=1, limit=2
    )
    assert (built.n_candidate, built.n_computed_now, built.n_left) == (2, 2, 0)
    assert built.counts == {"labelled": 2}
    assert [path.name for path in (tmp_path / "work").iterdir()] == [RECIPES["oxide_prototypes"].journal]
    shipped = {row.get("external_id"): row for row in _values(OXIDE_PROTOTYPES)}
    for row in _values(tmp_path / "oxides.gz")[1:]:
        assert row["lattice_constant_angstrom"] == pytest.approx(
            shipped[row["external_id"]]["lattice_constant_angstrom"], abs=1e-3
        )


def test_a_data_set_that_is_none_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="no data set 'diamonds' to build; use one of chgnet_prototypes, oxide_"):
        build_dataset(tmp_path, tmp_path / "x.gz", dataset="diamonds", seed=0, n_worker=1, limit=1)


def _values(path: Path) -> list[dict[str, Any]]:
    """The rows without their times."""
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [{key: value for key, value in row.items() if key not in {"seconds", "date"}} for row in rows]
