"""Verbs that only look: the ranking, the chain behind a prediction, where a report lies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from matsift.errors import UserInputError
from matsift_flows.cli.options import AsJson, Overrides, StudyPath, StudyPaths, settings
from matsift_flows.cli.status import status

_MOST_CHAINS = 20
_LONGEST_NAME = 80


def rank(
    study: StudyPath,
    overrides: Overrides = None,
    top: Annotated[int | None, typer.Option(min=1, help="Rows to print; default: the study's.")] = None,
    by: Annotated[
        Literal["pareto", "utility"] | None,
        typer.Option(help="Order by the study's objectives at once; default: by its one property."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the ranking of a study. Example: matsift rank studies/na_electrolytes.toml --top 5.

    What is missing behind it is computed first.
    """
    from matsift.reports.data import RankingReport
    from matsift.reports.tables import candidate_table
    from matsift.study.loading import load_study
    from matsift_flows.cli.ranking import print_objectives, require_objectives
    from matsift_flows.cli.reports import print_report, unranked_json
    from matsift_flows.progress import Reporter
    from matsift_flows.study import run_study
    from matsift_flows.workspace import open_workspace

    loaded = load_study(study, overrides or ())
    if by is not None:
        require_objectives(loaded, study)
    with open_workspace(settings(), Reporter(quiet=as_json, brief=True)) as workspace:
        result = run_study(workspace, loaded, study.parent)
    report, rows = result.written.report, top or loaded.ranking.top
    if by is not None and isinstance(report, RankingReport):
        print_objectives(report, by, rows, as_json=as_json)
    elif not as_json:
        print_report(report, rows)
    elif isinstance(report, RankingReport):
        typer.echo(json.dumps(candidate_table(report).slice(0, rows).to_pylist(), default=str))
    else:  # such a study compares learners or names space groups of patterns: it has no candidates
        typer.echo(json.dumps(unranked_json(report)))


def report(studies: StudyPaths, overrides: Overrides = None) -> None:
    """Print where the report of a study lies; of several, where that across them lies too, last.

    What is missing behind them is computed first.
    Example: matsift report studies/na_electrolytes.toml studies/softbv_oxides.toml.
    """
    from matsift.study.loading import load_study
    from matsift_flows.progress import Reporter
    from matsift_flows.reporting.across import report_across
    from matsift_flows.study import run_study
    from matsift_flows.workspace import open_workspace

    if overrides and len(studies) > 1:
        raise UserInputError("--set changes one study, and several are named; run each with its own settings first")
    loaded = [load_study(path, overrides or ()) for path in studies]
    twice = [name for name, n in Counter(study.name for study in loaded).items() if n > 1]
    if twice:
        raise UserInputError(f"the study {twice[0]} is named twice; name each once")
    with open_workspace(settings(), Reporter()) as workspace:
        runs = [run_study(workspace, study, path.parent) for study, path in zip(loaded, studies, strict=True)]
        for run in runs:
            typer.echo(run.written.path)
        across = report_across(workspace, runs) if len(runs) > 1 else None
    if across is not None:
        typer.echo(across)
    elif len(runs) > 1:
        typer.echo("None of these studies ranks candidates, so there is no report across them", err=True)


def why(
    structure: Annotated[str, typer.Argument(help="Beginning of a structure hash, an external id, or a formula.")],
    as_json: AsJson = False,
) -> None:
    """Print the chain behind a prediction. Example: matsift why Na3OCl.

    It leads to labels, snapshot, model version, descriptor sets and source entries.
    """
    from matsift_flows.cli.chain import chain_lines
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_existing
    from matsift_schema.store.why import find_structures
    from matsift_schema.store.why import why as chain

    with (
        open_existing(settings(), Reporter(quiet=as_json, brief=True)) as workspace,
        workspace.sessions.begin() as session,
    ):
        found = find_structures(session, structure, limit=_MOST_CHAINS + 1) if structure.strip() else []
        if not found:
            called = structure if len(structure) <= _LONGEST_NAME else f"{structure[:_LONGEST_NAME]}..."
            raise UserInputError(
                f"no structure is called {called!r}; give the beginning of its hash, an id in a source, or a formula"
            )
        chains = {key: chain(session, key) for key in found[:_MOST_CHAINS]}
    if len(found) > _MOST_CHAINS:
        typer.echo(
            f"More than {_MOST_CHAINS} structures are called so, the first are shown; name one by its hash", err=True
        )
    if as_json:
        typer.echo(json.dumps(chains, default=str))
        return
    predicted_first = sorted(chains.items(), key=lambda chain: not chain[1])
    blocks = ["\n".join(chain_lines(key, rows)) for key, rows in predicted_first]
    typer.echo("\n\n".join(blocks))


def study_schema() -> None:
    """Print the JSON Schema of study files, for editors. Example: matsift study-schema > study.schema.json."""
    from matsift.study.settings import Study

    typer.echo(json.dumps(Study.model_json_schema(), indent=2))


COMMANDS: dict[str, Callable[..., Any]] = {
    "rank": rank,
    "report": report,
    "why": why,
    "status": status,
    "study-schema": study_schema,
}
