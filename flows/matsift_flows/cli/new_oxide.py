"""`matsift predict --study NAME --formula SrHfO3 --prototype perovskite`: one oxide, told in a few lines."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from matsift.errors import UserInputError

if TYPE_CHECKING:
    from matsift_flows.new_oxide import OxideAnswer, Said

_WIDTH = 20
_HASH_SHOWN = 12
_ROLES = {
    "train": "the model has learned from it",
    "validation": "it calibrates the interval",
    "test": "the model has not learned from it",
}
_LIMITS = "below 0.1 v.u. reads as stable, above 0.2 as suspicious"
_NOT_KEPT = "no: a crystal of these elements is read as other ions"


def predict_oxide(study: str, formula: str, prototype: str, ions: str | None, *, as_json: bool) -> None:
    """Print what a study says of an oxide.

    Raises
    ------
    UserInputError
        If the question cannot be answered; the sentence says why.
    """
    from matsift.bond_valence.new_oxide import ion_pair
    from matsift_flows.cli.options import settings
    from matsift_flows.new_oxide import answer
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    pair = ion_pair(formula, prototype, _listed(ions))
    reporter = Reporter(quiet=as_json, brief=True)
    with open_workspace(settings(), reporter) as workspace, reporter.busy("relax and predict"):
        said = answer(workspace, study, pair)
    if as_json:
        typer.echo(json.dumps(asdict(said)))
        return
    for line in answer_lines(said):
        typer.echo(line)


def required(study: str | None, formula: str | None, prototype: str | None) -> tuple[str, str, str]:
    """Return the three options that name an oxide.

    Raises
    ------
    UserInputError
        If one of them is missing.
    """
    if study is None or formula is None or prototype is None:
        given = {"--study": study, "--formula": formula, "--prototype": prototype}
        missing = [name for name, value in given.items() if value is None]
        raise UserInputError(
            f"{' and '.join(missing)} missing: give a study file to predict its candidates, or all of "
            "--study softbv_oxides --formula SrHfO3 --prototype perovskite to ask about one oxide"
        )
    return study, formula, prototype


def answer_lines(said: OxideAnswer) -> list[str]:
    """Return an answer as lines: values with their intervals, how to read them, what they rest on."""
    interval = f"{100 * said.coverage:.0f} % interval"
    lines = [
        f"{said.formula}, {said.prototype} of {' and '.join(said.ions)}, by the study {said.study}",
        _line("lattice constant", _value(said.lattice_constant_angstrom, "Å", interval)),
        *_known(said),
        _line("screening factor", _value(said.screening_factor, "", interval)),
        _line("global instability", _value(said.global_instability_index_vu, "v.u.", interval)),
        *_stability(said),
    ]
    if said.tolerance_factor is not None:
        lines.append(_line("tolerance factor", f"{said.tolerance_factor:.3f} (Shannon radii for six neighbours)"))
    kept = (said.structure_hash or "")[:_HASH_SHOWN]
    told = f"structure {kept}; `matsift why {kept}` tells what is behind it" if kept else _NOT_KEPT
    return [*lines, *_nearness(said), _line("kept", told)]


def _known(said: OxideAnswer) -> list[str]:
    known = said.known
    if known is None:
        return []
    off = 100 * (said.lattice_constant_angstrom.mean / known.lattice_constant_angstrom - 1)
    role = _ROLES.get(known.role or "", "not among those learned from")
    return [
        _line(
            "in the data", f"{known.lattice_constant_angstrom:.3f} Å in {known.source} ({role}); predicted {off:+.1f} %"
        )
    ]


def _stability(said: OxideAnswer) -> list[str]:
    found = said.stability
    reach = "" if found.best == found.worst else f"; its interval reaches from {found.best} to {found.worst}"
    lines = [_line("expected stability", f"{found.reading}{reach}"), _line("", _LIMITS)]
    if found.n_alike:
        beside = f"{found.n_higher} of the {found.n_alike} {said.prototype}s in the data have a higher index"
        lines.append(_line("", beside))
    return lines


def _nearness(said: OxideAnswer) -> list[str]:
    near = said.neighbourhood
    distance = f"{near.nearest}, {near.distance:.2f} standard deviations away (usual: up to {near.usual:.2f})"
    lines = [_line("nearest learned", f"{distance}, of {near.n_learned} {said.prototype}s")]
    if near.is_extrapolation:
        beyond = f"{', '.join(near.outside)} beyond all learned from" if near.outside else "farther than is usual"
        why = f"no oxide of {' and '.join(near.new_elements)} was learned from" if near.new_elements else beyond
        lines.append(_line("extrapolation", f"yes, {why}: the interval may hold less often than it says"))
    return lines


def _line(name: str, text: str) -> str:
    return f"  {name:<{_WIDTH}}{text}"


def _value(said: Said, unit: str, interval: str) -> str:
    return f"{said.mean:.3f}{f' {unit}' if unit else ''} ({interval} {said.lower:.3f} to {said.upper:.3f})"


def _listed(ions: str | None) -> Sequence[str]:
    return [] if ions is None else [name for name in re.split(r"[\s,]+", ions) if name]
