"""What parsing one file gives: structures, each with its block, its holds, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from matsift.crystal import Crystal

if TYPE_CHECKING:
    from matsift.structure_facts import StructureFacts

#: So many characters of a text that nothing could be made of are kept with its entry.
MAX_KEPT_TEXT = 200_000


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


def with_text(parsed: Parsed, text: str) -> Parsed:
    """Return an outcome without a structure with the text that could not be read, at most `MAX_KEPT_TEXT` of it."""
    kept = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")  # JSON in the database holds no NUL
    info = {**parsed.info, "text": kept[:MAX_KEPT_TEXT]}
    if len(kept) > MAX_KEPT_TEXT:
        info["text_note"] = f"the first {MAX_KEPT_TEXT} of {len(kept)} characters"
    return replace(parsed, info=info)
