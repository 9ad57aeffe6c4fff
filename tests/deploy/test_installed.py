"""Every command of a matsift that was installed from its wheel, in a folder without the checkout; ``make installed``.

MATSIFT_INSTALLED names the virtual environment, which `docker/install` makes as it makes that of the images.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.factories.small_study import write_small_study

INSTALLED = os.environ.get("MATSIFT_INSTALLED")

pytestmark = [
    pytest.mark.skipif(not INSTALLED, reason="MATSIFT_INSTALLED names no environment; `make installed` makes one"),
]

#: Commands in their order; ``{formula}`` is what the ranking names first.
COMMANDS = """
study-schema
run small.toml
ingest small.toml
group small.toml
featurize small.toml
train small.toml
predict small.toml
screen small.toml
acquire small.toml
rank small.toml --top 3
report small.toml
why {formula}
status
card small
campaign status small.toml
campaign compare small.toml
campaign resume small.toml
export views
export view structure -o structure.csv
export ranking small.toml -o ranking.parquet
export structures -o crystals --format cif
export package small.toml -o small.zip
import package small.zip
db start
db url
db status
db check
doctor
db upgrade
db shell -c SELECT
db backup monday.dump
db verify monday.dump
db restore monday.dump --replace
dataset build --limit 1 --workers 1 --work-dir built --out built.jsonl.gz
dataset densities --no-compute --work-dir densities
db stop
"""
#: Commands that need what is not here, and say so.
SENTENCES = """
relax small.toml
generate small.toml
mobility small.toml
identify nothing.xy
claim small.toml
label nothing
compositions small
suggestions small
density import nothing
density show NaCl
density fetch mp-1
serve nothing.toml
"""
_NAMES = """
import typer
from matsift_flows.cli.app import app
for name, command in typer.main.get_command(app).commands.items():
    print("\\n".join(f"{name} {own}" for own in getattr(command, "commands", {})) or name)
"""


class Installation:
    """Runs the installed command as somebody who has nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, Path(str(INSTALLED)).resolve() / "bin"
        self.environment = {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(folder), "TERM": "dumb"}

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / program), *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("empty") / "work"
    write_small_study(folder)
    found = Installation(folder)
    yield found
    found.run("matsift", "db", "stop")


def lines(listed: str) -> list[str]:
    return [line for line in listed.splitlines() if line]


def test_every_command_is_tried(installation: Installation) -> None:
    done = installation.run("python", "-c", _NAMES)
    assert done.returncode == 0, done.stderr
    tried = [line.split() for line in lines(COMMANDS) + lines(SENTENCES)]
    assert [n for n in lines(done.stdout) if not any(words[: len(n.split())] == n.split() for words in tried)] == []


def test_the_package_is_that_of_the_environment(installation: Installation) -> None:
    where = installation.run("python", "-c", "import matsift, matsift_flows; print(matsift.__file__)").stdout
    assert Path(where.strip()).is_relative_to(installation.bin.parent)


def test_commands_do_what_they_are_for(installation: Installation) -> None:
    formula, failed = "", []
    for line in lines(COMMANDS):
        words = [formula if word == "{formula}" else word for word in line.split()]
        done = installation.run("matsift", *words)
        if done.returncode != 0 or "Traceback" in done.stderr:
            failed.append((line, done.returncode, done.stderr[-600:]))
        if line.startswith("rank"):
            ranked = json.loads(installation.run("matsift", "rank", "small.toml", "--json").stdout)
            formula = ranked[0]["formula"]
    assert failed == []


@pytest.mark.parametrize("line", lines(SENTENCES))
def test_what_cannot_be_done_is_told_in_a_sentence(installation: Installation, line: str) -> None:
    done = installation.run("matsift", *line.split())
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or done.stderr.splitlines()[-1].startswith("matsift: "), done.stderr
