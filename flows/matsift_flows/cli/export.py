"""`matsift export`: views, rankings, structures and data packages, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from matsift_flows.cli.completion import source_names, study_files, view_names
from matsift_flows.cli.options import AsJson, Overrides, Quiet, StudyPath, settings

app = typer.Typer(help="Write what the database holds to files.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", "-o", help="File to write; it appears whole or not at all.")]
TableFormatName = Annotated[
    str | None, typer.Option("--format", help="csv, parquet or jsonl; default: as the name of the file says.")
]
Licences = Annotated[
    list[str] | None,
    typer.Option("--licence", metavar="NAME", help="Only what is under this licence; may be repeated."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="CONDITION", help='For example n_site<=20, formula=NaCl, "elements has Na"; may be repeated.'
    ),
]


@app.command()
def views(as_json: AsJson = False) -> None:
    """List the views of the schema `analysis`. Example: matsift export views."""
    from matsift_flows.exporting.tables import views as list_views
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_existing

    with open_existing(settings(), Reporter(quiet=True)) as workspace:
        found = list_views(workspace)
    if as_json:
        typer.echo(json.dumps(dict(found)))
        return
    width = max(len(name) for name, _ in found)
    for name, comment in found:
        typer.echo(f"{name:<{width}}  {comment}")


@app.command()
def view(
    name: Annotated[
        str, typer.Argument(help="View of the schema analysis, for example label.", autocompletion=view_names)
    ],
    out: Out,
    form: TableFormatName = None,
    where: Where = None,
    licence: Licences = None,
    order_by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help='Column to order by, for example "value desc".')
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows at most.")] = None,
    quiet: Quiet = False,
) -> None:
    """Write a view to CSV, Parquet or JSON Lines. Example: matsift export view label -o labels.parquet.

    Where the rows are of structures, a column `licences` is added.
    """
    from matsift.exchange.conditions import Condition, OrderBy
    from matsift_adapters.exporters.tables import table_format
    from matsift_flows.exporting.tables import export_view
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_existing

    chosen = table_format(out, form)
    conditions = [Condition.parse(written) for written in where or ()]
    order = None if order_by is None else OrderBy.parse(order_by)
    with open_existing(settings(), Reporter(quiet=quiet)) as workspace:
        n = export_view(
            workspace, name, out, chosen, conditions=conditions, licences=licence or (), order=order, limit=limit
        )
    typer.echo(f"{out}: {n} rows of {name}")


@app.command()
def ranking(
    study: StudyPath,
    out: Out,
    form: TableFormatName = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only the best; default: all, those left out last.")] = None,
    licence: Licences = None,
    overrides: Overrides = None,
    quiet: Quiet = False,
) -> None:
    """Write the ranking of a study. Example: matsift export ranking studies/na_electrolytes.toml -o best.csv --top 50.

    What is missing behind it is computed first.
    """
    from matsift.study.loading import load_study
    from matsift_adapters.exporters.tables import table_format
    from matsift_flows.exporting.tables import export_ranking
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    chosen = table_format(out, form)
    loaded = load_study(study, overrides or ())
    with open_workspace(settings(), Reporter(quiet=quiet)) as workspace:
        n = export_ranking(workspace, loaded, study.parent, out, chosen, top=top, licences=licence or ())
    typer.echo(f"{out}: {n} candidates of {loaded.name}")


@app.command()
def structures(
    out: Annotated[Path, typer.Option("--out", "-o", help="File, or folder of CIFs; it appears whole or not at all.")],
    form: Annotated[
        str | None,
        typer.Option("--format", help="cif (a folder), ase, xyz or optimade; default: as the name says."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source", metavar="NAME", help="Only of this source; may be repeated.", autocompletion=source_names
        ),
    ] = None,
    study: Annotated[
        Path | None, typer.Option("--study", help="Only of the sources of this study file.", autocompletion=study_files)
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only the best of the ranking of --study.")] = None,
    where: Where = None,
    licence: Licences = None,
    quiet: Quiet = False,
) -> None:
    """Write structures: CIFs, an ASE database, extended XYZ or OPTIMADE. Example: matsift export structures -o cifs.

    Conditions are on the columns of the view structure: matsift export structures -o small.db --where "n_site<=8"
    """
    from matsift.errors import UserInputError
    from matsift.exchange.conditions import Condition
    from matsift.study.loading import load_study
    from matsift_adapters.exporters.structures import structure_format
    from matsift_flows.exporting.structures import export_structures
    from matsift_flows.exporting.tables import ranking_report
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace
    from matsift_schema.store.exported_structures import StructureChoice

    if top is not None and study is None:
        raise UserInputError("--top asks for the best of a ranking; name its study with --study")
    chosen = structure_format(out, form)
    conditions = tuple(Condition.parse(written) for written in where or ())
    sources, hashes = tuple(source or ()), None
    with open_workspace(settings(), Reporter(quiet=quiet)) as workspace:
        if study is not None:
            loaded = load_study(study)
            sources = sources or loaded.structure_sources
            if top is not None:
                ranked = ranking_report(workspace, loaded, study.parent).ranking.ranked
                hashes = tuple(row.candidate.structure_hash for row in ranked[:top])
        choice = StructureChoice(sources, tuple(licence or ()), hashes, conditions)
        n = export_structures(workspace, choice, out, chosen)
    typer.echo(f"{out}: {n} structures")


@app.command()
def package(
    study: StudyPath, out: Out, licence: Licences = None, overrides: Overrides = None, quiet: Quiet = False
) -> None:
    """Write the data package of a study. Example: matsift export package studies/na_electrolytes.toml -o na.zip.

    Snapshots, structures, labels, descriptors, models with their cards, predictions, screens, licences and checksums;
    `matsift import package` takes it in elsewhere. With --licence it is refused if an entry has another licence.
    """
    from matsift.study.loading import load_study
    from matsift_flows.exporting.package import export_package
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    loaded = load_study(study, overrides or ())
    with open_workspace(settings(), Reporter(quiet=quiet)) as workspace:
        written = export_package(workspace, loaded, out, licences=licence or ())
    for table, n in written.rows.items():
        typer.echo(f"{table:<24}{n:>10}")
    typer.echo(f"{out}: {len(written.manifest.models)} models; licences: {', '.join(written.manifest.licences)}")
