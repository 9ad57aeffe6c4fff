"""Acquisitions that came back labelled, beside what their round's model had said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

_LOAD = text("""
    SELECT r.number, l.value, p.mean, p.spread, p.lower, p.upper
    FROM matsift.acquisition a
    JOIN matsift.campaign_round r ON r.id = a.campaign_round_id
    JOIN matsift.label l ON l.id = a.label_id
    JOIN matsift.label_verdict v ON v.label_id = l.id AND v.rule_set = :rule_set AND v.verdict = 'accepted'
    JOIN matsift.prediction p ON (p.model_version_id, p.structure_id) = (r.model_version_id, a.structure_id)
    WHERE a.campaign_id = :campaign_id AND a.status = 'labelled'
    ORDER BY r.number, a.rank
""")


@dataclass(frozen=True, eq=False)
class AcquiredLabels:
    """The accepted labels of n acquisitions, by round and rank; all (n,), values in the property's unit.

    `mean`, `spread`, `lower` and `upper` are what the model of the round said, which had not seen the label.
    """

    round_numbers: NDArray[np.int64]
    truth: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def load_acquired(session: Session, campaign_id: int, *, rule_set: str) -> AcquiredLabels:
    """Return what became of a campaign's acquisitions, those whose label a rule set accepts."""
    rows = session.execute(_LOAD, {"campaign_id": campaign_id, "rule_set": rule_set}).all()
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * 6
    numbers = [np.array(column, dtype=np.float64) for column in columns[1:]]
    return AcquiredLabels(np.array(columns[0], dtype=np.int64), *numbers)
