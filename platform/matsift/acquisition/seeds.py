"""Seeds of the rounds of a campaign."""

from __future__ import annotations

import hashlib


def round_seed(seed: int, property_name: str, strategy: str, number: int) -> int:
    """Return a seed of its own for each campaign and round, below 2**32, the same in every database."""
    text = f"{seed} {property_name} {strategy} {number}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
