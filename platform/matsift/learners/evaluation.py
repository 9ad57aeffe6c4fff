"""How good predictions are: errors, coverage of intervals, and whether the spread knows where errors are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.errors import UserInputError


def regression_metrics(
    y: ArrayLike,
    mean: ArrayLike,
    *,
    spread: ArrayLike | None = None,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
) -> dict[str, float]:
    """Return the metrics that n held-out rows define; one that they leave undefined is absent.

    ``r2`` is the coefficient of determination (absent where all labels are equal), ``mae``, ``rmse`` and ``bias``
    (mean of prediction minus label) stand in the unit of the property; ``mean_spread`` and ``spread_error_spearman``
    (rank correlation of spread and absolute error, absent where either is constant) need `spread`;
    ``interval_coverage`` (share of labels inside, ends included) and ``mean_interval_width`` need both ends.

    Parameters
    ----------
    y, mean, spread, lower, upper
        (n,), in the unit of the property.

    Raises
    ------
    UserInputError
        If there is no row, shapes differ, or a number is not finite.
    """
    labels, means = _column("labels", y), _column("predictions", mean)
    if not len(labels):
        raise UserInputError("there is no held-out row to evaluate on; raise test_fraction or add labels")
    _same_length(labels, means)
    error = means - labels
    metrics = {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "bias": float(error.mean()),
    }
    variance = float(((labels - labels.mean()) ** 2).sum())
    if np.ptp(labels) > 0:
        metrics["r2"] = 1.0 - float((error**2).sum()) / variance
    if spread is not None:
        spreads = _column("spreads", spread)
        _same_length(labels, spreads)
        metrics["mean_spread"] = float(spreads.mean())
        correlation = spearman(spreads, np.abs(error))
        if correlation is not None:
            metrics["spread_error_spearman"] = correlation
    if lower is not None and upper is not None:
        low, high = _column("lower ends", lower), _column("upper ends", upper)
        _same_length(labels, low)
        _same_length(labels, high)
        metrics["interval_coverage"] = float(((labels >= low) & (labels <= high)).mean())
        metrics["mean_interval_width"] = float((high - low).mean())
    return metrics


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Return Spearman's rank correlation of two (n,) arrays, ties at their mean rank; None where one is constant."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    from scipy.stats import rankdata  # noqa: PLC0415  half a second, which those who only predict need not wait

    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _column(name: str, values: ArrayLike) -> NDArray[np.float64]:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or not np.isfinite(column).all():
        raise UserInputError(f"the {name} to evaluate must be one finite number a row")
    return column


def _same_length(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    if len(a) != len(b):
        raise UserInputError(f"{len(a)} labels cannot be compared with {len(b)} predicted numbers")
