"""What descriptor sets are computed from: the structures of a chunk, and what several sets need of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from matsift.crystal import Crystal
from matsift.descriptors.mp import Facts
from matsift.descriptors.tessellation import Tessellation, tessellate


@dataclass(frozen=True, eq=False)
class Chunk:
    """Crystals, what is known of them otherwise, and their Voronoi cells, computed once when first asked for."""

    crystals: Sequence[Crystal]
    facts: Facts | None = None

    @cached_property
    def cells(self) -> Tessellation:
        """The Voronoi cells of the crystals that have them."""
        return tessellate(self.crystals)
