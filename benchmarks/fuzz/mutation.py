"""Changes to whole inputs: of bytes, of lines and blocks, of numbers, and of single values of JSON."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[^\s,;<>\"'{}\[\]()=:]+")
_DEEP = 3000

#: What a number is replaced by.
NUMBERS: tuple[bytes, ...] = (
    *(b"nan", b"inf", b"-inf", b"1e308", b"-1e308", b"1e-320", b"-1", b"0", b"-0.0", b"1e9", b"1e18", b"1e999"),
    *(b"2147483648", b"9223372036854775808", b"9" * 30, b"9" * 400, b"9" * 5000, b"0x10", b"1_000", b"1,5", b"1.5.2"),
    *(
        "٣".encode(),
        "５".encode(),
        "²".encode(),
        "½".encode(),
        b"1e",
        b".",
        b"?",
        b"",
        b"-",
        b"1(2)",
        b"NaN(3)",
        b"1d3",
    ),
)
#: What a word is replaced by, or put beside.
WORDS: tuple[bytes, ...] = (
    *(b"\x00", b"\x01\x1b[2J", b"\x7f", b"\xff\xfe", b"\xed\xa0\x80", "\ufeff".encode(), "\u2028".encode(), b"\x85"),
    *(
        b"A" * 5000,
        b"'" * 3,
        b'"',
        b";",
        b"#",
        b"%s%n",
        b"../../etc/passwd",
        b"'; DROP TABLE structure; --",
        b"\\",
        b"$",
    ),
    *(b"{" * 200, b"[" * _DEEP, b"(" * _DEEP, b"<a>" * _DEEP, b"&lol;", b"<!DOCTYPE x>", b"loop_", b"data_", b"save_"),
    *(
        b"Xx",
        b"D",
        b"Og",
        b"Na+",
        b"x,y,z",
        b"1/0",
        b"x/0,y,z",
        b"-x,-x,-x",
        b"null",
        b"true",
        b"__class__",
        b"~",
        b"@",
    ),
)
#: What any value of JSON is replaced by.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, -1e308, float("nan"), float("inf"), 5e-324, 2**31, 2**63, 10**40, 10**400),
    *("", "\x00", "nul\x00inside", "\ud800", "A" * 100_000, "'; DROP TABLE structure; --", "mp-" + "9" * 30, "é\u202e"),
    *(
        [],
        {},
        [[]],
        [None],
        [{}],
        {"": None},
        [1, "a"],
        [[1, 2], [3]],
        {"a": [1]},
        [0.0] * 3,
        [[0.0] * 3] * 3,
        "1",
        "٣",
    ),
)


def changed_bytes(rng: Random, content: bytes) -> bytes:
    """Return content after a few changes, each of some bytes, lines, blocks, numbers or words."""
    for _ in range(_n_change(rng)):
        content = rng.choice(_ANY)(rng, content)
    return content


def changed_binary(rng: Random, content: bytes) -> bytes:
    """Return content that is no text after a few changes of bytes and blocks."""
    for _ in range(_n_change(rng)):
        content = rng.choice(_BINARY)(rng, content)
    return content


def changed_value(rng: Random, document: Any) -> Any:
    """Return a document of JSON, a copy, in which a few values at any depth are others, missing or doubled."""
    document = copy.deepcopy(document)
    for _ in range(_n_change(rng)):
        place = _place(rng, document)
        if place is None:
            return _value(rng)
        container, key = place
        way = rng.randrange(6)
        if way == 0:
            del container[key]
        elif way == 1 and isinstance(container, list):
            container.insert(key, container[key])
        elif way == 2:
            container[key] = [container[key]]
        elif way == 3 and isinstance(container, dict):
            container[rng.choice(("", "\x00", "matrix", "data", "A" * 300))] = _value(rng)
        else:
            container[key] = _value(rng)
    return document


def _n_change(rng: Random) -> int:
    return rng.choice((1, 1, 1, 2, 2, 3, 5))


def _value(rng: Random) -> Any:
    if rng.random() < 0.04:
        return _nested(rng.choice((50, 330, 480, 900)), in_list=rng.random() < 0.5)
    return copy.deepcopy(rng.choice(VALUES))


def _nested(depth: int, *, in_list: bool) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value] if in_list else {"a": value}
    return value


def _place(rng: Random, document: Any) -> tuple[Any, Any] | None:
    """Return a container and a key of it, at any depth; None of what holds nothing."""
    here: tuple[Any, Any] | None = None
    while isinstance(document, (dict, list)) and document:
        key: Any = rng.choice(list(document)) if isinstance(document, dict) else rng.randrange(len(document))
        here = document, key
        if rng.random() < 0.3:
            return here
        document = document[key]
    return here


def _flip(rng: Random, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 2, 8, 32))):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def _truncate(rng: Random, content: bytes) -> bytes:
    cut = rng.randrange(len(content) + 1)
    return content[:cut] if rng.random() < 0.8 else content[cut:]


def _span(rng: Random, content: bytes) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.choice((1, 4, 16, 64, 256, 1024)))


def _delete_block(rng: Random, content: bytes) -> bytes:
    start, stop = _span(rng, content)
    return content[:start] + content[stop:]


def _double_block(rng: Random, content: bytes) -> bytes:
    start, stop = _span(rng, content)
    return content[:stop] + content[start:stop] * rng.choice((1, 1, 2, 50)) + content[stop:]


def _move_block(rng: Random, content: bytes) -> bytes:
    start, stop = _span(rng, content)
    rest = content[:start] + content[stop:]
    there = rng.randrange(len(rest) + 1)
    return rest[:there] + content[start:stop] + rest[there:]


def _put_number(rng: Random, content: bytes) -> bytes:
    """Write an integer of two to eight bytes over some bytes: lengths and counts of binary formats."""
    width = rng.choice((2, 4, 8))
    value = rng.choice((0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63, 2**64 - 1)) % (1 << 8 * width)
    place = rng.randrange(len(content) + 1)
    return content[:place] + value.to_bytes(width, rng.choice(("little", "big"))) + content[place + width :]


def _lines(rng: Random, content: bytes) -> bytes:
    """Delete, double, swap or move lines."""
    lines = content.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(4)
    if way == 0:
        del lines[one : one + rng.choice((1, 1, 3))]
    elif way == 1:
        lines[one:one] = [lines[other]] * rng.choice((1, 1, 20))
    elif way == 2:
        lines[one], lines[other] = lines[other], lines[one]
    else:
        lines.insert(other, lines.pop(one))
    return b"\n".join(lines)


def _change_number(rng: Random, content: bytes) -> bytes:
    return _replaced(rng, content, _NUMBER, NUMBERS)


def _change_word(rng: Random, content: bytes) -> bytes:
    return _replaced(rng, content, _WORD, WORDS)


def _swap_words(rng: Random, content: bytes) -> bytes:
    found = _WORD.findall(content[:200_000])
    return _replaced(rng, content, _WORD, found) if found else content


def _insert_word(rng: Random, content: bytes) -> bytes:
    place = rng.randrange(len(content) + 1)
    return content[:place] + rng.choice((*WORDS, *NUMBERS)) + content[place:]


def _replaced(rng: Random, content: bytes, pattern: re.Pattern[bytes], choices: Sequence[bytes]) -> bytes:
    """Return content in which one thing that a pattern finds, near a place drawn, is another."""
    match = pattern.search(content, rng.randrange(len(content) + 1)) or pattern.search(content)
    if match is None:
        return content
    return content[: match.start()] + rng.choice(choices) + content[match.end() :]


_Change = Callable[[Random, bytes], bytes]
_BINARY: tuple[_Change, ...] = (_flip, _truncate, _delete_block, _double_block, _move_block, _put_number)
_TEXT: tuple[_Change, ...] = (_lines, _change_number, _change_number, _change_word, _swap_words, _insert_word)
_ANY: tuple[_Change, ...] = (*_TEXT, *_TEXT, _flip, _truncate, _delete_block, _double_block, _move_block)
