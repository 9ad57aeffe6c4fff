"""The calibration of a campaign's arm, made of seeded numbers: members that are too sure of themselves."""

from __future__ import annotations

import numpy as np

from matsift.learners.calibration import ConformalCalibration
from matsift.learners.reliability import Foretold, reliability
from matsift.reports.calibration import ArmCalibration, RoundCalibration


def foretold(rng: np.random.Generator, n: int, calibration: ConformalCalibration, *, factor: float = 2.5) -> Foretold:
    """Return labels that lie `factor` times as far from the mean as the spread says."""
    y, mean, spread = drawn(rng, n, factor)
    return Foretold.of(y, mean, spread, *calibration.interval(mean, spread), calibration)


def drawn(rng: np.random.Generator, n: int, factor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, means and spreads."""
    mean, spread = rng.gamma(2.2, 34, n), rng.gamma(2.0, 2.5, n)
    return mean + factor * spread * rng.normal(size=n), mean, spread


def arm_calibration(property_name: str, arm: str, *, n_round: int = 9, batch: int = 5) -> ArmCalibration:
    """Return the rounds of an arm; the last one has acquired nothing yet."""
    rng = np.random.default_rng([len(property_name), len(arm)])
    rounds, everything = [], []
    for number in range(n_round):
        calibration = ConformalCalibration.fit(*drawn(rng, 67, 2.5), 0.9)
        tested = foretold(rng, 168, calibration)
        acquired = foretold(rng, batch, calibration, factor=4.0) if number < n_round - 1 else None
        if acquired is not None:
            everything.append(acquired)
        rounds.append(
            RoundCalibration(
                number,
                reliability(tested),
                None if acquired is None else reliability(acquired),
                float((tested.upper - tested.lower).mean()),
            )
        )
    return ArmCalibration(
        "na-exploration",
        property_name,
        "GPa",
        arm,
        0.9,
        tuple(rounds),
        reliability(Foretold.joined(everything)) if everything else None,
    )
