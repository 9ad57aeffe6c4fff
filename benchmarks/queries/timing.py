"""How long each query of docs/sql.md takes, asked by an analyst on a warm server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
LIMIT_MS, RANKING_LIMIT_MS = 100.0, 50.0
#: What `matsift rank` and the end of a run show first, for a hundred candidates.
RANKING = """
SELECT formula, space_group_symbol, g_vrh_gpa, g_vrh_lower_gpa, g_vrh_upper_gpa, n_passed, n_unknown, sources
FROM analysis.candidate_ranking
WHERE study = 'million' AND n_failed = 0
ORDER BY g_vrh_lower_gpa DESC NULLS LAST
LIMIT 100
"""
_SECTION = re.compile(r"^## (?P<title>\d+\. .*?)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_QUERY = re.compile(r"```sql\n(.*?)```", re.DOTALL)
_WARM_UPS = 3


@dataclass(frozen=True)
class Timed:
    """One query: its title, rows that it gave, and the milliseconds of each repeat with all rows fetched."""

    title: str
    n_row: int
    milliseconds: tuple[float, ...]

    @property
    def p50(self) -> float:
        """The median."""
        return float(np.percentile(self.milliseconds, 50))

    @property
    def p95(self) -> float:
        """The 95th percentile."""
        return float(np.percentile(self.milliseconds, 95))


def queries(page: str) -> list[tuple[str, str]]:
    """Return title and SQL of each numbered query of the page."""
    found = []
    for section in _SECTION.finditer(page):
        query = _QUERY.search(section["body"])
        if query is not None:
            found.append((section["title"], query[1]))
    return found


def measure(url: str, repeat: int) -> Iterator[Timed]:
    """Yield the times of every query of docs/sql.md, then those of the hundred best candidates."""
    asked = [*queries(PAGE.read_text(encoding="utf-8")), ("The hundred best candidates", RANKING)]
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE matsift_analyst")
        for title, query in asked:
            yield timed(connection, title, query, repeat)


def timed(connection: psycopg.Connection, title: str, query: str, repeat: int) -> Timed:
    """Return the times of one query; what takes longer than a second is repeated less often."""
    milliseconds: list[float] = []
    n_row, warm_ups = 0, 0
    while len(milliseconds) < repeat:
        started = time.perf_counter()
        n_row = len(connection.execute(query.encode(), prepare=False).fetchall())
        took = 1e3 * (time.perf_counter() - started)
        if warm_ups < _WARM_UPS and took * _WARM_UPS < 3e3:
            warm_ups += 1
            continue
        milliseconds.append(took)
        if sum(milliseconds) > 20e3 and len(milliseconds) >= _WARM_UPS:
            break
    return Timed(title, n_row, tuple(milliseconds))


def table(times: Sequence[Timed]) -> Iterator[str]:
    """Yield the lines of the table of times."""
    yield "| query | rows | p50 ms | p95 ms | limit ms | |"
    yield "|---|---:|---:|---:|---:|---|"
    for one in times:
        limit = LIMIT_MS if one.title[0].isdigit() else RANKING_LIMIT_MS
        verdict = "" if one.p95 < limit else "over"
        yield f"| {one.title} | {one.n_row} | {one.p50:.1f} | {one.p95:.1f} | {limit:.0f} | {verdict} |"
