"""`matsift density`: charge densities of others brought in, and those that are there looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from matsift.errors import UserInputError
from matsift.study.materials_project import MATERIAL_ID
from matsift_flows.cli.options import AsJson, Quiet, RetryFailed, settings

if TYPE_CHECKING:
    from matsift_flows.density.importing import Imported

app = typer.Typer(help="Charge densities on grids: import files, look at what is there.", no_args_is_help=True)

_MOST_SHOWN = 20
_MATERIAL = re.compile(MATERIAL_ID)


@app.command("import")
def import_(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CHGCAR, AECCAR2, ELFCAR, cube, gpw; folders of them.")
    ],
    kind: Annotated[
        Literal["dft_charge", "elf"] | None, typer.Option(help="What it is, where name and format do not say.")
    ] = None,
    electrons: Annotated[
        Literal["all", "valence"] | None, typer.Option(help="Which ones a cube file counts; default: by its integral.")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="How it was computed, for example vasp-6.4.2-pbe-520ev; default: the format.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the files, for example CC-BY-4.0.")] = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Import charge densities. Example: matsift density import run7/CHGCAR.

    The electrons are counted; each crystal becomes a structure, each density a row of analysis.volumetric_field, and
    each file without one a failure.
    """
    from matsift_adapters.fields.reading import Wishes
    from matsift_flows.density.importing import FILES, import_files
    from matsift_flows.orchestration import invoke
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    if method is not None and not method.strip():
        raise UserInputError("the method is empty; name how the densities were computed, or leave --method out")
    reporter = Reporter(quiet=quiet or as_json)
    with open_workspace(settings(), reporter, retry_failed=retry_failed) as workspace:
        wishes = Wishes(kind, electrons, method)
        done = invoke(import_files, workspace, paths, wishes, licence or FILES.licence)
    _tell(done, as_json=as_json)


@app.command()
def fetch(
    materials: Annotated[list[str], typer.Argument(metavar="ID...", help="Materials: mp-149, or mp-ft.")],
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Bring charge densities of the Materials Project in. Example: matsift density fetch mp-149.

    It takes the latest static calculation of each; the key stands in MP_API_KEY. Needs matsift[mp].
    """
    from matsift_flows.density.importing import fetch_fields
    from matsift_flows.orchestration import invoke
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    strangers = [name for name in materials if not _MATERIAL.fullmatch(name)]
    if strangers:
        raise UserInputError(f"{strangers[0]!r} is no id of the Materials Project; give ids such as mp-149")
    reporter = Reporter(quiet=quiet or as_json)
    with open_workspace(settings(), reporter, retry_failed=retry_failed) as workspace:
        done = invoke(fetch_fields, workspace, list(dict.fromkeys(materials)))
    _tell(done, as_json=as_json)


@app.command()
def show(
    structure: Annotated[str, typer.Argument(help="Beginning of a structure hash, an external id, or a formula.")],
    out: Annotated[
        Path | None, typer.Option(help="Cube file to write the one density to (unit e/bohr3), for viewers.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="Only by this method.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the densities of a structure. Example: matsift density show NaCl."""
    from matsift_flows.density.showing import shown_fields, write_cube_file
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_existing

    with open_existing(settings(), Reporter(quiet=True)) as workspace:
        rows = shown_fields(workspace, structure, method)
        if out is not None:
            if len(rows) > 1:
                raise UserInputError(
                    f"{structure} has {len(rows)} fields; name one by --method and the beginning of a structure hash"
                )
            write_cube_file(workspace, rows[0], out)
    if as_json:
        typer.echo(json.dumps(rows, default=str))
        return
    for row in rows[:_MOST_SHOWN]:
        typer.echo(_row_line(row))
    if len(rows) > _MOST_SHOWN:
        typer.echo(f"... and {len(rows) - _MOST_SHOWN} more; --json prints all")
    if out is not None:
        typer.echo(f"Written: {out}")


def _tell(done: Sequence[Imported], *, as_json: bool) -> None:
    """Print what became of each field; end with status 1 where one could not be read."""
    if as_json:
        typer.echo(json.dumps([_as_dict(one) for one in done]))
    else:
        for one in done:
            typer.echo(_line(one), err=bool(one.problem))
    if any(one.problem for one in done):
        raise typer.Exit(1)


def _line(one: Imported) -> str:
    read = one.field
    if read is None:
        return f"matsift: {one.problem}"
    points = " x ".join(map(str, read.grid.shape))
    counted = "" if read.electrons is None else f", {read.grid.n_electron:.4f} electrons ({read.electrons})"
    notes = "".join(f"; {note}" for note in read.notes)
    return f"{one.subject}: {read.kind} by {read.method}, {points}{counted}{'' if one.is_new else ', known'}{notes}"


def _as_dict(one: Imported) -> dict[str, Any]:
    read = one.field
    if read is None:
        return {"subject": one.subject, "problem": one.problem}
    return {
        "subject": one.subject,
        "structure": read.crystal.content_hash,
        "kind": read.kind,
        "method": read.method,
        "electrons": read.electrons,
        "shape": list(read.grid.shape),
        "n_electron": None if read.electrons is None else read.grid.n_electron,
        "n_electron_expected": read.n_electron_expected,
        "n_unpaired": read.n_unpaired,
        "notes": list(read.notes),
        "is_new": one.is_new,
    }


def _row_line(row: dict[str, Any]) -> str:
    points = " x ".join(map(str, row["shape"]))
    counted = ""
    if row["n_electron"] is not None:
        counted = f", {row['n_electron']:.4f} electrons ({row['electrons']})"
    if row["n_electron_expected"] is not None:
        counted += f" of {row['n_electron_expected']:g}"
    return (
        f"{row['formula']} {row['space_group_symbol'] or ''} {row['structure_hash'][:12]}: {row['kind']} by "
        f"{row['method']}, {points}, {row['volume_angstrom3']:.2f} A3{counted}"
    )
