"""Which format a file is written in: the one asked for, or the one that its name says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matsift.errors import UserInputError


def format_of(
    path: Path, asked: str | None, known: Sequence[str], by_suffix: Mapping[str, str], *, what: str, endings: str
) -> str:
    """Return a format.

    Parameters
    ----------
    path
        What is to be written.
    asked
        The format that the user names, None where the name is to say it.
    known
        All formats.
    by_suffix
        Ending of a name, in small letters and with its dot, -> format; "" is a name without one.
    what, endings
        For the sentences: what is written, and how a name may end.

    Raises
    ------
    UserInputError
        If there is no such format, or the name says none.
    """
    if asked is not None and asked not in known:
        raise UserInputError(f"{what} cannot be written as {asked!r}; use one of {', '.join(known)}")
    found = asked or by_suffix.get(path.suffix.lower())
    if found is None:
        raise UserInputError(f"{path.name} says no format; end it with {endings}, or give --format")
    return found
