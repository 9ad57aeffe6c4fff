"""The end of a study of space groups in a terminal: the confusion picture in letters, and the pattern identified."""

from __future__ import annotations

import numpy as np

from matsift.reports.notation import number, percent
from matsift.reports.pattern_lines import pattern_lines
from matsift.reports.patterns import group_words, space_group_symbol
from matsift.reports.space_groups import HeldOutGroups, SpaceGroupReport

_BAR = 20
_MOST_GROUPS = 24


def space_group_lines(report: SpaceGroupReport, top: int = 5, width: int | None = None) -> list[str]:
    """Return the report as lines: headline numbers, how each group fared, and the answers on patterns."""
    lines = [report.title]
    wide = max((len(item.label) for item in report.summary), default=0)
    for item in report.summary:
        note = f"  ({item.note})" if item.note else ""
        lines.append(f"  {item.label:<{wide}}  {item.value}{note}")
    if report.held_out:
        lines += ["", *confusion_lines(report.held_out[0], width)]
    for answer in report.answers:
        lines += ["", *pattern_lines(answer, top, width)]
    return lines


def confusion_lines(held: HeldOutGroups, width: int | None = None) -> list[str]:
    """Return a line a group, those with the most items first: its recall as a bar, and what else it was taken for."""
    counts = held.confusion()
    totals = counts.sum(axis=1)
    order = np.argsort(-totals, kind="stable")[:_MOST_GROUPS]
    rows = sorted(int(place) for place in order if totals[place])
    names = [group_words(held.groups[place]) for place in rows]
    wide = max(map(len, names), default=0)
    lines = [f"{held.model} on {number(len(held), 0)} structures that it has not learned from:"]
    for place, name in zip(rows, names, strict=True):
        right, total = int(counts[place, place]), int(totals[place])
        drawn = "█" * round(_BAR * right / total)
        line = f"  {name:<{wide}}  {right:>3} of {total:>3}  {drawn:<{_BAR}}  {_taken_for(held, place)}".rstrip()
        lines.append(line if width is None else line[:width].rstrip())
    if len(held.groups) > len(rows):
        lines.append(f"  {len(held.groups) - len(rows)} more groups stand in the report")
    lines.append(f"  right: {percent(float(held.is_right.mean()), 1)}")
    return lines


def _taken_for(held: HeldOutGroups, place: int) -> str:
    wrong = held.confusion()[place].copy()
    wrong[place] = 0
    order = np.argsort(-wrong, kind="stable")[:3]
    named = [f"{space_group_symbol(held.groups[int(other)])} {int(wrong[other])}" for other in order if wrong[other]]
    return ", ".join(named)
