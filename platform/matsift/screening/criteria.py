"""The criteria that a candidate must meet, by kind: settings for the study file, evaluation on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator

from matsift.screening.elements import expand_elements
from matsift.screening.table import CriterionOutcome, ScreeningTable
from matsift.suggestions import meant
from matsift.units import PROPERTIES

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"


class _Criterion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, description="name in outcomes and reports")]

    def _outcome(
        self,
        passed: NDArray[np.bool_],
        known: NDArray[np.bool_],
        value_seen: NDArray[np.float64] | None = None,
        detail: Sequence[str | None] | None = None,
    ) -> CriterionOutcome:
        return CriterionOutcome(
            self.name,
            np.where(~known, UNKNOWN, np.where(passed, PASSED, FAILED)),
            np.full(len(passed), np.nan) if value_seen is None else value_seen,
            (None,) * len(passed) if detail is None else tuple(detail),
        )


class _OfProperty(_Criterion):
    property: Annotated[str, Field(description="name of the property")]

    @field_validator("property")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in PROPERTIES:
            raise ValueError(
                f"there is no property {name!r}{meant(name, PROPERTIES)}; use one of {', '.join(sorted(PROPERTIES))}"
            )
        return name


class ExcludesElements(_Criterion):
    """None of these elements occurs; groups may stand for their members: noble_gases, electrochemically_active."""

    kind: Literal["excludes_elements"]
    elements: Annotated[tuple[str, ...], Field(min_length=1, description="symbols or names of groups")]

    _expand = field_validator("elements")(expand_elements)

    def evaluate(self, table: ScreeningTable) -> CriterionOutcome:
        """Return the outcome for each structure; the detail names the elements found."""
        unwanted = set(self.elements)
        found = [sorted(unwanted.intersection(elements)) for elements in table.elements]
        detail = [f"contains {', '.join(symbols)}" if symbols else None for symbols in found]
        passed = np.array([not symbols for symbols in found], dtype=bool)
        return self._outcome(passed, np.ones(len(table), dtype=bool), detail=detail)


class HasDescriptor(_Criterion):
    """The descriptor set could be computed; unknown where it has not been tried."""

    kind: Literal["has_descriptor"]
    descriptor_set: Annotated[str, Field(description="name of the descriptor set")]

    def evaluate(self, table: ScreeningTable) -> CriterionOutcome:
        """Return the outcome for each structure."""
        nowhere = np.zeros(len(table), dtype=bool)
        there = table.has_descriptor.get(self.descriptor_set, nowhere)
        tried = there | table.descriptor_failed.get(self.descriptor_set, nowhere)
        return self._outcome(there, tried)


class Minimum(_OfProperty):
    """The property is at least this value."""

    kind: Literal["minimum"]
    value: Annotated[float, Field(allow_inf_nan=False, description="bound, in the property's unit")]

    def evaluate(self, table: ScreeningTable) -> CriterionOutcome:
        """Return the outcome for each structure; the value seen is the property's."""
        seen = table.known(self.property)
        return self._outcome(seen >= self.value, ~np.isnan(seen), seen)


class Maximum(_OfProperty):
    """The property is at most this value."""

    kind: Literal["maximum"]
    value: Annotated[float, Field(allow_inf_nan=False, description="bound, in the property's unit")]

    def evaluate(self, table: ScreeningTable) -> CriterionOutcome:
        """Return the outcome for each structure; the value seen is the property's."""
        seen = table.known(self.property)
        return self._outcome(seen <= self.value, ~np.isnan(seen), seen)


class SitesBelow(_Criterion):
    """The cell holds fewer sites than this."""

    kind: Literal["n_site_below"]
    value: Annotated[int, Field(gt=0)] = 50

    def evaluate(self, table: ScreeningTable) -> CriterionOutcome:
        """Return the outcome for each structure; the value seen is the number of sites."""
        n_site = np.asarray(table.n_site, dtype=np.float64)
        return self._outcome(n_site < self.value, np.ones(len(table), dtype=bool), n_site)


class LowestPolymorph(_OfProperty):
    """No structure of the same reduced formula lies lower in energy.

    Failed as soon as one known polymorph lies lower. Unknown where the own energy is, or where none that is known lies
    lower but that of some polymorph is not known.
    """

    kind: Literal["lowest_polymorph"]
    property: str = "formation_energy_per_atom"
    tolerance: Annotated[float, Field(ge=0, description="counts as equal, in the property's unit")] = 1e-6

    def evaluate(self, table: ScreeningTable) -> CriterionOutcome:
        """Return the outcome for each structure; the value seen is its energy, the detail tells of its rivals."""
        energy = table.known(self.property)
        formulae, group = np.unique(np.asarray(table.reduced_formula, dtype=str), return_inverse=True)
        lowest = np.full(len(formulae), np.inf)
        np.minimum.at(lowest, group, np.where(np.isnan(energy), np.inf, energy))
        n_unknown = np.bincount(group, weights=np.isnan(energy), minlength=len(formulae)).astype(int)
        beaten = energy > lowest[group] + self.tolerance
        known = ~np.isnan(energy) & (beaten | (n_unknown[group] == 0))
        detail: list[str | None] = [None] * len(table)
        for i in np.flatnonzero(beaten):
            detail[i] = f"a polymorph of {formulae[group[i]]} lies {energy[i] - lowest[group[i]]:.3g} eV/atom lower"
        for i in np.flatnonzero(~np.isnan(energy) & ~known):
            detail[i] = f"the energy of {n_unknown[group[i]]} other {formulae[group[i]]} is not known"
        return self._outcome(~beaten, known, energy, detail)


class Percolates(_Criterion):
    """A mobile ion finds a path through the crystal, in at least so many dimensions and over a barrier no higher.

    Unknown where the barriers have not been computed, or could not be.
    """

    kind: Literal["percolates"]
    dimension: Annotated[int, Field(ge=1, le=3, description="least number of dimensions of the path")] = 1
    barrier: Annotated[float, Field(gt=0, allow_inf_nan=False, description="highest barrier, eV")]

    @computed_field(description="name of the property")  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def property(self) -> str:
        """Name of the property that is compared."""
        return f"percolation_barrier_{self.dimension}d"

    def evaluate(self, table: ScreeningTable) -> CriterionOutcome:
        """Return the outcome for each structure; the value seen is the barrier, where there is one below the cutoff."""
        seen = table.known(self.property)
        detail = [f"no path in {self.dimension}D below the cutoff" if value == np.inf else None for value in seen]
        value_seen = np.where(np.isinf(seen), np.nan, seen)
        return self._outcome(seen <= self.barrier, ~np.isnan(seen), value_seen, detail)


class Converged(_Criterion):
    """The calculation behind the structure converged, as its status flag says."""

    kind: Literal["converged"]

    def evaluate(self, table: ScreeningTable) -> CriterionOutcome:
        """Return the outcome for each structure."""
        status = [None] * len(table) if table.converged is None else list(table.converged)
        passed = np.array([bool(flag) for flag in status], dtype=bool)
        return self._outcome(passed, np.array([flag is not None for flag in status], dtype=bool))


Criterion = Annotated[
    ExcludesElements | HasDescriptor | Minimum | Maximum | SitesBelow | LowestPolymorph | Percolates | Converged,
    Field(discriminator="kind"),
]


def evaluate(criteria: Sequence[Criterion], table: ScreeningTable) -> list[CriterionOutcome]:
    """Return what each criterion says of each structure; every criterion looks at every structure."""
    return [criterion.evaluate(table) for criterion in criteria]


def overall(outcomes: Sequence[CriterionOutcome], n: int) -> NDArray[np.str_]:
    """Return (n,) "failed" where any criterion failed, else "unknown" where any is, else "passed"."""
    said = np.array([o.outcome for o in outcomes], dtype="<U7").reshape(len(outcomes), n)
    return np.where((said == FAILED).any(axis=0), FAILED, np.where((said == UNKNOWN).any(axis=0), UNKNOWN, PASSED))


def funnel(outcomes: Sequence[CriterionOutcome], n: int) -> list[tuple[str, int, int, int]]:
    """Return (criterion, failed, unknown, left) in the order of the criteria.

    `failed` and `unknown` count over all n structures; `left` counts those that no criterion up to this one failed.
    """
    left = np.ones(n, dtype=bool)
    steps = []
    for o in outcomes:
        left &= o.outcome != FAILED
        steps.append(
            (o.criterion, int((o.outcome == FAILED).sum()), int((o.outcome == UNKNOWN).sum()), int(left.sum()))
        )
    return steps


def paper_criteria() -> tuple[Criterion, ...]:
    """Return the nine criteria of paper 001 for Na solid electrolytes, in its order."""
    return (
        ExcludesElements(name="no_noble_gas", kind="excludes_elements", elements=("noble_gases",)),
        HasDescriptor(name="structural_descriptor", kind="has_descriptor", descriptor_set="voronoi"),
        Minimum(name="band_gap", kind="minimum", property="band_gap", value=0.1),
        Maximum(name="formation_energy", kind="maximum", property="formation_energy_per_atom", value=0.0),
        Maximum(name="energy_above_hull", kind="maximum", property="energy_above_hull", value=0.1),
        SitesBelow(name="small_cell", kind="n_site_below", value=50),
        LowestPolymorph(name="lowest_polymorph", kind="lowest_polymorph"),
        ExcludesElements(
            name="no_electrochemically_active_element", kind="excludes_elements", elements=("electrochemically_active",)
        ),
        Converged(name="converged", kind="converged"),
    )
