"""What all tables of a study file have in common, and how their checks complain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict

from matsift.errors import UserInputError


def as_fault(check: Callable[..., object], *arguments: object) -> None:
    """Run a check of the platform so that pydantic lists its complaint with the others."""
    try:
        check(*arguments)
    except UserInputError as error:
        raise ValueError(str(error)) from None


def refuse_repeats(where: str, names: Iterable[str]) -> None:
    """Raise ValueError if `where` names something twice."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"{where} names {repeated[0]!r} twice; give each its own name, or name it once")


def named_by_kind(given: Any) -> Any:
    """Return a table for what a study file gives by the name of its kind alone; anything else as it is."""
    return {"kind": given} if isinstance(given, str) else given


class Settings(BaseModel):
    """Base of all tables of a study file: an unknown key is an error, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
