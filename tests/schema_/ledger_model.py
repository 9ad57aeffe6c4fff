"""A ledger of acquisitions as a few plain rules on dictionaries: what the one in the database is compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

Key = tuple[str, int]  # campaign, number of the structure
Question = tuple[int, str]  # number of the structure, method of the oracle
Event = tuple[str, str | None]  # status, by whom


@dataclass
class Entry:
    """An acquisition, and its story so far."""

    key: Key
    question: Question
    rank: int
    status: str = "proposed"
    holder: str | None = None
    lease_is_over: bool = False
    known_failures: int = 0  # how often the oracle had failed when it last became `failed`
    story: list[Event] = field(default_factory=lambda: [("proposed", None)])

    @property
    def is_open(self) -> bool:
        return self.status in {"proposed", "claimed", "released"}

    @property
    def is_claimable(self) -> bool:
        return self.status in {"proposed", "released"} or self.lease_is_over

    def become(self, status: str, holder: str | None = None) -> None:
        self.status, self.lease_is_over = status, False
        self.holder = holder if holder is not None else self.holder
        self.story.append((status, None if status in {"proposed", "released"} else self.holder))


class LedgerModel:
    """What the ledger says after what was done to it."""

    def __init__(self, methods: dict[str, str], ranks: dict[str, list[int]]) -> None:
        self.entries = {
            (campaign, structure): Entry((campaign, structure), (structure, methods[campaign]), rank)
            for campaign, order in ranks.items()
            for rank, structure in enumerate(order, start=1)
        }
        self.labels: dict[Question, float] = {}  # what the oracle said first
        self.failures: dict[Question, int] = {}  # how often it failed

    def of(self, campaigns: Collection[str]) -> Iterator[Entry]:
        chosen = [entry for entry in self.entries.values() if entry.key[0] in campaigns]
        return iter(sorted(chosen, key=lambda entry: entry.rank))  # stable: then by campaign, as they were begun

    def asking(self, question: Question) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.question == question]

    def claim(
        self, campaigns: Collection[str], worker: str, limit: int, locked: Collection[Key | Question] = ()
    ) -> list[Key]:
        """Claim what nobody is at, by rank; a question once, and none that is answered or that others are asking.

        `locked` is what a transaction has in hand that is not committed yet: it is passed over.
        """
        self.look_up(campaigns, locked)
        taken: list[Key] = []
        for entry in self.of(campaigns):
            rivals = [e for e in self.asking(entry.question) if e is not entry and e.status == "claimed"]
            is_locked = entry.key in locked or entry.question in locked
            if len(taken) == limit or not entry.is_claimable or is_locked:
                continue
            if not all(rival.lease_is_over for rival in rivals):
                continue
            for rival in rivals:
                rival.become("released")
            entry.become("claimed", worker)
            if not self._answer(entry, worker):  # by a failure that did not count as long as somebody was at it
                taken.append(entry.key)
        return taken

    def _answer(self, entry: Entry, worker: str | None) -> bool:
        """Settle an open acquisition by what the oracle said: a label of anybody, a failure unless others are at it."""
        n_failure = self.failures.get(entry.question, 0)
        if not entry.is_open:
            return False
        if entry.question in self.labels:
            entry.become("labelled", worker)
            return True
        is_free = entry.status != "claimed" or entry.holder == worker
        if n_failure > entry.known_failures and is_free:
            entry.known_failures = n_failure
            entry.become("failed", worker)
            return True
        return False

    def result(self, question: Question, worker: str, value: float) -> int:
        self.labels.setdefault(question, value)
        return sum(self._answer(entry, worker) for entry in self.asking(question))

    def failure(self, question: Question, worker: str) -> int:
        self.failures[question] = self.failures.get(question, 0) + 1
        return sum(self._answer(entry, worker) for entry in self.asking(question))

    def look_up(self, campaigns: Collection[str], locked: Collection[Key | Question] = ()) -> int:
        return sum(self._answer(entry, None) for entry in self.of(campaigns) if entry.key not in locked)

    def _holds(self, key: Key, worker: str) -> bool:
        return self.entries[key].status == "claimed" and self.entries[key].holder == worker

    def release(self, key: Key, worker: str) -> bool:
        is_his = self._holds(key, worker)
        if is_his:
            self.entries[key].become("released")
        return is_his

    def renew(self, keys: Collection[Key], worker: str) -> set[Key]:
        held = {key for key in keys if self._holds(key, worker)}
        for key in held:
            self.entries[key].lease_is_over = False
        return held

    def lease_ends(self, key: Key) -> None:
        self.entries[key].lease_is_over = self.entries[key].status == "claimed"

    def retry_failed(self, campaign: str) -> int:
        failed = [entry for entry in self.of([campaign]) if entry.status == "failed"]
        for entry in failed:
            entry.become("released")
        return len(failed)
