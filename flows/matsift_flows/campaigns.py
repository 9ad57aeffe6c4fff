"""The campaigns of a study: what each is, how far it is to go, and whether it has come to its end."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from matsift.acquisition.seeds import round_seed
from matsift.acquisition.stopping import RoundFacts, stop_after
from matsift.study.settings import Study
from matsift.study.strategies import StrategySettings
from matsift_adapters.oracles.registry import Oracle, oracle
from matsift_flows.snapshots import base_snapshot
from matsift_flows.train import ensemble
from matsift_flows.workspace import Workspace
from matsift_schema.store import campaigns as store
from matsift_schema.store import plans
from matsift_schema.store.datasets import Snapshot
from matsift_schema.store.runs import LazyRun


@dataclass(frozen=True)
class Campaign:
    """A campaign of a study: its row, its plan, and the snapshot that it starts from."""

    id: int
    plan_id: int
    content_hash: str
    name: str
    property_name: str
    strategy: StrategySettings
    seed: int
    base: Snapshot

    def round_seed(self, number: int) -> int:
        """Return a seed of its own for each campaign and round, the same in every database."""
        return round_seed(self.seed, self.property_name, self.strategy.name, number)


def study_campaigns(workspace: Workspace, study: Study) -> list[Campaign]:
    """Return the campaigns of a study, one a property and strategy; those that are new, or planned anew, are written.

    Raises
    ------
    UserInputError
        If there are too few labels, or what the oracle needs is not installed.
    """
    asked = oracle(study.campaign.oracle)
    found = []
    for property_name in study.labels.properties:
        base = base_snapshot(workspace, study, property_name, study.sampling.strategy)
        for strategy in study.campaign.strategies:
            record = _record(study, asked, property_name, strategy, base)
            key, plan_id = _ensure(workspace, study, record)
            found.append(
                Campaign(key, plan_id, record.content_hash, record.name, property_name, strategy, record.seed, base)
            )
    return found


def stop_where_enough(session: Session, run: LazyRun, study: Study, campaign: Campaign, number: int) -> bool:
    """Return whether a campaign ends with a round that is scored; what ends it is written. Not committed."""
    rounds = plans.load_progress(session, campaign.id, maximize=study.ranking.goal == "maximize")[: number + 1]
    if plans.is_stopped(session, rounds[-1].round_id, campaign.plan_id):
        return True
    labelled = [sum(row.n_labelled for row in rounds[:i]) for i in range(len(rounds))]
    stop = stop_after(
        [RoundFacts(r.n_candidate, n, r.mean_spread, r.best) for r, n in zip(rounds, labelled, strict=True)],
        n_round=study.campaign.rounds,
        rules=study.campaign.stop,
        property_name=campaign.property_name,
        goal=study.ranking.goal,
    )
    if stop is None:
        return False
    plans.write_stop(
        session,
        run.id(session),
        rounds[-1].round_id,
        campaign.plan_id,
        rule=stop.rule,
        value_seen=stop.value_seen,
        rule_limit=stop.limit,
    )
    return True


def batch_size(session: Session, study: Study, campaign: Campaign) -> int:
    """Return how many acquisitions a campaign may propose now: a batch, or what is left of the budget."""
    budget = study.campaign.stop.budget
    if budget is None:
        return study.campaign.batch
    spent = sum(row.n_labelled for row in plans.load_progress(session, campaign.id))
    return min(study.campaign.batch, max(budget - spent, 0))


def _record(
    study: Study, asked: Oracle, property_name: str, strategy: StrategySettings, base: Snapshot
) -> store.CampaignRecord:
    settings = study.campaign
    held_back = settings.held_back
    record = store.CampaignRecord(
        content_hash="",
        name=f"{study.name} {property_name} {strategy.name}",
        study=study.name,
        property_name=property_name,
        strategy=strategy.name,
        strategy_kind=strategy.kind,
        batch_size=settings.batch,
        seed=study.study.seed,
        oracle=asked.name,
        oracle_method=asked.method,
        settings={
            "base_snapshot": base.content_hash,
            "model": ensemble(study, property_name).content_hash(base.content_hash),
            "strategy": strategy.model_dump(mode="json", exclude={"name"}),
            "oracle": settings.oracle.model_dump(mode="json"),
            "held_back": None if held_back is None else held_back.model_dump(mode="json"),
        },
    )
    counted = {**asdict(record), "settings": {k: v for k, v in record.settings.items() if k != "oracle"}}
    key = hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()
    return store.CampaignRecord(**{**asdict(record), "content_hash": key})


def _ensure(workspace: Workspace, study: Study, record: store.CampaignRecord) -> tuple[int, int]:
    """Return the ids of a campaign and of its plan, written where they are new."""
    n_round, stop = study.campaign.rounds, _stop_rules(study, record.property_name)
    with workspace.sessions.begin() as session:
        key = store.find_campaign(session, record.content_hash)
        plan = None if key is None else plans.find_plan(session, key)
    if key is not None and plan is not None and (plan.n_round, plan.stop) == (n_round, stop):
        return key, plan.id
    parameters: dict[str, Any] = {"campaign": record.content_hash}
    if plan is not None:
        parameters |= {"rounds": n_round, "stop": stop}
    with workspace.run("acquire", study.name, parameters) as run, workspace.sessions.begin() as session:
        run_id = run.id(session)
        key = store.write_campaign(session, run_id, record)
        return key, plans.write_plan(session, run_id, key, n_round=n_round, stop=stop)


def _stop_rules(study: Study, property_name: str) -> dict[str, Any]:
    """Return the stop rules that apply to the campaigns of a property."""
    rules = study.campaign.stop
    found: dict[str, Any] = {"budget": rules.budget, "no_better_for": rules.no_better_for}
    found["mean_spread_below"] = rules.mean_spread_below.get(property_name)
    return {name: limit for name, limit in found.items() if limit is not None}
