"""The report: gathered, and written where the page or the data behind it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect import flow

from matsift.reports.data import RankingReport
from matsift.reports.page import content_hash
from matsift.reports.writing import write_report as write_files
from matsift.study.settings import Study
from matsift_flows.acquire import Acquired, final_models
from matsift_flows.derive import derive, predict_derived
from matsift_flows.orchestration import invoke
from matsift_flows.predict import predict
from matsift_flows.reporting.gather import gather
from matsift_flows.screen import Screening
from matsift_flows.train import StudyModel
from matsift_flows.workspace import Workspace
from matsift_schema.store.reports import find_report, write_report

_MARK = ".content_hash"


@dataclass(frozen=True)
class WrittenReport:
    """A report, where its page lies, and whether it was written just now."""

    report: RankingReport
    path: Path
    is_new: bool


@flow(name="report", validate_parameters=False)
def report(
    workspace: Workspace,
    study: Study,
    screening: Screening,
    trained: Sequence[StudyModel],
    acquired: Acquired,
) -> WrittenReport:
    """Predict what the ranking still lacks, gather the report, and write it where it is not there yet.

    Raises
    ------
    UserInputError
        If the folder of the report cannot be written.
    """
    final = final_models(study, trained, acquired)
    for model_id in final.values():
        invoke(predict, workspace, study, model_id, screening.candidate_ids)
    derived = []
    if study.derived_properties:
        derived = invoke(derive, workspace, study, trained)
        invoke(predict_derived, workspace, study, derived, screening.candidate_ids)
    gathered = gather(workspace, study, screening, trained, acquired.campaigns, final, derived)
    path = workspace.settings.home / "reports" / study.name / "report.html"
    key = content_hash(gathered)
    with workspace.sessions.begin() as session:
        is_known = find_report(session, study.name, key) is not None
    if is_known and path.exists() and _on_disk(path.parent) == key:
        return WrittenReport(gathered, path, is_new=False)
    write_files(gathered, path.parent)
    (path.parent / _MARK).write_text(key, encoding="utf-8")
    if not is_known:
        with workspace.run("report", study.name, {"report": key}) as run, workspace.sessions.begin() as session:
            write_report(session, run.id(session), study=study.name, content_hash=key, uri=path.as_uri())
    return WrittenReport(gathered, path, is_new=True)


def _on_disk(folder: Path) -> str | None:
    """Return the content hash of the report that lies in a folder; another setting of the study may have written it."""
    try:
        return (folder / _MARK).read_text(encoding="utf-8")
    except OSError:
        return None
