"""Sentences for a person: one line of bearable length, whatever stood in the file that they tell of."""

from __future__ import annotations

from typing import Any

#: Characters of the longest sentence: what is wrong with a file may repeat what was written there.
LONGEST = 4000
_END = 500


def bearable(sentence: str) -> str:
    """Return a sentence in one line, without its middle where it is too long: the end names the remedy."""
    if len(sentence.splitlines()) > 1:
        sentence = " ".join(sentence.split())
    if len(sentence) <= LONGEST:
        return sentence
    return f"{sentence[: LONGEST - _END - 5]} ... {sentence[-_END:]}"


def brief(text: str, longest: int = 60) -> str:
    """Return the beginning of a text, with three dots where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def shown(given: Any) -> str:
    """Return what was given as a sentence may quote it."""
    try:
        text = repr(given)
    except (ValueError, RecursionError):  # thousands of digits in hexadecimal, or thousands of brackets
        return f"this {type(given).__name__}"
    return brief(text)
