"""What a study of charge densities does after its descriptors are there: densities, learners, the report."""

from __future__ import annotations

from matsift.errors import UserInputError
from matsift.study.settings import Study
from matsift_flows.density.fields import fields
from matsift_flows.density.report import WrittenDensities, report_densities
from matsift_flows.density.training import train_learners
from matsift_flows.orchestration import invoke
from matsift_flows.workspace import Workspace


def compare_and_report(workspace: Workspace, study: Study) -> WrittenDensities:
    """Compute the densities that are missing, train what is missing, and write the report.

    Raises
    ------
    UserInputError
        If there are too few crystals, a training fails, or the folder of the report cannot be written.
    """
    settings = study.density
    if settings is None:
        raise UserInputError(f"the study {study.name} has no table [density]; add one, or run it as another study")
    invoke(fields, workspace, study)
    learners = invoke(train_learners, workspace, study)
    return report_densities(workspace, study, settings, learners)
