"""The state of a database as lines: what is there, what failed, what is missing, what to do next."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from matsift.reports.notation import moment, number, quantity, symbol
from matsift_flows.cli.look import Role, painted
from matsift_flows.cli.next_steps import Step
from matsift_flows.cli.tables import Cell, Column, Row, table_lines
from matsift_schema.store.overview import CampaignState, ModelState, Overview, SourceState, StudyState

_NEVER = "–"
_FAILURES_SHOWN = 8
_HASH_SHOWN = 12

_SOURCES = (
    Column("source", can_shrink=True),
    Column("kind", can_wait=2),
    Column("entries", is_numeric=True),
    Column("structures", is_numeric=True),
    Column("labels", is_numeric=True),
    Column("unreadable", is_numeric=True),
    Column("licence", can_wait=3, can_shrink=True),
    Column("read", can_wait=1),
)
_STUDIES = (
    Column("study", can_shrink=True),
    Column("state"),
    Column("candidates", is_numeric=True),
    Column("passing", is_numeric=True, can_wait=2),
    Column("models", is_numeric=True, can_wait=3),
    Column("last at", can_wait=1),
    Column("report", can_wait=4, can_shrink=True),
)
_MODELS = (
    Column("predicts", can_shrink=True),
    Column("model", can_wait=2),
    Column("learner", can_wait=1, can_shrink=True),
    Column("labels", is_numeric=True),
    Column("R2", is_numeric=True),
    Column("MAE", is_numeric=True),
    Column("unit"),
    Column("trained", can_wait=3),
    Column("older", is_numeric=True, can_wait=4),
)
_CAMPAIGNS = (
    Column("campaign", can_shrink=True),
    Column("explores", can_wait=3, can_shrink=True),
    Column("oracle", can_wait=4, can_shrink=True),
    Column("rounds", is_numeric=True, can_wait=2),
    Column("labelled", is_numeric=True),
    Column("failed", is_numeric=True, can_wait=1),
    Column("held", is_numeric=True),
    Column("open", is_numeric=True),
    Column("state", can_shrink=True),
)
_FAILURES = (
    Column("stage"),
    Column("error", can_shrink=True),
    Column("n", is_numeric=True),
    Column("newest", can_wait=1),
    Column("for example", can_shrink=True),
)
_STOPPED = {
    "rounds": "all rounds taken",
    "budget": "budget spent",
    "mean_spread": "sure enough",
    "no_better": "nothing better",
    "pool": "no candidate left",
}


def holdings(found: Overview, width: int | None) -> list[str]:
    """Return what is there: the sums, and a table each of sources, studies, models and campaigns."""
    totals = (
        f"{number(found.n_structure, 0)} structures, {number(found.n_label, 0)} labels of "
        f"{number(found.n_labelled_structure, 0)} of them, {number(found.n_model, 0)} models, "
        f"{number(found.n_prediction, 0)} predictions"
    )
    return [
        painted("What is there", Role.HEADING),
        *_folded(totals, width),
        *_table(_SOURCES, [_source(source) for source in found.sources], width),
        *_table(_STUDIES, [_study(study, found) for study in found.studies], width),
        *_table(_MODELS, [_model(model) for model in found.models], width),
        *_table(_CAMPAIGNS, [_campaign(campaign) for campaign in found.campaigns], width),
    ]


def failures(found: Overview, width: int | None) -> list[str]:
    """Return what failed, the newest first; nothing where nothing did."""
    rows: list[Row] = [
        (
            (run.flow, Role.BAD if run.status == "failed" else Role.ATTENTION),
            run.status,
            "1",
            moment(run.ended_at),
            ": ".join(part for part in (run.study, run.message) if part),
        )
        for run in found.unfinished
    ]
    shown = found.failures[:_FAILURES_SHOWN]
    rows += [
        (
            (failure.stage, Role.BAD),
            failure.error_class,
            number(failure.count, 0),
            moment(failure.newest_at),
            " ".join(failure.example.split()),
        )
        for failure in shown
    ]
    if not rows:
        return []
    lines = ["", painted("What failed", Role.HEADING), *table_lines(_FAILURES, rows, width)]
    n_more = len(found.failures) - len(shown)
    if n_more:
        lines += _folded(f"... and {n_more} kinds more: matsift db shell -c 'TABLE analysis.failure'", width)
    return lines


def missing(never_run: Sequence[Path], width: int | None) -> list[str]:
    """Return the studies whose files lie here and that never ran; nothing where there are none."""
    if not never_run:
        return []
    told = f"Never run on this database: {', '.join(map(str, never_run))}"
    return ["", painted("What is missing", Role.HEADING), *_folded(told, width)]


def steps(found: Sequence[Step], width: int | None) -> list[str]:
    """Return what to do next; commands are never folded, so that they can be copied."""
    lines = ["", painted("What to do next", Role.HEADING)]
    for step in found:
        lines += [*_folded(f"{step.why}:", width), f"    {painted(step.command, Role.COMMAND)}"]
    return lines


def _table(columns: Sequence[Column], rows: Sequence[Row], width: int | None) -> list[str]:
    return ["", *table_lines(columns, rows, width)] if rows else []


def _folded(text: str, width: int | None) -> list[str]:
    if width is None:
        return [f"  {text}"]
    return textwrap.wrap(
        text, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _source(source: SourceState) -> Row:
    unreadable: Cell = number(source.n_unreadable, 0)
    return (
        source.name,
        source.kind,
        number(source.n_entry, 0),
        number(source.n_structure, 0),
        number(source.n_label, 0),
        (str(unreadable), Role.ATTENTION) if source.n_unreadable else unreadable,
        source.licence,
        moment(source.read_at),
    )


def _study(study: StudyState, found: Overview) -> Row:
    return (
        study.name,
        _study_state(study, found),
        number(study.n_candidate, 0),
        number(study.n_passing, 0),
        number(study.n_model, 0),
        f"{study.last_flow or _NEVER} {moment(study.last_at)}",
        study.report_uri or _NEVER,
    )


def _study_state(study: StudyState, found: Overview) -> Cell:
    unfinished = next((run.status for run in found.unfinished if run.study == study.name), None)
    if study.is_running:
        return "running", Role.GOOD
    if unfinished is not None:
        return unfinished, Role.BAD if unfinished == "failed" else Role.ATTENTION
    if any(c.n_open + c.n_claimed for c in found.campaigns if c.study == study.name):
        return "waits", Role.ATTENTION
    return ("reported", Role.GOOD) if study.report_uri else "no report"


def _model(model: ModelState) -> Row:
    return (
        symbol(model.property_name),
        model.content_hash[:_HASH_SHOWN],
        model.learner,
        number(model.n_label, 0),
        number(model.r2, 3),
        _NEVER if model.mae is None else quantity(model.mae, model.unit, more=1),
        model.unit,
        moment(model.trained_at),
        number(model.n_older, 0),
    )


def _campaign(campaign: CampaignState) -> Row:
    waits = campaign.n_open + campaign.n_claimed > 0
    state: Cell = ("waits", Role.ATTENTION) if waits else "can go on"
    if campaign.stopped_by is not None and not waits:
        state = _STOPPED.get(campaign.stopped_by, campaign.stopped_by), Role.GOOD
    return (
        campaign.name,
        f"{symbol(campaign.property_name)} by {campaign.strategy}",
        campaign.oracle,
        number(campaign.n_round, 0),
        number(campaign.n_labelled, 0),
        (number(campaign.n_failed, 0), Role.BAD) if campaign.n_failed else "0",
        number(campaign.n_claimed, 0),
        number(campaign.n_open, 0),
        state,
    )
