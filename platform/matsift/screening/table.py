"""What criteria look at: one row a structure, arrays a property, "unknown" told apart from every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ScreeningTable:
    """Facts about n structures.

    Parameters
    ----------
    elements
        (n,) element symbols of each structure.
    reduced_formula
        (n,) reduced formulae; structures that share one are polymorphs.
    n_site
        (n,) sites in the cell.
    properties
        Property name -> (n,) values in the property's unit, NaN where unknown; a property may be absent. A percolation
        barrier is infinite where it was computed and no path lies below the cutoff.
    has_descriptor
        Descriptor set -> (n,) whether there is a vector.
    descriptor_failed
        Descriptor set -> (n,) whether computing it failed; neither means that it has not been tried.
    converged
        (n,) True, False or None for unknown; None for the whole means that nothing is known of any.
    """

    elements: Sequence[tuple[str, ...]]
    reduced_formula: Sequence[str]
    n_site: NDArray[np.int64]
    properties: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    has_descriptor: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    descriptor_failed: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    converged: Sequence[bool | None] | None = None

    def __len__(self) -> int:
        return len(self.elements)

    def known(self, property_name: str) -> NDArray[np.float64]:
        """Return the (n,) values of a property, NaN where unknown."""
        return self.properties.get(property_name, np.full(len(self), np.nan))


@dataclass(frozen=True, eq=False)
class CriterionOutcome:
    """What one criterion says of each of n structures.

    Parameters
    ----------
    criterion
        Its name in the study.
    outcome
        (n,) "passed", "failed" or "unknown".
    value_seen
        (n,) the number that was compared, NaN where there is none.
    detail
        (n,) a few words where they help: the elements found, the rival polymorph.
    """

    criterion: str
    outcome: NDArray[np.str_]
    value_seen: NDArray[np.float64]
    detail: tuple[str | None, ...]
