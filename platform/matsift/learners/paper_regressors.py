"""The regressors of Kameda et al. 2024 by the names of its tables, as learners of the registry with their settings."""

from __future__ import annotations

from typing import Any

from matsift.learners import gpr_nn, least_squares, levenberg_marquardt

#: Name -> (learner, settings). A network is one training of a table's hundred, so it has one member.
PAPER_REGRESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": (least_squares.KIND, {}),
    **{f"NN{n}": (levenberg_marquardt.KIND, {"neurons": n, "members": 1}) for n in (1, 2, 3, 4, 6, 9, 12)},
    "GPR-NN l=7": (gpr_nn.KIND, {"length": 7.0}),
    "GPR-NN l=200": (gpr_nn.KIND, {"length": 200.0}),
}

#: For one row an oxide, the root of Er = 0 itself: kernels as short as an ion's own effect, and a target without its
#: mean, to which an ion that no other resembles then falls back.
ROOT_REGRESSOR: tuple[str, dict[str, Any]] = (
    gpr_nn.KIND,
    {"length": 0.5, "noise_variance": 0.1, "standardise_target": True},
)
