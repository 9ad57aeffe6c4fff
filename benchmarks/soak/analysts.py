"""Analysts who ask the queries of docs/sql.md again and again, each over a connection that stays open."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence

import psycopg
from benchmarks.queries.timing import PAGE, queries


class Analysts:
    """Threads with an open connection each, and the milliseconds of what they asked.

    Parameters
    ----------
    url
        Address of the database; they act as `matsift_analyst`.
    n
        How many they are.
    pause_s
        What each reads before the next question.
    """

    name = "the analysts"

    def __init__(self, url: str, n: int = 4, pause_s: float = 0.5) -> None:
        self._url, self._pause_s = url, pause_s
        self._asked = [query for _, query in queries(PAGE.read_text(encoding="utf-8"))]
        self._end = threading.Event()
        self._took: list[float] = []
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._ask, args=(seed,)) for seed in range(n)]
        for thread in self._threads:
            thread.start()

    def _ask(self, seed: int) -> None:
        chance = random.Random(seed)
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("SET ROLE matsift_analyst")
            while not self._end.wait(self._pause_s):
                query = chance.choice(self._asked)
                started = time.perf_counter()
                try:
                    connection.execute(query.encode(), prepare=False).fetchall()
                except psycopg.Error as error:
                    self.errors.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")
                    continue
                self._took.append(1e3 * (time.perf_counter() - started))

    def taken(self) -> Sequence[float]:
        """Return the milliseconds since the last call."""
        took, self._took = self._took, []
        return took

    def stop(self) -> bool:
        """Let them finish their question; return whether they did."""
        self._end.set()
        for thread in self._threads:
            thread.join(120)
        return not any(thread.is_alive() for thread in self._threads)
