"""Rows kept by each quality rule and each screening criterion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from benchmarks.repro_001.features import Features
from benchmarks.repro_001.real_data import MODULI, RealSet
from numpy.typing import NDArray

from matsift.screening.criteria import evaluate, funnel, overall, paper_criteria
from matsift.screening.labels import LabelRow, LabelTable
from matsift.screening.quality import (
    ModulusOutOfRange,
    OutsideBounds,
    QualityRule,
    ReussExceedsVoigt,
    judge,
    paper_rules,
)
from matsift.screening.table import ScreeningTable

#: (step, rows left, remark).
Step = tuple[str, int, str]


def accepted(data: RealSet, rules: Sequence[QualityRule]) -> NDArray[np.bool_]:
    """Return (n,) whether both K and G of a structure pass the rules; a structure without labels does not."""
    rows = [
        LabelRow(i, name, float(data.moduli[name][i]), crystal.elements)
        for i, crystal in enumerate(data.crystals)
        for name in MODULI
        if data.labelled[i] and np.isfinite(data.moduli[name][i])
    ]
    verdicts = judge(rules, LabelTable.of_rows(rows))
    passed = data.labelled.copy()
    for row, good in zip(rows, verdicts.accepted, strict=True):
        if row.property_name in ("k_vrh", "g_vrh"):
            passed[int(str(row.entry))] &= good
    return passed


def quality_steps(data: RealSet) -> list[Step]:
    """Return the structures left after each rule: the paper's four in its order, then what other rules would do."""
    rules = paper_rules()
    steps = [("both moduli known", int(data.labelled.sum()), "")]
    for i, rule in enumerate(rules):
        steps.append((f"rule `{rule.kind}`", int(accepted(data, rules[: i + 1]).sum()), ""))
    either = ModulusOutOfRange(kind="modulus_out_of_range", any=True)
    steps.append(
        ("the same, rule 2 read as *or*", int(accepted(data, (rules[0], either, *rules[2:])).sum()), "not in the paper")
    )
    further: tuple[QualityRule, ...] = (
        ReussExceedsVoigt(kind="reuss_exceeds_voigt"),
        OutsideBounds(kind="outside_bounds"),
    )
    for i, rule in enumerate(further):
        left = int(accepted(data, (*rules, *further[: i + 1])).sum())
        steps.append((f"the paper's four, then `{rule.kind}`", left, "not in the paper"))
    return steps


def screening_steps(data: RealSet, features: Features) -> tuple[list[Step], NDArray[np.int64]]:
    """Return the structures with the element left after each of the nine criteria, and which pass all of them.

    An unknown value fails nothing; the remark counts it. Convergence is not stated by any of these sets.
    """
    rows = np.flatnonzero(data.has_element)
    formulae = data.formulae
    table = ScreeningTable(
        elements=[data.crystals[i].elements for i in rows],
        reduced_formula=[formulae[i] for i in rows],
        n_site=np.array([data.crystals[i].n_site for i in rows]),
        properties={name: values[rows] for name, values in data.facts.items()},
        has_descriptor={name: ~failed[rows] for name, failed in features.failed.items()},
        descriptor_failed={name: failed[rows] for name, failed in features.failed.items()},
    )
    outcomes = evaluate(paper_criteria(), table)
    steps: list[Step] = [(f"structures with {data.element}", len(rows), "")]
    for name, failed, unknown, left in funnel(outcomes, len(rows)):
        remark = f"{failed} fail it" + (f", {unknown} unknown" if unknown else "")
        steps.append((f"criterion `{name}`", left, remark))
    known = [o for o in outcomes if o.criterion != "converged"]
    passed = rows[overall(known, len(rows)) == "passed"]
    steps.append(("all but convergence known and passed", len(passed), ""))
    return steps, passed
