"""The flow behind `matsift dataset densities`: equations of state and electron densities of cubic compounds by GPAW.

What is finished is a line of a journal, its densities are a file of an artifact store beside it, written before the
line. So a computation that was killed at any moment goes on where it was, and lacks only the compounds in hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from matsift.execution.killable import KillablePool, Outcome
from matsift.study.oracles import GpawOracle
from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.data.cubic_compounds import CubicCompound, cubic_compounds
from matsift_adapters.data.cubic_densities import ARTIFACTS, JOURNAL, SUFFIX, finished, packed
from matsift_adapters.data.journal import Journal
from matsift_adapters.oracles.registry import oracle
from matsift_flows.orchestration import inner_flow, invoke

from prefect import task  # isort: skip  after orchestration, which sets Prefect's environment
from prefect.cache_policies import NO_CACHE  # isort: skip

#: The settings, hence the method of the labels, of the campaign in studies/dft_binaries.toml.
DENSITY_SETTINGS = GpawOracle(cutoff_ev=600.0, kpoint_density=2.0)

#: Wall-clock limit of one compound; on an idle core the slowest take some minutes, more on a busy one.
SECONDS_A_COMPOUND = 3600.0

_TARGET = "matsift_adapters.oracles.gpaw_density:label"


@dataclass(frozen=True)
class DensitiesSummary:
    """Compounds of the list, of which some were computed now, are done or failed by now, and are left."""

    n_compound: int
    n_computed_now: int
    n_done: int
    n_failed: int


Tell = Callable[[CubicCompound, Outcome, int], None]


def compute_densities(
    work_dir: Path,
    *,
    n_worker: int,
    compounds: Sequence[CubicCompound] | None = None,
    settings: GpawOracle = DENSITY_SETTINGS,
    seconds_a_compound: float = SECONDS_A_COMPOUND,
    retry_failed: bool = False,
    leave_out: Collection[str] = (),
    tell: Tell | None = None,
) -> DensitiesSummary:
    """Compute the compounds that a folder lacks, and return what is there then.

    Parameters
    ----------
    work_dir
        Folder of journal and densities; the same folder and settings continue.
    n_worker
        Processes, one thread each.
    compounds
        In the order in which to compute; the whole list by default.
    settings
        Of the oracle; other settings are other lines.
    seconds_a_compound
        Wall-clock limit.
    retry_failed
        Compute again what failed before.
    leave_out
        Ids of compounds that are not wanted: those that an earlier table has.
    tell
        Called with each outcome and the number of compounds still missing.

    Raises
    ------
    UserInputError
        If GPAW is not installed.
    """
    compounds = [c for c in compounds or cubic_compounds() if c.material_id not in leave_out]
    asked = oracle(settings)
    missing = missing_compounds(compounds, work_dir, asked.method, retry_failed=retry_failed)
    if missing:
        asked.check()
        invoke(label_compounds, missing, work_dir, settings, n_worker, seconds_a_compound, tell)
    rows = finished(work_dir, asked.method)
    of_list = [rows[c.material_id] for c in compounds if c.material_id in rows]
    n_failed = sum("failure" in row for row in of_list)
    now = len(missing) - len(missing_compounds(compounds, work_dir, asked.method))
    return DensitiesSummary(len(compounds), now, len(of_list) - n_failed, n_failed)


def missing_compounds(
    compounds: Iterable[CubicCompound], work_dir: Path, method: str, *, retry_failed: bool = False
) -> list[CubicCompound]:
    """Return the compounds that have no line of a method, in their order; failed ones too if they are to be retried."""
    rows = finished(work_dir, method)
    return [c for c in compounds if c.material_id not in rows or (retry_failed and "failure" in rows[c.material_id])]


@inner_flow("cubic-densities")
def label_compounds(
    compounds: Sequence[CubicCompound],
    work_dir: Path,
    settings: GpawOracle,
    n_worker: int,
    seconds_a_compound: float,
    tell: Tell | None,
) -> None:
    """Compute compounds in worker processes, and keep each as soon as it is done."""
    invoke(label_queue, compounds, work_dir, settings, n_worker, seconds_a_compound, tell)


@task(name="cubic-densities-queue", cache_policy=NO_CACHE)
def label_queue(
    compounds: Sequence[CubicCompound],
    work_dir: Path,
    settings: GpawOracle,
    n_worker: int,
    seconds_a_compound: float,
    tell: Tell | None,
) -> None:
    """Compute compounds in worker processes, and keep each as soon as it is done."""
    asked, store = oracle(settings), ArtifactStore(work_dir / ARTIFACTS)
    by_id = {c.material_id: c for c in compounds}
    with (
        KillablePool(_TARGET, n_worker=n_worker, time_limit_s=seconds_a_compound) as pool,
        Journal(work_dir / JOURNAL) as lines,
    ):
        for n, outcome in enumerate(pool.run((c.material_id, asked.payload(c.crystal)) for c in compounds), 1):
            compound = by_id[str(outcome.key)]
            lines.append(_line(compound, asked.method, outcome, store))
            if tell is not None:
                tell(compound, outcome, len(compounds) - n)


def _line(compound: CubicCompound, method: str, outcome: Outcome, store: ArtifactStore) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": compound.material_id,
        "prototype": compound.prototype,
        "elements": list(compound.elements),
        "method": method,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(outcome.seconds, 2),
    }
    if not outcome.ok:
        return {**row, "failure": {"error_class": outcome.error_class, "message": outcome.message}}
    found = dict(outcome.value)
    densities = found.pop("densities")
    volume = abs(np.linalg.det(np.array(found["detail"]["relaxed"]["lattice"])))
    row["n_electron"] = {name: float(rho.mean(dtype=np.float64) * volume) for name, rho in densities.items()}
    row["densities"] = store.put(packed(densities), SUFFIX).sha256
    return {**row, "result": found}
