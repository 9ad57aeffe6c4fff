"""The answer on a powder pattern as plain lines, for a terminal of any width."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

from matsift.diffraction.grid import WAVELENGTHS
from matsift.diffraction.identify import PhaseMatch, RankedGroup
from matsift.reports.notation import number, percent
from matsift.reports.patterns import PatternAnswer, group_words, hands_words, relative_words

_NAME_WIDTH = 18
_GAP = "  "
_HASH_SHOWN = 12
_LINES_NAMED = 5
_SAME_WAVELENGTH = 5e-5
_FEWEST_COLUMNS = 4
_NEARLY = 0.5  # per cent
_SHOWN_SCALE = 5e-5  # a cell that is stretched by less is said to fit as it is


def pattern_lines(answer: PatternAnswer, top: int = 5, width: int | None = None) -> list[str]:
    """Return an answer as lines: what was found, the space groups, the cell, the phases.

    Parameters
    ----------
    answer
        The answer.
    top
        Groups and phases to show; all groups of the set are shown in any case.
    width
        Columns of the terminal, to which sentences are folded; None leaves them whole.
    """
    found = answer.identification
    lines = [*_folded(_head(answer), width), *_named("lines found", _found(answer), width)]
    for note in answer.processed.notes:
        lines += _named("note", note, width)
    if answer.made_from:
        lines += _named("made from", answer.made_from, width)
    lines += _named("space group", _verdict(answer), width)
    shown = [group for position, group in enumerate(found.groups) if position < top or group.in_set]
    lines += _table([_group_cells(answer, group) for group in shown], width)
    if hands := hands_words(answer):
        lines += _named("", hands, width)
    lines += _named("primitive cell", _volume(answer), width)
    lines += _named("phases", _phases(answer), width)
    lines += _table([_phase_cells(answer, phase) for phase in found.phases[:top]], width)
    if len(found.mixture) > 1:
        lines += _named("together", _mixture(answer), width)
    return lines


def wavelength_words(wavelength: float) -> str:
    """Return a wavelength as ``1.5406 Å (CuKa1)``; the name only where it is one of the known ones."""
    names = [name for name, known in WAVELENGTHS.items() if abs(known - wavelength) < _SAME_WAVELENGTH]
    return f"{wavelength:.4f} Å" + (f" ({names[0]})" if names else "")


def members_words(group: RankedGroup) -> str:
    """Return how far the members of the ensemble lie apart: ``members 41 to 72 %``; empty without any."""
    if not group.member_probabilities:
        return ""
    low, high = (f"{100 * p:.0f}" for p in (min(group.member_probabilities), max(group.member_probabilities)))
    return f"members {low} to {high} %" if low != high else f"members {low} %"


def likelihood(probability: float) -> str:
    """Return a probability in per cent that is never told as none or all."""
    if probability < _NEARLY / 100:
        return "<1 %"
    return ">99 %" if probability > 1 - _NEARLY / 100 else percent(probability)


def fit_words(phase: PhaseMatch) -> str:
    """Return how a phase was moved onto the pattern: ``cell +0.12 %, zero +0.03°``."""
    scale = phase.cell_scale - 1
    stretched = "as stored" if abs(scale) < _SHOWN_SCALE else f"{100 * scale:+.2f} %"
    return f"cell {stretched}, zero {phase.zero_shift_deg:+.2f}°".replace("-", "−")


def _head(answer: PatternAnswer) -> str:
    pattern = answer.processed.pattern
    low, high = pattern.two_theta_deg[[0, -1]].tolist()
    return (
        f"{answer.name}: {number(len(pattern.two_theta_deg), 0)} points, {low:.2f} to {high:.2f}° 2θ, "
        f"{wavelength_words(answer.wavelength_angstrom)}{', Kα2 taken away' if answer.processed.k_alpha2 else ''}"
    )


def _found(answer: PatternAnswer) -> str:
    peaks = answer.identification.peaks
    scan = answer.processed.pattern
    heights = np.interp(peaks.two_theta_deg, scan.two_theta_deg, answer.processed.net)
    strongest = np.argsort(-heights, kind="stable")[:_LINES_NAMED]
    angles = ", ".join(f"{angle:.2f}°" for angle in peaks.two_theta_deg[strongest].tolist())
    return f"{len(peaks)}, the strongest at {angles}" if len(peaks) > 1 else f"{len(peaks)}, at {angles}"


def _verdict(answer: PatternAnswer) -> str:
    found = answer.identification
    truth = ""
    if answer.true_group is not None:
        ranks = [group.rank for group in found.groups if group.space_group_number == answer.true_group]
        truth = f" (true: {group_words(answer.true_group)}, {f'rank {ranks[0]}' if ranks else 'not ranked'})"
    return f"{answer.verdict}{truth}"


def _group_cells(answer: PatternAnswer, group: RankedGroup) -> tuple[str, ...]:
    score = "" if group.search_score is None else f"best fit {group.search_score:.2f}"
    inside = "in the set" if group.in_set else ""
    name = group_words(group.space_group_number)
    share, related = likelihood(group.probability), relative_words(answer, group)
    return (f"{group.rank}", name, share, members_words(group), score, inside, related)


def _volume(answer: PatternAnswer) -> str:
    volume = answer.identification.volume
    if volume is None:
        return "no network says its volume"
    low, high = (number(value) for value in (volume.lower_quartile, volume.upper_quartile))
    members = f"; members {number(min(volume.members))} to {number(max(volume.members))}" if volume.members else ""
    return f"{number(volume.median)} Å³ (half of such answers lie between {low} and {high}{members})"


def _phases(answer: PatternAnswer) -> str:
    if not answer.n_searched:
        return "no stored structure was looked at"
    among = f"of {number(answer.n_searched, 0)} stored structures"
    return f"{among}, by the score of their lines" if answer.identification.phases else f"none {among} fits"


def _phase_cells(answer: PatternAnswer, phase: PhaseMatch) -> tuple[str, ...]:
    known = answer.phase(phase)
    source = known.sources[0] if known.sources else ""
    group = group_words(phase.space_group_number)
    explains = f"explains {percent(phase.share)}"
    rank, score = f"{phase.rank}", f"{phase.score:.2f}"
    return (rank, score, known.formula, group, fit_words(phase), explains, known.structure_hash[:_HASH_SHOWN], source)


def _mixture(answer: PatternAnswer) -> str:
    parts = [
        f"{answer.phase(phase).formula} in {group_words(phase.space_group_number)} {percent(phase.share)}"
        for phase in answer.identification.mixture
    ]
    return f"{' and '.join(parts)} of what was measured"


def _named(name: str, text: str, width: int | None) -> list[str]:
    first, rest = f"  {name:<{_NAME_WIDTH}}", " " * (_NAME_WIDTH + 2)
    return _folded(text, width, first, rest)


def _folded(text: str, width: int | None, first: str = "", rest: str = "") -> list[str]:
    if width is None:
        return [first + text]
    return textwrap.wrap(
        text,
        max(width, len(rest) + 30),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(rows: Sequence[tuple[str, ...]], width: int | None) -> list[str]:
    """Return rows under the names without their empty columns; the last go where the terminal is too narrow."""
    kept = [column for column in zip(*rows, strict=True) if any(column)]
    indent = " " * (_NAME_WIDTH + 2)
    lines = _aligned(kept, indent)
    while width is not None and len(kept) > _FEWEST_COLUMNS and max(map(len, lines)) > width:
        kept.pop()
        lines = _aligned(kept, indent)
    return lines


def _aligned(columns: Sequence[Sequence[str]], indent: str) -> list[str]:
    widths = [max(map(len, column)) for column in columns]
    return [
        (indent + _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in zip(*columns, strict=True)
    ]
