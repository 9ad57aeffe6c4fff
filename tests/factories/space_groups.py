"""A report of a space-group study made of seeded numbers: the shape of a finished one."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from tests.factories.patterns import sample_answer

from matsift.diffraction.group_relations import relation
from matsift.reports.data import FailureCount, Provenance, QualityRow, SummaryNumber
from matsift.reports.patterns import PatternAnswer
from matsift.reports.space_groups import GroupCount, GroupScore, HeldOutGroups, SpaceGroupReport

GROUPS = (12, 14, 62, 63, 123, 136, 139, 166, 167, 194, 216, 221, 225, 227)
_RIGHT = 0.72


def sample_space_group_report(answers: tuple[PatternAnswer, ...] | None = None) -> SpaceGroupReport:
    """Return a full report: every section has data."""
    return SpaceGroupReport(
        study="space_groups",
        title="Space groups and cell volumes from powder patterns",
        generated_at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        provenance=Provenance("0.1.0", "bundled 1"),
        paper="Ozaki, Ishida, Kiyobayashi (2025)",
        summary=(SummaryNumber("macro recall", "72 %", "of 14 groups"), SummaryNumber("volume", "4.1 %", "median")),
        answers=(sample_answer("demonstration.xy"),) if answers is None else answers,
        held_out=(held_out("SpgVolNet", "validation", 560, 3), held_out("SpgVolNet", "structure_type", 180, 4)),
        scores=tuple(
            GroupScore("SpgVolNet", subset, metric, mean + 0.03, (mean - 0.02, mean, mean + 0.02), n, 0.011, 0.014)
            for subset, n, less in (("validation", 560, 0.0), ("structure_type", 180, 0.2))
            for metric, mean in (("precision", 0.74 - less), ("recall", 0.71 - less), ("f1", 0.70 - less))
        ),
        counts=tuple(GroupCount(group, 40 + 11 * place, 8, 40) for place, group in enumerate(GROUPS)),
        quality=(QualityRow("space groups", "has_profile", 1100, 3),),
        failures=(FailureCount("diffraction", "DescriptorError", 3, "Es has no form factor"),),
    )


def empty_space_group_report() -> SpaceGroupReport:
    """Return the report of a study that has done nothing yet."""
    return SpaceGroupReport("space_groups", "Empty", datetime(2026, 11, 21, tzinfo=UTC), Provenance("0.1.0", ""))


def held_out(model: str, subset: str, n: int, seed: int) -> HeldOutGroups:
    """Return n items, most of them right, with volumes a few per cent off."""
    rng = np.random.default_rng(seed)
    true = np.sort(rng.choice(GROUPS, n))
    predicted = np.where(rng.random(n) < _RIGHT, true, rng.choice(GROUPS, n))
    volume = np.exp(rng.normal(4.6, 0.7, n))
    return HeldOutGroups(
        model,
        subset,
        true,
        predicted,
        tuple(relation(a, b) for a, b in zip(true.tolist(), predicted.tolist(), strict=True)),
        np.clip(rng.beta(5, 2, n) * np.where(true == predicted, 1, 0.7), 0, 1),
        (true == predicted) | (rng.random(n) < 0.5),
        rng.integers(1, 5, n),
        volume,
        volume * (1 + 0.04 * rng.standard_cauchy(n).clip(-12, 12)),
    )
