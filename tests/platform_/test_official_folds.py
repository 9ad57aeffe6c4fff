"""The folds of matbench, against lists of the package matbench (0.6, matbench_v0.1_validation.json)."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from matsift.learners.official_folds import matbench_folds

#: Task -> rows, and SHA-256 of the official folds of all rows, one byte a row.
OFFICIAL = {
    "matbench_dielectric": (4764, "75ce477812f494b8"),
    "matbench_expt_gap": (4604, "9ed1c8241ec011cb"),
    "matbench_mp_e_form": (132752, "86b3e1f495cbebb0"),
    "matbench_jdft2d": (636, "72e2b4bc7ea4df67"),
    "matbench_log_gvrh and matbench_log_kvrh": (10987, "d4f1c38e786d9d8f"),
    "matbench_mp_gap": (106113, "0e4e0dea8fbe7235"),
    "matbench_perovskites": (18928, "78012772e6affd65"),
    "matbench_phonons": (1265, "5139ec1c5736bd95"),
    "matbench_steels": (312, "e65cf256c3c10003"),
}


@pytest.mark.parametrize("task", OFFICIAL)
def test_folds_are_the_official_ones_of_every_regression_task(task: str) -> None:
    n, digest = OFFICIAL[task]
    folds = matbench_folds(n)
    assert hashlib.sha256(bytes(folds.tolist())).hexdigest()[:16] == digest


def test_the_first_rows_of_the_elastic_tasks() -> None:
    # mb-log-kvrh-00006, -00010, -00040 and -00047 open the official test set of fold 0
    folds = matbench_folds(10987)
    assert np.flatnonzero(folds == 0)[:4].tolist() == [5, 9, 39, 46]
    assert np.bincount(folds).tolist() == [2198, 2198, 2197, 2197, 2197]
