"""The computation of the density data set: killed and continued, failures, the table, the rows in the database."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from tests.factories.gpaw_stand_in import GROWTH, gpaw_stand_in

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.errors import ArtifactError, UserInputError
from matsift_adapters.data.cubic_compounds import cubic_compounds
from matsift_adapters.data.cubic_densities import computed_compounds, shipped_rows
from matsift_adapters.fields.storage import loads
from matsift_adapters.oracles.registry import oracle
from matsift_adapters.settings import Settings
from matsift_flows.cubic_densities import DENSITY_SETTINGS, compute_densities
from matsift_flows.cubic_density_rows import density_method, keep_densities
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace

METHOD = oracle(DENSITY_SETTINGS).method
LIST = cubic_compounds()[:4]  # Al, Li, Si, LiH


def settings(python: str) -> Any:
    return DENSITY_SETTINGS.model_copy(update={"python": python})


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three compounds done, and one, LiH, that did not converge."""
    folder = tmp_path_factory.mktemp("densities")
    python = gpaw_stand_in(folder, refused=("H",))
    summary = compute_densities(folder / "work", n_worker=1, compounds=LIST, settings=settings(python))
    assert (summary.n_compound, summary.n_computed_now, summary.n_done, summary.n_failed) == (4, 4, 3, 1)
    return folder


def test_labels_have_the_method_of_the_campaign() -> None:
    assert METHOD == "gpaw-22.8.0-pbe-equation-of-state-471faeb4"
    assert density_method(METHOD, "all") == "gpaw-22.8.0-pbe-density-471faeb4-all-electron"


def test_a_result_is_the_minimum_and_the_density_there(computed: Path) -> None:
    done = computed_compounds(computed / "work", METHOD)
    assert [c.compound.material_id for c in done] == [c.material_id for c in LIST]
    for c in done[:3]:
        assert c.crystal.volume / c.compound.crystal.volume == pytest.approx(GROWTH, abs=2e-3)
        density = c.density()
        np.testing.assert_allclose(density.cell, c.crystal.lattice)
        assert density.n_electron == pytest.approx(c.n_electron, rel=1e-5)
        assert c.n_electron == sum(1 + ELEMENT_SYMBOLS.index(s) for s in c.crystal.species)
        assert c.lattice_constant == pytest.approx(c.compound.lattice_constant * GROWTH ** (1 / 3), rel=1e-3)
    assert done[3].failure == {
        "error_class": "OracleError",
        "message": "the self-consistent cycle of GPAW did not converge",
    }
    with pytest.raises(ArtifactError, match="mp-23703 has no density: the self-consistent cycle"):
        done[3].density()


def test_what_is_done_is_not_computed_again_and_failures_only_when_asked(computed: Path, tmp_path: Path) -> None:
    python = gpaw_stand_in(tmp_path)
    lines = (computed / "work" / "densities.jsonl").read_bytes()
    work = tmp_path / "work"
    work.mkdir()
    (work / "densities.jsonl").write_bytes(lines[:-30])  # killed while it wrote its last line
    again = compute_densities(work, n_worker=1, compounds=LIST, settings=settings(python))
    assert (again.n_computed_now, again.n_done, again.n_failed) == (1, 4, 0)
    (work / "densities.jsonl").write_bytes(lines)
    third = compute_densities(work, n_worker=1, compounds=LIST, settings=settings("/no/such/python"))
    assert (third.n_computed_now, third.n_failed) == (0, 1)
    with pytest.raises(UserInputError, match="/no/such/python cannot be run"):
        compute_densities(work, n_worker=1, compounds=LIST, settings=settings("/no/such/python"), retry_failed=True)


def test_the_command_killed_in_the_middle_goes_on_and_ends_with_the_same(computed: Path, tmp_path: Path) -> None:
    python = gpaw_stand_in(tmp_path, seconds=0.15, refused=("H",))
    work = tmp_path / "work"
    matsift = str(Path(sys.executable).with_name("matsift"))
    command = [matsift, "dataset", "densities", "--work-dir", str(work), "--limit", "4", "--workers", "2"]
    command += ["--python", python]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    _wait_until(
        lambda: (work / "densities.jsonl").exists() and (work / "densities.jsonl").read_bytes().count(b"\n") > 0
    )
    process.send_signal(signal.SIGKILL)
    process.communicate()
    n_before = (work / "densities.jsonl").read_bytes().count(b"\n")
    assert n_before < len(LIST)
    _wait_until(lambda: not _runs(python))

    went_on = compute_densities(work, n_worker=2, compounds=LIST, settings=settings(python))
    assert (went_on.n_computed_now, went_on.n_done, went_on.n_failed) == (4 - n_before, 3, 1)
    assert _without_times(computed / "work") == _without_times(work)


def test_the_table_and_the_rows(computed: Path, tmp_path: Path, new_url: Callable[[], str]) -> None:
    database = Settings(home=tmp_path / "home", database_url=new_url())
    kept = keep_densities(computed / "work", tmp_path / "table.jsonl.gz", Reporter(quiet=True), database)
    assert (kept.n_row, kept.n_field) == (4, 6)
    header, *rows = [json.loads(line) for line in gzip.decompress(kept.table.read_bytes()).splitlines()]
    assert header["counts"] == {"failed": 1, "labelled": 3}
    assert [row["external_id"] for row in rows] == ["fcc-Al", "bcc-Li", "diamond-Si", "rock-salt-Li-H"]
    silicon = rows[2]
    assert silicon["materials_project"]["id"] == "mp-149"
    assert silicon["n_electron"] == pytest.approx(28, abs=1e-3)
    assert silicon["density"]["rho_mean_per_angstrom3"] == pytest.approx(28 / (GROWTH * 5.4687**3 / 4), rel=2e-3)
    assert silicon["density"]["electrons_moved_per_atom"] > 1  # the stand-in's density is flat
    assert rows[3]["labels"] == {}
    assert "density" not in rows[3]

    again = keep_densities(computed / "work", tmp_path / "again.jsonl.gz", Reporter(quiet=True), database)
    assert (again.n_row, again.n_field) == (4, 0)
    assert again.table.read_bytes() == kept.table.read_bytes()

    said = _in_database(database)
    assert said == {
        "fields": [
            (formula, f"gpaw-22.8.0-pbe-density-471faeb4-{end}")
            for end in ("all-electron", "pseudo")
            for formula in ("Al", "Li", "Si")
        ],
        "labels": ["Al", "Li", "Si"],
        "failures": ["the self-consistent cycle of GPAW did not converge"],
    }

    python = gpaw_stand_in(tmp_path)
    work = shutil.copytree(computed / "work", tmp_path / "work")
    compute_densities(work, n_worker=1, compounds=LIST, settings=settings(python), retry_failed=True)
    retried = keep_densities(work, tmp_path / "retried.jsonl.gz", Reporter(quiet=True), database)
    assert (retried.n_row, retried.n_field) == (4, 2)
    later = _in_database(database)
    assert later["labels"] == ["Al", "Li", "LiH", "Si"]
    assert later["failures"] == said["failures"], "a new state of an entry is no failure, and what failed stays told"


def test_a_table_is_extended_by_what_it_lacks(computed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = keep_densities(computed / "work", tmp_path / "first.jsonl.gz", Reporter(quiet=True), None)
    shipped = shipped_rows(METHOD, first.table)
    assert shipped_rows("another method", first.table) == {}
    python, more = gpaw_stand_in(tmp_path), cubic_compounds()[:6]
    work = tmp_path / "work"
    said = compute_densities(work, n_worker=1, compounds=more, settings=settings(python), leave_out=shipped)
    assert (said.n_compound, said.n_computed_now) == (2, 2)
    monkeypatch.setattr("matsift_flows.cubic_density_rows.shipped_rows", lambda _: shipped)
    both = keep_densities(work, tmp_path / "both.jsonl.gz", Reporter(quiet=True), None, extend=True)
    rows = shipped_rows(METHOD, both.table)
    assert list(rows) == [c.material_id for c in more]
    assert {key: row for key, row in rows.items() if key in shipped} == shipped


def _in_database(database: Settings) -> dict[str, list[Any]]:
    queries = {
        "fields": "SELECT formula, method FROM analysis.volumetric_field ORDER BY method, formula",
        "labels": "SELECT formula FROM analysis.label "
        f"WHERE method = '{METHOD}' AND property_name = 'k_vrh' ORDER BY 1",
        "failures": "SELECT message FROM matsift.failure ORDER BY id",
    }
    with open_workspace(database, Reporter(quiet=True)) as workspace, workspace.sessions.begin() as session:
        found = {name: [tuple(row) for row in session.execute(text(query))] for name, query in queries.items()}
        addresses = session.execute(text("SELECT artifact_sha256 FROM matsift.volumetric_field")).scalars().all()
        assert all(loads(workspace.artifacts.get(address)).n_electron > 0 for address in addresses)
    return {name: rows if name == "fields" else [row[0] for row in rows] for name, rows in found.items()}


def _without_times(folder: Path) -> list[dict[str, Any]]:
    rows = [dict(c.row) for c in computed_compounds(folder, METHOD)]
    return [{key: value for key, value in row.items() if key not in {"at", "seconds"}} for row in rows]


def _runs(executable: str) -> bool:
    found = subprocess.run(["pgrep", "-f", executable], capture_output=True, text=True, check=False)
    return found.stdout.strip() != ""


def _wait_until(happened: Callable[[], bool]) -> None:
    for _ in range(6000):  # a loaded machine takes its time to start a command
        if happened():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within five minutes")
