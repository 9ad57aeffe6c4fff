"""`matsift doctor`: versions, room, clock, connections, leases and artifacts, each with its remedy."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from matsift_flows.cli.look import Role, painted
from matsift_flows.cli.options import AsJson, settings

_ROLES = {"well": Role.GOOD, "attention": Role.ATTENTION, "ill": Role.BAD}


def doctor(as_json: AsJson = False) -> None:
    """Look for what ails this installation, and say how it is mended. Example: matsift doctor --json.

    Nothing is changed. It ends with 1 where something has to be mended before matsift works again.
    """
    from matsift_flows.health import findings
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_existing

    with open_existing(settings(), Reporter(brief=True)) as workspace:
        found = findings(workspace)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
    else:
        wide = max(len(one.about) for one in found)
        for one in found:
            typer.echo(f"{painted(f'{one.verdict:<9}', _ROLES[one.verdict])}  {one.about:<{wide}}  {one.told}")
            if one.remedy:
                typer.echo(f"{'':<9}  {'':<{wide}}  {one.remedy}")
    if any(one.verdict == "ill" for one in found):
        raise typer.Exit(1)
