"""The page of a generative study, beside its ordinary report: gathered, and written where it has changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matsift.errors import UserInputError
from matsift.reports.generative import GenerativeReport
from matsift.reports.writing import content_hash, write_report
from matsift.study.settings import Study
from matsift_flows.generative.steps import Generated
from matsift_flows.report import WrittenReport
from matsift_flows.reporting.generative import gather_generative
from matsift_flows.reporting.keeping import keep
from matsift_flows.workspace import Workspace

#: Folder of the page inside that of the study's reports.
PLACE = "generated"


@dataclass(frozen=True)
class WrittenGenerative:
    """A page of new compositions, where it lies, and whether it was written just now."""

    report: GenerativeReport
    path: Path
    is_new: bool


def report_generated(
    workspace: Workspace, study: Study, generated: Generated, ranked: WrittenReport
) -> WrittenGenerative:
    """Gather the page and write it where it is not there yet.

    Raises
    ------
    UserInputError
        If the study has no table [generative], or the folder of the page cannot be written.
    """
    settings = study.generative
    if settings is None:
        raise UserInputError(f"the study {study.name} has no table [generative]; add one")
    gathered = gather_generative(workspace, study, settings, generated, ranked.report)
    key = content_hash(gathered)
    path, is_new = keep(workspace, study.name, key, lambda folder: write_report(gathered, folder), place=PLACE)
    return WrittenGenerative(gathered, path, is_new)
