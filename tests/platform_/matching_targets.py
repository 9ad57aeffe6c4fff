"""Targets for worker processes: grouping that hangs on some structures."""

from __future__ import annotations

import time
from collections.abc import Sequence

from matsift.crystal import Crystal
from matsift.structure_matching import Matches, MatchSettings, match_bucket


def slow_on_disorder(payload: tuple[Sequence[Crystal], int, MatchSettings]) -> Matches:
    """Return the matches, but never those of disordered crystals."""
    if not payload[0][0].is_ordered:
        time.sleep(3600)
    return match_bucket(payload)
