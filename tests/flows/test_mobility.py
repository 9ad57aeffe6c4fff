"""A study with a mobility axis: barriers are labels, refusals are failures, the screen and the ranking read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from pydantic import SecretStr
from tests.factories.small_study import small_records, write_small_study
from tests.flows.running import one, row_counts, rows, run_here

import matsift_flows.mobility
from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows.mobility import mobility
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Reporter
from matsift_flows.study import StudyRun
from matsift_flows.train import train
from matsift_flows.workspace import open_workspace

pytestmark = pytest.mark.slow

_CRITERION = """
[[screening]]
name = "sodium_moves"
kind = "percolates"
dimension = 3
barrier = 0.7

[mobility]
top = 6
resolution = 0.3

[campaign]
"""
_ANSWERS = """
    SELECT s.content_hash, r.method, r.detail FROM matsift.oracle_result r
    JOIN matsift.structure s ON s.id = r.structure_id WHERE r.method LIKE 'bvse-%' ORDER BY 1
"""
_OUTCOMES = """
    SELECT s.content_hash, o.criterion, o.outcome, o.value_seen FROM matsift.screen_outcome o
    JOIN matsift.structure s ON s.id = o.structure_id ORDER BY 1, 2
"""
#: No labelling by CHGNet: the mobility axis needs none.
_NO_ROUNDS = ("campaign.rounds=0",)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose candidates are salts, and one phosphide of which bvlain knows nothing."""
    records = [r for r in small_records(n_pool=40) if r["role"] != "pool"]
    pool = [r for r in small_records(n_pool=40) if r["role"] == "pool"]
    unknown = [r for r in pool if {"P", "As", "Sb", "Bi"} & set(r["species"])][:3]
    known = [r for r in pool if set(r["species"]) & {"F", "Cl", "Br", "I", "O", "S"} and r not in unknown][:7]
    found = write_small_study(tmp_path_factory.mktemp("mobile"), [*records, *known, *unknown])
    text = found.read_text().replace("value = 3\n", "value = 30\n").replace("[campaign]\n", _CRITERION.lstrip(), 1)
    found.write_text(text)
    return found


@pytest.fixture(scope="module")
def done(path: Path, module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, StudyRun, Path]:
    """The study, run once."""
    home = tmp_path_factory.mktemp("home")
    return module_database_url, run_here(path, module_database_url, home, overrides=_NO_ROUNDS), home


def test_the_first_candidates_have_an_answer_or_a_reason(done: tuple[str, StudyRun, Path]) -> None:
    url, _, _ = done
    answered = "SELECT structure_id FROM matsift.oracle_result WHERE method LIKE 'bvse-%'"
    refused = "SELECT structure_id FROM matsift.failure WHERE stage = 'mobility' AND detail LIKE 'bvse-%'"
    n_answer, n_refusal = len(rows(url, answered)), len(rows(url, refused))
    assert n_answer + n_refusal == 6
    assert n_answer > 0
    labels = """
        SELECT p.name, count(*), bool_and(l.origin = 'oracle:bvlain') FROM matsift.label l
        JOIN matsift.property p ON p.id = l.property_id WHERE l.method LIKE 'bvse-%' GROUP BY p.name
    """
    said = {name: (n, ours) for name, n, ours in rows(url, labels)}
    assert said["percolation_barrier_1d"][0] <= n_answer
    assert all(ours for _, ours in said.values())


def test_they_are_the_first_by_the_model_before_any_acquisition(done: tuple[str, StudyRun, Path]) -> None:
    url, _, _ = done
    first = """
        WITH asked AS (
            SELECT structure_id FROM matsift.oracle_result WHERE method LIKE 'bvse-%'
            UNION SELECT structure_id FROM matsift.failure WHERE stage = 'mobility'
        )
        SELECT min(p.lower) FILTER (WHERE a.structure_id IS NOT NULL),
               max(p.lower) FILTER (WHERE a.structure_id IS NULL
                                    AND NOT c.failed_criteria && ARRAY['cell_size', 'converged'])
        FROM matsift.prediction p JOIN matsift.property o ON o.id = p.property_id AND o.name = 'g_vrh'
        JOIN matsift.candidate c ON c.structure_id = p.structure_id
        LEFT JOIN asked a ON a.structure_id = p.structure_id
    """
    ((worst_asked, best_left),) = rows(url, first)
    assert best_left is None or worst_asked >= best_left


def test_the_screen_says_what_the_barriers_say(done: tuple[str, StudyRun, Path]) -> None:
    url, _, _ = done
    outcomes = """
        SELECT o.outcome, l.value, r.id IS NOT NULL, o.value_seen FROM matsift.screen_outcome o
        LEFT JOIN matsift.oracle_result r ON r.structure_id = o.structure_id AND r.method LIKE 'bvse%'
        LEFT JOIN (matsift.label l JOIN matsift.property p
                   ON p.id = l.property_id AND p.name = 'percolation_barrier_3d') ON l.structure_id = o.structure_id
        WHERE o.criterion = 'sodium_moves'
    """
    said = rows(url, outcomes)
    assert {outcome for outcome, *_ in said} == {"passed", "failed", "unknown"}
    for outcome, barrier, computed, seen in said:
        wanted = "unknown" if not computed else "passed" if barrier is not None and barrier <= 0.7 else "failed"
        assert (outcome, seen) == (wanted, barrier)


def test_the_report_shows_them(done: tuple[str, StudyRun, Path]) -> None:
    url, result, _ = done
    table = pyarrow.parquet.read_table(result.written.path.parent / "candidates.parquet").to_pylist()
    query = """
        SELECT structure_hash, percolation_barrier_1d_ev, percolation_barrier_2d_ev, percolation_barrier_3d_ev,
               percolation_method
        FROM analysis.candidate_ranking WHERE percolation_dimension IS NOT NULL
    """
    by_view = {key: rest for key, *rest in rows(url, query)}
    assert by_view
    by_report = {
        row["structure_hash"]: [
            *(row[f"percolation_barrier_{n}d_ev"] for n in (1, 2, 3)),
            row["percolation_method"],
        ]
        for row in table
        if row["percolation_method"]
    }
    assert by_report == by_view
    for row in table:
        if row["percolation_method"]:
            known = [row[f"percolation_barrier_{n}d_ev"] for n in (1, 2, 3)]
            assert row["percolation_dimension_within_limit"] == sum(b is not None and b <= 0.7 for b in known)
    assert "Na+ paths" in result.written.path.read_text("utf-8")


def test_a_second_run_adds_nothing(done: tuple[str, StudyRun, Path], path: Path) -> None:
    url, _, home = done
    before = row_counts(url)
    again = run_here(path, url, home, overrides=_NO_ROUNDS)
    assert again.added == {}
    assert row_counts(url) == before


def test_refusals_are_tried_again_where_that_is_asked_for(done: tuple[str, StudyRun, Path], path: Path) -> None:
    url, _, home = done
    failures = "SELECT count(*) FROM matsift.failure WHERE stage = 'mobility'"
    n_refusal = one(url, failures)
    settings = Settings(home=home, database_url=SecretStr(url), workers=1)
    study = load_study(path, _NO_ROUNDS)
    with open_workspace(settings, Reporter(quiet=True), retry_failed=True) as workspace:
        trained = invoke(train, workspace, study)
        assert invoke(mobility, workspace, study, trained) == 0
    assert one(url, failures) == 2 * n_refusal


def test_a_run_that_is_stopped_between_structures_ends_like_any_other(
    done: tuple[str, StudyRun, Path],
    path: Path,
    new_url: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, written = new_url(), list[str]()

    def stopped_after_two(*arguments: Any) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(arguments[3])
        write(*arguments)

    write = matsift_flows.mobility._write
    monkeypatch.setattr(matsift_flows.mobility, "_write", stopped_after_two)
    with pytest.raises(KeyboardInterrupt):
        run_here(path, url, tmp_path, overrides=_NO_ROUNDS)
    monkeypatch.undo()
    assert one(url, "SELECT count(*) FROM matsift.screen") == 0
    again = run_here(path, url, tmp_path, overrides=_NO_ROUNDS)
    for query in (_ANSWERS, _OUTCOMES):
        assert rows(url, query) == rows(done[0], query)
    runs = "SELECT status FROM matsift.run WHERE flow = 'mobility'"
    assert rows(url, runs) == [("completed",)]
    assert again.added["screen"] == 1


def test_a_structure_over_the_limit_is_a_failure(path: Path, new_url: Callable[[], str], tmp_path: Path) -> None:
    url = new_url()
    run_here(path, url, tmp_path, overrides=(*_NO_ROUNDS, "mobility.time_limit_s=0.001", "mobility.top=2"))
    said = rows(url, "SELECT error_class, seconds < 20 FROM matsift.failure WHERE stage = 'mobility'")
    assert said == [("TimeLimitExceeded", True)] * 2
    assert one(url, "SELECT count(*) FROM matsift.oracle_result") == 0
