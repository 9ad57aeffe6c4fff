"""What the reproduction has to show: the wanted beside the measured, and whether it is met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LINEAR_TEST = (0.026, 0.035)
TRAIN_GAIN = 0.15
LIMIT = 0.05
AUTOMATIC = 0.10
LATTICE_ERROR = 0.03

Scores = dict[str, dict[str, Any]]
Table2 = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Check:
    """One line: what it says, what is wanted, what was measured."""

    says: str
    wanted: str
    measured: str
    met: bool


def regression_checks(of: Scores) -> list[Check]:
    """Return the checks on Table 1, from regressor -> scores on both prototypes."""

    def median(regressor: str, measure: str) -> float:
        return float(of[regressor]["summary"][measure]["median"])

    linear, gpr, limit = "linear", "GPR-NN l=7", "GPR-NN l=200"
    test, train = median(linear, "rmse_test"), median(linear, "rmse_train")
    gain = 1 - median(gpr, "rmse_train") / train
    away = [abs(median(limit, side) / median(linear, side) - 1) for side in ("rmse_train", "rmse_test")]
    return [
        Check(
            "linear regression, median test RMSE",
            f"{LINEAR_TEST[0]} to {LINEAR_TEST[1]}",
            f"{test:.4f}",
            LINEAR_TEST[0] <= test <= LINEAR_TEST[1],
        ),
        Check(
            "GPR-NN, l = 7: train RMSE under linear's",
            f"by {TRAIN_GAIN:.0%} or more",
            f"{gain:.0%} ({median(gpr, 'rmse_train'):.4f} against {train:.4f})",
            gain >= TRAIN_GAIN,
        ),
        Check(
            "GPR-NN, l = 200, against linear (train, test RMSE)",
            f"within {LIMIT:.0%}",
            ", ".join(f"{value:.1%}" for value in away),
            max(away) <= LIMIT,
        ),
    ]


def structure_checks(of: Table2) -> list[Check]:
    """Return the checks on Table 2, from way -> part -> errors."""
    auto, linear, gpr = (of[name]["both"]["mae"] for name in ("auto", "linear", "GPR-NN l=7"))
    missing = of["auto"]["both"]["missing"]
    return [
        Check(
            "structures relaxed with the automatic screening factor, mean abs Er",
            f"{AUTOMATIC:.2f}",
            f"{auto:.4f} ({missing} samples have none)",
            round(auto, 2) == AUTOMATIC,
        ),
        Check("the same with GPR-NN's", f"below {LATTICE_ERROR}", f"{gpr:.4f}", gpr < LATTICE_ERROR),
        Check("GPR-NN's below linear's", "less", f"{gpr:.4f} against {linear:.4f}", gpr < linear),
    ]
