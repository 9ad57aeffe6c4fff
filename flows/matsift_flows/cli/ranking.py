"""The ranking in a terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from matsift.reports.data import RankingReport
from matsift.reports.terminal import rows_for_terminal

#: Columns where nobody says how wide the terminal is, so that a log file keeps whole lines.
WIDTH_OF_A_FILE = 200


def print_ranking(report: RankingReport, top: int) -> None:
    """Print the first candidates of a ranking to stdout."""
    width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    console = Console(highlight=False, width=width)
    ranked = report.ranking.ranked
    table = Table(
        title=f"{report.title}: {min(top, len(ranked))} of {len(ranked)} ranked candidates",
        caption=report.ranking.rule,
        title_justify="left",
        caption_justify="left",
    )
    headers, rows = rows_for_terminal(report, top)
    for header in headers:
        table.add_column(header, justify="right" if " / " in header or header == "rank" else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
