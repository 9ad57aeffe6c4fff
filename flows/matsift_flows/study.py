"""A study from ingestion to report: every step computes what is missing, so the same call begins and continues it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from prefect import flow

from matsift.study.loading import load_study
from matsift.study.settings import Study
from matsift_adapters.settings import Settings
from matsift_flows.acquire import acquire
from matsift_flows.bond_valence import relax
from matsift_flows.diffraction.symmetry import symmetry
from matsift_flows.featurize import featurize
from matsift_flows.group import group
from matsift_flows.ingest import ingest
from matsift_flows.judge import judge
from matsift_flows.label import Waiting
from matsift_flows.mobility import mobility
from matsift_flows.orchestration import invoke, keep_summary
from matsift_flows.progress import Reporter
from matsift_flows.report import WrittenReport, report
from matsift_flows.screen import screen
from matsift_flows.train import train
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store.counts import row_counts

if TYPE_CHECKING:
    from matsift_flows.density.report import WrittenDensities
    from matsift_flows.diffraction.report import WrittenSpaceGroups
    from matsift_flows.generative.report import WrittenGenerative
    from matsift_flows.train import StudyModel

    _Learned: TypeAlias = tuple[
        WrittenReport | WrittenSpaceGroups | WrittenDensities, Waiting | None, WrittenGenerative | None
    ]


@dataclass(frozen=True)
class StudyRun:
    """What a run of a study added (table -> rows, only tables that grew), its report, and what it waits for.

    `generated` is the page of new compositions, None where the study proposes none.
    """

    study: Study
    added: dict[str, int]
    written: WrittenReport | WrittenSpaceGroups | WrittenDensities
    waiting: Waiting | None = None
    generated: WrittenGenerative | None = None


@flow(name="study")
def study_flow(study_path: str, overrides: Sequence[str] = (), *, retry_failed: bool = False) -> dict[str, int]:
    """Run a study file with the settings of the environment; return table -> rows added. For deployments."""
    study = load_study(Path(study_path), overrides)
    with open_workspace(Settings.load(), Reporter(), retry_failed=retry_failed) as workspace:
        return run_study(workspace, study, Path(study_path).parent).added


def run_study(workspace: Workspace, study: Study, base_dir: Path) -> StudyRun:
    """Carry a study from where it stands to its report.

    Parameters
    ----------
    workspace
        Where to.
    study
        The study.
    base_dir
        Folder that relative paths of its sources start from.

    Raises
    ------
    UserInputError
        If another process runs the study, a source is unusable, or there are too few labels.
    """
    with workspace.alone_on(study.name):
        with workspace.sessions.begin() as session:
            before = row_counts(session)
        invoke(ingest, workspace, study, base_dir)
        if study.bond_valence is not None:
            invoke(relax, workspace, study)
        if study.diffraction is not None:
            invoke(symmetry, workspace, study)
        invoke(judge, workspace, study)
        if study.duplicates is not None:
            invoke(group, workspace, study)
        invoke(featurize, workspace, study)
        written, waiting, generated = _learned(workspace, study, base_dir)
        with workspace.sessions.begin() as session:
            after = row_counts(session)
    added = {table: count - before[table] for table, count in after.items() if count != before[table]}
    keep_summary(
        "study-summary",
        f"Study {study.name}: {study.study.title}",
        {
            **(added or {"added": "nothing, the study is complete"}),
            "report": written.path,
            **({} if waiting is None else {"waits for": f"{waiting.n_open} labels of {waiting.oracle}"}),
        },
    )
    return StudyRun(study, added, written, waiting, generated)


def _learned(workspace: Workspace, study: Study, base_dir: Path) -> _Learned:
    """Return the reports of what was learned from the descriptors, and what the study waits for."""
    if study.diffraction is not None:
        from matsift_flows.diffraction.steps import learn_and_report  # noqa: PLC0415  PyTorch takes seconds to import

        return learn_and_report(workspace, study), None, None
    if study.density is not None:
        from matsift_flows.density.steps import compare_and_report  # noqa: PLC0415  scikit-learn, PyTorch

        return compare_and_report(workspace, study), None, None
    trained = invoke(train, workspace, study)
    if study.generative is not None:
        from matsift_flows.generative.report import report_generated  # noqa: PLC0415  pymatgen, smact's tables
        from matsift_flows.generative.steps import generate  # noqa: PLC0415  pymatgen, smact's tables

        generated = invoke(generate, workspace, study, trained, base_dir)
        ranked, waiting = _ranked(workspace, study, trained)
        return ranked, waiting, report_generated(workspace, study, generated, ranked)
    return *_ranked(workspace, study, trained), None


def _ranked(workspace: Workspace, study: Study, trained: Sequence[StudyModel]) -> tuple[WrittenReport, Waiting | None]:
    """Return the report of what was screened and acquired, and what the study waits for."""
    if study.mobility is not None:
        invoke(mobility, workspace, study, trained)
    screening = invoke(screen, workspace, study)
    acquired = invoke(acquire, workspace, study, screening)
    waiting = acquired.waiting
    if waiting is None and study.generative is not None:
        from matsift_flows.generative.handing_on import hand_on  # noqa: PLC0415  only generative studies do

        waiting = invoke(hand_on, workspace, study, screening, trained, acquired)
    return invoke(report, workspace, study, screening, trained, acquired), waiting
