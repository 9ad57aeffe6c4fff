"""The report: gathered, and written where the page or the data behind it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matsift.reports.data import RankingReport
from matsift.reports.writing import content_hash, write_report
from matsift.study.settings import Study
from matsift_flows.acquire import Acquired, final_models
from matsift_flows.derive import derive, predict_derived
from matsift_flows.objectives import rank_by_objectives
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.predict import predict
from matsift_flows.reporting.cards import keep_cards
from matsift_flows.reporting.gather import gather
from matsift_flows.reporting.keeping import keep
from matsift_flows.screen import Screening
from matsift_flows.train import StudyModel
from matsift_flows.workspace import Workspace


@dataclass(frozen=True)
class WrittenReport:
    """A report, where its page lies, and whether it was written just now."""

    report: RankingReport
    path: Path
    is_new: bool


@inner_flow("report")
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
    shown = {model.property_name: model.id for model in derived} | final
    objectives = invoke(rank_by_objectives, workspace, study, screening, shown) if study.ranking.objectives else None
    gathered = gather(workspace, study, screening, trained, acquired.campaigns, final, derived, objectives)
    path, is_new = keep(workspace, study.name, content_hash(gathered), lambda folder: write_report(gathered, folder))
    keep_cards(workspace, study.name, list(shown.values()))
    return WrittenReport(gathered, path, is_new=is_new)
