"""What a study of space groups does after its profiles are there: networks, and the report with a pattern."""

from __future__ import annotations

from matsift.study.settings import Study
from matsift_flows.diffraction.report import WrittenSpaceGroups, report_space_groups
from matsift_flows.diffraction.training import train_networks
from matsift_flows.orchestration import invoke
from matsift_flows.workspace import Workspace


def learn_and_report(workspace: Workspace, study: Study) -> WrittenSpaceGroups:
    """Train what is missing, identify a pattern, and write the report.

    Raises
    ------
    UserInputError
        If there are too few crystals, or the folder of the report cannot be written.
    """
    networks = invoke(train_networks, workspace, study)
    return report_space_groups(workspace, study, {network.id: network.name for network in networks})
