"""The cost of a composition by the prices of its elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

#: Name and unit of the objective; it is no property of a crystal, so no label and no model carries it.
COST = "cost"
COST_UNIT = "USD/kg"


def cost_usd_per_kg(formulae: Sequence[str], prices: Mapping[str, float]) -> NDArray[np.float64]:
    """Return (n,) costs of compositions, USD/kg; NaN where an element has no price.

    The cost is that of the elements in a kilogram of the compound, each at its price: without energy, synthesis, or
    the discount on an ore that already holds the compound. It tells cheap chemistry from dear chemistry and no more.
    """
    costs = {formula: _cost(formula, prices) for formula in set(formulae)}
    return np.array([costs[formula] for formula in formulae], dtype=np.float64)


def _cost(formula: str, prices: Mapping[str, float]) -> float:
    from pymatgen.core import Composition  # noqa: PLC0415  pymatgen takes a second to import

    shares = Composition(formula).as_weight_dict()
    return float(sum(share * prices.get(symbol, np.nan) for symbol, share in shares.items()))
