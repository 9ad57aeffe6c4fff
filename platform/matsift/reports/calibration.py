"""How far the uncertainties of a campaign's rounds could be trusted: the records, and the rows of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matsift.learners.reliability import Reliability


@dataclass(frozen=True)
class RoundCalibration:
    """One round of an arm, 0 for the model before any acquisition.

    `held_out` is over the test rows of the round's model, `acquired` over what the round chose and an oracle labelled
    afterwards; None where there is none. `width` is the mean width of the calibrated intervals of the test rows.
    """

    round_number: int
    held_out: Reliability | None
    acquired: Reliability | None
    width: float | None = None


@dataclass(frozen=True)
class ArmCalibration:
    """The rounds of one arm of a campaign; `acquired` is over all that its rounds chose and an oracle labelled."""

    campaign: str
    property_name: str
    unit: str
    arm: str
    coverage: float
    rounds: tuple[RoundCalibration, ...]
    acquired: Reliability | None


@dataclass(frozen=True)
class CalibrationRow:
    """One row of the file beside the page: a round, or all rounds together, on one kind of rows; shares of 1.

    `round_number` is None for all rounds together; `rows` is ``held out`` or ``acquired``.
    """

    campaign: str
    property_name: str
    arm: str
    round_number: int | None
    rows: str
    n_row: int
    coverage: float
    coverage_before: float
    coverage_after: float
    spread_error_spearman: float | None
    calibration_error_before: float
    calibration_error_after: float | None


def calibration_rows(arms: Sequence[ArmCalibration]) -> list[CalibrationRow]:
    """Return every round of every arm, held-out rows before acquired ones, then the acquired ones of all rounds."""
    return [
        CalibrationRow(
            *(arm.campaign, arm.property_name, arm.arm, number_of_round, rows, said.n_row, said.coverage),
            *(said.before, said.after, said.spread_error_spearman, said.error_before, said.error_after),
        )
        for arm in arms
        for number_of_round, rows, said in (
            *((r.round_number, "held out", r.held_out) for r in arm.rounds),
            *((r.round_number, "acquired", r.acquired) for r in arm.rounds),
            (None, "acquired", arm.acquired),
        )
        if said is not None
    ]
