"""`matsift identify pattern.xy --wavelength CuKa`: what a measured powder pattern is, told in a few lines and drawn."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matsift_flows.cli.options import AsJson, Quiet, settings

if TYPE_CHECKING:
    from matsift.diffraction.identify import PhaseMatch
    from matsift.reports.patterns import PatternAnswer
    from matsift_flows.workspace import Workspace

_TOP = 5
_NO_FILE_NAME = re.compile(r"[^\w.+-]+")
_LONGEST_STEM = 80


def identify(
    pattern: Annotated[Path, typer.Argument(help="File of a measured pattern: xy, xye, csv, xrdml, raw, brml, ras.")],
    wavelength: Annotated[
        str | None, typer.Option(help="By name, CuKa, or in angstrom, 1.5406; default: what the file states.")
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="Name of the study whose networks to ask; default: the one trained last.")
    ] = None,
    no_network: Annotated[bool, typer.Option("--no-network", help="Only look through stored structures.")] = False,
    top: Annotated[int, typer.Option(min=1, help="Space groups and phases to print.")] = _TOP,
    out: Annotated[
        Path | None, typer.Option(help="Picture or page to write: .html, .svg, .png, .pdf; default: a page.")
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Identify a measured powder pattern. Example: matsift identify pattern.xy --wavelength CuKa.

    It is asked of the networks of a study and laid beside the lines of all stored structures.
    """
    from matsift.diffraction.measured import process
    from matsift.reports.pattern_lines import pattern_lines
    from matsift.reports.pattern_page import check_ending, write_pattern
    from matsift_adapters.patterns import read_pattern
    from matsift_flows.diffraction.answers import pattern_answer
    from matsift_flows.diffraction.identify import identify_pattern
    from matsift_flows.orchestration import invoke
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    if out is not None:
        check_ending(out)
    processed = process(read_pattern(pattern), wavelength)
    with open_workspace(settings(), Reporter(quiet=quiet or as_json)) as workspace:
        identified = invoke(identify_pattern, workspace, processed, study=study, use_network=not no_network)
        drawn = out or _page(workspace, pattern)
    answer = pattern_answer(processed, identified)
    write_pattern(answer, drawn)
    if as_json:
        typer.echo(json.dumps({**answer_json(answer, top), "id": identified.identification_id, "drawn": str(drawn)}))
        return
    title, *lines = pattern_lines(answer, top, shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
    typer.secho(title, bold=True)
    for line in lines:
        typer.echo(line)
    typer.echo(f"Kept as answer {identified.identification_id}{'' if identified.is_new else ', given before'}")
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


def _page(workspace: Workspace, pattern: Path) -> Path:
    """Return where the page of a pattern is kept unless another place is asked for."""
    stem = _NO_FILE_NAME.sub("_", pattern.name)[:_LONGEST_STEM]
    return workspace.settings.home / "patterns" / f"{stem}.html"
