"""What failed is not tried again, unless it is asked for: then each attempt is a row of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.factories.small_study import overlapping, small_records, unstable_pool, write_small_study
from tests.flows.running import rows, run_here

pytestmark = pytest.mark.slow

ATTEMPTS = "SELECT subject, detail, attempt FROM matsift.failure WHERE stage = '{}' ORDER BY 1, 2, 3"
ONE_CAMPAIGN = (
    'labels.properties=["g_vrh"]',
    'campaign.strategies=["exploration"]',
    "learner.baselines=[]",
    "learner.ablation={}",
    "sampling.compare=[]",
)


def test_failed_labels_are_asked_for_again_on_demand(new_url: Callable[[], str], tmp_path: Path) -> None:
    study = write_small_study(tmp_path / "study", [*small_records(n_pool=0), *unstable_pool(2)])
    url, home = new_url(), tmp_path / "home"
    overrides = (*ONE_CAMPAIGN, "screening=[]")
    run_here(study, url, home, overrides=overrides)
    first = rows(url, ATTEMPTS.format("label"))
    assert [attempt for *_, attempt in first] == [1, 1]
    assert rows(url, "SELECT DISTINCT status FROM matsift.acquisition") == [("failed",)]

    assert run_here(study, url, home, overrides=overrides).added == {}

    added = run_here(study, url, home, overrides=overrides, retry_failed=True).added
    assert added["failure"] == 2
    assert rows(url, ATTEMPTS.format("label")) == sorted([*first, *((s, d, 2) for s, d, _ in first)])
    newest = """
        SELECT bool_and(a.failure_id = (SELECT max(f.id) FROM matsift.failure f
                                        WHERE f.stage = 'label' AND f.structure_id = a.structure_id))
        FROM matsift.acquisition a
    """
    assert rows(url, newest) == [(True,)]
    assert "model_version" not in added


def test_failed_descriptors_are_computed_again_on_demand(new_url: Callable[[], str], tmp_path: Path) -> None:
    records = small_records(n_pool=2)
    (pool, *_) = (record for record in records if record["role"] == "pool")
    study = write_small_study(tmp_path / "study", [*records, overlapping(pool)])
    url, home = new_url(), tmp_path / "home"
    overrides = (*ONE_CAMPAIGN, "campaign.rounds=0")
    run_here(study, url, home, overrides=overrides)
    ((subject, set_name, _),) = first = rows(url, ATTEMPTS.format("descriptor"))
    assert set_name.startswith("voronoi@")
    outcome = """
        SELECT o.outcome FROM matsift.screen_outcome o JOIN matsift.structure s ON s.id = o.structure_id
        WHERE s.content_hash = '{}' AND o.criterion = 'has_structural_descriptor'
    """
    assert rows(url, outcome.format(subject)) == [("failed",)]

    assert run_here(study, url, home, overrides=overrides).added == {}

    added = run_here(study, url, home, overrides=overrides, retry_failed=True).added
    assert added["failure"] == 1
    assert "descriptor" not in added
    assert rows(url, ATTEMPTS.format("descriptor")) == [*first, (subject, set_name, 2)]
