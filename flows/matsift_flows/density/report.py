"""The report of a study of charge densities: gathered, and written where the page or its data has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matsift.reports.densities import DensityReport
from matsift.reports.writing import content_hash, write_report
from matsift.study.density import DensitySettings
from matsift.study.settings import Study
from matsift_flows.density.training import StudyLearner
from matsift_flows.reporting.cards import keep_cards
from matsift_flows.reporting.densities import gather_densities
from matsift_flows.reporting.keeping import keep
from matsift_flows.workspace import Workspace


@dataclass(frozen=True)
class WrittenDensities:
    """A report of charge densities, where its page lies, and whether it was written just now."""

    report: DensityReport
    path: Path
    is_new: bool


def report_densities(
    workspace: Workspace, study: Study, settings: DensitySettings, learners: Sequence[StudyLearner]
) -> WrittenDensities:
    """Gather the report and write it where it is not there yet.

    Raises
    ------
    UserInputError
        If the folder of the report cannot be written.
    """
    gathered = gather_densities(workspace, study, settings, learners)
    path, is_new = keep(workspace, study.name, content_hash(gathered), lambda folder: write_report(gathered, folder))
    keep_cards(workspace, study.name)
    return WrittenDensities(gathered, path, is_new)
