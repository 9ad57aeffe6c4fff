"""`matsift import`: data packages of other installations."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from matsift_flows.cli.options import AsJson, Quiet, settings

app = typer.Typer(help="Take in what another installation exported.", no_args_is_help=True)


@app.callback()
def imports() -> None:
    """Keep `package` a command of its own."""


@app.command()
def package(
    path: Annotated[Path, typer.Argument(help="File that `matsift export package` wrote.")],
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Take a data package in, whole or not at all. Example: matsift import package na.zip.

    What is there already stays as it is; a second import adds nothing.
    """
    from matsift_flows.exporting.arrival import import_package
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    with open_workspace(settings(), Reporter(quiet=quiet or as_json)) as workspace:
        arrival = import_package(workspace, path)
    if as_json:
        typer.echo(json.dumps({table: asdict(taken) for table, taken in arrival.tables.items()}))
        return
    typer.echo(f"{'':<24}{'new':>10}{'there':>10}")
    for table, taken in arrival.tables.items():
        typer.echo(f"{table:<24}{taken.new:>10}{taken.there:>10}")
        if taken.differing:
            typer.echo(f"  {taken.differing} of the {table} rows that were there differ from the package; they stay")
    typer.echo(f"{path}: the study {arrival.manifest.study}, {len(arrival.manifest.models)} models")
