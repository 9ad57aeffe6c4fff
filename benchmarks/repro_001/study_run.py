"""The study of the paper at its own scale, run by matsift's own flows on an embedded PostgreSQL of its own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from benchmarks.repro_001.real_data import data_folder

from matsift.study.loading import load_study
from matsift.study.settings import Study
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.study import run_study
from matsift_flows.workspace import Workspace, open_workspace

STUDY = Path(__file__).parents[2] / "studies/na_electrolytes_mp.toml"
_IDS = "structures/mp_36737/material_id_hash.csv.gz"


@contextmanager
def finished_study(
    folder: Path, *, n_worker: int, limit: int | None = None, overrides: tuple[str, ...] = (), path: Path = STUDY
) -> Iterator[tuple[Workspace, Study]]:
    """Run the study to its end, or continue it, and yield its workspace.

    Parameters
    ----------
    folder
        Home of its database, artifacts and reports.
    n_worker
        Worker processes.
    limit
        Only the first rows of the table of crystals, in a database of their own, for trying.
    overrides
        Further settings of the study, ``key=value``.
    path
        The study file.
    """
    named = [f"sources.0.folder={json.dumps(str(data_folder().resolve()))}", *overrides]
    if limit is not None:
        folder = folder / f"first_{limit}"
        named.append(f"sources.0.path={json.dumps(str(_first_rows(folder, limit)))}")
    study = load_study(path, named)
    with open_workspace(Settings(home=folder, workers=n_worker), Reporter()) as workspace:
        run_study(workspace, study, path.parent)
        yield workspace, study


def _first_rows(folder: Path, limit: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / "first_rows.csv").resolve()
    with gzip.open(data_folder() / _IDS, "rt") as lines:
        path.write_text("".join(islice(lines, limit)))
    return path
