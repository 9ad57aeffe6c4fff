"""The card of a model version: what it learned from, how good it is, where it ends. Plain records, filled by a flow.

`matsift.reports.model_card_page` draws a card as Markdown and as HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.reports.data import DescriptorSetRow

#: Fewer training labels with an element than this say little about it.
FEW_LABELS = 5


@dataclass(frozen=True)
class SubsetMetrics:
    """Metric -> value over the rows of one subset that the model did not learn from; None where undefined."""

    subset: str
    n_row: int
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class HeldOutError:
    """A label that the model did not learn from, and what it says of it, in the unit of the property."""

    formula: str
    structure_hash: str
    truth: float
    mean: float
    lower: float | None = None
    upper: float | None = None

    @property
    def error(self) -> float:
        """Predicted minus true."""
        return self.mean - self.truth


@dataclass(frozen=True)
class LabelOrigin:
    """Where labels of the snapshot came from, under which licence, and how many did; an oracle has no licence."""

    origin: str
    method: str
    licence: str
    n_label: int


@dataclass(frozen=True)
class LabelRange:
    """Smallest, middle and largest label that the model learned from, in the unit of the property."""

    lowest: float
    median: float
    highest: float


@dataclass(frozen=True)
class ModelCard:
    """What is known of one model version.

    Parameters
    ----------
    content_hash, learner, purpose, property_name, unit, definition, settings, seed
        What it is, and what it predicts.
    study
        Study that trained it; None outside a study.
    trained_at, code_version, environment_hash, packages
        When and with what: version of matsift, hash of all installed packages, package -> version behind the
        descriptors.
    snapshot_hash, strategy, split_settings, split_seed, roles
        The data snapshot, how it was split, and role (train, validation, test) -> labels.
    label_range, origins, descriptor_sets
        What it learned from.
    elements
        Element -> labels that train and hold it.
    calibration
        Calibration of its intervals as it is stored: ``coverage``, ``n_calibration`` and more.
    metrics, worst
        How good it is on rows that it did not learn from, and where it is most wrong, the worst first.
    importances
        (column, share of the gain), the largest first; empty where the learner has no such notion.
    artifact_sha256
        The stored model.
    """

    content_hash: str
    learner: str
    purpose: str
    property_name: str
    unit: str
    definition: str
    settings: Mapping[str, Any]
    seed: int
    study: str | None
    trained_at: datetime
    code_version: str
    environment_hash: str
    packages: Mapping[str, str]
    snapshot_hash: str
    strategy: str
    split_settings: Mapping[str, Any]
    split_seed: int
    roles: Mapping[str, int]
    label_range: LabelRange | None
    origins: tuple[LabelOrigin, ...]
    descriptor_sets: tuple[DescriptorSetRow, ...]
    elements: Mapping[str, int]
    calibration: Mapping[str, Any]
    metrics: tuple[SubsetMetrics, ...]
    worst: tuple[HeldOutError, ...]
    artifact_sha256: str
    importances: tuple[tuple[str, float], ...] = field(default=())

    def _repr_markdown_(self) -> str:
        """Return what a notebook shows."""
        from matsift.reports.model_card_page import card_markdown  # noqa: PLC0415  it draws this class

        return card_markdown(self)

    @property
    def licences(self) -> tuple[str, ...]:
        """Licences of the labels, each once; "not stated" for sources that state none, nothing for oracles."""
        stated = (o.licence or "not stated" for o in self.origins if o.origin.startswith("source:"))
        return tuple(dict.fromkeys(stated))

    @property
    def rare_elements(self) -> tuple[str, ...]:
        """Elements with fewer than `FEW_LABELS` labels that train, by atomic number."""
        return tuple(s for s in ELEMENT_SYMBOLS if 0 < self.elements.get(s, 0) < FEW_LABELS)

    @property
    def unseen_elements(self) -> tuple[str, ...]:
        """Elements that no label that trains holds, by atomic number."""
        return tuple(s for s in ELEMENT_SYMBOLS if not self.elements.get(s, 0))
