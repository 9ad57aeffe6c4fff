"""The verbs of `matsift`, gathered."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from matsift_flows.cli import (
    campaign,
    card,
    database,
    dataset,
    density,
    doctor,
    export,
    identify,
    imports,
    proposals,
    run,
    show,
    sources,
    steps,
)

app = typer.Typer(
    name="matsift",
    help="Materials screening on one PostgreSQL schema: from crystal structures to ranked candidates.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("ingest")(sources.ingest)
app.command("group")(sources.group)
app.command("serve")(sources.serve)
for name, command in steps.COMMANDS.items():
    app.command(name)(command)
app.command("doctor")(doctor.doctor)
app.command("card")(card.card)
app.command("identify")(identify.identify)
app.command("claim")(campaign.claim)
app.command("label")(campaign.label)
for name, command in (*proposals.COMMANDS.items(), *show.COMMANDS.items()):
    app.command(name)(command)
app.add_typer(campaign.app, name="campaign")
app.add_typer(database.app, name="db")
app.add_typer(dataset.app, name="dataset")
app.add_typer(density.app, name="density")
app.add_typer(export.app, name="export")
app.add_typer(imports.app, name="import")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"matsift {version('matsift')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold the options that stand before the verb; `--debug` anywhere shows tracebacks."""
