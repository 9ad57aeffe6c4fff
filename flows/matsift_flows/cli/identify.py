"""`matsift identify pattern.xy --wavelength CuKa`: what a measured powder pattern is, told in a few lines and drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matsift.errors import UserInputError
from matsift_flows.cli.look import width
from matsift_flows.cli.options import AsJson, Quiet, settings
from matsift_flows.cli.tables import print_titled

if TYPE_CHECKING:
    from matsift.diffraction.identify import PhaseMatch
    from matsift.diffraction.measured import ProcessedPattern
    from matsift.reports.patterns import PatternAnswer
    from matsift_flows.workspace import Workspace

_TOP = 5
_NO_FILE_NAME = re.compile(r"[^\w.+-]+")
_LONGEST_STEM = 80


def identify(
    patterns: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Measured patterns: xy, xye, csv, xrdml, raw, brml, ras.")
    ],
    wavelength: Annotated[
        str | None, typer.Option(help="By name, CuKa, or in angstrom, 1.5406; default: what the file states.")
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="Name of the study whose networks to ask; default: the one trained last.")
    ] = None,
    no_network: Annotated[bool, typer.Option("--no-network", help="Only look through stored structures.")] = False,
    top: Annotated[int, typer.Option(min=1, help="Space groups and phases to print.")] = _TOP,
    out: Annotated[
        Path | None,
        typer.Option(help="Picture or page of the one pattern: .html, .svg, .png, .pdf; default: a page each."),
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Identify measured powder patterns. Example: matsift identify pattern.xy --wavelength CuKa.

    They are asked of the networks of a study and laid beside the lines of all stored structures.
    """
    from matsift.reports.pattern_page import check_ending
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    if out is not None:
        check_ending(out)
        if len(patterns) > 1:
            raise UserInputError(f"--out {out} names one file for {len(patterns)} patterns; leave it out, or name one")
    read = _read(patterns, wavelength)
    with open_workspace(settings(), Reporter(quiet=quiet or as_json)) as workspace:
        for path, processed in read:
            _answer(workspace, path, processed, _Wishes(study, not no_network, top, out, as_json))
    if len(read) < len(patterns):
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Wishes:
    """What the options say."""

    study: str | None
    use_network: bool
    top: int
    out: Path | None
    as_json: bool


def _read(paths: Sequence[Path], wavelength: str | None) -> list[tuple[Path, ProcessedPattern]]:
    """Return the patterns with their lines; of several files those that hold none get their sentence and are left out.

    Raises
    ------
    UserInputError
        If the only file holds no pattern.
    """
    from matsift.diffraction.measured import process
    from matsift_adapters.patterns import read_pattern

    read = []
    for path in paths:
        try:
            read.append((path, process(read_pattern(path), wavelength)))
        except UserInputError as error:
            if len(paths) == 1:
                raise
            typer.echo(f"matsift: {error}", err=True)
    return read


def _answer(workspace: Workspace, path: Path, processed: ProcessedPattern, wishes: _Wishes) -> None:
    """Identify a pattern, draw it, and print the answer."""
    from matsift.reports.pattern_lines import pattern_lines
    from matsift.reports.pattern_page import write_pattern
    from matsift_flows.diffraction.answers import pattern_answer
    from matsift_flows.diffraction.identify import identify_pattern
    from matsift_flows.orchestration import invoke

    with workspace.reporter.busy(f"identify {path.name}"):
        said = invoke(identify_pattern, workspace, processed, study=wishes.study, use_network=wishes.use_network)
        answer = pattern_answer(processed, said, file_name=path.name)
        drawn = write_pattern(answer, wishes.out or _page(workspace, path, said.identification_id))
    if wishes.as_json:
        typer.echo(json.dumps({**answer_json(answer, wishes.top), "id": said.identification_id, "drawn": str(drawn)}))
        return
    print_titled(pattern_lines(answer, wishes.top, width()))
    typer.echo(f"Kept as answer {said.identification_id}{'' if said.is_new else ', given before'}")
    typer.echo(f"Drawn: {drawn}")


def answer_json(answer: PatternAnswer, top: int) -> dict[str, Any]:
    """Return an answer as plain values: its lines, groups, volume and phases."""
    found = answer.identification
    volume = found.volume
    return {
        "pattern": answer.name,
        "wavelength_angstrom": answer.wavelength_angstrom,
        "study": answer.study,
        "peaks": {
            "two_theta_deg": found.peaks.two_theta_deg.tolist(),
            "q_per_angstrom": found.peaks.q.tolist(),
            "intensity": found.peaks.intensity.tolist(),
        },
        "is_sure": found.is_sure,
        "reason": found.reason,
        "set": list(found.likely_set),
        "coverage": answer.coverage,
        "space_groups": [
            {
                "number": group.space_group_number,
                "rank": group.rank,
                "probability": group.probability,
                "network_probability": group.network_probability,
                "member_probabilities": list(group.member_probabilities),
                "search_score": group.search_score,
                "in_set": group.in_set,
            }
            for group in found.groups
            if group.rank <= top or group.in_set
        ],
        "primitive_cell_volume_angstrom3": None
        if volume is None
        else {"median": volume.median, "lower": volume.lower_quartile, "upper": volume.upper_quartile},
        "n_searched": answer.n_searched,
        "phases": [_phase_json(answer, phase) for phase in found.phases[:top]],
        "together": [_phase_json(answer, phase) for phase in found.mixture],
        "notes": list(answer.processed.notes),
    }


def _phase_json(answer: PatternAnswer, phase: PhaseMatch) -> dict[str, Any]:
    known = answer.phase(phase)
    return {
        "structure": known.structure_hash,
        "formula": known.formula,
        "sources": list(known.sources),
        "space_group_number": phase.space_group_number,
        "score": phase.score,
        "share": phase.share,
        "cell_scale": phase.cell_scale,
        "zero_shift_deg": phase.zero_shift_deg,
    }


def _page(workspace: Workspace, pattern: Path, identification_id: int) -> Path:
    """Return where the page of an answer is kept unless another place is asked for."""
    stem = _NO_FILE_NAME.sub("_", pattern.name)[:_LONGEST_STEM]
    return workspace.settings.home / "patterns" / f"{stem}-{identification_id}.html"
