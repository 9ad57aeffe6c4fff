"""Crystals for the best compositions: template, other elements in it, relaxation, place among the known phases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift.execution.killable import KillablePool, Outcome
from matsift.generative.formulas import Compositions
from matsift.generative.stability import Phases, mechanics, relaxation_change
from matsift.generative.substituted import SubstitutedCrystal, substitute
from matsift.generative.templates import TemplatePool
from matsift.records import EntryRecord, LabelRecord
from matsift.structure_facts import describe
from matsift.study.generative import GenerativeSettings, StructureSettings, generated_source
from matsift.study.settings import Study
from matsift_adapters.oracles.chgnet import METHOD
from matsift_flows.generative.phases import known_phases
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.workspace import Workspace, code_version, digest
from matsift_schema.store import generated_structures as store
from matsift_schema.store.catalogue import SourceFacts, write_entries
from matsift_schema.store.generated_structures import AttemptRow, TemplateTable
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.structures import load_crystals

_TARGET = "matsift_adapters.oracles.chgnet:label"
_INITIALIZER = "matsift_adapters.oracles.chgnet:initialize_worker"
_LICENCE = "CC0-1.0"


@dataclass(frozen=True, eq=False)
class Job:
    """A crystal to relax, for one formula, from one template."""

    formula: str
    template: int
    entry_id: int
    distance: float
    assignment: int
    made: SubstitutedCrystal

    @property
    def name(self) -> str:
        """What the entry of the relaxed crystal is called."""
        return f"{self.formula}-{self.entry_id}-{self.assignment}"


@inner_flow("make crystals")
def make_crystals(workspace: Workspace, study: Study, settings: GenerativeSettings, chosen: Sequence[str]) -> int:
    """Try crystals for formulas, as far as that was not done; return how many attempts are new."""
    about = settings.structures
    sources = [source.name for source in study.sources]
    with workspace.sessions.begin() as session:
        pool = store.load_templates(session, sources, max_sites=about.max_sites)
        done = {(row.formula, row.template_entry_id) for row in store.load_attempts(session, chosen, METHOD)}
    if not chosen or not len(pool):
        return 0
    wanted, refused = _wanted(pool, chosen, about)
    refused = [row for row in refused if (row.formula, row.template_entry_id) not in done]
    missing = [
        (formula, row, distance) for formula, row, distance in wanted if (formula, _entry(pool, row)) not in done
    ]
    if not refused and not missing:
        return 0
    parameters = {"compositions": digest(chosen), "method": METHOD, "templates": digest(pool.structure_hashes)}
    with workspace.run("generate", study.name, parameters) as run:
        with workspace.sessions.begin() as session:
            written = store.write_attempts(session, run.id(session), refused) if refused else 0
        jobs, failed = _substituted(workspace, pool, missing, about)
        if failed:
            with workspace.sessions.begin() as session:
                written += store.write_attempts(session, run.id(session), failed)
        written += _relaxed(workspace, study, about, run, pool, jobs)
    return written


def _wanted(
    pool: TemplateTable, chosen: Sequence[str], about: StructureSettings
) -> tuple[list[tuple[str, int, float]], list[AttemptRow]]:
    """Return (formula, row of the pool, distance) of what to build, and what cannot be or is there already."""
    asked = Compositions.from_formulas(chosen)
    found = TemplatePool(Compositions.from_formulas(pool.formulae)).find(asked, k=about.templates)
    wanted, refused = [], []
    for i, formula in enumerate(chosen):
        templates = found.of(i)
        if not templates:
            refused.append(_without_template(formula))
        elif found.rediscovered[i]:
            row, distance = templates[0]
            refused.append(_rediscovered(formula, pool, row, distance))
        else:
            wanted += [(formula, row, distance) for row, distance in templates]
    return wanted, refused


def _substituted(
    workspace: Workspace, pool: TemplateTable, missing: Sequence[tuple[str, int, float]], about: StructureSettings
) -> tuple[list[Job], list[AttemptRow]]:
    """Return the crystals to relax, smallest first, and what the symmetry of a template refuses."""
    with workspace.sessions.begin() as session:
        crystals = load_crystals(session, pool.structure_ids[[row for _, row, _ in missing]])
    jobs: list[Job] = []
    failed = []
    for (formula, row, distance), template in zip(missing, crystals, strict=True):
        try:
            ways = substitute(template, Compositions.from_formulas([formula]).amounts()[0], most=about.assignments)
        except BadStructureError as error:
            failed.append(_refused(formula, pool, row, distance, str(error)))
            continue
        jobs += [Job(formula, row, _entry(pool, row), distance, i, made) for i, made in enumerate(ways)]
    return sorted(jobs, key=lambda job: (job.made.crystal.n_site, job.name)), failed


def _relaxed(
    workspace: Workspace,
    study: Study,
    about: StructureSettings,
    run: LazyRun,
    pool: TemplateTable,
    jobs: Sequence[Job],
) -> int:
    """Relax crystals, each written as soon as it is done; return how many."""
    if not jobs:
        return 0
    phases = known_phases(workspace, study, METHOD)
    what = "elasticity" if about.elasticity else "energy"
    with (
        workspace.reporter.work("relax crystals", len(jobs), "crystals") as advance,
        KillablePool(
            _TARGET, n_worker=workspace.n_worker, time_limit_s=about.time_limit_s, initializer=_INITIALIZER
        ) as processes,
    ):
        for job, outcome in _outcomes(processes, jobs, what):
            invoke(write_one, workspace, study, run, pool, phases, job, outcome)
            advance(1, failed=int(not outcome.ok))
    return len(jobs)


def _outcomes(processes: KillablePool, jobs: Sequence[Job], what: str) -> Iterator[tuple[Job, Outcome]]:
    for outcome in processes.run((i, (what, job.made.crystal)) for i, job in enumerate(jobs)):
        assert isinstance(outcome.key, int)
        yield jobs[outcome.key], outcome


@task(name="write generated crystal", cache_policy=NO_CACHE)
def write_one(
    workspace: Workspace, study: Study, run: LazyRun, pool: TemplateTable, phases: Phases, job: Job, outcome: Outcome
) -> None:
    """Write what became of one crystal: entry, labels and attempt, or the reason why there is none."""
    with workspace.sessions.begin() as session:
        run_id = run.id(session)
        if not outcome.ok:
            row = _attempt(job, "failed", reason=f"{outcome.error_class}: {outcome.message}", seconds=outcome.seconds)
            store.write_attempts(session, run_id, [row])
            return
        relaxed: Crystal = outcome.value["relaxed"]
        change = relaxation_change(job.made.crystal, relaxed)
        if change.reason is not None:
            row = _attempt(job, "refused", reason=change.reason, seconds=outcome.seconds)
            store.write_attempts(session, run_id, [row])
            return
        entry = _entry_record(study, pool, phases, job, outcome.value, change.volume_factor)
        facts = {relaxed.content_hash: describe(relaxed)}
        write_entries(session, run_id, _source(study), [entry], facts)
        key = structure_ids(session, [relaxed.content_hash])[relaxed.content_hash]
        row = _attempt(job, "relaxed", structure_id=key, seconds=outcome.seconds)
        store.write_attempts(session, run_id, [row])


def _entry_record(
    study: Study, pool: TemplateTable, phases: Phases, job: Job, value: dict[str, Any], volume_factor: float
) -> EntryRecord:
    relaxed: Crystal = value["relaxed"]
    amounts = {symbol: relaxed.species.count(symbol) for symbol in relaxed.elements}
    place = phases.place(amounts, value["energy_per_atom"])
    computed: dict[str, float | None] = {
        "energy_per_atom": value["energy_per_atom"],
        "formation_energy_per_atom": place.formation_energy_per_atom,
        "energy_above_hull": place.energy_above_hull,
    }
    payload: dict[str, Any] = {
        "template": pool.external_ids[job.template],
        "template_formula": pool.formulae[job.template],
        "template_distance": job.distance,
        "mapping": dict(job.made.assignment.mapping),
        "volume_factor": volume_factor,
        "hull_distance_ev": place.hull_distance,
        "competing": [[formula, share] for formula, share in place.competing],
        "no_hull": place.reason,
        "chgnet": version("chgnet"),
    }
    holds: tuple[str, ...] = ()
    if "tensor_gpa" in value:
        found = mechanics(np.array(value["tensor_gpa"]))
        payload |= {"born_stable": found.is_stable, "tensor_gpa": value["tensor_gpa"]}
        names = ("k_vrh", "g_vrh", "k_voigt", "k_reuss", "g_voigt", "g_reuss")
        computed |= {name: value[name] for name in names}
        holds = () if found.is_stable else ("not_born_stable",)
    origin = f"source:{generated_source(study.name)}"
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
        holds=holds,
    )


def _source(study: Study) -> SourceFacts:
    return SourceFacts(
        name=generated_source(study.name),
        kind="generated",
        licence=_LICENCE,
        description=f"crystals that the study {study.name} made of new compositions, relaxed by {METHOD}",
    )


def _entry(pool: TemplateTable, row: int) -> int:
    return int(pool.entry_ids[row])


def _attempt(job: Job, outcome: store.Outcome, **rest: Any) -> AttemptRow:
    values: dict[str, Any] = {"structure_id": None, "reason": None, **rest}
    return AttemptRow(
        formula=job.formula,
        template_entry_id=job.entry_id,
        template_distance=job.distance,
        assignment=job.assignment,
        mapping=dict(job.made.assignment.mapping),
        method=METHOD,
        outcome=outcome,
        **values,
    )


def _without_template(formula: str) -> AttemptRow:
    reason = "no stored crystal without disorder and of few enough atoms has these amounts of elements"
    return AttemptRow(formula, None, None, 0, {}, METHOD, "refused", None, reason)


def _rediscovered(formula: str, pool: TemplateTable, row: int, distance: float) -> AttemptRow:
    key = int(pool.structure_ids[row])
    return AttemptRow(formula, _entry(pool, row), distance, 0, {}, METHOD, "rediscovered", key, None)


def _refused(formula: str, pool: TemplateTable, row: int, distance: float, reason: str) -> AttemptRow:
    return AttemptRow(formula, _entry(pool, row), distance, 0, {}, METHOD, "refused", None, reason)
