"""Single values of a source as labels and plain JSON."""

from __future__ import annotations

import math
from typing import Any

from matsift.errors import BadLabelError
from matsift.records import FailureRecord, LabelRecord
from matsift.sentences import brief, shown
from matsift.unit_conversion import convert
from matsift.units import property_definition

#: What stands deeper in JSON than so many lists and objects is not kept.
MOST_NESTED = 100


def from_value(raw: Any, *, property_name: str, unit: str | None, method: str, origin: str) -> LabelRecord:
    """Return the label of a number or its text, converted into the property's unit; a negative one is kept.

    Raises
    ------
    BadLabelError
        If it is text, a truth value, NaN or infinite, before or after conversion.
    UnknownProperty
        If there is no such property.
    """
    target = property_definition(property_name).unit
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise BadLabelError(f"{shown(raw)} is not a number")
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        raise BadLabelError(f"{shown(raw)} is not a number") from None
    if not math.isfinite(number):
        raise BadLabelError(f"{shown(raw)} is not a finite number")
    value = convert(number, unit or target, target)
    if not math.isfinite(value):
        raise BadLabelError(f"{shown(raw)} {unit} is too large for a number in {target}")
    return LabelRecord(property_name, value, method, origin)


def is_absent(raw: Any) -> bool:
    """Return whether a cell holds nothing: no value, or empty text."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


def bad_label(subject: str, column: str, error: Exception, remedy: str) -> FailureRecord:
    """Return the failure row of one label, naming row, column and remedy."""
    return FailureRecord(
        "label_value", subject, type(error).__name__, f"{subject}, {column}: {error}; {remedy}", detail=column
    )


def as_json(value: Any, depth: int = 0) -> Any:
    """Return the value as strict JSON: NaN and infinities, which JSON does not know, become their names as text.

    What is nested deeper than `MOST_NESTED` becomes ``...``: no encoder and no database takes any depth.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (dict, list, tuple)) and depth == MOST_NESTED:
        return "..."
    if isinstance(value, dict):
        return {str(key): as_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item, depth + 1) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def plain(stated: object, n_character: int) -> str:
    """Return what a service states as one line that can be written anywhere, of so many characters at most."""
    told = " ".join(str(stated).encode("utf-8", "backslashreplace").decode().split())
    return brief(told, n_character)
