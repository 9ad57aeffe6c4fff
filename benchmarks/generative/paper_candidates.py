"""The paper's candidates made by matsift: template, relaxation, formation energy and hull beside the paper's numbers.

    python -m benchmarks.generative.paper_candidates [--minutes 20]

Templates and known phases are the published crystals of Materials Project in MATSIFT_DATA, all energies are CHGNet's:
of the candidates, of the known compounds of their elements, and of the elements (bundled set). Prints Markdown. What
was relaxed is kept in .matsift/generative, and a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.generative.published import BELOW, PublishedCrystals
from benchmarks.kept_lines import KeptLines
from benchmarks.repro_001.real_data import data_folder
from benchmarks.telling import has_data, tell

from matsift.candidates.phases import Phases
from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift.execution.killable import KillablePool
from matsift.generative.formulas import Compositions
from matsift.generative.stability import missing_salts
from matsift.generative.substituted import substitute
from matsift.generative.templates import TemplatePool
from matsift.structure_facts import space_group
from matsift_adapters.sources.bundled import bundled_path

#: Table 2 of the paper: formation energy, eV/atom, after relaxation by DFT.
PAPER = {
    "SrYF5": -4.10, "RbSr2ClF4": -3.35, "SiO2F": -1.69, "PO2F": -2.10, "SH2O3": -0.10, "SiF3": -4.27, "NaF5C": -1.78,
    "CaClF5": -2.09, "YCl3": -1.94, "SrClF3": -2.55, "SrCl2F3": -1.91, "AlSeCl": -0.58, "As2SO3": -1.16,
}  # fmt: skip
#: Energy above the hull of SrClF3 in the paper, eV/atom.
PAPER_HULL = {"SrClF3": 0.046}
_KEPT = Path(".matsift/generative/relaxed.jsonl")
_WITHIN = 0.05
_MOST_SITES = 40
_TIME_LIMIT_S = 240.0


@dataclass(frozen=True, eq=False)
class Job:
    """A crystal to relax: its key, and the primitive or conventional cell to begin with."""

    key: str
    crystal: Crystal


@dataclass(frozen=True, eq=False)
class Trial:
    """A candidate in the structure of a template."""

    formula: str
    template: str
    distance: float
    assignment: str
    space_group: int
    key: str


def main() -> int:
    """Relax what is not kept yet, as far as time allows, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0, help="wall-clock limit for relaxations")
    parser.add_argument("--workers", type=int, default=1)
    settings = parser.parse_args()
    if not has_data(BELOW):
        return 1
    published = PublishedCrystals.of(data_folder())
    trials, jobs = planned(published)
    kept = dict(KeptLines(_KEPT))
    left = sorted((job for job in jobs if job.key not in kept), key=lambda job: (job.crystal.n_site, job.key))
    relax(left, settings.minutes, settings.workers)
    for line in table(trials, jobs, dict(KeptLines(_KEPT))):
        print(line)
    return 0


def planned(published: PublishedCrystals) -> tuple[list[Trial], list[Job]]:
    """Return the trials, and what has to be relaxed: the candidates, and the known phases of their elements."""
    asked = Compositions.from_formulas(list(PAPER))
    found = TemplatePool(published.compositions).find(asked, k=20)
    amounts = asked.amounts()
    near = {row for i in range(len(PAPER)) for row, _ in found.of(i)}
    known = {row for of in amounts for row in published.phases_of(of, _WITHIN)}
    crystals = published.crystals(near | known)
    trials: list[Trial] = []
    jobs: list[Job] = []
    for i, formula in enumerate(PAPER):
        fit = [(r, d) for r, d in found.of(i) if r in crystals and crystals[r].n_site <= _MOST_SITES]
        for row, distance in fit[:1]:
            new = _trials(formula, amounts[i], published.material_ids[row], distance, crystals[row])
            trials += [trial for trial, _ in new]
            jobs += [job for _, job in new]
    small = sorted((row for row in known if row in crystals), key=lambda row: (crystals[row].n_site, row))
    jobs += [Job(published.material_ids[r], crystals[r]) for r in small if crystals[r].n_site <= _MOST_SITES]
    return trials, jobs


def _trials(
    formula: str, amounts: dict[str, int], template: str, distance: float, crystal: Crystal
) -> list[tuple[Trial, Job]]:
    try:
        made = substitute(crystal, amounts, most=2)
    except BadStructureError as error:
        tell(f"{formula} in {template}: {error}")
        return []
    name = f"{template} {''.join(Compositions.from_formulas([_formula(crystal)]).formulas())}"
    return [
        (
            Trial(formula, name, distance, m.assignment.text, m.space_group_number, f"{formula} {template} {i}"),
            Job(f"{formula} {template} {i}", m.crystal),
        )
        for i, m in enumerate(made)
    ]


def relax(jobs: list[Job], minutes: float, workers: int) -> None:
    """Relax crystals until the time is up, each kept as soon as it is done."""
    until, kept = time.monotonic() + 60 * minutes, KeptLines(_KEPT)
    with KillablePool(
        "matsift_adapters.oracles.chgnet:label",
        initializer="matsift_adapters.oracles.chgnet:initialize_worker",
        n_worker=workers,
        time_limit_s=_TIME_LIMIT_S,
    ) as pool:
        payloads = ((job.key, ("energy", job.crystal)) for job in jobs if time.monotonic() < until)
        for n, outcome in enumerate(pool.run(payloads, ahead=0), start=1):
            kept.keep(str(outcome.key), _measured(outcome.value) if outcome.ok else {"reason": outcome.message})
            tell(f"{n} of {len(jobs)}: {outcome.key}, {outcome.seconds:.0f} s")


def _measured(value: dict[str, Any]) -> dict[str, Any]:
    relaxed: Crystal = value["relaxed"]
    return {
        "energy_per_atom": value["energy_per_atom"],
        "formula": _formula(relaxed),
        "space_group": space_group(relaxed, 0.1)[0],
        "volume_per_atom": relaxed.volume / relaxed.n_site,
    }


def table(trials: list[Trial], jobs: list[Job], kept: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the table."""
    phases, n_missing = _phases(trials, jobs, kept)
    yield f"Of {len(jobs) - len(trials)} known compounds {n_missing} are not relaxed (yet).\n"
    yield (
        "| candidate | paper, eV/atom | CHGNet, eV/atom | template | distance | assignment | space group | "
        "above the hull, eV/atom | falls apart into | not in the hull |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for trial in trials:
        measured = kept.get(trial.key)
        if measured is None or "reason" in measured:
            said = "not relaxed yet" if measured is None else measured["reason"]
            yield (
                f"| {trial.formula} | {PAPER[trial.formula]:.2f} | | {trial.template} | {trial.distance:.2f} | "
                f"{trial.assignment} | {trial.space_group} | {said} | | |"
            )
            continue
        amounts = Compositions.from_formulas([trial.formula]).amounts()[0]
        place = phases.place(amounts, measured["energy_per_atom"])
        apart = " + ".join(f"{share:.2f} {formula}" for formula, share in place.competing)
        hull = f" (paper {PAPER_HULL[trial.formula]:.3f})" if trial.formula in PAPER_HULL else ""
        yield (
            f"| {trial.formula} | {PAPER[trial.formula]:.2f} | {place.formation_energy_per_atom:.2f} | "
            f"{trial.template} | {trial.distance:.2f} | {trial.assignment} | "
            f"{trial.space_group} to {measured['space_group']} | {place.hull_distance:.3f}{hull} | {apart} | "
            f"{', '.join(missing_salts(amounts, phases))} |"
        )


def _phases(trials: list[Trial], jobs: list[Job], kept: dict[str, Any]) -> tuple[Phases, int]:
    """Return the elements of the bundled set with the known compounds that are relaxed, and how many are not."""
    lines = gzip.decompress(bundled_path("chgnet_prototypes").read_bytes()).splitlines()[1:]
    rows = [row for row in map(json.loads, lines) if row["role"] != "failed"]
    compositions: list[dict[str, float]] = [dict(Counter(row["species"])) for row in rows]
    energies = [row["labels"]["energy_per_atom"] for row in rows]
    own = {trial.key for trial in trials}
    known = [kept.get(job.key, {}) for job in jobs if job.key not in own]
    for measured in known:
        if "energy_per_atom" in measured:
            compositions.append(dict(Compositions.from_formulas([measured["formula"]]).amounts()[0]))
            energies.append(measured["energy_per_atom"])
    return Phases(compositions, np.array(energies)), sum("energy_per_atom" not in measured for measured in known)


def _formula(crystal: Crystal) -> str:
    return "".join(f"{symbol}{n}" for symbol, n in sorted(Counter(crystal.species).items()))


if __name__ == "__main__":
    raise SystemExit(main())
