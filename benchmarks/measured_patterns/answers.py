"""What search and networks say of measured patterns, and at which place the truth stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.kept_lines import KeptLines
from benchmarks.measured_patterns.lines import Lines
from benchmarks.measured_patterns.patterns import Case
from numpy.typing import NDArray

from matsift.diffraction.ensemble import SpaceGroupEnsemble
from matsift.diffraction.group_relations import same_lines
from matsift.diffraction.peaks import PeakList
from matsift.diffraction.search import ProfileIndex
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.together import SEARCH_ALONE, Evidence, Observation
from matsift.mirror_images import one_hand

N_MATCH = 100


@dataclass(frozen=True, eq=False)
class Asked:
    """n patterns with lines in the range of profiles, and their true space groups (n,)."""

    cases: tuple[Case, ...]
    peaks: tuple[PeakList, ...]
    groups: NDArray[np.int64]

    @classmethod
    def of(cls, cases: Sequence[Case], lines: Sequence[Lines]) -> Asked:
        """Return the patterns whose lines were found and whose space group is known."""
        usable = [
            (case, one, case.group)
            for case, one in zip(cases, lines, strict=True)
            if case.group is not None and not isinstance(one, str) and len(one.to_sparse().bins)
        ]
        return cls(
            tuple(case for case, _, _ in usable),
            tuple(one for _, one, _ in usable),
            np.array([group for _, _, group in usable], dtype=np.int64),
        )

    @property
    def profiles(self) -> SparseProfiles:
        """The lines as profiles."""
        return SparseProfiles.concatenate(one.to_sparse() for one in self.peaks)


@dataclass(frozen=True, eq=False)
class Found:
    """Matching profiles of a pattern, best first: space groups (k,) and scores (k,)."""

    groups: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """What one way says of a pattern.

    `place` is that of the true group or of its mirror image, None where neither is listed; `first` is the group told,
    `in_set` whether the true one is in the 90 % set, `size` the number of groups in that.
    """

    place: int | None
    first: int
    in_set: bool
    size: int


def searched(asked: Asked, index: ProfileIndex, kept: KeptLines, tell: Callable[[str], None]) -> list[Found]:
    """Return the matches of each pattern; what was found before is taken from `kept`."""
    known = dict(kept)
    found = []
    for i, (case, one) in enumerate(zip(asked.cases, asked.peaks, strict=True)):
        if case.name not in known:
            if i % 50 == 0:
                tell(f"searching for pattern {i + 1} of {len(asked.cases)}")
            matches = index.search(one, n=N_MATCH)
            known[case.name] = [index.space_groups[matches.rows].tolist(), matches.scores.round(6).tolist()]
            kept.keep(case.name, known[case.name])
        groups, scores = known[case.name]
        found.append(Found(np.array(groups, dtype=np.int64), np.array(scores, dtype=np.float64)))
    return found


def by_search(asked: Asked, found: Sequence[Found], evidence: Evidence = SEARCH_ALONE) -> list[Answer]:
    """Return the answers of the profile search alone."""
    nobody = np.zeros(0, dtype=np.int64)
    return [
        _answer(evidence, Observation(nobody, np.zeros(0), one.groups, one.scores), int(group))
        for one, group in zip(found, asked.groups, strict=True)
    ]


def by_networks(asked: Asked, ensemble: SpaceGroupEnsemble) -> list[Answer]:
    """Return the answers of an ensemble alone; a group that it does not know is never told."""
    said = ensemble.predict(asked.profiles).probabilities
    chosen = said == said.max(axis=1, keepdims=True)
    if ensemble.certainty is not None:
        chosen = ensemble.certainty.sets(said)
    groups = np.array(ensemble.groups)
    answers = []
    for row, inside, true in zip(said, chosen, asked.groups, strict=True):
        order = np.argsort(-row, kind="stable")
        place = _places(groups[order], int(true))
        own = _places(groups, int(true))
        answers.append(
            Answer(
                int(place[0]) + 1 if len(place) else None,
                int(groups[order[0]]),
                bool(inside[own].any()),
                int(inside.sum()),
            )
        )
    return answers


def by_both(asked: Asked, found: Sequence[Found], ensemble: SpaceGroupEnsemble, evidence: Evidence) -> list[Answer]:
    """Return the answers of search and networks together."""
    said = ensemble.predict(asked.profiles).probabilities
    said = ensemble.certainty.scaled(said) if ensemble.certainty else said
    groups = np.array(ensemble.groups, dtype=np.int64)
    return [
        _answer(evidence, Observation(groups, row, one.groups, one.scores), int(true))
        for row, one, true in zip(said, found, asked.groups, strict=True)
    ]


def _answer(evidence: Evidence, seen: Observation, true: int) -> Answer:
    if not len(seen.found_scores) and not len(seen.network_groups):
        return Answer(None, 0, in_set=False, size=0)
    groups, probabilities = evidence.probabilities(seen)
    inside = evidence.in_set(probabilities)
    place = _places(groups, true)
    return Answer(
        int(place[0]) + 1 if len(place) else None,
        int(groups[0]),
        bool(inside[place].any()),
        int(inside.sum()),
    )


def _places(groups: NDArray[np.int64], true: int) -> NDArray[np.int64]:
    """Return where the true group stands; its mirror image has the same pattern and counts as it."""
    return np.flatnonzero([one_hand(group) == one_hand(true) for group in groups.tolist()])


@dataclass(frozen=True)
class Rates:
    """Shares of n answers; `same_lines` is that of first groups whose lines stand where the true one's do."""

    first: float
    among_five: float
    same_lines: float
    in_set: float
    set_size: float
    n: int


def rates(asked: Asked, answers: Sequence[Answer], rows: NDArray[np.bool_] | None = None) -> Rates:
    """Return the rates over all patterns or some of them."""
    chosen = range(len(answers)) if rows is None else np.flatnonzero(rows).tolist()
    picked = [(answers[i], int(asked.groups[i])) for i in chosen]
    return Rates(
        float(np.mean([one.place == 1 for one, _ in picked])),
        float(np.mean([one.place is not None and one.place <= 5 for one, _ in picked])),
        float(np.mean([one.first > 0 and same_lines(true, one.first) for one, true in picked])),
        float(np.mean([one.in_set for one, _ in picked])),
        float(np.mean([one.size for one, _ in picked])),
        len(picked),
    )
