"""The report across studies, made of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from matsift.reports.across import ACROSS, merged
from matsift.reports.data import RankingReport, StudyLine
from matsift.reports.space_groups import SpaceGroupReport
from matsift.reports.writing import PAGE_NAME, content_hash, write_report
from matsift_flows.reporting.keeping import keep
from matsift_flows.workspace import Workspace

if TYPE_CHECKING:
    from matsift_flows.study import StudyRun

_NONE_RANKED = "no candidates: it compares what learners say of moduli"
_NONE_NAMED = "no candidates: it names space groups of patterns"


def report_across(workspace: Workspace, runs: Sequence[StudyRun]) -> Path | None:
    """Write the report across studies where what it says has changed; return its page, None where none ranks anything.

    Parameters
    ----------
    workspace
        Where to.
    runs
        The studies, carried to their reports; where two predict one property of a candidate, the first counts.

    Raises
    ------
    UserInputError
        If the folder cannot be written to.
    """
    reports = [run.written.report for run in runs]
    ranked = [report for report in reports if isinstance(report, RankingReport)]
    if not ranked:
        return None
    report = merged(ranked, [_line(run) for run in runs], datetime.now(UTC))
    path, _ = keep(workspace, ACROSS, content_hash(report), lambda folder: write_report(report, folder))
    return path


def _line(run: StudyRun) -> StudyLine:
    report = run.written.report
    line = StudyLine(run.study.name, run.study.study.title, 0, 0, _NONE_RANKED, f"../{run.study.name}/{PAGE_NAME}")
    if isinstance(report, RankingReport):
        ranking = report.ranking
        return replace(line, n_ranked=len(ranking.ranked), n_left_out=len(ranking.excluded), rule=ranking.rule)
    return replace(line, rule=_NONE_NAMED) if isinstance(report, SpaceGroupReport) else line
