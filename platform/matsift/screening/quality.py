"""The rules that a label must pass before a model may learn from it: named, each with the value it saw."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from matsift.screening.elements import NOBLE_GASES, RADIOACTIVE
from matsift.screening.labels import MODULI, NOT_BORN_STABLE, LabelTable, Verdicts
from matsift.units import PROPERTIES

#: Name of the rule that stands before all others: a label that is not a finite number is never accepted.
NOT_FINITE = "not_finite"

_Broken = tuple[NDArray[np.bool_], NDArray[np.float64]]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NegativeModulus(_Rule):
    """A modulus of the same entry is negative; the value seen is the lowest one."""

    kind: Literal["negative_modulus"]

    def broken(self, table: LabelTable) -> _Broken:
        """Return which of the n labels break the rule, and the value seen."""
        lowest = np.full(len(table), np.inf)
        for name in sorted(MODULI):
            lowest = np.fmin(lowest, table.companion(name))
        return table.is_modulus & (lowest < 0), lowest


class ModulusOutOfRange(_Rule):
    """The moduli of the entry are too large to be believed.

    Paper 001 says "G > 700 GPa and K > 500 GPa", which is taken at its word: both at once. With `any` set either one
    is enough. The value seen is the label's own.
    """

    kind: Literal["modulus_out_of_range"]
    shear_gpa: Annotated[float, Field(gt=0)] = 700.0
    bulk_gpa: Annotated[float, Field(gt=0)] = 500.0
    any: Annotated[bool, Field(description="one modulus over its bound is enough")] = False

    def broken(self, table: LabelTable) -> _Broken:
        """Return which of the n labels break the rule, and the value seen."""
        shear = table.companion("g_vrh") > self.shear_gpa
        bulk = table.companion("k_vrh") > self.bulk_gpa
        return table.is_modulus & ((shear | bulk) if self.any else (shear & bulk)), table.values


class PoissonRatioOutOfRange(_Rule):
    """The Poisson ratio of an isotropic body with the K and G of the entry is too low to be believed.

    It is (3K - 2G) / (6K + 2G), below 0.5 for positive moduli. Alpha-cristobalite, the most auxetic of common crystals,
    has -0.16 as a powder (Yeganeh-Haeri et al., Science 257, 650 (1992)). The value seen is the ratio. Where a modulus
    is unknown or not positive the rule says nothing.
    """

    kind: Literal["poisson_ratio_out_of_range"]
    lower: Annotated[float, Field(gt=-1, lt=0.5, description="lowest ratio that is believed")] = -0.25

    def broken(self, table: LabelTable) -> _Broken:
        """Return which of the n labels break the rule, and the value seen."""
        bulk, shear = table.companion("k_vrh"), table.companion("g_vrh")
        known = (bulk > 0) & (shear > 0)
        ratio = np.full(len(table), np.nan)
        ratio[known] = (3 * bulk[known] - 2 * shear[known]) / (6 * bulk[known] + 2 * shear[known])
        return table.is_modulus & (ratio < self.lower), ratio


class ContainsNobleGas(_Rule):
    """The structure contains He, Ne, Ar, Kr, Xe or Rn."""

    kind: Literal["contains_noble_gas"]

    def broken(self, table: LabelTable) -> _Broken:
        """Return which of the n labels break the rule, and the label's value."""
        return table.contains(NOBLE_GASES), table.values


class ContainsRadioactive(_Rule):
    """The structure contains Tc, Pm, Po, At, Rn, Fr, Ra or an element from actinium on; Bi counts as stable."""

    kind: Literal["contains_radioactive"]

    def broken(self, table: LabelTable) -> _Broken:
        """Return which of the n labels break the rule, and the label's value."""
        return table.contains(RADIOACTIVE), table.values


class ReussExceedsVoigt(_Rule):
    """A Reuss average of the entry lies above its Voigt average, which no elastic tensor allows.

    The value seen is the larger excess of K and G, in GPa. Where an average is unknown the rule says nothing.
    """

    kind: Literal["reuss_exceeds_voigt"]
    tolerance_gpa: Annotated[float, Field(ge=0, description="room for rounding in published averages")] = 0.01

    def broken(self, table: LabelTable) -> _Broken:
        """Return which of the n labels break the rule, and the value seen."""
        bulk = table.companion("k_reuss") - table.companion("k_voigt")
        shear = table.companion("g_reuss") - table.companion("g_voigt")
        excess = np.fmax(bulk, shear)
        return table.is_modulus & (excess > self.tolerance_gpa), excess


class OutsideBounds(_Rule):
    """The value lies outside the bounds that the property has by definition (`matsift.units`)."""

    kind: Literal["outside_bounds"]

    def broken(self, table: LabelTable) -> _Broken:
        """Return which of the n labels break the rule, and the label's value."""
        bounds = [PROPERTIES.get(name) for name in table.property_names]
        lower = np.array([-np.inf if p is None or p.lower_bound is None else p.lower_bound for p in bounds])
        upper = np.array([np.inf if p is None or p.upper_bound is None else p.upper_bound for p in bounds])
        return (table.values < lower) | (table.values > upper), table.values


class NotBornStable(_Rule):
    """The elastic tensor of the entry is not positive definite: the crystal would give way to some strain."""

    kind: Literal["not_born_stable"]

    def broken(self, table: LabelTable) -> _Broken:
        """Return which of the n labels break the rule, and the label's value."""
        return table.is_modulus & np.array(
            [NOT_BORN_STABLE in flags for flags in table.flags], dtype=bool
        ), table.values


class HasHold(_Rule):
    """The source attached one of these reservations to the structure, for example ``duplicate``."""

    kind: Literal["has_hold"]
    holds: Annotated[tuple[str, ...], Field(min_length=1, description="names of reservations")]

    def broken(self, table: LabelTable) -> _Broken:
        """Return which of the n labels break the rule, and the label's value."""
        unwanted = frozenset(self.holds)
        return np.array([not unwanted.isdisjoint(flags) for flags in table.flags], dtype=bool), table.values


QualityRule = Annotated[
    NegativeModulus
    | ModulusOutOfRange
    | PoissonRatioOutOfRange
    | ContainsNobleGas
    | ContainsRadioactive
    | ReussExceedsVoigt
    | OutsideBounds
    | NotBornStable
    | HasHold,
    Field(discriminator="kind"),
]


def judge(rules: Sequence[QualityRule], table: LabelTable) -> Verdicts:
    """Return the verdict on each label: the first rule in the given order that it breaks rejects it."""
    accepted = np.isfinite(table.values)
    rule: list[str | None] = [None if ok else NOT_FINITE for ok in accepted]
    value_seen = np.where(accepted, np.nan, table.values)
    for candidate in rules:
        broken, seen = candidate.broken(table)
        for i in np.flatnonzero(broken & accepted):
            rule[i], value_seen[i] = candidate.kind, seen[i]
        accepted &= ~broken
    return Verdicts(accepted, tuple(rule), value_seen)


def rule_set_hash(rules: Sequence[QualityRule]) -> str:
    """Return 16 hexadecimal digits that name these rules with their settings, in this order."""
    text = json.dumps([rule.model_dump(mode="json") for rule in rules], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def paper_rules() -> tuple[QualityRule, ...]:
    """Return the four rules of paper 001, in its order."""
    return (
        NegativeModulus(kind="negative_modulus"),
        ModulusOutOfRange(kind="modulus_out_of_range"),
        ContainsNobleGas(kind="contains_noble_gas"),
        ContainsRadioactive(kind="contains_radioactive"),
    )
