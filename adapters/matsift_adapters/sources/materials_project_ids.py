"""Materials Project ids: one entry under one text, however the service spells it.

The service changes from numbers to letters: ``mp-8039`` is ``mp-lxf``, base 26 with a = 0, and ``mp-aaaaalxf`` too. A
source that changes its spelling must neither double nor withdraw anything, so an entry is kept under the text that
emmet gives it (numbers up to the last number that was given out, letters without leading a beyond), and its number is
its canonical number. The bound stands here: another one in a later emmet must not rename entries.
"""

from __future__ import annotations

import re
from string import ascii_lowercase

#: The last id that was given out as a number (``emmet.core.mpid.AlphaID._cut_point``).
LAST_NUMBERED = 3_347_529

# 13 letters and 18 digits are numbers that a database holds.
_ID = re.compile(r"([a-z]+)-(?:([0-9]{1,18})|([a-z]{1,13}))")


def canonical(text: str) -> tuple[str, int | None]:
    """Return the id that an entry is kept under, and its number; an id of an unknown form stays as it is, without one.

    Parameters
    ----------
    text
        An id as the service spells it, for example ``mp-149``, ``mp-ft`` or ``mp-aaaaaaft``.
    """
    found = _ID.fullmatch(text)
    if found is None:
        return text, None
    prefix, digits, letters = found.groups()
    number = int(digits) if digits else _from_letters(letters)
    return f"{prefix}-{number if number <= LAST_NUMBERED else _to_letters(number)}", number


def _from_letters(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ascii_lowercase.index(letter)
    return number


def _to_letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number, 26)
        letters = ascii_lowercase[rest] + letters
    return letters or "a"
