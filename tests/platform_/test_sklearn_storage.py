"""A stored scikit-learn model is the same file whenever, and in whatever process, it is stored."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from matsift.learners.sklearn_storage import from_bytes, to_bytes

PROGRAM = """
import hashlib, sys
import numpy as np
from matsift.learners import registry
taken = [bytearray(n) for n in range(int(sys.argv[2]))]  # so that memory lies otherwise
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
settings = {"n_estimators": 5} if sys.argv[1] == "random_forest" else {"members": 2}
model = registry.fit(sys.argv[1], X, X[:, 0], settings=settings, seed=1, feature_names=["a", "b", "c"])
print(hashlib.sha256(model.dump()).hexdigest())
"""


@pytest.mark.parametrize("kind", ["ridge", "random_forest"])
def test_two_processes_store_the_same_file(kind: str) -> None:
    def stored(n: int) -> str:
        command = [sys.executable, "-c", PROGRAM, kind, str(n)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert stored(1) == stored(2000)


def test_time_and_memory_leave_no_trace() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 4))
    models = [RidgeCV([0.1, 1.0]).fit(X, X[:, 0]) for _ in range(2)]
    first, second = (hashlib.sha256(to_bytes(model)).hexdigest() for model in models)
    assert first == second
    np.testing.assert_array_equal(from_bytes(to_bytes(models[0])).predict(X), models[0].predict(X))
