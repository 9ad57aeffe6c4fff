"""What is built of a composition: the nearest templates, the elements of the composition on their sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matsift.errors import BadStructureError
from matsift.generative.formulas import Compositions
from matsift.generative.substituted import SubstitutedCrystal, substitute
from matsift.generative.templates import TemplatePool
from matsift.study.generative import StructureSettings
from matsift_adapters.oracles.chgnet import METHOD
from matsift_flows.workspace import Workspace
from matsift_schema.store.generated_structures import AttemptRow, Outcome, TemplateTable
from matsift_schema.store.structures import load_crystals

#: A crystal that can be tried: formula, entry of its template (None: there is none), assignment of the elements.
Key = tuple[str, int | None, int]


@dataclass(frozen=True, eq=False)
class Job:
    """A crystal to relax, for one formula, from one template; `template` is its row in the table of templates."""

    formula: str
    template: int
    entry_id: int
    distance: float
    assignment: int
    made: SubstitutedCrystal
    number: int

    @property
    def name(self) -> str:
        """What the entry of the relaxed crystal is called."""
        return f"{self.formula}-{self.entry_id}-{self.assignment}"

    def attempt(self, outcome: Outcome, **rest: Any) -> AttemptRow:
        """Return the row that says what became of it; `number` is that of the attempt."""
        values: dict[str, Any] = {"structure_id": None, "reason": None, **rest}
        return AttemptRow(
            formula=self.formula,
            template_entry_id=self.entry_id,
            template_distance=self.distance,
            assignment=self.assignment,
            mapping=dict(self.made.assignment.mapping),
            method=METHOD,
            outcome=outcome,
            attempt=self.number,
            **values,
        )


@dataclass(frozen=True, eq=False)
class Planned:
    """Crystals to relax, smallest first, and attempts that end before: rediscovered, or refused with a reason."""

    jobs: tuple[Job, ...]
    settled: tuple[AttemptRow, ...]


def planned(
    workspace: Workspace,
    pool: TemplateTable,
    formulas: Sequence[str],
    about: StructureSettings,
    done: Mapping[Key, AttemptRow],
    farthest: float,
) -> Planned:
    """Return what is to be done for formulas, but for what is done.

    Templates at a larger distance than `farthest` are left out. What failed is tried again where that is asked for.
    """
    asked = Compositions.from_formulas(formulas)
    found = TemplatePool(Compositions.from_formulas(pool.formulae)).find(asked, k=about.templates)
    wanted: list[tuple[str, int, float]] = []
    settled = []
    for i, formula in enumerate(formulas):
        near = [(row, distance) for row, distance in found.of(i) if distance <= farthest]
        if found.rediscovered[i]:
            settled.append(_rediscovered(formula, pool, *near[0]))
        elif not near:
            settled.append(_without_template(formula, is_far=bool(found.of(i))))
        else:
            wanted += [(formula, row, distance) for row, distance in near]
    jobs, refused = _substituted(workspace, pool, wanted, about, done)
    fresh = [row for row in (*settled, *refused) if key_of(row) not in done]
    return Planned(tuple(sorted(jobs, key=lambda job: (job.made.crystal.n_site, job.name))), tuple(fresh))


def key_of(row: AttemptRow) -> Key:
    """Return which crystal was tried."""
    return row.formula, row.template_entry_id, row.assignment


def _substituted(
    workspace: Workspace,
    pool: TemplateTable,
    wanted: Sequence[tuple[str, int, float]],
    about: StructureSettings,
    done: Mapping[Key, AttemptRow],
) -> tuple[list[Job], list[AttemptRow]]:
    """Return the crystals to relax, and what the symmetry of a template refuses."""
    with workspace.sessions.begin() as session:
        crystals = load_crystals(session, pool.structure_ids[[row for _, row, _ in wanted]]) if wanted else []
    jobs: list[Job] = []
    refused = []
    for (formula, row, distance), template in zip(wanted, crystals, strict=True):
        amounts = Compositions.from_formulas([formula]).amounts()[0]
        try:
            ways = substitute(template, amounts, most=about.assignments)
        except BadStructureError as error:
            refused.append(AttemptRow(formula, _entry(pool, row), distance, 0, {}, METHOD, "refused", None, str(error)))
            continue
        for i, made in enumerate(ways):
            before = done.get((formula, _entry(pool, row), i))
            if before is None or (workspace.retry_failed and before.outcome == "failed"):
                number = 1 if before is None else before.attempt + 1
                jobs.append(Job(formula, row, _entry(pool, row), distance, i, made, number))
    return jobs, refused


def _entry(pool: TemplateTable, row: int) -> int:
    return int(pool.entry_ids[row])


def _without_template(formula: str, *, is_far: bool) -> AttemptRow:
    reason = "no stored crystal without disorder and of few enough atoms has these amounts of elements"
    if is_far:
        reason = "the stored crystals with these amounts of elements are farther than generative.structures allows"
    return AttemptRow(formula, None, None, 0, {}, METHOD, "refused", None, reason)


def _rediscovered(formula: str, pool: TemplateTable, row: int, distance: float) -> AttemptRow:
    key = int(pool.structure_ids[row])
    return AttemptRow(formula, _entry(pool, row), distance, 0, {}, METHOD, "rediscovered", key, None)
