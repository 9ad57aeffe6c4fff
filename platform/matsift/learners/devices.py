"""Where networks are trained and asked, and in which numbers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

from matsift.errors import UserInputError

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "float32", "bfloat16")


def chosen_device(name: str) -> torch.device:
    """Return the device of a name: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises
    ------
    UserInputError
        If the name is none of these, or there is no GPU that torch can use.
    """
    if name not in DEVICES:
        raise UserInputError(f"there is no device {name!r}; choose one of {', '.join(DEVICES)}")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserInputError('torch finds no GPU here; set device to "cpu" or "auto"')
    return torch.device(name)


def fast_type(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of the factors in large products; "auto" is bfloat16 where the device has units for it.

    Raises
    ------
    UserInputError
        If the name is none of `PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise UserInputError(f"there is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    if precision == "auto":
        quick = torch.cuda.is_bf16_supported() if device.type == "cuda" else _processor_has_bfloat16()
        return torch.bfloat16 if quick else torch.float32
    return torch.float32 if precision == "float32" else torch.bfloat16


@cache
def _processor_has_bfloat16() -> bool:
    """Return whether Linux lists instructions for products of bfloat16; elsewhere the answer is no."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
