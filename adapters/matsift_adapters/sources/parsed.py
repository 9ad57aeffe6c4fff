"""What parsing one file gives: structures, each with its block, its holds, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from matsift.crystal import Crystal

if TYPE_CHECKING:
    from matsift.structure_facts import StructureFacts


@dataclass(frozen=True)
class Parsed:
    """One structure of a file, or why it could not be read.

    `block` tells apart several structures of one file and is empty where there is one; `entry_id` is the id that the
    file itself states, if it was asked for; `info` is plain JSON; `facts` describe the crystal, once a worker has.
    """

    block: str = ""
    crystal: Crystal | None = None
    entry_id: str | None = None
    holds: tuple[str, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)
    error_class: str | None = None
    message: str | None = None
    facts: StructureFacts | None = None


def unreadable(error: BaseException, message: str | None = None, block: str = "") -> Parsed:
    """Return the outcome of a structure that could not be read, told in one line."""
    told = message or str(error).strip() or type(error).__name__
    return Parsed(block, error_class=type(error).__name__, message=" ".join(told.split())[:500])
