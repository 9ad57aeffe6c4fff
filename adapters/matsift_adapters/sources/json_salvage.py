"""JSON that may break off: what stands before the break."""

from __future__ import annotations

import json
import re
from typing import Any

_GAP = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


def loads_salvaged(text: str) -> tuple[Any, str | None]:
    """Return the document, and where and why it breaks off (None: it is whole).

    Of a broken list the whole items before the break stand; of a broken mapping the whole values, and the last one as
    far as it is whole in the same sense if it is itself a list or a mapping of whole things. Where nothing stands the
    document is None.
    """
    try:
        return json.loads(text), None
    except json.JSONDecodeError as error:
        broken = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except ValueError as error:  # a whole number with thousands of digits
        broken = str(error).partition(":")[0]
    return _salvaged(text, _GAP.match(text, 0).end(), depth=1), broken  # type: ignore[union-attr]  # matches ""


def _salvaged(text: str, start: int, depth: int) -> Any:
    opening = text[start : start + 1]
    if opening == "[":
        return _items(text, start + 1) or None
    if opening == "{":
        return _pairs(text, start + 1, depth) or None
    return None


def _items(text: str, position: int) -> list[Any]:
    items: list[Any] = []
    while True:
        position = _skip(text, position)
        try:
            item, position = _DECODER.raw_decode(text, position)
        except ValueError:
            return items
        if position == len(text) and not isinstance(item, (dict, list, str)):
            return items  # a number cut in two is still a number
        items.append(item)


def _pairs(text: str, position: int, depth: int) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    while True:
        position = _skip(text, position)
        try:
            key, position = _DECODER.raw_decode(text, position)
            position = re.compile(r"\s*:\s*").match(text, position).end()  # type: ignore[union-attr]  # caught below
        except (ValueError, AttributeError):
            return pairs
        try:
            value, position = _DECODER.raw_decode(text, position)
        except ValueError:
            if depth and (rest := _salvaged(text, position, depth - 1)) is not None:
                pairs[str(key)] = rest
            return pairs
        if position == len(text) and not isinstance(value, (dict, list, str)):
            return pairs
        pairs[str(key)] = value


def _skip(text: str, position: int) -> int:
    return _GAP.match(text, position).end()  # type: ignore[union-attr]  # matches the empty string too
