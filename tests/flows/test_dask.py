"""The small study on the workers of a Dask cluster: the same rows and numbers, to the last bit."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.flows.running import Finished, finished, one, row_counts, run_here, said
from tests.platform_.dask_cluster import DaskProcesses, kill

from matsift.errors import UserInputError
from matsift.execution.pool import PoolLost
from matsift.learners import lightgbm_ensemble
from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.study import StudyRun, run_study
from matsift_flows.workspace import open_workspace

pytestmark = pytest.mark.slow

pytest.importorskip("distributed", reason="needs the package distributed: pip install 'matsift[dask]'")

#: Small chunks, so that there is a middle of featurization.
_OVERRIDES = ("descriptors.chunk=3",)


def run_there(study: Path, url: str, home: Path, scheduler: str) -> StudyRun:
    """Run a study whose heavy work is a Dask cluster's; MATSIFT_WORKERS is 1."""
    settings = Settings(home=home, database_url=SecretStr(url), workers=1, dask_scheduler=scheduler)
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        return run_study(workspace, load_study(study, _OVERRIDES), study.parent)


def n_vector(url: str) -> int:
    return int(one(url, "SELECT count(*) FROM matsift.descriptor"))


@contextmanager
def killed_in_the_middle(process: subprocess.Popen[bytes], url: str) -> Iterator[list[int]]:
    """Kill a process once a few descriptors are written; the list holds how many were."""
    at: list[int] = []

    def wait_and_kill() -> None:
        while (n := n_vector(url)) < 20:
            time.sleep(0.02)
        kill(process)
        at.append(n)

    killer = threading.Thread(target=wait_and_kill, daemon=True)
    killer.start()
    yield at
    killer.join(10)


def test_a_worker_killed_in_the_middle_changes_no_bit(
    reference: Finished,
    study_path: Path,
    new_url: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lightgbm_ensemble, "LEAST_TO_SEND", 0)  # small as it is, its members and predictions travel too
    monkeypatch.setattr("matsift_flows.predict.CHUNK", 5)
    url = new_url()
    with DaskProcesses(tmp_path / "dask") as cluster, killed_in_the_middle(cluster.workers[0], url) as killed_at:
        result = run_there(study_path, url, tmp_path / "home", cluster.address)
    there = finished(url, tmp_path / "home", result)
    assert killed_at[0] < n_vector(url) / 2, "it was killed too late to tell anything"
    assert (there.counts, there.said, there.ranked) == (reference.counts, reference.said, reference.ranked)


@pytest.mark.full
def test_a_scheduler_killed_in_the_middle_is_one_sentence_and_the_command_goes_on(
    reference: Finished, study_path: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    url = new_url()
    with DaskProcesses(tmp_path / "dask") as cluster:
        with (
            killed_in_the_middle(cluster.scheduler, url) as killed_at,
            pytest.raises(
                PoolLost, match=f"the Dask scheduler at {cluster.address} is gone; start it again and repeat"
            ),
        ):
            run_there(study_path, url, tmp_path / "home", cluster.address)
        assert killed_at[0] <= n_vector(url) < reference.counts["descriptor"]
        with pytest.raises(UserInputError, match=f"the Dask scheduler at {cluster.address} cannot be reached"):
            run_there(study_path, url, tmp_path / "home", cluster.address)
    run_here(study_path, url, tmp_path / "home")
    assert (row_counts(url), said(url)) == (reference.counts, reference.said)


def test_an_address_without_a_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DASK_SCHEDULER", "host:8786")
    with pytest.raises(UserInputError, match="MATSIFT_DASK_SCHEDULER is not usable: give it as tcp://host:8786"):
        Settings.load()
