"""Fields of rows in the binary form of COPY, of many rows at once: psycopg's own way takes ten times as long.

A field is the length of its value in bytes (int32) and the value; all numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS

Number = TypeVar("Number", bound=np.generic)

#: A field that is NULL.
NULL = struct.pack(">i", -1)

_FLOAT8, _FLOAT4, _INT4, _TEXT, _INT2 = 701, 700, 23, 25, 21
_ITEM: dict[int, np.dtype[Any]] = {
    _FLOAT8: np.dtype(">f8"),
    _FLOAT4: np.dtype(">f4"),
    _INT4: np.dtype(">i4"),
    _INT2: np.dtype(">i2"),
}
_LENGTH = struct.Struct(">i")
_MAX_ASCII = 127
_SHA256_LENGTH = _LENGTH.pack(64)
_EMPTY_ARRAY = struct.Struct(">iiii")  # length in bytes, dimensions, null flag, element type
_ARRAY = struct.Struct(">iiiiii")  # and for one dimension its length and lower bound
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def text_field(value: str | None) -> bytes:
    """Return a ``text``, without what PostgreSQL cannot store, or NULL."""
    return NULL if value is None else _item(value)


@lru_cache(maxsize=4096)
def frequent_text_field(value: str | None) -> bytes:
    """Return the `text_field` of a value that many rows share."""
    return text_field(value)


def sha256_field(value: str) -> bytes:
    """Return the `text_field` of a SHA-256 in hexadecimal digits."""
    return _SHA256_LENGTH + value.encode()


def jsonb_field(value: str) -> bytes:
    """Return a ``jsonb`` of what is JSON already."""
    data = value.encode()
    return _LENGTH.pack(len(data) + 1) + b"\x01" + data


def int2_field(value: int | None) -> bytes:
    """Return an ``int2``, or NULL."""
    return NULL if value is None else struct.pack(">ih", 2, value)


def int8_field(value: int | None) -> bytes:
    """Return an ``int8``, or NULL."""
    return NULL if value is None else struct.pack(">iq", 8, value)


def float8_field(value: float | None) -> bytes:
    """Return a ``float8``, or NULL."""
    return NULL if value is None else struct.pack(">id", 8, value)


def microseconds(moment: datetime) -> int:
    """Return a moment as PostgreSQL counts it: microseconds since the year 2000."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def text_array(values: Sequence[str]) -> bytes:
    """Return a ``text[]``."""
    try:
        body = b"".join(map(_SYMBOLS.__getitem__, values))
    except KeyError:
        body = _items(values)
    return _array(_TEXT, len(values), body)


@lru_cache(maxsize=4096)
def frequent_text_array(values: tuple[str, ...]) -> bytes:
    """Return the `text_array` of values that many rows share."""
    return text_array(values)


def float8_arrays(arrays: Sequence[NDArray[np.float64]]) -> list[bytes]:
    """Return a ``float8[]`` an array, of any shape, read row after row."""
    return _arrays(_FLOAT8, arrays)


def int4_arrays(arrays: Sequence[NDArray[np.int64]]) -> list[bytes]:
    """Return an ``int4[]`` an array."""
    return _arrays(_INT4, arrays)


def int2_arrays(arrays: Sequence[NDArray[np.integer[Any]]]) -> list[bytes]:
    """Return an ``int2[]`` an array."""
    return _arrays(_INT2, arrays)


def float4_arrays(arrays: Sequence[NDArray[np.float32]]) -> list[bytes]:
    """Return a ``float4[]`` an array."""
    return _arrays(_FLOAT4, arrays)


def alike_arrays(
    pack: Callable[[Sequence[NDArray[Number]]], list[bytes]], arrays: Sequence[NDArray[Number]]
) -> list[bytes]:
    """Return what `pack`, one of the functions above, returns of arrays of which many are the same: each once."""
    keys = [(array.dtype.char, array.tobytes()) for array in arrays]
    different = dict(zip(keys, arrays, strict=True))
    packed = dict(zip(different, pack(list(different.values())), strict=True))
    return [packed[key] for key in keys]


def int2_array(values: NDArray[np.int64]) -> bytes:
    """Return an ``int2[]``."""
    return _arrays(_INT2, [values])[0]


def storable(value: str) -> str:
    """Return a text that PostgreSQL can store: broken files put NUL and lone surrogates into names and messages."""
    if value.isascii() and "\x00" not in value:
        return value
    return value.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _item(value: str) -> bytes:
    data = value.encode() if value.isascii() else value.encode("utf-8", "backslashreplace")
    if b"\x00" in data:
        data = data.replace(b"\x00", b"\\x00")
    return _LENGTH.pack(len(data)) + data


def _items(values: Sequence[str]) -> bytes:
    """Return the fields of texts; those of hashes, which are all of one length, are written at once."""
    length, whole = len(values[0]), "".join(values)
    if length > _MAX_ASCII or not whole.isascii() or "\x00" in whole or any(len(value) != length for value in values):
        return b"".join(map(_item, values))
    before = _LENGTH.pack(length).decode()  # ASCII too
    return (before + before.join(values)).encode()


def _arrays(oid: int, arrays: Sequence[NDArray[np.floating[Any]]] | Sequence[NDArray[np.integer[Any]]]) -> list[bytes]:
    """Return a field an array; the elements of all of them are written at once."""
    kind = _ITEM[oid]
    flat = [array.ravel() for array in arrays]
    items = np.empty(sum(map(len, flat)), dtype=[("size", ">i4"), ("value", kind)])
    items["size"] = kind.itemsize
    if flat:
        items["value"] = np.concatenate(flat)
    data, width, start = items.tobytes(), items.itemsize, 0
    fields = []
    for array in flat:
        end = start + len(array) * width
        fields.append(_array(oid, len(array), data[start:end]))
        start = end
    return fields


def _array(oid: int, length: int, body: bytes) -> bytes:
    if not length:
        return _EMPTY_ARRAY.pack(12, 0, 0, oid)
    return _ARRAY.pack(20 + len(body), 1, 0, oid, length, 1) + body


_SYMBOLS = {symbol: _item(symbol) for symbol in ELEMENT_SYMBOLS}
