"""The command as the user called it, for sentences that name a command to be copied."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path


def as_called() -> str:
    """Return how to call `matsift` from the same folder, on the same data, as this process was called."""
    home = os.environ.get("MATSIFT_HOME", "")
    prefix = f"MATSIFT_HOME={shlex.quote(home)} " if home else ""
    return f"{prefix}{_program()}"


def _program() -> str:
    called = Path(sys.argv[0])
    found = shutil.which("matsift")
    if found is not None and Path(found).resolve() == called.resolve():
        return "matsift"
    try:
        return shlex.quote(str(called.absolute().relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(called.absolute()))
