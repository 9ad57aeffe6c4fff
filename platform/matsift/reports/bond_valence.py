"""What a report says of lattices from learned screening factors: their errors before and after relaxation."""

from __future__ import annotations

from dataclasses import dataclass

from numpy import float64
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LatticeErrors:
    """Relative lattice errors (a - a_ref) / a_ref of n references that the model was not trained on.

    `before` are those of the strained cells that relaxation starts from; relaxed at the screening factor that is
    without pressure, they stay as they are. `after` (n,) are those at the predicted screening factor.
    """

    before: tuple[float, ...]
    after: NDArray[float64]
