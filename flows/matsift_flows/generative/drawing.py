"""Compositions drawn from the network: filtered, checked, predicted; the best are kept, all of them counted."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.generative.earth_mover import nearest_known
from matsift.generative.formulas import Compositions
from matsift.generative.sampling import Sampled, SizeLimits, admitted, sample_chunks
from matsift.generative.shares import shares_of
from matsift.generative.validity import ValidityRules, validity
from matsift.learners.training import Intervals
from matsift.study.generative import GenerativeSettings, SamplingLimits
from matsift.study.settings import Study
from matsift_flows.generative.known import StudyFormulas, hash_of
from matsift_flows.generative.networks import StoredGenerator
from matsift_flows.generative.property_model import PropertyModel, best_first
from matsift_flows.orchestration import inner_flow
from matsift_flows.workspace import Workspace
from matsift_schema.store import generation as store
from matsift_schema.store.runs import LazyRun

#: Samples of each maker whose shares stand beside each other in the report, at most.
COUNTED = 50_000


@inner_flow("draw")
def draw(
    workspace: Workspace,
    study: Study,
    settings: GenerativeSettings,
    formulas: StudyFormulas,
    generator: StoredGenerator,
    model: PropertyModel,
) -> int:
    """Return the id of the batch of a study's network; it is drawn where it is new."""
    key = batch_hash(study, "gan", generator.record.content_hash, model, formulas, settings.sampling.model_dump())
    with workspace.sessions.begin() as session:
        found = store.find_generation(session, key)
    if found is not None:
        return found
    sampled, makers = _sampled(workspace, study, settings.sampling, formulas, generator)
    shares = {"counts": asdict(sampled.counts), "makers": makers}
    record = batch_record(study, settings.sampling, generator, key, "gan", sampled.counts.drawn, shares)
    with workspace.run("generate", study.name, {"batch": key}) as run, workspace.sessions.begin() as session:
        batch = keep_best(session, run, study, settings, formulas, model, record, sampled.compositions)
    workspace.reporter.say(
        f"  gan: {sampled.counts.drawn} drawn, {len(sampled.compositions)} valid, unique and new, "
        f"the best {min(len(sampled.compositions), settings.sampling.keep)} kept"
    )
    return batch


def filters(sampling: SamplingLimits) -> tuple[SizeLimits, ValidityRules]:
    """Return the limits of size and the rules of charge that a study asks of its compositions."""
    limits = SizeLimits(2, sampling.max_elements, sampling.max_atoms, sampling.max_count)
    return limits, ValidityRules(states=sampling.oxidation_states)


def batch_record(
    study: Study,
    sampling: SamplingLimits,
    generator: StoredGenerator,
    key: str,
    origin: store.Origin,
    n_drawn: int,
    shares: Mapping[str, Any],
    campaign_id: int | None = None,
) -> store.GenerationRecord:
    """Return the row of a batch: who drew it, how many, and which shares of them passed."""
    return store.GenerationRecord(
        content_hash=key,
        study=study.name,
        generator_id=generator.id,
        origin=origin,
        settings=sampling.model_dump(),
        seed=study.study.seed,
        n_drawn=n_drawn,
        shares=shares,
        campaign_id=campaign_id,
    )


def batch_hash(
    study: Study,
    origin: str,
    generator_hash: str,
    model: PropertyModel,
    formulas: StudyFormulas,
    settings: Mapping[str, Any],
) -> str:
    """Return the identity of a batch: who drew it, by which settings, and who chose."""
    ranking = [study.ranking.goal, study.ranking.by]
    known = [hash_of(formulas.known), formulas.learned_hash]
    said = [study.name, study.study.seed, origin, generator_hash, model.content_hash, ranking, known, dict(settings)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def keep_best(
    session: Session,
    run: LazyRun,
    study: Study,
    settings: GenerativeSettings,
    formulas: StudyFormulas,
    model: PropertyModel,
    record: store.GenerationRecord,
    compositions: Compositions,
) -> int:
    """Return the id of a batch that is new, written with the best of its compositions; not committed."""
    said = model.predict(compositions) if len(compositions) else None
    order = np.zeros(0, dtype=np.int64) if said is None else best_first(study.ranking, said)
    best = order[: settings.sampling.keep]
    chosen = compositions.select(best)
    mean, spread, lower, upper = _columns(said, best)
    return store.write_generation(
        session,
        run.id(session),
        record,
        _kept(chosen, formulas, filters(settings.sampling)[1]),
        model_id=model.id,
        mean=mean,
        spread=spread,
        lower=lower,
        upper=upper,
        coverage=model.calibration.coverage,
    )


def _sampled(
    workspace: Workspace,
    study: Study,
    sampling: SamplingLimits,
    formulas: StudyFormulas,
    generator: StoredGenerator,
) -> tuple[Sampled, dict[str, Any]]:
    """Return what the network drew, and the shares of each maker beside it."""
    from matsift.generative.gan import CompositionGan  # noqa: PLC0415  PyTorch takes seconds to import

    assert generator.record.artifact_sha256 is not None
    gan = CompositionGan.load(workspace.artifacts.get(generator.record.artifact_sha256))
    limits, rules = filters(sampling)
    learned, sampled = formulas.learned_compositions, Sampled.nothing()
    with workspace.reporter.work("draw compositions", sampling.samples, "samples") as advance:
        for drawn in sample_chunks(gan.sample, sampling.samples, study.study.seed, chunk=sampling.chunk):
            sampled = admitted(drawn, sampled, learned, limits, rules)
            advance(len(drawn))
    counted = min(sampling.samples, COUNTED)
    found = shares_of({"gan": gan.sample}, learned, counted, study.study.seed, limits, rules)
    return sampled, {one.maker: {name: _plain(value) for name, value in one.as_dict().items()} for one in found}


def _kept(compositions: Compositions, formulas: StudyFormulas, rules: ValidityRules) -> list[store.KeptComposition]:
    verdicts = validity(compositions, rules)
    known = formulas.known
    if known and len(compositions):
        rows, distances = nearest_known(compositions, formulas.known_compositions)
        nearest = [(known[int(row)], float(distance)) for row, distance in zip(rows, distances, strict=True)]
    else:
        nearest = []
    return [
        store.KeptComposition(formula, verdicts.of(i), *(nearest[i] if nearest else (None, None)))
        for i, formula in enumerate(compositions.formulas())
    ]


def _columns(said: Intervals | None, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    if said is None:
        return (np.zeros(0),) * 4
    return tuple(x[rows] for x in (said.prediction.mean, said.prediction.spread, said.lower, said.upper))


def _plain(value: float) -> float | None:
    """Return a number as JSON has it."""
    return None if math.isnan(value) else value
