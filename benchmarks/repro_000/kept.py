"""What was measured, kept on disk, so that a reproduction that is interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.kept_lines import KeptLines
from numpy.typing import NDArray

from matsift import learners

_BOTH = "group_splits standard_scores"
_GPR = "additive_kernel coordinates gpr_nn gpr_nn_studies"
_MODULES = {
    "linear": f"least_squares {_BOTH}",
    "NN": f"levenberg_marquardt neuron_layer {_BOTH}",
    "GPR": f"{_GPR} {_BOTH}",
    "all": f"least_squares levenberg_marquardt neuron_layer {_GPR} left_out_groups {_BOTH}",
}


class Kept:
    """One JSON line a result, in a file that belongs to certain rows; its key names the code that learnt from them."""

    def __init__(self, home: Path, arrays: Iterable[NDArray[np.float64]]) -> None:
        digest = hashlib.sha256()
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes() + b"|")
        self._lines = KeptLines(home / f"results-{digest.hexdigest()[:16]}.jsonl")
        self._known: dict[str, Any] = dict(self._lines)

    def measured(self, what: str, learner: str, measure: Callable[[], Any]) -> Any:
        """Return what is known, else measure it and keep it.

        Parameters
        ----------
        what
            Names the result, with everything that it depends on besides rows and code.
        learner
            Whose code it depends on: linear, NN, GPR or all.
        measure
            Gives the result as plain data.
        """
        key = f"{what} by {_code_hash(learner)}"
        if key not in self._known:
            found = measure()
            self._lines.keep(key, found)
            self._known[key] = found
        return self._known[key]


@cache
def _code_hash(learner: str) -> str:
    folder = Path(learners.__file__).parent
    digest = hashlib.sha256()
    for name in _MODULES[learner].split():
        digest.update((folder / f"{name}.py").read_bytes())
    return digest.hexdigest()[:12]
