"""Who is compared: the five learners of the paper with our widths, and those that go beyond it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import ModuleType
from typing import Any

from benchmarks.repro_002.code_mark import code_hash

from matsift import density, learners
from matsift.learners.moduli_bars import BARS, Bar

#: The paper's conv widths, its dense layers divided by eight (science.md 4.4): 4,096 inputs a layer learn nothing more
#: from a thousand rows, and half of every step would go into them.
_DENSE = (512, 512, 16, 16, 16, 32)

_NETWORK_CODE = ("networks", "unique_layers", "feeds", "assembly", "training", "fit")
_BAR_CODE = ("forest", "lightgbm_ensemble", "prediction")


@dataclass(frozen=True)
class Learner:
    """One column of the comparison.

    Parameters
    ----------
    key, title
        Names it.
    bar
        What it is where it reads columns.
    kind, settings
        What it is where it is a network.
    branches
        Keys of the trained networks that it joins: they are trained on the same rows first.
    left_out
        Whether it is trained without each element too (Table 3).
    most_epochs
        After so many its rate is too small to learn more.
    """

    key: str
    title: str
    bar: Bar | None = None
    kind: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    branches: tuple[str, ...] = ()
    left_out: bool = True
    most_epochs: int = 200

    def mark(self, epochs: int) -> str:
        """Return what tells results of these settings and this code from others."""
        if self.bar is not None:
            return f"{json.dumps([self.bar.learner, self.bar.settings, self.bar.descriptor_sets])} {_code(learners)}"
        settings = json.dumps([self.kind, self.filled(epochs), self.branches], sort_keys=True)
        return f"{settings} {_code(density)}"

    def filled(self, epochs: int) -> dict[str, Any]:
        """Return the settings of a network that is trained for so many epochs at most."""
        return {"members": 1, "device": "auto", **self.settings, "epochs": min(epochs, self.most_epochs)}


@cache
def _code(package: ModuleType) -> str:
    return code_hash(_BAR_CODE if package is learners else _NETWORK_CODE, package)


_2D = {"dense": _DENSE}
#: The paper's rate is halved every ten epochs: a sixteenth is left.
_2D_EPOCHS = 40


def _few(name: str) -> Bar:
    """Return a LightGBM bar with five members of a third of the rounds: twelve times faster, errors alike."""
    return replace(BARS[name], settings={**BARS[name].settings, "members": 5, "n_estimators": 350})


LEARNERS = (
    Learner("rf", "RF + Magpie", bar=BARS["RF + Magpie"]),
    Learner("magpie", "CNN + Magpie", kind="magpie_cnn"),
    Learner("cnn_3d", "3D CNN + density", kind="density_cnn_3d", settings={"dense": _DENSE, "filters": (32, 32)}),
    Learner("cnn_2d", "2D CNN + density", kind="density_cnn_2d", settings=_2D, most_epochs=_2D_EPOCHS),
    Learner("fusion", "fusion", kind="density_fusion", branches=("magpie", "cnn_2d"), left_out=False),
    Learner(
        "tied",
        "2D CNN, one branch, both origins",
        kind="density_cnn_2d",
        settings={**_2D, "tied": True, "origins": True},
        most_epochs=_2D_EPOCHS,
    ),
    Learner("lgbm", "LightGBM + descriptors", bar=_few("LightGBM + descriptors")),
    Learner("lgbm_density", "LightGBM + density statistics", bar=_few("LightGBM + density")),
    Learner("lgbm_both", "LightGBM + Magpie + density statistics", bar=_few("LightGBM + Magpie + density")),
)
#: What reads a density on a grid alone, of whatever source: promolecules against densities by GPAW.
GRID_LEARNERS = (
    *(one for one in LEARNERS if one.key in ("cnn_3d", "tied")),
    Learner(
        "lgbm_grid",
        "LightGBM + statistics of the grid",
        bar=replace(_few("LightGBM + density"), descriptor_sets=("grid",)),
    ),
)
BY_KEY = {learner.key: learner for learner in (*LEARNERS, *GRID_LEARNERS)}
TITLES = {key: learner.title for key, learner in BY_KEY.items()}
#: In the paper's order.
OF_PAPER = ("rf", "magpie", "cnn_3d", "cnn_2d", "fusion")
