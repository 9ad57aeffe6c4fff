"""Campaigns as lines: rounds with what came of them, who is at work, and strategies side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from matsift.reports.notation import moment, quantity, symbol
from matsift_flows.cli.look import Role, painted
from matsift_flows.cli.tables import Column, Row, table_lines
from matsift_schema.store.campaign_status import CampaignStatus, RoundStatus

if TYPE_CHECKING:
    from matsift_flows.label import Waiting

_ROUNDS = (
    Column("round", is_numeric=True),
    Column("candidates", is_numeric=True, can_wait=3),
    Column("labels", is_numeric=True, can_wait=2),
    Column("mean spread", is_numeric=True, can_wait=1),
    Column("test MAE", is_numeric=True),
    Column("labelled", is_numeric=True),
    Column("failed", is_numeric=True),
    Column("open", is_numeric=True),
)
_COMPARED = (
    Column("strategy", can_shrink=True),
    Column("rounds", is_numeric=True, can_wait=3),
    Column("labels", is_numeric=True),
    Column("failed", is_numeric=True, can_wait=4),
    Column("MAE first", is_numeric=True, can_wait=1),
    Column("last", is_numeric=True),
    Column("spread left", is_numeric=True, can_wait=2),
    Column("best label", is_numeric=True),
    Column("to random's", is_numeric=True),
)
_NONE = ["There is no campaign yet; `matsift run` or `matsift acquire` begins it"]


@dataclass(frozen=True)
class Compared:
    """What one strategy made of its labels; errors, spreads and labels in the unit of the property.

    `labels_to_random` is how many labels the strategy had acquired when its error on the test set was first no larger
    than that of the random control at its end; None where that did not happen, or there is no control.
    """

    property_name: str
    unit: str
    strategy: str
    n_round: int
    n_labelled: int
    n_failed: int
    first_mae: float | None
    last_mae: float | None
    last_mean_spread: float | None
    best_label: float | None
    labels_to_random: int | None


def status_lines(found: Sequence[CampaignStatus], width: int | None = None) -> list[str]:
    """Return a block of lines a campaign, those of older settings in one line each; `width` as for `table_lines`."""
    lines: list[str] = []
    for campaign in found:
        if campaign.is_current:
            lines += ([""] if lines else []) + _block(campaign, width)
    older = [campaign for campaign in found if not campaign.is_current]
    lines += [f"older settings: {c.name}, {c.content_hash[:12]}, {_settled(c)}" for c in older]
    return lines or _NONE


def waiting_sentence(waiting: Waiting, study: Path) -> str:
    """Return what campaigns wait for, and the command that brings it."""
    held = "".join(f", {n} held by {holder}" for holder, n in waiting.holders.items())
    return (
        f"Waiting for {waiting.n_open} labels of the oracle {waiting.oracle}{held}: `matsift claim {study} "
        f"--worker NAME --out DIR` hands structures out, `matsift label {study} --from DIR` reads what came back, "
        "and then the same command goes on"
    )


def comparison(found: Sequence[CampaignStatus]) -> list[Compared]:
    """Return what each strategy made of its labels, by property."""
    rows = []
    for _, group in groupby(found, key=lambda campaign: campaign.property_name):
        campaigns = [campaign for campaign in group if campaign.rounds]
        control = next((c for c in campaigns if c.strategy == "random"), None)
        goal = None if control is None else control.rounds[-1].test_mae
        rows += [_compared(campaign, goal) for campaign in campaigns]
    return rows


def compare_lines(found: Sequence[CampaignStatus], width: int | None = None) -> list[str]:
    """Return a table of the strategies, one block a property; `width` as for `table_lines`."""
    lines: list[str] = []
    for name, group in groupby(comparison(found), key=lambda row: row.property_name):
        rows = list(group)
        lines += [""] if lines else []
        lines.append(f"{symbol(name)}, {rows[0].unit}: error on the test set, which no campaign touches")
        lines += table_lines(_COMPARED, [_compared_row(row) for row in rows], width)
    if lines:
        lines.append("to random's: labels until the error was first as small as that of `random` at its end")
    return lines or _NONE


def _compared_row(row: Compared) -> Row:
    measured = (row.first_mae, row.last_mae, row.last_mean_spread, row.best_label)
    return (
        row.strategy,
        str(row.n_round),
        str(row.n_labelled),
        (str(row.n_failed), Role.BAD) if row.n_failed else "0",
        *(_number(value, row.unit) for value in measured),
        "-" if row.labels_to_random is None else str(row.labels_to_random),
    )


def _compared(campaign: CampaignStatus, goal: float | None) -> Compared:
    rounds = campaign.rounds
    spent = [sum(row.n_labelled for row in rounds[:i]) for i in range(len(rounds))]
    reached = [n for n, row in zip(spent, rounds, strict=True) if _is_as_good(row, goal)]
    return Compared(
        campaign.property_name,
        campaign.unit,
        campaign.strategy,
        sum(row.n_labelled + row.n_failed > 0 for row in rounds),
        sum(row.n_labelled for row in rounds),
        sum(row.n_failed for row in rounds),
        rounds[0].test_mae,
        rounds[-1].test_mae,
        rounds[-1].mean_spread,
        rounds[-1].best_label,
        reached[0] if reached else None,
    )


def _is_as_good(row: RoundStatus, goal: float | None) -> bool:
    return goal is not None and row.test_mae is not None and row.test_mae <= goal


def _block(campaign: CampaignStatus, width: int | None) -> list[str]:
    title = f"{campaign.name} ({symbol(campaign.property_name)} by {campaign.strategy}, {campaign.content_hash[:12]})"
    lines = [
        painted(title, Role.HEADING),
        f"  oracle {campaign.oracle}, method {campaign.oracle_method}",
        f"  {_state(campaign)}",
    ]
    if campaign.rounds:
        lines += table_lines(_ROUNDS, [_round_row(row, campaign.unit) for row in campaign.rounds], width)
    for holder in campaign.holders:
        ended = f", of {holder.n_expired} the lease has ended" if holder.n_expired else ""
        lines.append(
            f"  {holder.worker} holds {holder.n_claimed} until {moment(holder.lease_expires_at)} at the latest{ended}"
        )
    return lines


def _round_row(row: RoundStatus, unit: str) -> Row:
    return (
        str(row.number),
        str(row.n_candidate),
        str(row.n_label),
        _number(row.mean_spread, unit),
        _number(row.test_mae, unit),
        str(row.n_labelled),
        (str(row.n_failed), Role.BAD) if row.n_failed else "0",
        (str(row.n_open), Role.ATTENTION) if row.n_open else "0",
    )


def _state(campaign: CampaignStatus) -> str:
    rounds = campaign.rounds
    n_open = sum(row.n_open for row in rounds)
    planned = f"{campaign.n_planned_round} rounds planned"
    planned += "".join(f", {name} {limit:g}" for name, limit in sorted(campaign.stop.items()))
    stopped = next((row for row in reversed(rounds) if row.stopped_by is not None), None)
    if n_open:
        return f"{_settled(campaign)}; waits for {n_open} in round {rounds[-1].number} ({planned})"
    if stopped is None:
        return f"{_settled(campaign)}; can go on ({planned})"
    seen, limit = campaign.stop_value or 0.0, campaign.stop_limit or 0.0
    told = {
        "rounds": f"all {limit:g} rounds are taken",
        "budget": f"{seen:g} labels of a budget of {limit:g}",
        "mean_spread": f"the mean spread of {_number(seen, campaign.unit)} {campaign.unit} is below {limit:g}",
        "no_better": f"no better label for {seen:g} rounds, and {limit:g} are allowed",
        "pool": "no candidate is left",
    }[str(stopped.stopped_by)]
    return f"{_settled(campaign)}; stopped before round {stopped.number + 1}: {told} ({planned})"


def _settled(campaign: CampaignStatus) -> str:
    n_labelled = sum(row.n_labelled for row in campaign.rounds)
    n_failed = sum(row.n_failed for row in campaign.rounds)
    return f"{n_labelled} labelled, {n_failed} failed"


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else quantity(value, unit)
