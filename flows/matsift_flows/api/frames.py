"""Frames of pandas, or of polars where they are asked for: from columns, and back to columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift_schema.store.answers import Answer, Kind

#: A pandas or a polars DataFrame; polars is optional, so its name is no type here.
Frame: TypeAlias = Any
Library = Literal["pandas", "polars"]

#: Kind -> type of pandas with and without missing values.
_PANDAS: Mapping[Kind, tuple[str, str]] = {
    "integer": ("Int64", "int64"),
    "number": ("float64", "float64"),
    "truth": ("boolean", "bool"),
    "text": ("object", "object"),
    "time": ("datetime64[us, UTC]", "datetime64[us, UTC]"),
    "other": ("object", "object"),
}


def checked_library(frames: str) -> Library:
    """Return the library of frames.

    Raises
    ------
    UserInputError
        If it is neither pandas nor polars, or polars is not installed.
    """
    if frames == "pandas":
        return "pandas"
    if frames != "polars":
        raise UserInputError(f"frames are of pandas or polars, not of {frames!r}")
    _polars()
    return "polars"


def frame_of(answer: Answer, library: Library) -> Frame:
    """Return the answer to a query as a frame; NULL is a missing value."""
    named = zip(answer.names, answer.kinds, answer.columns, strict=True)
    if library == "polars":
        pl = _polars()
        types = {"integer": pl.Int64, "number": pl.Float64, "truth": pl.Boolean, "text": pl.String,
                 "time": pl.Datetime("us", "UTC")}  # fmt: skip
        return pl.DataFrame(
            [pl.Series(name, values, dtype=types.get(kind), strict=False) for name, kind, values in named]
        )
    series = [_series(values, kind) for _, kind, values in named]
    return pd.concat(series, axis=1, keys=answer.names) if series else pd.DataFrame()


def new_frame(columns: Mapping[str, Sequence[Any] | NDArray[Any]], library: Library) -> Frame:
    """Return a frame of columns as they are."""
    if library == "polars":
        return _polars().DataFrame(dict(columns), strict=False)
    return pd.DataFrame(dict(columns))


def column(frame: Frame, name: str) -> list[Any]:
    """Return a column of a frame of either library as a list, missing values as None or NaN.

    Raises
    ------
    UserInputError
        If the frame has no such column.
    """
    if name not in frame.columns:
        raise UserInputError(f"the frame has no column {name!r}; it has {', '.join(map(str, frame.columns))}")
    values = frame[name]
    return list(values.to_list() if hasattr(values, "to_list") else values.tolist())


def numbers(frame: Frame, names: Sequence[str]) -> NDArray[np.float64]:
    """Return (n, n_name) columns of a frame as numbers, NaN where a value is missing.

    Raises
    ------
    UserInputError
        If a column is not there, or holds something else.
    """
    try:
        columns = [[np.nan if v is None or v is pd.NA else float(v) for v in column(frame, name)] for name in names]
    except (TypeError, ValueError) as error:
        raise UserInputError(f"a column of the frame holds what is no number: {error}") from None
    return np.array(columns, dtype=np.float64).reshape(len(names), len(frame)).T


def is_frame(value: object) -> bool:
    """Return whether a value is a frame of pandas or pl."""
    return hasattr(value, "columns") and type(value).__module__.partition(".")[0] in {"pandas", "polars"}


def _series(values: Sequence[Any], kind: Kind) -> pd.Series[Any]:
    with_gaps, whole = _PANDAS[kind]
    return pd.Series(values, dtype=with_gaps if None in values and kind != "other" else whole)


def _polars() -> Any:
    try:
        import polars as pl  # noqa: PLC0415  optional
    except ImportError:
        raise UserInputError("polars is not installed; run `pip install polars`, or ask for frames of pandas") from None
    return pl
