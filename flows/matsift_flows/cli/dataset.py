"""`matsift dataset`: the data sets that matsift computes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from matsift_flows.cli.options import RetryFailed, Workers, settings

app = typer.Typer(help="The bundled data sets of computed crystals.", no_args_is_help=True)


@app.command()
def build(
    dataset: Annotated[
        str, typer.Option(help="chgnet_prototypes (moduli) or oxide_prototypes (cubic perovskites and spinels).")
    ] = "chgnet_prototypes",
    out: Annotated[Path | None, typer.Option(help="Packed file to write; by default named after the data set.")] = None,
    work_dir: Annotated[Path, typer.Option(help="Folder of the journal; the same folder continues a build.")] = Path(
        ".matsift/dataset"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the candidate list.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first candidates of the list.")] = None,
    workers: Workers = None,
) -> None:
    """Compute a data set with CHGNet; stop it at any moment and run it again to continue.

    On two cores chgnet_prototypes takes hours, oxide_prototypes about ten minutes.

    Example: matsift dataset build --limit 50 --out small.jsonl.gz
    """
    from matsift_flows.dataset import build_dataset
    from matsift_flows.progress import Reporter

    reporter = Reporter()
    work_dir.mkdir(parents=True, exist_ok=True)

    def tell(state: dict[str, Any]) -> None:
        if state["done"] % 10 == 0:
            reporter.say(
                f"  {state['done']} of {state['total']} candidates, {state['failed']} failed, "
                f"{state['rate_per_s']:.2f}/s, {state['remaining_s'] / 60:.0f} min left"
            )

    summary = build_dataset(
        work_dir,
        out or Path(f"{dataset}.jsonl.gz"),
        dataset=dataset,
        seed=seed,
        n_worker=settings(workers).workers,
        limit=limit,
        progress=tell,
    )
    typer.echo(f"{summary.out}: " + ", ".join(f"{n} {role}" for role, n in summary.counts.items()))


@app.command()
def densities(
    work_dir: Annotated[Path, typer.Option(help="Folder of journal and grids; the same folder continues.")] = Path(
        ".matsift/gpaw_densities"
    ),
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first compounds of the list.")] = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    python: Annotated[str, typer.Option(help="Interpreter that has GPAW.")] = "/usr/bin/python3",
    compute: Annotated[bool, typer.Option(help="Compute what is missing, or take what there is.")] = True,
    out: Annotated[Path | None, typer.Option(help="Packed table to write.")] = None,
    store: Annotated[bool, typer.Option(help="Bring table and grids into the database.")] = False,
    extend: Annotated[
        bool,
        typer.Option(help="Leave out what the table that comes with matsift has, and keep its rows in the new one."),
    ] = False,
) -> None:
    """Compute electron densities and bulk moduli of cubic compounds with GPAW; stop it and run it again to continue.

    On two cores some hours for the whole list; what costs least comes first.

    Example: matsift dataset densities --limit 4 --out densities.jsonl.gz --store
    """
    from matsift_adapters.data.cubic_compounds import CubicCompound, cubic_compounds
    from matsift_adapters.data.cubic_densities import shipped_rows
    from matsift_adapters.oracles.registry import oracle
    from matsift_flows.cubic_densities import DENSITY_SETTINGS, compute_densities
    from matsift_flows.cubic_density_rows import keep_densities
    from matsift_flows.progress import Reporter

    reporter = Reporter()

    def tell(compound: CubicCompound, outcome: Any, n_left: int) -> None:
        said = f"K {outcome.value['k_vrh']:.1f} GPa" if outcome.ok else f"failed: {outcome.message}"
        name = f"{compound.prototype} {'-'.join(compound.elements)} ({compound.material_id})"
        reporter.say(f"  {name}: {said}, {outcome.seconds:.0f} s; {n_left} left")

    if compute:
        summary = compute_densities(
            work_dir,
            n_worker=settings(workers).workers,
            compounds=cubic_compounds()[:limit],
            settings=DENSITY_SETTINGS.model_copy(update={"python": python}),
            retry_failed=retry_failed,
            leave_out=shipped_rows(oracle(DENSITY_SETTINGS).method) if extend else (),
            tell=tell,
        )
        typer.echo(
            f"{work_dir}: {summary.n_done} of {summary.n_compound} compounds, {summary.n_failed} failed, "
            f"{summary.n_computed_now} computed now"
        )
    if out is not None or store:
        kept = keep_densities(work_dir, out, reporter, settings(workers) if store else None, extend=extend)
        typer.echo(f"{kept.table}: {kept.n_row} rows" + (f", {kept.n_field} fields are new" if store else ""))
