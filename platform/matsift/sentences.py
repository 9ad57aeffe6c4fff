"""Sentences for a person: one line of bearable length, whatever stood in the file that they tell of."""

from __future__ import annotations

#: Characters of the longest sentence: what is wrong with a file may repeat what was written there.
LONGEST = 4000
_END = 500


def bearable(sentence: str, longest: int = LONGEST) -> str:
    """Return a sentence in one line, without its middle where it is too long: the end names the remedy."""
    if len(sentence.splitlines()) > 1:
        sentence = " ".join(sentence.split())
    if len(sentence) <= longest:
        return sentence
    return f"{sentence[: longest - _END - 5]} ... {sentence[-_END:]}"
