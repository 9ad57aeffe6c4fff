"""Crystals for the best compositions: relaxed from templates, placed among the known phases, entered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.candidates.phases import Phases
from matsift.crystal import Crystal
from matsift.execution.pool import Outcome, Pool
from matsift.execution.pools import open_pool
from matsift.formulae import formulae
from matsift.generative.competitors import lacking
from matsift.generative.formulas import Compositions
from matsift.generative.stability import mechanics, missing_salts, relaxation_change
from matsift.records import EntryRecord, LabelRecord
from matsift.structure_facts import describe
from matsift.study.generative import COMPETITOR, GenerativeSettings, StructureSettings, generated_source
from matsift.study.settings import Study
from matsift_adapters.oracles.chgnet import METHOD
from matsift_flows.generative.phases import known_phases
from matsift_flows.generative.planning import Job, Key, key_of, planned
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.workspace import Workspace, code_version, digest
from matsift_schema.store import generated_structures as store
from matsift_schema.store.catalogue import SourceFacts, write_entries
from matsift_schema.store.generated_structures import TemplateTable
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.runs import LazyRun

_TARGET = "matsift_adapters.oracles.chgnet:label"
_INITIALIZER = "matsift_adapters.oracles.chgnet:initialize_worker"
_LICENCE = "CC0-1.0"
_MODULI = ("k_vrh", "g_vrh", "k_voigt", "k_reuss", "g_voigt", "g_reuss")


@dataclass(frozen=True, eq=False)
class _Round:
    """Formulas of one kind whose crystals are made: the candidates, or the salts that they compete with."""

    study: Study
    about: StructureSettings
    pool: TemplateTable
    phases: Phases
    is_competing: bool


@inner_flow("make crystals")
def make_crystals(workspace: Workspace, study: Study, settings: GenerativeSettings, chosen: Sequence[str]) -> int:
    """Try crystals for formulas, as far as that was not done; return how many attempts are new.

    First come the binary salts that the hull of the known phases lacks, so that a distance to the hull means something.
    """
    about = settings.structures
    if not chosen:
        return 0
    with workspace.sessions.begin() as session:
        pool = store.load_templates(session, [source.name for source in study.sources], max_sites=about.max_sites)
        done = _done(store.load_attempts(session, chosen, METHOD))
    if not len(pool):
        workspace.reporter.say("  crystals: no stored crystal can be a template")
        return 0
    candidates = planned(workspace, pool, chosen, about, done, about.farthest_template)
    if not candidates.jobs and not candidates.settled:
        return 0
    parameters = {
        "compositions": digest(chosen),
        "method": METHOD,
        "templates": digest(pool.structure_hashes),
        "retry_failed": workspace.retry_failed,
    }
    with workspace.run("generate", study.name, parameters) as run:
        written = 0
        if candidates.jobs and about.competitors:
            written += _competitors(workspace, study, about, run, pool, chosen)
        phases = known_phases(workspace, study, METHOD)
        written += _settle(workspace, run, candidates.settled)
        return written + _relaxed(workspace, _Round(study, about, pool, phases, False), run, candidates.jobs)


def _competitors(
    workspace: Workspace,
    study: Study,
    about: StructureSettings,
    run: LazyRun,
    pool: TemplateTable,
    formulas: Sequence[str],
) -> int:
    """Make the binary salts of formulas that are among no phases, the most wanted first; return how many attempts."""
    phases = known_phases(workspace, study, METHOD)
    wanted = lacking(Compositions.from_formulas(formulas).amounts(), phases.knows)
    names = [formulae(salt).reduced for salt in wanted]
    salts = [name for name in names if name not in formulas][: about.competitors]
    if not salts:
        return 0
    with workspace.sessions.begin() as session:
        done = _done(store.load_attempts(session, salts, METHOD))
    found = planned(workspace, pool, salts, about, done, float("inf"))
    written = _settle(workspace, run, found.settled)
    return written + _relaxed(workspace, _Round(study, about, pool, phases, True), run, found.jobs)


def _done(rows: Sequence[store.AttemptRow]) -> dict[Key, store.AttemptRow]:
    return {key_of(row): row for row in rows}


def _settle(workspace: Workspace, run: LazyRun, rows: Sequence[store.AttemptRow]) -> int:
    if not rows:
        return 0
    with workspace.sessions.begin() as session:
        return store.write_attempts(session, run.id(session), rows)


def _relaxed(workspace: Workspace, of: _Round, run: LazyRun, jobs: Sequence[Job]) -> int:
    """Relax crystals, each written as soon as it is done; return how many."""
    if not jobs:
        return 0
    what = "elasticity" if of.about.elasticity and not of.is_competing else "energy"
    title = "relax competing phases" if of.is_competing else "relax crystals"
    limit = of.about.time_limit_s
    with (
        workspace.reporter.work(title, len(jobs), "crystals") as advance,
        open_pool(_TARGET, n_worker=workspace.n_worker, time_limit_s=limit, initializer=_INITIALIZER) as processes,
    ):
        for job, outcome in _outcomes(processes, jobs, what):
            invoke(write_one, workspace, of, run, job, outcome)
            advance(1, failed=int(not outcome.ok))
    return len(jobs)


def _outcomes(processes: Pool, jobs: Sequence[Job], what: str) -> Iterator[tuple[Job, Outcome]]:
    for outcome in processes.run((i, (what, job.made.crystal)) for i, job in enumerate(jobs)):
        assert isinstance(outcome.key, int)
        yield jobs[outcome.key], outcome


@task(name="write generated crystal", cache_policy=NO_CACHE)
def write_one(workspace: Workspace, of: _Round, run: LazyRun, job: Job, outcome: Outcome) -> None:
    """Write what became of one crystal: entry, labels and attempt, or the reason why there is none."""
    reason = None if outcome.ok else f"{outcome.error_class}: {outcome.message}"
    row = job.attempt("failed", reason=reason, seconds=outcome.seconds) if reason else None
    entry = None
    if outcome.ok:
        relaxed: Crystal = outcome.value["relaxed"]
        change = relaxation_change(job.made.crystal, relaxed)
        if change.reason is not None:
            row = job.attempt("refused", reason=change.reason, seconds=outcome.seconds)
        else:
            entry = _entry_record(of, job, outcome.value, change.volume_factor)
    with workspace.sessions.begin() as session:
        run_id = run.id(session)
        if entry is not None and entry.crystal is not None:
            key = entry.crystal.content_hash
            write_entries(session, run_id, _source(of.study), [entry], {key: describe(entry.crystal)})
            structure_id = structure_ids(session, [key])[key]
            row = job.attempt("relaxed", structure_id=structure_id, seconds=outcome.seconds)
        assert row is not None
        store.write_attempts(session, run_id, [row])


def _entry_record(of: _Round, job: Job, value: dict[str, Any], volume_factor: float) -> EntryRecord:
    """Return the entry of a relaxed crystal: its labels, where it comes from, what it competes with."""
    relaxed: Crystal = value["relaxed"]
    amounts = {symbol: relaxed.species.count(symbol) for symbol in relaxed.elements}
    place = of.phases.place(amounts, value["energy_per_atom"])
    computed: dict[str, float | None] = {
        "energy_per_atom": value["energy_per_atom"],
        "formation_energy_per_atom": place.formation_energy_per_atom,
        "energy_above_hull": None if of.is_competing else place.energy_above_hull,
    }
    payload: dict[str, Any] = {
        "template": of.pool.external_ids[job.template],
        "template_formula": of.pool.formulae[job.template],
        "template_distance": job.distance,
        "mapping": dict(job.made.assignment.mapping),
        "volume_factor": volume_factor,
        "hull_distance_ev": place.hull_distance,
        "competing": [[formula, share] for formula, share in place.competing],
        "missing_phases": [] if place.reason else list(missing_salts(amounts, of.phases)),
        "no_hull": place.reason,
        "chgnet": version("chgnet"),
    }
    holds = [COMPETITOR] if of.is_competing else []
    if "tensor_gpa" in value:
        found = mechanics(np.array(value["tensor_gpa"]))
        payload |= {"born_stable": found.is_stable, "tensor_gpa": value["tensor_gpa"]}
        computed |= {name: value[name] for name in _MODULI}
        holds += [] if found.is_stable else ["not_born_stable"]
    origin = f"source:{generated_source(of.study.name)}"
    return EntryRecord(
        external_id=job.name,
        crystal=relaxed,
        version=code_version(),
        licence=_LICENCE,
        payload=payload,
        labels=tuple(
            LabelRecord(name, float(number), METHOD, origin)
            for name, number in computed.items()
            if number is not None and np.isfinite(number)
        ),
        holds=tuple(holds),
    )


def _source(study: Study) -> SourceFacts:
    return SourceFacts(
        name=generated_source(study.name),
        kind="generated",
        licence=_LICENCE,
        description=f"crystals that the study {study.name} made of new compositions, relaxed by {METHOD}",
    )
