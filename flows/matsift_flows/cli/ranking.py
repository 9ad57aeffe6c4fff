"""The ranking in a terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer

from matsift.errors import StudyError
from matsift.reports.data import RankingReport
from matsift.reports.objective_lines import objective_lines
from matsift.reports.objectives import ObjectiveRanking, Order, PlacedCandidate
from matsift.reports.terminal import ranking_lines
from matsift.study.settings import Study
from matsift_flows.cli.look import width
from matsift_flows.cli.tables import print_titled


def print_ranking(report: RankingReport, top: int) -> None:
    """Print the first candidates of a ranking to stdout, in whole rows where that is no terminal."""
    print_titled(ranking_lines(report, top, width()))


def require_objectives(study: Study, path: Path) -> None:
    """Raise StudyError if a study asks for no objectives to rank by."""
    if not study.ranking.objectives:
        raise StudyError(str(path), "it has no objectives to rank by", "add [[ranking.objectives]], or leave --by out")


def print_objectives(report: RankingReport, by: Order, top: int, *, as_json: bool) -> None:
    """Print the first candidates of the ranking by several objectives, as lines or as JSON."""
    ranking = report.objectives
    if ranking is None:
        typer.echo("[]" if as_json else "No candidate passes the screen, so there is nothing to rank.")
    elif as_json:
        typer.echo(json.dumps([_as_json(ranking, row) for row in ranking.in_order(by)[:top]]))
    else:
        print_titled(objective_lines(ranking, by, top, width()))


def _as_json(ranking: ObjectiveRanking, row: PlacedCandidate) -> dict[str, object]:
    """Return a candidate with its values by objective."""
    names = (objective.name for objective in ranking.objectives)
    values = {name: asdict(value) for name, value in zip(names, row.values, strict=True)}
    return {**asdict(row), "values": values}
