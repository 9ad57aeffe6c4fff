"""Table 1, one training at a time: a property model on the rows of an experiment, tested and asked about candidates."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from benchmarks.repro_004 import paper, recovery
from benchmarks.repro_004.data import Data, Gaps, roles
from benchmarks.repro_004.learners import Learner
from numpy.typing import NDArray

from matsift.descriptors.of_compositions import described_amounts
from matsift.generative.formulas import Compositions
from matsift.learners.evaluation import regression_metrics
from matsift.learners.prediction import FittedModel


@dataclass(frozen=True, eq=False)
class Candidates:
    """Compositions to screen and the oracle's gaps (eV) of them, (n,)."""

    compositions: Compositions
    gaps: NDArray[np.float64]
    _tables: dict[tuple[str, ...], NDArray[np.float64]] = field(default_factory=dict)

    def described(self, descriptors: tuple[str, ...]) -> NDArray[np.float64]:
        """Return their descriptors (n, n_column), computed once."""
        if descriptors not in self._tables:
            self._tables[descriptors] = described_amounts(descriptors, self.compositions.counts)
        return self._tables[descriptors]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.gaps)


def rows_of(data: Data, experiment: str, found: Gaps | None = None) -> Gaps:
    """Return the rows that an experiment learns from, `found` ones behind them; none has a formula of the last test.

    The experiment `exp1` has all rows with gaps.
    """
    rows = data.gaps if experiment == "exp1" else data.initial[experiment]
    rows = rows if found is None else rows.joined(found)
    return rows.take(~rows.compositions.reduced().is_in(data.external.compositions.reduced()))


def trained(learner: Learner, rows: Gaps, repeat: int, *, small: bool = False) -> FittedModel:
    """Return the model of a repeat: trained on all rows but those of its test.

    The paper's 20 % for validation are among what is given: a network takes its own share of it to choose its epoch.
    """
    return learner.fit(rows.take(roles(rows, repeat) != "test"), repeat, small=small)


def scored(
    learner: Learner,
    rows: Gaps,
    repeat: int,
    data: Data,
    candidates: Candidates | None,
    *,
    small: bool = False,
) -> dict[str, Any]:
    """Return what a line of Table 1 needs of one repeat."""
    model = trained(learner, rows, repeat, small=small)
    held_out = rows.take(roles(rows, repeat) == "test")
    own = regression_metrics(held_out.gaps, learner.predict(model, held_out.compositions))
    last = regression_metrics(data.external.gaps, learner.predict(model, data.external.compositions))
    result = {
        "n": len(rows),
        "r2": own["r2"],
        "mae": own["mae"],
        "rmse": own["rmse"],
        "r2_test": last["r2"],
        "mae_test": last["mae"],
        "sryf5": float(learner.predict(model, Compositions.from_formulas([paper.SRYF5_FORMULA]))[0]),
    }
    if candidates is not None and len(candidates):
        said = model.predict(candidates.described(learner.descriptors)).mean
        result |= asdict(recovery.screened(said, candidates.gaps))
    return result
