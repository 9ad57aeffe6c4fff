"""The house stands as it was drawn: four roots, one package each, small files, and all of it in one wheel."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "platform": "matsift",
    "schema": "matsift_schema",
    "adapters": "matsift_adapters",
    "flows": "matsift_flows",
}
MOST_LINES = 400
#: What is read at run time and is no Python, so that a wheel without it would still import.
READ_AT_RUN_TIME = (
    "matsift/reports/templates/report.html.j2",
    "matsift/reports/templates/report.css",
    "matsift/reports/templates/report.js",
    "matsift_schema/roles.sql",
    "matsift_schema/views/80_candidate_ranking.sql",
    "matsift_schema/migrations/env.py",
    "matsift_schema/migrations/data/element.csv",
    "matsift_adapters/data/chgnet_prototypes.jsonl.gz",
    "matsift_adapters/data/oxide_prototypes.jsonl.gz",
    "matsift_adapters/data/cubic_densities.jsonl.gz",
    "matsift_adapters/data/cubic_compounds.csv",
)


def _sources(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


@pytest.mark.parametrize(("root", "package"), PACKAGES.items())
def test_root_holds_one_package_and_nothing_else(root: str, package: str) -> None:
    """A module beside the package would shadow others: `platform` is also a module of the standard library."""
    found = {path.name for path in (ROOT / root).iterdir() if path.name not in {"__pycache__", ".DS_Store"}}
    assert found == {package}


def test_standard_library_wins_over_the_folder_of_its_name() -> None:
    program = "import platform; print(platform.__file__, platform.system())"
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    file, system = told.split()
    assert not Path(file).is_relative_to(ROOT / "platform")
    assert system in {"Linux", "Darwin", "Windows"}


def test_no_file_is_longer_than_a_reader_bears() -> None:
    folders = [ROOT / name for name in (*PACKAGES, "tests", "benchmarks")]
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in folders
        for path in _sources(folder)
        if path.suffix == ".py"
    }
    assert len(lengths) > 100
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def test_only_flows_name_prefect() -> None:
    """import-linter follows imports; this also finds one that hides in a function or a string."""
    for root in ("platform", "schema", "adapters"):
        guilty = [p for p in _sources(ROOT / root) if p.suffix == ".py" and "import prefect" in p.read_text("utf-8")]
        guilty += [p for p in _sources(ROOT / root) if p.suffix == ".py" and "from prefect" in p.read_text("utf-8")]
        assert guilty == []


def test_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed, so that a wheel cannot be built without the network")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run([*command, "-w", str(tmp_path)], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("matsift-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(ROOT / root).as_posix() for root, package in PACKAGES.items() for path in _sources(ROOT / root)
    }
    assert packed == expected
    assert packed.issuperset(READ_AT_RUN_TIME)
