"""Compilation of loops to machine code, kept on disk so that only the first run of an installation waits for it."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function")


def compiled(function: _Function) -> _Function:
    """Return the function as machine code, from numba's cache beside the module or in the user's cache folder.

    Where neither can be written the code is compiled in each process.
    """
    return _compiled(function)


def compiled_sums(function: _Function) -> _Function:
    """Return the function as `compiled` does, its sums taken in the order that is quickest on this processor.

    Numbers then differ by rounding between kinds of processors, never between runs on one. Python's lock is let go of.
    """
    return _compiled(function, nogil=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")


def _compiled(function: _Function, **options: Any) -> _Function:
    compiler = cast("Any", njit)
    try:
        return cast("_Function", compiler(cache=True, **options)(function))
    except RuntimeError:  # numba's word for "no folder to keep it in"
        return cast("_Function", compiler(**options)(function))
