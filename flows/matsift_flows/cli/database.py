"""`matsift db`: the embedded PostgreSQL, or the one of MATSIFT_DATABASE_URL."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from matsift.errors import DatabaseError
from matsift_adapters import embedded_postgres
from matsift_adapters.backups_manifest import Manifest
from matsift_adapters.settings import Settings

app = typer.Typer(help="The database: start, stop, upgrade, look inside.", no_args_is_help=True)


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)


@app.command()
def start() -> None:
    """Start the embedded PostgreSQL. Example: matsift db start."""
    status = embedded_postgres.start(Settings.load(), tell=_tell)
    typer.echo(f"PostgreSQL {status.version} runs in {status.folder} (process {status.pid})")


@app.command()
def stop() -> None:
    """Stop the embedded PostgreSQL. Example: matsift db stop."""
    was_running = embedded_postgres.stop(Settings.load(), tell=_tell)
    typer.echo("PostgreSQL is stopped" if was_running else "PostgreSQL was not running")


@app.command()
def url() -> None:
    """Print the address of the database, started if need be. Example: psql "$(matsift db url)"."""
    typer.echo(embedded_postgres.ensure_running(Settings.load(), tell=_tell))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def shell(context: typer.Context) -> None:
    """Open psql on the database; further arguments go to psql. Example: matsift db shell -c 'TABLE analysis.run'."""
    embedded_postgres.shell(Settings.load(), list(context.args), tell=_tell)


@app.command()
def upgrade() -> None:
    """Bring the schema to this version of matsift. Example: matsift db upgrade."""
    from matsift_schema import engine

    address = embedded_postgres.ensure_usable(Settings.load(), tell=_tell)
    engine.upgrade(address)
    typer.echo(f"The schema is at revision {engine.current(address)}")


@app.command()
def check() -> None:
    """Check that the database can be used and that its schema is this version's. Example: matsift db check."""
    from matsift_schema import engine

    address = embedded_postgres.ensure_usable(Settings.load(), tell=_tell)
    engine.require_ready(address)
    differences = engine.check(address)
    if differences:
        raise DatabaseError(
            f"the schema differs from this version's tables: {'; '.join(differences)}; run `matsift db upgrade`"
        )
    typer.echo(f"The database is ready, its schema is at revision {engine.current(address)}")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print what the embedded PostgreSQL is doing, without starting it. Example: matsift db status."""
    found = asdict(embedded_postgres.status(Settings.load()))
    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    for key, value in found.items():
        if value is not None:
            typer.echo(f"{key:<12}{value}")


@app.command()
def backup(
    path: Annotated[Path, typer.Argument(help="File to write.")],
    database_only: Annotated[bool, typer.Option("--database-only", help="Leave out the artifacts.")] = False,
    without_missing: Annotated[
        bool, typer.Option("--without-missing", help="Leave out artifacts that are missing or damaged, and list them.")
    ] = False,
) -> None:
    """Write the database and the artifacts its rows name to one file. Example: matsift db backup monday.backup."""
    from matsift_flows.backups import make_backup

    manifest = make_backup(
        Settings.load(), path, database_only=database_only, without_missing=without_missing, tell=_tell
    )
    typer.echo(f"Written: {path}, {_held(manifest)}")


@app.command()
def verify(path: Annotated[Path, typer.Argument(help="File that `matsift db backup` wrote.")]) -> None:
    """Check that a backup is whole, and print what it holds. Example: matsift db verify monday.backup."""
    from matsift_flows.backups import verify_backup

    manifest = verify_backup(path)
    if manifest is None:
        typer.echo(
            f"{path} is a database alone, as matsift 0.1.0 wrote it, without checksums: only a restore tells more"
        )
    else:
        typer.echo(f"{path} is whole: {_held(manifest)}")


@app.command()
def restore(
    path: Annotated[Path, typer.Argument(help="File that `matsift db backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Drop what the database holds now.")] = False,
) -> None:
    """Load a backup, the database whole or not at all. Example: matsift db restore monday.backup."""
    from matsift_flows.backups import restore_backup
    from matsift_schema import engine

    restored = restore_backup(Settings.load(), path, replace=replace, tell=_tell)
    typer.echo(f"Restored from {path}, {restored.n_artifact} artifacts")
    if restored.n_artifact == 0 or restored.manifest is None or restored.manifest.missing:
        typer.echo("What rows name and the backup did not hold, `matsift doctor` tells")
    if restored.revision != engine.head():
        typer.echo(f"Its schema is at revision {restored.revision} of {engine.head()}; run `matsift db upgrade`")


def _held(manifest: Manifest) -> str:
    """Tell what a backup holds."""
    told = [
        f"made at {manifest.made_at:%Y-%m-%d %H:%M} UTC by matsift {manifest.matsift}",
        f"the database of schema revision {manifest.schema_revision} from PostgreSQL {manifest.postgresql}",
    ]
    if manifest.artifacts is None:
        told.append("no artifacts")
    else:
        n_byte = sum(member.n_byte for member in manifest.artifacts)
        told.append(f"{len(manifest.artifacts)} artifacts of {n_byte / 2**20:.1f} MiB")
    if manifest.missing:
        told.append(f"without {len(manifest.missing)} that rows name and that were missing or damaged")
    return ", ".join(told)
