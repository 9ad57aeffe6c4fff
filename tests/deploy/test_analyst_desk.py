"""What docs/analysts.md and docs/analyst.ipynb show is done here, as an analyst who logs in over TCP."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import polars as pl
import pytest
from nbclient import NotebookClient
from tests.factories.analyst import analyst_of_small_study
from tests.postgres import PostgresServer, wheel_binaries

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "analysts.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NOTEBOOK = DOCS / "analyst.ipynb"


@pytest.fixture(scope="module")
def address(postgres_server: PostgresServer) -> Iterator[str]:
    with analyst_of_small_study(postgres_server) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATSIFT_DATABASE_URL", url)
        yield url


def read_notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_a_recipe_in_python_gives_a_frame_with_rows(address: str, number: int) -> None:
    names: dict[str, Any] = {}
    exec(compile(PYTHON[number], f"analysts.md, recipe {number}", "exec"), names)
    [frame] = [value for value in names.values() if isinstance(value, pd.DataFrame | pl.DataFrame)]
    assert len(frame)


def test_a_numeric_that_is_not_cast_comes_as_text_to_polars(address: str) -> None:
    frame = pl.read_database_uri("SELECT 1.5::numeric AS plain, 1.5::numeric::float8 AS cast_", address, engine="adbc")
    assert frame.row(0) == ("1.5", 1.5)


def test_the_recipe_for_psql_lists_the_views(address: str) -> None:
    [recipe] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    command = recipe.replace("psql ", f"{wheel_binaries() / 'psql'} ", 1)
    answer = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True, cwd="/").stdout
    assert "candidate_ranking" in answer


@pytest.mark.slow
def test_the_notebook_runs_from_its_first_cell_to_its_last(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    folder = tmp_path / "work"
    folder.mkdir()
    notebook = read_notebook()
    NotebookClient(notebook, timeout=300, startup_timeout=300, resources={"metadata": {"path": folder}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in outputs if output.output_type in {"error", "stream"}] == []
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert any("NaCl" in output.get("data", {}).get("text/plain", "") for output in outputs)
    assert list(folder.iterdir()) == []


def test_the_notebook_is_shown_with_its_outputs_and_without_an_address() -> None:
    notebook = read_notebook()
    nbformat.validate(notebook)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert not re.search(r"postgresql://\w+[:@]|/home/|/tmp/", NOTEBOOK.read_text(encoding="utf-8"))
