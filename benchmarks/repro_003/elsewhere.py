"""Rows whose bulk modulus we computed ourselves with another code: left out together, and compared with both labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from benchmarks.repro_001.tables import markdown
from benchmarks.repro_003.found import ELSEWHERE, Found, Plan
from benchmarks.repro_003.learners import TITLES
from benchmarks.repro_003.rows import PROPERTIES, Rows
from numpy.typing import NDArray

from matsift.learners.evaluation import regression_metrics
from matsift_adapters.data.cubic_compounds import cubic_compounds
from matsift_adapters.data.cubic_densities import ComputedCompound

_FEWEST = 10


def mask(rows: Rows) -> NDArray[np.bool_] | None:
    """Return (n,) which rows are on the list of compounds to compute, None if there are none."""
    listed = {one.material_id for one in cubic_compounds()}
    found = np.array([name in listed for name in rows.material_ids], dtype=bool)
    return found if found.any() else None


def table(found: Found, plan: Plan, rows: Rows, computed: Sequence[ComputedCompound]) -> list[str]:
    """Return errors of the bulk modulus against the label and, as far as it is there, against our own value."""
    if plan.elsewhere is None:
        return ["No row is on the list.", ""]
    places = np.flatnonzero(plan.elsewhere)
    label = rows.moduli[PROPERTIES[0]][places]
    by_id = {one.compound.material_id: float(one.row["result"]["k_vrh"]) for one in computed}
    own = np.array([by_id.get(rows.material_ids[i], np.nan) for i in places])
    known = np.isfinite(own)
    enough = int(known.sum()) >= _FEWEST
    lines = [("the label itself", "", _error(own[known], label[known]))] if enough else []
    for job, result in found.results.items():
        if job.test == ELSEWHERE:
            said = np.array(result["mean"])
            beside = _error(own[known], said[known]) if enough else ""
            lines.append((TITLES[job.learner], _error(label, said), beside))
    header = (
        f"K, R2 / RMSE in GPa; trained on {len(rows) - len(places)} other rows",
        f"against the label, {len(places)} rows",
        f"against GPAW's equation of state, {int(known.sum())} rows",
    )
    return markdown(header, lines)


def _error(y: NDArray[np.float64], said: NDArray[np.float64]) -> str:
    metrics = regression_metrics(y, said)
    return f"{metrics['r2']:.3f} / {metrics['rmse']:.1f}"
