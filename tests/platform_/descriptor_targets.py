"""What the workers of `test_batches.py` run: the real sets, with hooks for structures that misbehave."""

from __future__ import annotations

import os
import time
from typing import Any

from matsift.descriptors.registry import compute_chunk
from matsift.descriptors.sets import DescriptorChunk


def compute_with_trouble(payload: tuple[Any, Any, Any]) -> dict[str, DescriptorChunk]:
    """Hang on xenon, die on radon, else compute."""
    for crystal in payload[1]:
        if "Xe" in crystal.species:
            time.sleep(60)
        if "Rn" in crystal.species:
            os.abort()
    return compute_chunk(payload)
