"""`matsift dataset`: the data sets that matsift computes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from matsift_flows.cli.options import Workers, settings

app = typer.Typer(help="The bundled data sets of computed crystals.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `build` a verb of its own although it is the only one."""


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
