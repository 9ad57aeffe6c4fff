"""Ctrl-C, also where it comes in the middle of something whose clean-up fails in turn and hides it."""

from __future__ import annotations


def is_interruption(error: BaseException | None) -> bool:
    """Return whether an error is Ctrl-C, or came up while Ctrl-C was being handled."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False
