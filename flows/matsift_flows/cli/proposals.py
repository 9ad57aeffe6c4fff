"""Verbs on new compositions: those that a study proposed, and what its searches asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from matsift.errors import UserInputError
from matsift.reports.notation import in_unit, quantity, symbol
from matsift_flows.cli.options import AsJson, StudyName, settings

Row = Mapping[str, Any]

_FORMULA_WIDTH = 16


def compositions(
    study: StudyName,
    top: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 20,
    origin: Annotated[
        Literal["gan", "latent_search", "rules", "random"] | None, typer.Option(help="Only what came about so.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the compositions that a study proposed. Example: matsift compositions wide_gap --top 10.

    The best by the model of the study's property first, with interval, nearest known formula, crystal, and what an
    oracle was asked for it.
    """
    from matsift_schema.store.proposals import compositions_of

    rows = _read(study, lambda session: compositions_of(session, study, origin=origin))
    if as_json:
        typer.echo(json.dumps(rows, default=str))
        return
    for row in rows[:top]:
        typer.echo(_composition_line(row))
    if len(rows) > top:
        typer.echo(f"... and {len(rows) - top} more; --top N prints them, --json all of them")


def suggestions(
    study: StudyName,
    top: Annotated[int, typer.Option(min=1, help="Rows to print, the newest of each search.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Print what the searches of a study asked for. Example: matsift suggestions wide_gap."""
    from matsift_schema.store.proposals import suggestions_of

    rows = _read(study, lambda session: suggestions_of(session, study))
    if as_json:
        typer.echo(json.dumps(rows, default=str))
        return
    for search in dict.fromkeys((row["search"], row["campaign_hash"]) for row in rows):
        own = [row for row in rows if (row["search"], row["campaign_hash"]) == search]
        n_decoded = sum(row["decodes"] for row in own)
        typer.echo(f"{search[0]}: {len(own)} suggestions, {n_decoded} decode")
        for row in own[-top:]:
            typer.echo(_suggestion_line(row))


def _read(study: str, read: Callable[[Any], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return rows of a study, told plainly where there are none."""
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_existing
    from matsift_schema.store.proposals import studies_with_proposals

    with open_existing(settings(), Reporter(brief=True)) as workspace, workspace.sessions.begin() as session:
        rows = read(session)
        known: Sequence[str] = [] if rows else studies_with_proposals(session)
    if not rows:
        there = f"there are {', '.join(known)}" if known else "none did yet: matsift run studies/wide_gap.toml"
        raise UserInputError(f"no study {study!r} proposed such compositions; {there}")
    return rows


def _composition_line(row: Row) -> str:
    unit = row["unit"] or ""
    value = in_unit(quantity(row["mean"], unit), unit)
    within = f"{quantity(row['lower'], unit)} to {quantity(row['upper'], unit)}"
    parts = [f"{row['formula']:<{_FORMULA_WIDTH}}{value:>14}  ({within})", row["origin"]]
    if row["nearest_formula"]:
        parts.append(f"near {row['nearest_formula']} ({row['nearest_distance']:.2f})")
    if row["outcome"] == "relaxed":
        hull = (
            "" if row["energy_above_hull_ev"] is None else f", {row['energy_above_hull_ev']:.3f} eV/atom above the hull"
        )
        parts.append(f"{row['space_group_symbol']} from {row['template_formula']}{hull}")
    elif row["outcome"]:
        parts.append(row["outcome"] if row["reason"] is None else f"{row['outcome']}: {row['reason']}")
    parts += [_handed_on(asked) for asked in row["hand_offs"] or ()]
    return "; ".join(parts)


def _handed_on(row: Row) -> str:
    said = f"{symbol(row['property_name'])} by {row['oracle']}"
    if row["value"] is not None:
        return f"{said} {in_unit(quantity(row['value'], row['unit']), row['unit'])}"
    return f"{said}: {row['status']}, {row['reason']}" if row["status"] == "failed" else f"{said}: {row['status']}"


def _suggestion_line(row: Row) -> str:
    unit = row["unit"]
    what = row["reason"] if row["formula"] is None else row["formula"]
    value = "" if row["value"] is None else f" {in_unit(quantity(row['value'], unit), unit)}"
    return f"  {row['number']:>5}, round {row['round'] + 1}: {what}{value}"


COMMANDS: dict[str, Callable[..., Any]] = {"compositions": compositions, "suggestions": suggestions}
