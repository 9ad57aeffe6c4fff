"""The comparison of property models, on gaps made up, and the two ways to Roost's messages."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.generative.attention import attention
from benchmarks.generative.property_models import COMPARED, lines
from benchmarks.generative.samples import drawn
from benchmarks.repro_004 import data
from benchmarks.repro_004.learners import Learner


def test_learners_are_compared_on_formulas_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    some = drawn(400, seed=5).reduced().unique()
    gaps = data.Gaps(some, 1.0 + 5.0 * some.fractions()[:, 8] + some.fractions()[:, 7])
    made_up = data.Data(gaps, {}, some, gaps)
    monkeypatch.setattr(data, "load", lambda: made_up)
    small = Learner(
        "roost",
        "Roost",
        "roost",
        ("element_fractions",),
        {"members": 1, "epochs": 2, "least_steps": 0, "device": "cpu"},
    )
    forest = Learner("forest", "random forest", "random_forest", ("magpie",), {"n_estimators": 10})
    table = lines([forest, small], 150, seed=0)
    assert table[0].startswith("150 rows learned, 80 rows of other formulas asked")
    assert [line.split(" | ")[0] for line in table[3:]] == ["| random forest", "| Roost"]
    assert float(table[3].split(" | ")[1]) > 0.5


def test_compared_learners_have_settings_of_theirs() -> None:
    assert len({learner.title for learner in COMPARED}) == len(COMPARED)
    assert all(learner.filled()["members"] for learner in COMPARED if learner.kind == "roost")


def test_both_ways_to_messages_are_alike() -> None:
    quick, arrays, apart = attention(drawn(200, seed=6))
    assert min(quick, arrays) > 50
    assert np.isfinite(apart)
    assert apart < 1e-5
