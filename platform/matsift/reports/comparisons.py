"""What was compared with what before the models were chosen: descriptor groups, columns, sampling strategies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AblationRow:
    """The test result of one combination of descriptor groups for one property; `mae` in the property's unit."""

    groups: str
    property_name: str
    unit: str
    n_column: int
    r2: float
    mae: float
    n_test: int


@dataclass(frozen=True)
class ImportanceRow:
    """The share of a model's total gain that one descriptor column brings; `rank` 1 is the largest."""

    property_name: str
    rank: int
    column: str
    descriptor_set: str
    gain_fraction: float


@dataclass(frozen=True)
class SamplingRow:
    """The test result of one sampling strategy on one subset of the test rows (all, or the element of the study).

    `mean_spread` is the mean ensemble spread over the subset, None where the model has no spread.
    """

    strategy: str
    property_name: str
    unit: str
    subset: str
    n_train: int
    n_test: int
    r2: float
    mae: float
    mean_spread: float | None = None
