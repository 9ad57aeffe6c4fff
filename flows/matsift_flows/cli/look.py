"""How the terminal looks: one set of colours, none where nobody sees them, and the width that there is."""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from typing import TextIO


class Role(StrEnum):
    """What a piece of text is; its value is how a terminal sets it (ECMA-48)."""

    HEADING = "1"  # bold
    COMMAND = "36"  # cyan: to be typed
    GOOD = "32"  # green
    ATTENTION = "33"  # yellow: somebody is waited for
    BAD = "31"  # red
    ASIDE = "2"  # dim: column heads, rules, remarks


def painted(text: str, role: Role, stream: TextIO | None = None) -> str:
    """Return a text in the colour of its role, or as it is where `stream` (stdout) shows no colours."""
    if not text or not shows_colours(stream or sys.stdout):
        return text
    return f"\x1b[{role.value}m{text}\x1b[0m"


def shows_colours(stream: TextIO) -> bool:
    """Return whether a stream is a terminal with colours, and nobody has asked for none (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def width() -> int | None:
    """Return the columns of the terminal, None where stdout is a file or a pipe: there lines stay whole."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
