"""The tables of measured patterns as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from benchmarks.measured_patterns.answers import Answer, Asked, Found, rates
from benchmarks.measured_patterns.lines import Lines
from benchmarks.measured_patterns.mixed import Mixed, is_mixture
from benchmarks.measured_patterns.patterns import Case
from benchmarks.repro_001.tables import markdown
from numpy.typing import NDArray

_BANDS = (0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.0)


def read(cases: Sequence[Case], lines: Sequence[Lines]) -> list[str]:
    """Return how many patterns have lines, and why others have none."""
    counts = [len(one) for one in lines if not isinstance(one, str)]
    low, middle, high = np.quantile(counts, [0.05, 0.5, 0.95])
    told = (
        f"{len(cases)} {cases[0].kind.split()[0]} patterns, lines in {len(counts)}: {middle:.0f} in the median, "
        f"{low:.0f} to {high:.0f} in nine of ten."
    )
    refused = [f"- {case.name}: {one}" for case, one in zip(cases, lines, strict=True) if isinstance(one, str)]
    return [told, "", *refused, *([""] if refused else [])]


def coverage(asked: Asked, groups: Sequence[int], index_groups: NDArray[np.int64]) -> list[str]:
    """Return of how many patterns the group is known to the networks, and how many stored crystals have it."""
    known = np.isin(asked.groups, np.array(groups))
    stored = Counter(index_groups.tolist())
    counts = np.array([stored[int(group)] for group in asked.groups])
    networks = f"The networks know {len(groups)} space groups, those of {int(known.sum())} of {len(known)} patterns. "
    told = (
        f"{networks if groups else ''}The index holds {len(index_groups)} crystals; of the true group none for "
        f"{int((counts == 0).sum())} patterns, fewer than 20 for {int((counts < 20).sum())}. Which mineral a pattern "
        "shows is not stated, so what part of the minerals is in the index is seen from the scores alone."
    )
    return [told, ""]


def answers(asked: Asked, of: Mapping[str, Sequence[Answer]], known: NDArray[np.bool_]) -> list[str]:
    """Return the rates of each way, over all patterns and over those whose group the networks know."""
    rows = []
    for name, told in of.items():
        for part, chosen in (("all", None), ("known to the networks", known)):
            if chosen is not None and not chosen.any():
                continue
            one = rates(asked, told, chosen)
            shares = (one.first, one.among_five, one.same_lines, one.in_set)
            rows.append((name, f"{part} ({one.n})", *(f"{share:.1%}" for share in shares), f"{one.set_size:.1f}"))
    header = ("", "patterns", "top 1", "top 5", "top 1 by lines", "in the 90 % set", "groups in a set")
    return markdown(header, rows)


def by_score(asked: Asked, found: Sequence[Found], told: Sequence[Answer]) -> list[str]:
    """Return how often the search is right, by the score of the best profile."""
    best = np.array([one.scores[0] if len(one.scores) else 0.0 for one in found])
    rows, above = [], np.inf
    for least in _BANDS:
        chosen = (best >= least) & (best < above)
        above = least
        if chosen.any():
            one = rates(asked, told, chosen)
            rows.append((f"{least:g} or more", str(one.n), f"{one.first:.0%}", f"{one.among_five:.0%}"))
    return markdown(("best profile's score", "patterns", "top 1", "top 5"), rows)


def by_group(asked: Asked, of: Mapping[str, Sequence[Answer]], least: int = 8) -> list[str]:
    """Return top 1 by true space group, for groups with enough patterns."""
    rows = []
    for group, n in Counter(asked.groups.tolist()).most_common():
        if n >= least:
            chosen = asked.groups == group
            rows.append((str(group), str(n), *(f"{rates(asked, told, chosen).first:.0%}" for told in of.values())))
    return markdown(("space group", "patterns", *of), rows)


def one_by_one(asked: Asked, of: Mapping[str, Sequence[Answer]]) -> list[str]:
    """Return what each way says of each pattern: the first group, and the place of the true one."""
    rows = [
        (case.name, str(int(group)), *(f"{told[i].first} ({told[i].place or '-'})" for told in of.values()))
        for i, (case, group) in enumerate(zip(asked.cases, asked.groups, strict=True))
    ]
    return markdown(("pattern", "true", *(f"{name}: told (place of the true one)" for name in of)), rows)


def mixtures(found: Sequence[Mixed]) -> list[str]:
    """Return how many powders of mixtures are found, and whether what is told of reactions is possible."""
    weighed = [one for one in found if is_mixture(one)]
    heated = [one for one in found if not is_mixture(one)]
    rows = []
    for title, part in (
        ("scans of 2 minutes", [one for one in weighed if one.name.endswith("2min")]),
        ("scans of 8 minutes", [one for one in weighed if one.name.endswith("8min")]),
    ):
        if not part:
            continue
        named = sum(len(one.stored) for one in part)
        rows.append(
            (
                title,
                str(len(part)),
                f"{named} of {sum(len(one.powders) for one in part)}",
                f"{sum(one.n_found for one in part) / max(1, named):.0%}",
                f"{sum(one.n_fitting for one in part) / max(1, named):.0%}",
                f"{np.mean([one.is_possible for one in part]):.0%}",
            )
        )
    if heated:
        possible = f"{np.mean([one.is_possible for one in heated]):.0%}"
        rows.append(("powders after heating", str(len(heated)), "", "", "", possible))
    header = (
        "",
        "patterns",
        "powders in the index",
        "of those told as phases",
        "or among the 20 best",
        "strongest phase has possible elements",
    )
    return markdown(header, rows)
