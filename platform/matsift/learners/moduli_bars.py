"""The tabular learners of Zhao et al. 2020 and the platform's own, by the names of the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.learners import forest, lightgbm_ensemble
from matsift.learners.columns import element_statistics


@dataclass(frozen=True)
class Bar:
    """A learner of the registry, its settings and the descriptor sets that it reads.

    `element_statistics_only` keeps of the set "magpie" the 132 elemental statistics, which are all that the paper used.
    """

    learner: str
    settings: dict[str, Any]
    descriptor_sets: tuple[str, ...]
    element_statistics_only: bool = False

    def columns(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the positions of the columns that the bar reads among those of its descriptor sets."""
        return element_statistics(names) if self.element_statistics_only else np.arange(len(names))


#: Name in the comparison -> bar. 50 trees and scikit-learn's defaults are the paper's; LightGBM takes the settings that
#: were chosen on moduli of other structures.
BARS: dict[str, Bar] = {
    "RF + Magpie": Bar(
        forest.KIND, {"n_estimators": 50, "max_features": 1.0}, ("magpie",), element_statistics_only=True
    ),
    "LightGBM + Magpie": Bar(lightgbm_ensemble.KIND, {"preset": "moduli"}, ("magpie",)),
    "LightGBM + descriptors": Bar(lightgbm_ensemble.KIND, {"preset": "moduli"}, ("magpie", "packing", "voronoi")),
    "LightGBM + density": Bar(lightgbm_ensemble.KIND, {"preset": "moduli"}, ("density",)),
    "LightGBM + Magpie + density": Bar(lightgbm_ensemble.KIND, {"preset": "moduli"}, ("magpie", "density")),
    "LightGBM + all": Bar(lightgbm_ensemble.KIND, {"preset": "moduli"}, ("magpie", "packing", "voronoi", "density")),
}
