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

_WIDTH = 24
_HASH_SHOWN = 12


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
    with open_workspace(settings(), Reporter(quiet=True)) as workspace:
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
    near, interval = said.neighbourhood, f"{100 * said.coverage:.0f} % interval"
    index = said.global_instability_index
    lines = [f"{said.formula}, {said.prototype} of {' and '.join(said.ions)}, by the study {said.study}"]
    lines += _named("lattice constant", f"{_value(said.lattice_constant, 'Å', interval)}")
    if said.reference is not None:
        off = 100 * (said.lattice_constant.mean / said.reference - 1)
        lines += _named("in the data", f"{said.reference:.3f} Å ({said.reference_method}); predicted {off:+.1f} % off")
    lines += _named("screening factor", _value(said.screening_factor, "", interval))
    lines += _named("global instability", _value(index, "v.u.", interval))
    lines += _named("expected stability", f"{said.stability} (below 0.1 v.u. reads as stable, above 0.2 as suspicious)")
    if said.tolerance_factor is not None:
        lines += _named("tolerance factor", f"{said.tolerance_factor:.3f} (Shannon radii for six neighbours)")
    distance = f"{near.nearest}, {near.distance:.2f} standard deviations away (95 % are within {near.usual:.2f})"
    lines += _named("nearest learned", f"{distance}, of {near.n_learned} oxides")
    if near.is_extrapolation:
        beyond = f"{', '.join(near.outside)} beyond all learned from" if near.outside else "farther than is usual"
        lines += _named("extrapolation", f"yes, {beyond}: the interval may hold less often than it says")
    if said.structure_hash is None:
        lines += _named("kept", "no: a crystal of these elements is read as other ions")
    else:
        lines += _named(
            "kept as", f"structure {said.structure_hash[:_HASH_SHOWN]}; matsift why {said.structure_hash[:_HASH_SHOWN]}"
        )
    return lines


def _named(name: str, text: str) -> list[str]:
    return [f"  {name:<{_WIDTH}}{text}"]


def _value(said: Said, unit: str, interval: str) -> str:
    return f"{said.mean:.3f}{f' {unit}' if unit else ''} ({interval} {said.lower:.3f} to {said.upper:.3f})"


def _listed(ions: str | None) -> Sequence[str]:
    return [] if ions is None else [name for name in re.split(r"[\s,]+", ions) if name]
