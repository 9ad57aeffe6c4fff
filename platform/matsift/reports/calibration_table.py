"""The table of the page that says, round by round, how far the uncertainties of a campaign could be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

from matsift.learners.reliability import Reliability
from matsift.reports.calibration import ArmCalibration, RoundCalibration
from matsift.reports.notation import headed, number, quantity, symbol_markup
from matsift.reports.small_tables import Column, Table

#: Rounds of an arm that the page shows; the file beside it holds all.
_SHOWN = 9


def calibration_tables(arms: Sequence[ArmCalibration]) -> tuple[Table, ...]:
    """Return a table a property and campaign: each arm's rounds, and how its acquisitions lay in the intervals."""
    keys = dict.fromkeys((arm.property_name, arm.campaign) for arm in arms)
    return tuple(_table([arm for arm in arms if (arm.property_name, arm.campaign) == key]) for key in keys)


def n_spread(coverage: float) -> float:
    """Return how many deviations to either side of its mean hold this share of a normal distribution."""
    return NormalDist().inv_cdf((1 + coverage) / 2)


def shown_rounds(rounds: Sequence[RoundCalibration]) -> list[RoundCalibration]:
    """Return the first and the last round and as many between them, evenly, as a page has room for."""
    if len(rounds) <= _SHOWN:
        return list(rounds)
    return [rounds[round(i * (len(rounds) - 1) / (_SHOWN - 1))] for i in range(_SHOWN)]


def _table(arms: Sequence[ArmCalibration]) -> Table:
    spreads = f"In ±{n_spread(arms[0].coverage):.2f} spreads"
    columns = (
        Column("Arm"),
        Column("Round", True),
        Column("Test rows", True),
        Column("Rank correlation", True),
        Column(f"{spreads} / %", True),
        Column("In interval / %", True),
        Column(headed("Width", arms[0].unit), True),
        Column("Acquired", True),
        Column(spreads, True),
        Column("In interval", True),
    )
    rows = [cells for arm in arms for cells in _cells(arm)]
    return Table(symbol_markup(arms[0].property_name), columns, tuple(rows), wide=True)


def _cells(arm: ArmCalibration) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for r in shown_rounds(arm.rounds):
        said = r.held_out
        head = (arm.arm, str(r.round_number), "0", "–", "–", "–", "–")
        if said is not None:
            shares = (number(100 * said.before), number(100 * said.after), quantity(r.width, arm.unit))
            head = (*head[:2], number(said.n_row, 0), number(said.spread_error_spearman, 2), *shares)
        rows.append((*head, *_counts(r.acquired)))
    if arm.acquired is not None:
        rows.append((arm.arm, "all", "", "", "", "", "", *_counts(arm.acquired)))
    return rows


def _counts(said: Reliability | None) -> tuple[str, str, str]:
    if said is None:
        return ("–", "–", "–")
    before, after = (number(round(share * said.n_row), 0) for share in (said.before, said.after))
    return number(said.n_row, 0), before, after
