"""A report of space groups in a terminal, and as JSON."""

from __future__ import annotations

from matsift.reports.space_group_lines import space_group_lines
from matsift.reports.space_groups import SpaceGroupReport
from matsift_flows.cli.look import width
from matsift_flows.cli.tables import print_titled


def print_space_groups(report: SpaceGroupReport, top: int = 5) -> None:
    """Print the headline numbers, the confusion picture in letters, and what was said of patterns."""
    print_titled(space_group_lines(report, top, width()))


def report_json(report: SpaceGroupReport) -> dict[str, object]:
    """Return the metrics of every ensemble, and the likeliest group of each pattern, as plain values."""
    return {
        "scores": [
            {
                "model": s.model,
                "subset": s.subset,
                "metric": s.metric,
                "ensemble": s.ensemble,
                "members": s.members_mean,
            }
            for s in report.scores
        ],
        "patterns": [
            {
                "name": answer.name,
                "is_sure": answer.identification.is_sure,
                "set": list(answer.identification.likely_set),
                "space_groups": [group.space_group_number for group in answer.identification.groups[:5]],
                "true": answer.true_group,
            }
            for answer in report.answers
        ],
    }
