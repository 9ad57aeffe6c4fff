"""The best crystals that a study made go to an oracle: a campaign of one round, in the order of its ranking."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from matsift.reports.data import PropertyPrediction
from matsift.study.generative import TopCandidates, generated_source
from matsift.study.settings import Study
from matsift_flows.acquire import Acquired, final_models
from matsift_flows.askings import Asking, of_top_candidates
from matsift_flows.label import Waiting, label, still_waiting
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.predict import predict
from matsift_flows.reporting.ranked import ranked
from matsift_flows.screen import Screening
from matsift_flows.train import StudyModel
from matsift_flows.workspace import Workspace, digest
from matsift_schema.store import campaigns as store
from matsift_schema.store import plans
from matsift_schema.store.acquisitions import load_acquisitions
from matsift_schema.store.models import load_model
from matsift_schema.store.structures import load_structures

STRATEGY = "top candidates"
STRATEGY_KIND = "top_candidates"


@dataclass(frozen=True)
class _Ranked:
    """A generated crystal with its place among those of its study, from 1, and what the ranking model predicted."""

    structure_id: int
    place: int
    said: PropertyPrediction


@inner_flow("hand on")
def hand_on(
    workspace: Workspace, study: Study, screening: Screening, trained: Sequence[StudyModel], acquired: Acquired
) -> Waiting | None:
    """Hand the best crystals of a study to the oracle of `[generative.handoff]`; return what is waited for.

    An oracle that computes answers here and now. What comes back is a label that no model learns from. The order is
    that of the ranking when the campaign began; other crystals, another model or another ranking begin another
    campaign, in which answers that are there count.

    Raises
    ------
    UserInputError
        If what the oracle needs is not installed.
    """
    asking = of_top_candidates(study)
    if study.generative is None or asking is None:
        return None
    model_id = final_models(study, trained, acquired)[study.ranking.property]
    invoke(predict, workspace, study, model_id, screening.candidate_ids)
    own = _own_crystals(workspace, study, screening)
    record = _record(workspace, study, study.generative.handoff, asking, model_id, sorted(own))
    crystals = _in_order(workspace, study, screening, acquired, model_id, own)
    if not crystals:
        workspace.reporter.say("  hand-off: the ranking holds no crystal of the study, so none is handed on")
        return None
    record = replace(record, batch_size=len(crystals))
    campaign_id = _proposed(workspace, study, record, crystals, model_id, study.generative.handoff.top)
    title = f"ask {asking.oracle.name} for the {record.property_name} of the best crystals"
    blocked = invoke(label, workspace, study, asking, [campaign_id], title)
    return still_waiting(workspace, asking, sorted(blocked))


def _own_crystals(workspace: Workspace, study: Study, screening: Screening) -> dict[str, int]:
    """Return content hash -> id of the candidates that the study made."""
    with workspace.sessions.begin() as session:
        table = load_structures(session, sources=[generated_source(study.name)])
    candidates = set(screening.candidate_ids.tolist())
    return {key: number for key, number in zip(table.hashes, table.ids.tolist(), strict=True) if number in candidates}


def _in_order(
    workspace: Workspace,
    study: Study,
    screening: Screening,
    acquired: Acquired,
    model_id: int,
    own: dict[str, int],
) -> list[_Ranked]:
    """Return the study's own crystals that it ranks, the best first."""
    with workspace.sessions.begin() as session:
        _, ranking = ranked(session, study, screening, {study.ranking.property: model_id}, acquired.campaigns)
    found: list[_Ranked] = []
    for row in ranking.ranked:
        said = row.candidate.prediction(study.ranking.property)
        if row.candidate.structure_hash in own and said is not None:
            found.append(_Ranked(own[row.candidate.structure_hash], len(found) + 1, said))
    return found


def _record(
    workspace: Workspace,
    study: Study,
    about: TopCandidates,
    asking: Asking,
    model_id: int,
    crystals: Sequence[str],
) -> store.CampaignRecord:
    """Return the row of the campaign, but for the size of its batch: how many go on is its plan."""
    with workspace.sessions.begin() as session:
        model = load_model(session, model_id).content_hash
    record = store.CampaignRecord(
        content_hash="",
        name=f"{study.name} {about.property} {STRATEGY}",
        study=study.name,
        property_name=about.property,
        strategy=STRATEGY,
        strategy_kind=STRATEGY_KIND,
        batch_size=0,
        seed=study.study.seed,
        oracle=asking.oracle.name,
        oracle_method=asking.oracle.method,
        settings={
            "model": model,
            "crystals": digest(crystals),
            "ranking": study.ranking.model_dump(mode="json", exclude={"top"}),
            "screening": [criterion.model_dump(mode="json") for criterion in study.screening],
            "oracle": about.oracle.model_dump(mode="json"),
        },
    )
    counted = {**asdict(record), "settings": {k: v for k, v in record.settings.items() if k != "oracle"}}
    key = hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()
    return replace(record, content_hash=key)


def _proposed(
    workspace: Workspace,
    study: Study,
    record: store.CampaignRecord,
    crystals: Sequence[_Ranked],
    model_id: int,
    top: int,
) -> int:
    """Return the id of the campaign; its round and what is handed on are written as far as they are not there."""
    stop = {"budget": top}
    with workspace.sessions.begin() as session:
        key = store.find_campaign(session, record.content_hash)
        plan = None if key is None else plans.find_plan(session, key)
    if key is not None and plan is not None and plan.stop == stop:
        return key
    parameters = {"campaign": record.content_hash, "top": top}
    with workspace.run("acquire", study.name, parameters) as run, workspace.sessions.begin() as session:
        run_id = run.id(session)
        key = store.write_campaign(session, run_id, record)
        plan_id = plans.write_plan(session, run_id, key, n_round=1, stop=stop)
        round_id = store.write_round(
            session,
            run_id,
            key,
            number=0,
            model_id=model_id,
            structure_ids=[row.structure_id for row in crystals],
            mean=[row.said.mean for row in crystals],
            spread=[row.said.spread for row in crystals],
            scores=[-float(row.place) for row in crystals],
            order=range(len(crystals)),
        )
        store.propose_acquisitions(session, run_id, round_id, top)
        n_handed_on = len(load_acquisitions(session, key))
        rule, limit = ("budget", top) if n_handed_on >= top else ("pool", n_handed_on)
        plans.write_stop(
            session, run_id, round_id, plan_id, rule=rule, value_seen=float(n_handed_on), rule_limit=float(limit)
        )
    return key
