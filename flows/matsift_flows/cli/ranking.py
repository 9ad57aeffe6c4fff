"""The ranking in a terminal."""

from __future__ import annotations

import shutil
import sys

import typer

from matsift.reports.data import RankingReport
from matsift.reports.terminal import ranking_lines


def print_ranking(report: RankingReport, top: int) -> None:
    """Print the first candidates of a ranking to stdout, in whole rows where that is no terminal."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    title, *lines = ranking_lines(report, top, width)
    typer.secho(title, bold=True)
    for line in lines:
        typer.echo(line.rstrip())
