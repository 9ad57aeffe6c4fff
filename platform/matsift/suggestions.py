"""Names that are nearly right: which one was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Similarity from which a name counts as meant: a letter wrong in five, two swapped, a word of two left out.
_ALIKE = 0.6


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another, None where none is; upper and lower case count as the same."""
    by_lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=_ALIKE)
    return by_lower[found[0]] if found else None


def meant(name: str, known: Iterable[str]) -> str:
    """Return what to say after a wrong name, `` (did you mean 'g_vrh'?)`` for ``gvrh``; empty where none is alike."""
    found = closest(name, known)
    return "" if found is None or found == name else f" (did you mean {found!r}?)"
