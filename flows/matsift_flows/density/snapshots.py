"""How the crystals of a study of densities are held out: in folds, and with all that contain an element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.learners.left_out_elements import contains, elements_to_leave_out
from matsift.learners.repeated_folds import repeated_folds
from matsift.learners.splits import roles_of_fold
from matsift.screening.quality import rule_set_hash
from matsift.study.density import DensitySettings
from matsift.study.settings import Study
from matsift_flows.density.chosen import Chosen, chosen
from matsift_flows.snapshots import store_snapshot
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import Snapshot

FOLDS, ELEMENT = "k_fold", "leave_element_out"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A snapshot of a study and what it holds out: the number of a fold, or an element."""

    snapshot: Snapshot
    fold: int | None = None
    element: str | None = None

    @property
    def name(self) -> str:
        """What it is called in a line."""
        return f"without {self.element}" if self.element else f"fold {self.fold}"


def held_out(workspace: Workspace, study: Study, settings: DensitySettings, property_name: str) -> list[HeldOut]:
    """Return the snapshots that a property is learned from, written where they are new: folds, then elements.

    Raises
    ------
    UserInputError
        If there are fewer crystals than folds.
    """
    with workspace.sessions.begin() as session:
        crystals = chosen(session, study, settings, property_name)
    if len(set(crystals.compositions)) < 2 * settings.folds:
        raise UserInputError(
            f"{len(crystals)} crystals of the study's space groups have a label of {property_name}, all descriptors "
            f"and a density: too few for {settings.folds} folds; see TABLE analysis.failure in `matsift db shell`"
        )
    return [
        _held(workspace, study, settings, crystals, property_name, said, places)
        for said, places in _splits(study, settings, crystals, property_name)
    ]


def _splits(
    study: Study, settings: DensitySettings, crystals: Chosen, property_name: str
) -> Iterator[tuple[dict[str, object], NDArray[np.int64]]]:
    """Yield what is held out, and (n,) the part of each crystal: the part 0 tests where an element is held out."""
    folds = repeated_folds(crystals.compositions, n_fold=settings.folds, n_repeat=1, seed=study.study.seed)[0]
    for fold in range(settings.folds):
        yield {"fold": fold, "n_fold": settings.folds}, folds
    if settings.leave_out.properties and property_name not in settings.leave_out.properties:
        return
    for element in _elements(settings, crystals):
        yield {"element": element}, np.where(contains(crystals.elements, element), 0, 1)


def _elements(settings: DensitySettings, crystals: Chosen) -> tuple[str, ...]:
    wanted = settings.leave_out
    if wanted.elements:
        return tuple(e for e in wanted.elements if contains(crystals.elements, e).any())
    return elements_to_leave_out(crystals.elements, wanted.min_share)[: wanted.at_most]


def _held(
    workspace: Workspace,
    study: Study,
    settings: DensitySettings,
    crystals: Chosen,
    property_name: str,
    said: dict[str, object],
    parts: NDArray[np.int64],
) -> HeldOut:
    fold, element = said.get("fold"), said.get("element")
    tests = int(fold) if isinstance(fold, int) else 0
    roles = roles_of_fold(parts, tests, validation_fraction=settings.calibration_fraction, seed=study.study.seed)
    described = {
        **said,
        "space_groups": list(settings.groups),
        "calibration_fraction": settings.calibration_fraction,
        "field": settings.field_method if settings.reads_grids else None,
        "rule_set": rule_set_hash(study.labels.rules),
        "descriptor_sets": list(study.descriptors.sets),
    }
    snapshot = store_snapshot(
        workspace,
        study,
        property_name,
        ELEMENT if element else FOLDS,
        described,
        crystals.labels,
        crystals.rows,
        roles,
        None if element else parts,
    )
    if element:
        return HeldOut(snapshot, element=str(element))
    return HeldOut(snapshot, fold=tests + 1)
