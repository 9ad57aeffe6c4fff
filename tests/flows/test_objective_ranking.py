"""A study that ranks by several objectives: written once, told in the terminal, refused where it makes no sense."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.flows.running import Finished, one, row_counts, rows, run_here
from tests.postgres import PostgresServer
from typer.testing import CliRunner

from matsift.errors import StudyError
from matsift.reports.data import RankingReport
from matsift_flows.cli.app import app
from matsift_flows.study import StudyRun

_STIFF = '{property="g_vrh", goal="maximize", threshold=15.0}'
_STABLE = '{property="energy_above_hull", goal="minimize", threshold=0.1, weight=2.0}'
_CHEAP = '{property="cost", goal="minimize"}'
OBJECTIVES = (
    f"ranking.objectives=[{_STIFF}, {_STABLE}, {_CHEAP}]",
    'ranking.prices={source="made up for this test", usd_per_kg={Na=3.0, Cl=0.5, F=2.0, Br=4.0, O=0.1, H=2.0}}',
)


@pytest.fixture(scope="module")
def finished(
    reference: Finished, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A copy of what the small study left: address of the database and home folder."""
    name = postgres_server.create_database(str(conninfo_to_dict(reference.url)["dbname"]))
    home = tmp_path_factory.mktemp("objectives") / "home"
    shutil.copytree(reference.home, home)
    yield postgres_server.url(name), home
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def ranked(finished: tuple[str, Path], study_path: Path) -> StudyRun:
    return run_here(study_path, *finished, overrides=OBJECTIVES)


def test_objectives_add_a_ranking_and_nothing_else(ranked: StudyRun) -> None:
    report = ranked.written.report
    assert isinstance(report, RankingReport)
    assert report.objectives is not None
    n = len(report.objectives.placed)
    assert n == len(report.ranking.ranked)
    tables = {"ranking": 1, "ranking_objective": 3, "ranking_place": n, "ranking_value": 3 * n}
    assert {table: count for table, count in ranked.added.items() if table not in ("run", "study_report")} == tables


def test_the_rows_are_what_the_report_shows(ranked: StudyRun, finished: tuple[str, Path]) -> None:
    report = ranked.written.report
    assert isinstance(report, RankingReport)
    assert report.objectives is not None
    stored = rows(
        finished[0],
        "SELECT structure_hash, layer, chance, utility FROM analysis.ranking WHERE is_newest"
        " ORDER BY pareto_place NULLS LAST, structure_hash",
    )
    assert stored == [(p.structure_hash, p.layer, p.chance, p.utility) for p in report.objectives.placed]
    assert one(finished[0], "SELECT prices ->> 'source' FROM matsift.ranking") == "made up for this test"


@pytest.mark.usefixtures("ranked")
def test_a_second_run_adds_nothing(finished: tuple[str, Path], study_path: Path) -> None:
    before = row_counts(finished[0])
    assert run_here(study_path, *finished, overrides=OBJECTIVES).added == {}
    assert row_counts(finished[0]) == before


def test_other_thresholds_are_another_ranking(finished: tuple[str, Path], study_path: Path) -> None:
    known = one(finished[0], "SELECT count(*) FROM matsift.ranking")
    run_here(study_path, *finished, overrides=('ranking.objectives=[{property="g_vrh", goal="maximize"}]',))
    assert one(finished[0], "SELECT count(*) FROM matsift.ranking") == known + 1


def test_the_command_prints_the_best_by_utility(
    ranked: StudyRun, finished: tuple[str, Path], study_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = ranked.written.report
    assert isinstance(report, RankingReport)
    assert report.objectives is not None
    monkeypatch.setenv("MATSIFT_DATABASE_URL", finished[0])
    monkeypatch.setenv("MATSIFT_HOME", str(finished[1]))
    settings = [word for text in OBJECTIVES for word in ("--set", text)]
    said = CliRunner().invoke(app, ["rank", str(study_path), *settings, "--by", "utility", "--json"])
    assert said.exit_code == 0, said.output
    hashes = [row["structure_hash"] for row in json.loads(said.output)]
    assert hashes == [row.structure_hash for row in report.objectives.in_order("utility")]
    assert hashes


def test_a_study_without_objectives_is_told_how_to_name_some(study_path: Path) -> None:
    refused = CliRunner().invoke(app, ["rank", str(study_path), "--by", "pareto"])
    assert isinstance(refused.exception, StudyError)
    assert "add [[ranking.objectives]]" in str(refused.exception)
