"""Campaigns by hand: who claims what, what came back, where a campaign stands, and whether it pays."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matsift_flows.cli.look import width
from matsift_flows.cli.options import AsJson, Overrides, Quiet, RetryFailed, StudyPath, Workers, settings

if TYPE_CHECKING:
    from matsift.study.settings import Study
    from matsift_schema.store.campaign_status import CampaignStatus

app = typer.Typer(no_args_is_help=True, help="Where the campaigns of a study stand, and going on with them.")

Worker = Annotated[str, typer.Option("--worker", help="The name to claim under: a person, a machine, a queue.")]


def claim(
    study: StudyPath,
    worker: Worker,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write one folder a structure into.")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Structures that the worker shall hold.")] = 5,
    lease: Annotated[
        float | None, typer.Option("--lease", metavar="HOURS", min=0.01, help="Default: campaign.lease_hours.")
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Claim structures and write their inputs. Example: matsift claim study.toml --worker anna -n 5 --out calculations.

    The same command again claims no more: it extends the leases and writes the folders that are missing.
    """
    from matsift.study.loading import load_study
    from matsift_flows.handoff import claim as flow
    from matsift_flows.orchestration import invoke
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    loaded = load_study(study, overrides or ())
    hours = loaded.campaign.lease_hours if lease is None else lease
    with open_workspace(settings(), Reporter(quiet=as_json)) as workspace:
        held = invoke(flow, workspace, loaded, worker, count, out, hours)
    if as_json:
        typer.echo(json.dumps({name: [str(item) for item in items] for name, items in asdict(held).items()}))
        return
    for folder in held.new:
        typer.echo(folder)
    for sentence in held.refused:
        typer.echo(f"no inputs for {sentence}", err=True)
    n_held = len(held.new) + len(held.there)
    typer.echo(
        f"{worker} holds {n_held} for {hours:g} h: {len(held.new)} folders are new, {len(held.there)} were there"
    )
    if n_held:
        typer.echo(f"When results are there: matsift label {study} --from {out}")
    else:
        typer.echo("Nothing is open now: `matsift campaign status` says what the campaigns wait for")


def label(
    study: StudyPath,
    place: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", exists=True, help="Folders, or a table, that came back.")
    ] = None,
    worker: Annotated[
        str | None, typer.Option("--worker", help="Name to compute under; default: this machine and process.")
    ] = None,
    overrides: Overrides = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Read results that came back, or compute what is open. Example: matsift label study.toml --from calculations.

    Without --from the oracle of the study is asked here, until nothing is left to claim; any number of such workers
    may run at once, on any machine that reaches the database.
    """
    from matsift.study.loading import load_study
    from matsift_flows.handoff import take_back
    from matsift_flows.orchestration import invoke
    from matsift_flows.progress import Reporter
    from matsift_flows.worker import default_worker, work
    from matsift_flows.workspace import open_workspace

    loaded = load_study(study, overrides or ())
    complaints: list[str] = []
    with open_workspace(settings(workers), Reporter(quiet=quiet or as_json), retry_failed=retry_failed) as workspace:
        if place is None:
            counts = {"settled": invoke(work, workspace, loaded, worker or default_worker())}
        else:
            taken = invoke(take_back, workspace, loaded, place)
            counts, complaints = {name: taken.counts[name] for name in _TAKEN}, taken.complaints
    for sentence in complaints:
        typer.echo(sentence, err=True)
    if as_json:
        typer.echo(json.dumps({**counts, "complaints": complaints}))
    else:
        typer.echo(", ".join(f"{n} {_TAKEN.get(name, name)}" for name, n in counts.items()))
        typer.echo(f"The campaigns go on with: matsift campaign resume {study}")
    if complaints:
        raise typer.Exit(1)


_TAKEN = {"labelled": "labelled", "failed": "failed", "known": "known before", "running": "not done yet"}


@app.command("status")
def status(study: StudyPath, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Print where the campaigns of a study stand. Example: matsift campaign status studies/na_electrolytes.toml."""
    from matsift_flows.cli.campaign_lines import status_lines

    _, found = _load(study, overrides)
    _print(found, as_json, status_lines(found, width()))


@app.command("compare")
def compare(study: StudyPath, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Print the strategies side by side. Example: matsift campaign compare studies/na_electrolytes.toml."""
    from matsift_flows.cli.campaign_lines import compare_lines, comparison

    _, found = _load(study, overrides)
    current = [campaign for campaign in found if campaign.is_current]
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in comparison(current)]))
        return
    typer.echo("\n".join(compare_lines(current, width())))


@app.command("resume")
def resume(
    study: StudyPath,
    rounds: Annotated[int | None, typer.Option(min=0, help="Rounds at most; default: the study's.")] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="Labels at most; default: the study's.")] = None,
    overrides: Overrides = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
) -> None:
    """Go on with the campaigns of a study. Example: matsift campaign resume study.toml --rounds 10.

    The same campaigns go on, with more rounds or another budget. The report is `matsift run`'s, with the same --set.
    """
    from matsift_flows.cli.steps import acquire

    more = [*(overrides or ())]
    more += [] if rounds is None else [f"campaign.rounds={rounds}"]
    more += [] if budget is None else [f"campaign.stop.budget={budget}"]
    acquire(study, more, workers=workers, retry_failed=retry_failed, quiet=quiet)


def _load(study: Path, overrides: list[str] | None) -> tuple[Study, list[CampaignStatus]]:
    from matsift.study.loading import load_study
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_existing
    from matsift_schema.store.campaign_status import campaign_status

    loaded = load_study(study, overrides or ())
    with open_existing(settings(), Reporter(brief=True)) as workspace, workspace.sessions.begin() as session:
        return loaded, campaign_status(session, loaded.name, maximize=loaded.ranking.goal == "maximize")


def _print(found: list[CampaignStatus], as_json: bool, lines: list[str]) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(campaign) for campaign in found], default=str))
    else:
        typer.echo("\n".join(lines))
