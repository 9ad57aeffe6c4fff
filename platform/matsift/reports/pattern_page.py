"""One identified pattern on a page or as a picture, by the ending of the file's name."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from matsift.diffraction.identify import RankedGroup
from matsift.errors import UserInputError
from matsift.reports.data import SummaryNumber
from matsift.reports.figures.patterns import group_plot, pattern_plot
from matsift.reports.notation import formula_markup, number, percent, space_group_markup
from matsift.reports.page import render_template
from matsift.reports.pattern_lines import fit_words, likelihood, members_words, wavelength_words
from matsift.reports.pattern_picture import picture
from matsift.reports.patterns import PatternAnswer, group_words, hands_words, relative_words, sentence
from matsift.reports.sections import Section
from matsift.reports.small_tables import Column, Table

_HASH_SHOWN = 12
_MOST_GROUPS = 10
_MOST_PHASES = 20


@dataclass(frozen=True)
class _Head:
    """What stands above the sections."""

    study: str
    title: str
    description: str
    summary: tuple[SummaryNumber, ...]
    meta: str
    paper: str = ""


def write_pattern(answer: PatternAnswer, path: Path) -> Path:
    """Write an answer as a page (.html) or as a picture (.svg, .png, .pdf) and return the path; the file appears whole.

    Raises
    ------
    UserInputError
        If the name has another ending, or the file cannot be written.
    """
    check_ending(path)
    write = _WRITERS[path.suffix.lower()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as aside:
            whole = Path(aside) / path.name
            write(answer, whole)
            whole.replace(path)
    except OSError as error:
        message = f"{path}: the picture cannot be written here ({error.strerror or error}); choose another place"
        raise UserInputError(message) from error
    return path


def check_ending(path: Path) -> None:
    """Refuse a name from whose ending nobody can tell what to draw.

    Raises
    ------
    UserInputError
        If it is none of .html, .svg, .png, .pdf.
    """
    if path.suffix.lower() not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise UserInputError(f"{path}: what to draw is told by the ending of the name; use one of {known}")


def render_pattern(answer: PatternAnswer) -> str:
    """Return an answer as one HTML page; the same answer gives the same text."""
    return render_template(
        "pattern.html.j2", report=_head(answer), sections=pattern_sections(answer), paper_of_figures=""
    )


def pattern_sections(answer: PatternAnswer, key: str = "") -> tuple[Section, ...]:
    """Return the pattern, the groups and the phases as sections of a page; `key` tells several patterns apart."""
    groups, hands = group_plot(answer, f"plot-groups{key}"), hands_words(answer)
    return (
        Section(
            f"pattern{key}",
            "The pattern",
            "",
            (pattern_plot(answer, f"plot-pattern{key}"),),
            notes=tuple(map(sentence, answer.processed.notes)),
        ),
        Section(
            f"groups{key}",
            "Space group",
            "There is no network, and no stored structure fits: nothing is said of the space group.",
            () if groups is None else (groups,),
            group_tables(answer),
            (sentence(hands),) if hands else (),
        ),
        Section(
            f"phases{key}",
            "Phases",
            "No stored structure fits." if answer.n_searched else "No stored structure was looked at.",
            tables=phase_tables(answer),
            notes=_phase_notes(answer),
        ),
    )


def group_tables(answer: PatternAnswer) -> tuple[Table, ...]:
    """Return the ranked groups as a table: all of the set, and some more."""
    found = answer.identification.groups
    if not found:
        return ()
    asked = any(group.network_probability is not None for group in found)
    networks = (Column("By the networks / %", True), Column("Their spread")) if asked else ()
    columns = (
        Column("#", True),
        Column("Space group"),
        Column("Probability / %", True),
        *networks,
        Column("Best score of a phase", True),
        Column(f"In the {percent(answer.coverage)} set"),
        Column("By symmetry"),
    )
    rows = tuple(
        (
            str(group.rank),
            space_group_markup(group_words(group.space_group_number)),
            number(100 * group.probability),
            *(_by_networks(group) if asked else ()),
            number(group.search_score, 2),
            "yes" if group.in_set else "no",
            relative_words(answer, group),
        )
        for position, group in enumerate(found)
        if position < _MOST_GROUPS or group.in_set
    )
    return (Table("Ranked space groups", columns, rows, wide=True),)


def _by_networks(group: RankedGroup) -> tuple[str, str]:
    mean = None if group.network_probability is None else 100 * group.network_probability
    return number(mean), members_words(group) or "–"


def phase_tables(answer: PatternAnswer) -> tuple[Table, ...]:
    """Return the phases that fit, and those that explain the pattern together."""
    found = answer.identification
    titles = {"Stored structures that fit, each on its own": found.phases[:_MOST_PHASES]}
    if len(found.mixture) > 1:
        titles["Phases that explain the pattern together"] = found.mixture
    columns = (
        Column("#", True),
        Column("Formula"),
        Column("Space group"),
        Column("Score", True),
        Column("Explains / %", True),
        Column("Moved by"),
        Column("Structure"),
        Column("Sources"),
    )
    return tuple(
        Table(
            title,
            columns,
            tuple(
                (
                    str(place),
                    formula_markup(answer.phase(phase).formula),
                    space_group_markup(group_words(phase.space_group_number)),
                    number(phase.score, 2),
                    number(100 * phase.share, 0),
                    fit_words(phase),
                    _hash(answer.phase(phase).structure_hash),
                    ", ".join(answer.phase(phase).sources),
                )
                for place, phase in enumerate(phases, start=1)
            ),
            wide=True,
        )
        for title, phases in titles.items()
        if phases
    )


def _head(answer: PatternAnswer) -> _Head:
    found, scan = answer.identification, answer.processed.pattern
    low, high = scan.two_theta_deg[[0, -1]].tolist()
    first = next(iter(found.groups), None)
    best = next(iter(found.phases), None)
    tiles = [SummaryNumber("lines found", number(len(found.peaks), 0), f"in {low:.1f} to {high:.1f}° 2θ")]
    if first is not None:
        group, share = group_words(first.space_group_number), likelihood(first.probability)
        said = (group, f"sure, {share}") if found.is_sure else ("not sure", f"likeliest: {group}, {share}")
        tiles.append(SummaryNumber("space group", *said))
    if found.volume is not None:
        between = f"{number(found.volume.lower_quartile)} to {number(found.volume.upper_quartile)}"
        tiles.append(SummaryNumber("primitive cell / Å³", number(found.volume.median), f"quartiles {between}"))
    if best is not None:
        note = f"{answer.phase(best).formula}, of {number(answer.n_searched, 0)} structures"
        tiles.append(SummaryNumber("best score of a phase", number(best.score, 2), note))
    alpha2 = ", Kα2 taken away" if answer.processed.k_alpha2 else ""
    return _Head(
        answer.study,
        f"What is {answer.name}?",
        sentence(answer.verdict),
        tuple(tiles),
        f"{number(len(scan.two_theta_deg), 0)} points, {wavelength_words(answer.wavelength_angstrom)}{alpha2}",
    )


def _phase_notes(answer: PatternAnswer) -> tuple[str, ...]:
    if not answer.identification.phases:
        return ()
    note = (
        f"The ideal lines of {number(answer.n_searched, 0)} stored structures were laid over the lines found. The "
        "score, 0 to 1, is the cosine between both; it says that the lines fit, not that the elements are these: "
        "isotypic crystals with like cells have like lines."
    )
    return (note,)


def _hash(content_hash: str) -> Markup:
    return Markup('<code title="{}">{}</code>').format(content_hash, content_hash[:_HASH_SHOWN])


def _write_page(answer: PatternAnswer, path: Path) -> None:
    path.write_text(render_pattern(answer), encoding="utf-8")


_WRITERS: dict[str, Callable[[PatternAnswer, Path], None]] = {
    ".html": _write_page,
    ".svg": picture,
    ".png": picture,
    ".pdf": picture,
}
