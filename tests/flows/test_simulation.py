"""A simulated campaign is the flow's own: the same picks and the same predictions as a replay through the database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy.orm import Session
from tests.factories.small_study import small_records, write_small_study
from tests.flows.running import rows, run_here

from matsift.acquisition.replay_table import ReplayTable
from matsift.acquisition.simulation import SimulatedCampaign, Simulation
from matsift.learners.lightgbm_ensemble import LightGbmSettings
from matsift_flows.snapshots import descriptor_set_ids
from matsift_schema.engine import make_engine
from matsift_schema.store.descriptors import load_matrix

pytestmark = pytest.mark.slow

STRATEGIES = ("exploration", "random", "expected_improvement", "thompson", "diverse", "cost_aware")
BATCH, ROUNDS, SEED = 3, 2, 3  # the seed is that of the small study
SETTINGS = LightGbmSettings(members=3, n_estimators=15, num_leaves=7, min_data_in_leaf=3)
REPLAY = (
    'labels.properties=["g_vrh"]',
    'descriptors.sets=["magpie"]',
    "learner.baselines=[]",
    "learner.ablation={}",
    "sampling.compare=[]",
    "screening=[]",
    "sampling.validation_fraction=0.2",
    "candidates={}",
    'campaign.oracle="replay"',
    'campaign.held_back={ size = 24, elements = ["Na"], seed = 5 }',
    f"campaign.batch={BATCH}",
    f"campaign.rounds={ROUNDS}",
    f"campaign.strategies={list(STRATEGIES)}".replace("'", '"'),
)
_SNAPSHOT = """
    SELECT DISTINCT s.id, s.content_hash, l.value, s.n_site, w.role FROM matsift.dataset_snapshot d
    JOIN matsift.dataset_row w ON w.snapshot_id = d.id JOIN matsift.label l ON l.id = w.label_id
    JOIN matsift.structure s ON s.id = l.structure_id WHERE d.settings ->> 'grown_from' IS NULL
"""
_POOL = """
    SELECT DISTINCT s.id, s.content_hash, l.value, s.n_site, 'pool' FROM matsift.candidate_score k
    JOIN matsift.structure s ON s.id = k.structure_id
    JOIN matsift.label l ON l.structure_id = s.id JOIN matsift.property p ON p.id = l.property_id AND p.name = 'g_vrh'
"""
_SCORES = """
    SELECT c.strategy, r.number, s.content_hash, k.mean FROM matsift.candidate_score k
    JOIN matsift.campaign_round r ON r.id = k.campaign_round_id JOIN matsift.campaign c ON c.id = r.campaign_id
    JOIN matsift.structure s ON s.id = k.structure_id
"""
_PICKED = """
    SELECT c.strategy, r.number, s.content_hash FROM matsift.acquisition a
    JOIN matsift.campaign_round r ON r.id = a.campaign_round_id JOIN matsift.campaign c ON c.id = a.campaign_id
    JOIN matsift.structure s ON s.id = a.structure_id ORDER BY c.strategy, r.number, a.rank
"""


def replay_table(url: str) -> tuple[ReplayTable, list[str]]:
    """Return the rows of the study as the flow held them, and their content hashes."""
    found: list[Any] = sorted([*rows(url, _SNAPSHOT), *rows(url, _POOL)], key=lambda row: str(row[1]))
    ids, hashes, values, n_site, role = zip(*found, strict=True)
    engine = make_engine(url)
    with Session(engine) as session:
        X, _ = load_matrix(session, descriptor_set_ids(session, ["magpie"]), ids)
    engine.dispose()
    parts = {name: np.flatnonzero(np.array(role) == name) for name in ("train", "pool", "test")}
    table = ReplayTable(X, {"g_vrh": np.array(values)}, np.array(n_site), parts["train"], parts["pool"], parts["test"])
    return table, list(hashes)


def test_picks_and_predictions_are_those_of_the_flow(new_url: Callable[[], str], tmp_path: Path) -> None:
    study, url = write_small_study(tmp_path / "study", small_records(n_labelled=60, n_pool=8)), new_url()
    run_here(study, url, tmp_path / "home", overrides=REPLAY)
    table, hashes = replay_table(url)
    assert len(table.pool) == 24
    y: NDArray[np.float64] = table.labels["g_vrh"]
    label = dict(zip(hashes, y, strict=True))
    campaigns = [SimulatedCampaign.of("g_vrh", name, BATCH, SEED, budget=BATCH * ROUNDS) for name in STRATEGIES]
    picked, errors = {}, {}
    for campaign, one in Simulation(table, SETTINGS, n_worker=0, bins="own").run(campaigns):
        key = campaign.strategy.name, one.number
        picked[key] = [hashes[row] for row in one.picked]
        errors[key] = one.metrics["pool_mae"]
    chosen: dict[tuple[str, int], list[str]] = {}
    for strategy, number, content_hash in rows(url, _PICKED):
        chosen.setdefault((strategy, number), []).append(content_hash)
    assert {key: found for key, found in picked.items() if found} == chosen
    assert len(chosen) == len(STRATEGIES) * ROUNDS
    off: dict[tuple[str, int], list[float]] = {}
    for strategy, number, content_hash, mean in rows(url, _SCORES):
        off.setdefault((strategy, number), []).append(abs(mean - label[content_hash]))
    assert off.keys() == errors.keys()
    for key, error in errors.items():
        assert error == pytest.approx(np.mean(off[key]), rel=1e-12)
