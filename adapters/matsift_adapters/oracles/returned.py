"""What a folder that was handed out says when it is read: finished, failed, or still running."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from matsift.sentences import bearable


@dataclass(frozen=True)
class Finished:
    """Values of properties in their own units, and what stands behind them, fit for JSON.

    `detail` holds the code and its version, its parameters, the relaxed cell, and for an elastic tensor `tensor_gpa`
    and `born_stable`.
    """

    values: dict[str, float]
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """Why there is no value: a class of failures, and one sentence."""

    error_class: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", bearable(self.message))


@dataclass(frozen=True)
class Running:
    """Nothing has come back yet, or (`begun`) not all of it: ask again later."""

    message: str
    begun: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", bearable(self.message))


Returned = Finished | Failed | Running
