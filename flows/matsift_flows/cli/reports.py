"""The end of a study in a terminal, and as JSON, whatever kind of report it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from matsift_flows.cli.tables import print_titled

if TYPE_CHECKING:
    from matsift.reports.data import RankingReport
    from matsift.reports.densities import DensityReport
    from matsift.reports.generative import GenerativeReport
    from matsift.reports.space_groups import SpaceGroupReport


def print_report(report: RankingReport | SpaceGroupReport | DensityReport, top: int) -> None:
    """Print a report; `top` is the number of candidates of a ranking."""
    from matsift.reports.densities import DensityReport
    from matsift.reports.space_groups import SpaceGroupReport
    from matsift_flows.cli.densities import print_densities
    from matsift_flows.cli.ranking import print_ranking
    from matsift_flows.cli.space_groups import print_space_groups

    if isinstance(report, SpaceGroupReport):
        print_space_groups(report)
    elif isinstance(report, DensityReport):
        print_densities(report)
    else:
        print_ranking(report, top)


def print_generated(report: GenerativeReport) -> None:
    """Print the first new compositions, the searches, and the shares of the generators."""
    from matsift.reports.generative_lines import generative_lines

    _, *lines = generative_lines(report)
    typer.echo()
    print_titled(["New compositions", *lines])


def unranked_json(report: RankingReport | SpaceGroupReport | DensityReport) -> dict[str, object] | None:
    """Return a report that ranks no candidates as plain values; None for one that does."""
    from matsift.reports.densities import DensityReport
    from matsift.reports.space_groups import SpaceGroupReport
    from matsift_flows.cli import densities, space_groups

    if isinstance(report, SpaceGroupReport):
        return space_groups.report_json(report)
    if isinstance(report, DensityReport):
        return densities.report_json(report)
    return None
