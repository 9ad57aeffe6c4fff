"""Searches of the latent space: campaigns whose suggestions are rows, so that they go on wherever they stood."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition.seeds import round_seed
from matsift.errors import UserInputError
from matsift.generative.formulas import Compositions
from matsift.generative.search.latent_search import LatentSearch
from matsift.generative.validity import validity
from matsift.study.generative import GenerativeSettings
from matsift.study.generative import LatentSearch as SearchSettings
from matsift.study.settings import Study
from matsift_flows.generative.drawing import batch_hash, batch_record, filters, keep_best
from matsift_flows.generative.known import StudyFormulas
from matsift_flows.generative.networks import StoredGenerator
from matsift_flows.generative.property_model import PropertyModel
from matsift_flows.generative.search_parts import StartRows, finite, space_of, start_of, start_rows, told
from matsift_flows.orchestration import inner_flow
from matsift_flows.workspace import Workspace
from matsift_schema.store import campaigns, generation, plans
from matsift_schema.store import suggestions as store
from matsift_schema.store.runs import LazyRun

if TYPE_CHECKING:
    from matsift.generative.autoencoder import CompositionAutoencoder

STRATEGY_KIND = "latent_search"


@dataclass(frozen=True, eq=False)
class Searched:
    """A search of a study: its campaign, what it started from, and the batch of compositions that it found.

    `batch_id` is None where it decoded nothing that is new.
    """

    name: str
    campaign_id: int
    batch_id: int
    initial: NDArray[np.float64]


@inner_flow("search")
def search(
    workspace: Workspace,
    study: Study,
    settings: GenerativeSettings,
    formulas: StudyFormulas,
    autoencoder: StoredGenerator,
    model: PropertyModel,
) -> list[Searched]:
    """Carry all searches of a study to their end; each suggestion is a row as soon as it is made.

    Raises
    ------
    UserInputError
        If too few labelled compositions can be encoded.
    """
    found = []
    network: CompositionAutoencoder | None = None
    for asked in settings.searches:
        campaign = _campaign(workspace, study, asked, autoencoder, model, formulas)
        began = start_rows(workspace, study, asked, model)
        key = batch_hash(study, "latent_search", campaign.content_hash, model, formulas, settings.sampling.model_dump())
        with workspace.sessions.begin() as session:
            batch = generation.find_generation(session, key)
        if batch is None:
            network = network or _load(workspace, autoencoder)
            rows = _carried(workspace, study, settings, asked, campaign, network, began, formulas, model)
            batch = _batch(workspace, study, settings, formulas, autoencoder, model, campaign.id, key, rows)
        found.append(Searched(asked.name, campaign.id, batch, began.values))
    return found


@dataclass(frozen=True)
class _Campaign:
    id: int
    content_hash: str
    seed: int


def _campaign(
    workspace: Workspace,
    study: Study,
    asked: SearchSettings,
    autoencoder: StoredGenerator,
    model: PropertyModel,
    formulas: StudyFormulas,
) -> _Campaign:
    """Return the campaign of a search, written where it is new; the number of rounds is its plan."""
    filled = asked.filled(study.ranking.goal)
    said = filled.model_dump(mode="json", exclude={"n_round"})
    settings: dict[str, Any] = {
        "strategy": asked.strategy,
        "search": said,
        "initial": asked.initial,
        "autoencoder": autoencoder.record.content_hash,
        "model": model.content_hash,
        "base_snapshot": model.snapshot.content_hash,
        "oxidation_states": study.generative.sampling.oxidation_states if study.generative else "",
        "population": formulas.learned_hash,
    }
    seed = round_seed(study.study.seed, model.property_name, asked.name, 0)
    counted = [study.name, model.property_name, asked.name, seed, settings]
    key = hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()
    record = campaigns.CampaignRecord(
        content_hash=key,
        name=f"{study.name} {model.property_name} {asked.name}",
        study=study.name,
        property_name=model.property_name,
        strategy=asked.name,
        strategy_kind=STRATEGY_KIND,
        batch_size=filled.n_decoded,
        seed=seed,
        oracle="model",
        oracle_method=f"model:{model.content_hash[:12]}",
        settings=settings,
    )
    with workspace.sessions.begin() as session:
        found = campaigns.find_campaign(session, key)
        plan = None if found is None else plans.find_plan(session, found)
    if found is None or plan is None or plan.n_round != filled.n_round:
        parameters = {"campaign": key, "rounds": filled.n_round}
        with workspace.run("search", study.name, parameters) as run, workspace.sessions.begin() as session:
            found = campaigns.write_campaign(session, run.id(session), record)
            plans.write_plan(session, run.id(session), found, n_round=filled.n_round, stop={})
    return _Campaign(found, f"{key}:{filled.n_round}", seed)


def _carried(
    workspace: Workspace,
    study: Study,
    settings: GenerativeSettings,
    asked: SearchSettings,
    campaign: _Campaign,
    network: CompositionAutoencoder,
    began: StartRows,
    formulas: StudyFormulas,
    model: PropertyModel,
) -> list[store.SuggestionRow]:
    """Return all suggestions of a search that is carried to its end."""
    filled = asked.filled(study.ranking.goal)
    space = space_of(network, settings, model)
    start = start_of(network, began, formulas)
    with workspace.sessions.begin() as session:
        rows = store.load_suggestions(session, campaign.id)
    going = LatentSearch.resume(filled, space, start, campaign.seed, [told(row) for row in rows])
    if going.finished:
        return rows
    with (
        workspace.run("search", study.name, {"campaign": campaign.content_hash}) as run,
        workspace.reporter.work(f"search: {asked.name}", filled.n_round, "rounds") as advance,
    ):
        while not going.finished:
            before = going.round_number
            try:
                row = _asked(going, model)
            except UserInputError as error:  # nothing decodes any more, or all that does is known
                workspace.reporter.say(f"  {asked.name} ends after {len(rows)} suggestions: {error}")
                break
            _write(workspace, run, campaign, model, row)
            rows.append(row)
            advance(going.round_number - before + int(going.finished))
    return rows


def _asked(going: LatentSearch, model: PropertyModel) -> store.SuggestionRow:
    """Return the next suggestion with its label, which the search is told."""
    suggestion = going.ask()
    value = model.value(suggestion.formula) if suggestion.formula is not None else None
    going.tell(suggestion, value)
    return store.SuggestionRow(
        round_number=suggestion.round_number - 1,
        number=suggestion.number,
        latent=suggestion.latent,
        score=finite(suggestion.worth),
        mean=finite(suggestion.mean),
        spread=finite(suggestion.spread),
        decodes=suggestion.decodes,
        formula=suggestion.formula,
        value=value,
        reason=suggestion.reason,
    )


def _write(
    workspace: Workspace, run: LazyRun, campaign: _Campaign, model: PropertyModel, row: store.SuggestionRow
) -> None:
    with workspace.sessions.begin() as session:
        run_id = run.id(session)
        round_id = campaigns.write_round(
            session,
            run_id,
            campaign.id,
            number=row.round_number,
            model_id=model.id,
            structure_ids=[],
            mean=[],
            spread=[],
            scores=[],
            order=[],
        )
        store.write_suggestions(session, run_id, round_id, [row])


def _batch(
    workspace: Workspace,
    study: Study,
    settings: GenerativeSettings,
    formulas: StudyFormulas,
    autoencoder: StoredGenerator,
    model: PropertyModel,
    campaign_id: int,
    key: str,
    rows: Sequence[store.SuggestionRow],
) -> int:
    """Return the id of the batch of what a search found: decoded, within the limits, valid, not learned from."""
    names = sorted({row.formula for row in rows if row.formula is not None})
    found = Compositions.from_formulas(names).reduced().unique()
    limits, rules = filters(settings.sampling)
    within = limits.within(found)
    valid = validity(found, rules).valid
    new = ~found.is_in(formulas.learned_compositions)
    n = max(len(rows), 1)
    shares = {
        "decoded": sum(row.decodes for row in rows) / n,
        "unique": len(found) / n,
        "valid": float(valid.sum()) / n,
        "new": float(new.sum()) / n,
        "kept": float((within & valid & new).sum()) / n,
    }
    record = batch_record(study, settings.sampling, autoencoder, key, "latent_search", len(rows), shares, campaign_id)
    with workspace.run("generate", study.name, {"batch": key}) as run, workspace.sessions.begin() as session:
        return keep_best(session, run, study, settings, formulas, model, record, found.select(within & valid & new))


def _load(workspace: Workspace, autoencoder: StoredGenerator) -> CompositionAutoencoder:
    from matsift.generative.autoencoder import load_autoencoder  # noqa: PLC0415  PyTorch takes seconds to import

    assert autoencoder.record.artifact_sha256 is not None
    return load_autoencoder(workspace.artifacts.get(autoencoder.record.artifact_sha256))
