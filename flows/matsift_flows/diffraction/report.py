"""The report of a study of space groups: what its ensembles say of held-out crystals, and one measured pattern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matsift.reports.space_groups import SpaceGroupReport
from matsift.reports.writing import content_hash, write_report
from matsift.study.settings import Study
from matsift_flows.diffraction.demonstration import demonstration
from matsift_flows.reporting.cards import keep_cards
from matsift_flows.reporting.keeping import keep
from matsift_flows.reporting.space_groups import gather_space_groups
from matsift_flows.workspace import Workspace


@dataclass(frozen=True)
class WrittenSpaceGroups:
    """A report of space groups, where its page lies, and whether it was written just now."""

    report: SpaceGroupReport
    path: Path
    is_new: bool


def report_space_groups(workspace: Workspace, study: Study, networks: Mapping[int, str]) -> WrittenSpaceGroups:
    """Identify the demonstration pattern, gather the report, and write it where it is not there yet.

    Parameters
    ----------
    workspace, study
        Where, and of which study.
    networks
        Ensemble -> what the study calls it; the first is the one that patterns are asked of.

    Raises
    ------
    UserInputError
        If the folder of the report cannot be written.
    """
    shown = demonstration(workspace, study, next(iter(networks))) if networks else None
    answers = () if shown is None else (shown,)
    gathered = gather_space_groups(workspace, study, networks, answers)
    path, is_new = keep(workspace, study.name, content_hash(gathered), lambda folder: write_report(gathered, folder))
    keep_cards(workspace, study.name, list(networks))
    return WrittenSpaceGroups(gathered, path, is_new)
