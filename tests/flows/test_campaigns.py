"""Campaigns that go on, stop, replay what is known, and hand their work to people who return files."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.factories.small_study import small_records, write_small_study
from tests.flows.running import row_counts, rows, run_here, said
from typer.testing import CliRunner

from matsift_flows.cli.app import app

pytestmark = pytest.mark.slow

#: A study that trains and predicts within a second or two.
SMALL = (
    'labels.properties=["g_vrh"]',
    'descriptors.sets=["magpie"]',
    "learner.baselines=[]",
    "learner.ablation={}",
    "sampling.compare=[]",
    "screening=[]",
    "learner.coverage=0.6",
)
REPLAY = (
    *SMALL,
    'campaign.oracle="replay"',
    'campaign.held_back={ size = 24, elements = ["Na"], seed = 5 }',
    "candidates={}",
)
MANUAL = (*SMALL, 'campaign.oracle={ kind = "manual", method = "by-hand", properties = ["g_vrh"] }')
_CHOSEN = """
    SELECT c.strategy, r.number, s.content_hash FROM matsift.acquisition a
    JOIN matsift.campaign c ON c.id = a.campaign_id JOIN matsift.campaign_round r ON r.id = a.campaign_round_id
    JOIN matsift.structure s ON s.id = a.structure_id ORDER BY c.strategy, r.number, a.rank
"""
_SCORES = """
    SELECT c.strategy, s.content_hash, k.mean, k.spread, k.score, k.rank FROM matsift.candidate_score k
    JOIN matsift.campaign_round r ON r.id = k.campaign_round_id AND r.number = 0
    JOIN matsift.campaign c ON c.id = r.campaign_id JOIN matsift.structure s ON s.id = k.structure_id ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study file, its entries beside it."""
    return write_small_study(tmp_path_factory.mktemp("campaigns"), small_records(n_labelled=60, n_pool=8))


def run(study: Path, url: str, home: Path, *overrides: str, **options: Any) -> dict[str, int]:
    return run_here(study, url, home, overrides=overrides, **options).added


def relabelled(study: Path, folder: Path, wanted: set[str]) -> Path:
    """Return the study with other labels for some of its structures, named by their formulae and cells."""
    shutil.copytree(study.parent, folder)
    with gzip.open(folder / "entries.jsonl.gz", "rt", encoding="utf-8") as stream:
        header, *records = map(json.loads, stream)
    for record in records:
        if record["external_id"] in wanted:
            record["labels"] = {name: value * 1.5 + 3 for name, value in record["labels"].items()}
    with gzip.open(folder / "entries.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in (header, *records))
    return folder / study.name


def test_replay_settles_by_labels_of_the_source_and_learns_only_from_what_it_picked(
    study: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    url = new_url()
    strategies = 'campaign.strategies=["exploration", "random", "expected_improvement", "thompson", "diverse"]'
    run(study, url, tmp_path, *REPLAY, strategies)

    settled = """
        SELECT DISTINCT a.status, a.claimed_by, l.origin FROM matsift.acquisition a
        JOIN matsift.label l ON l.id = a.label_id
    """
    assert rows(url, settled) == [("labelled", "replay", "source:matsift-prototypes")]
    learned = """
        SELECT c.strategy, r.number, count(*) FILTER (WHERE k.structure_id IS NOT NULL) FROM matsift.campaign c
        JOIN matsift.campaign_round r ON r.campaign_id = c.id
        JOIN matsift.model_version m ON m.id = r.model_version_id
        JOIN matsift.dataset_row d ON d.snapshot_id = m.snapshot_id JOIN matsift.label l ON l.id = d.label_id
        LEFT JOIN (SELECT DISTINCT o.campaign_id, s.structure_id FROM matsift.candidate_score s
                   JOIN matsift.campaign_round o ON o.id = s.campaign_round_id) k
          ON (k.campaign_id, k.structure_id) = (c.id, l.structure_id)
        GROUP BY 1, 2 ORDER BY 1, 2
    """
    found = rows(url, learned)
    assert [n for _, number, n in found if number == 0] == [0] * 5
    assert [n for _, number, n in found if number == 1] == [2] * 5
    assert rows(url, "SELECT DISTINCT n_candidate FROM matsift.campaign_round ORDER BY 1") == [(22,), (24,)]
    assert run(study, url, tmp_path, *REPLAY, strategies) == {}


def test_no_label_is_read_before_it_is_picked(study: Path, new_url: Callable[[], str], tmp_path: Path) -> None:
    url, other = new_url(), new_url()
    run(study, url, tmp_path / "one", *REPLAY)
    held_back = {
        key
        for (key,) in rows(
            url,
            """
        SELECT DISTINCT e.external_id FROM matsift.candidate_score k
        JOIN matsift.source_entry e ON e.structure_id = k.structure_id
    """,
        )
    }
    assert len(held_back) == 24
    run(relabelled(study, tmp_path / "changed", held_back), other, tmp_path / "two", *REPLAY)

    base = "SELECT content_hash FROM matsift.dataset_snapshot WHERE settings ->> 'grown_from' IS NULL"
    assert rows(other, base) == rows(url, base)
    assert rows(other, _SCORES) == rows(url, _SCORES)
    assert rows(other, "SELECT content_hash FROM matsift.campaign") == rows(
        url, "SELECT content_hash FROM matsift.campaign"
    )
    assert said(other)["snapshots"] != said(url)["snapshots"]


def test_a_campaign_goes_on_with_more_rounds_as_if_they_had_been_planned(
    study: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    url, at_once = new_url(), new_url()
    run(study, url, tmp_path, *REPLAY, "campaign.rounds=1")
    added = run(study, url, tmp_path, *REPLAY, "campaign.rounds=3")
    run(study, at_once, tmp_path / "other", *REPLAY, "campaign.rounds=3")

    assert "campaign" not in added
    assert (added["campaign_plan"], added["campaign_round"], added["acquisition"]) == (2, 4, 8)
    now, then = said(url), said(at_once)
    assert set(now.pop("predictions")) > set(then.pop("predictions"))  # those of the first report, too
    assert now == then
    stops = (
        "SELECT r.number, t.rule, t.rule_limit FROM matsift.campaign_stop t JOIN matsift.campaign_round r"
        " ON r.id = t.campaign_round_id ORDER BY 1, 2"
    )
    assert rows(url, stops) == [(1, "rounds", 1.0)] * 2 + [(3, "rounds", 3.0)] * 2
    assert run(study, url, tmp_path, *REPLAY, "campaign.rounds=3") == {}


@pytest.mark.parametrize(
    ("rule", "n_acquired", "expected"),
    [
        pytest.param("campaign.stop.budget=3", 3, ("budget", 3.0, 3.0), id="budget_cuts_the_last_batch"),
        pytest.param(
            "campaign.stop.mean_spread_below={ g_vrh = 1000 }", 0, ("mean_spread", None, 1000.0), id="certain"
        ),
        pytest.param("campaign.stop.no_better_for=1", None, ("no_better", 1.0, 1.0), id="no_better"),
    ],
)
def test_a_rule_ends_a_campaign_and_is_stored_with_its_round(
    study: Path,
    new_url: Callable[[], str],
    tmp_path: Path,
    rule: str,
    n_acquired: int | None,
    expected: tuple[str, float | None, float],
) -> None:
    url, overrides = new_url(), (*REPLAY, 'campaign.strategies=["exploration"]', "campaign.rounds=9")
    run(study, url, tmp_path, *overrides, rule)
    ((name, seen, limit),) = rows(url, "SELECT rule, value_seen, rule_limit FROM matsift.campaign_stop")
    assert (name, limit) == (expected[0], expected[2])
    assert expected[1] in (None, seen)
    n_labelled = rows(url, "SELECT count(*) FROM matsift.acquisition WHERE status = 'labelled'")[0][0]
    assert n_acquired in (None, n_labelled)
    assert run(study, url, tmp_path, *overrides, rule) == {}
    assert "campaign" not in run(study, url, tmp_path, *overrides, "campaign.rounds=9", "campaign.stop={}")
    assert rows(url, "SELECT max(number) FROM matsift.campaign_round") == [(9,)]


@pytest.fixture
def command(database: str, own_home: None) -> Callable[..., Any]:
    """Runs `matsift WORDS`."""

    def call(*words: object, exit_code: int = 0) -> Any:
        result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return result

    return call


def _set(overrides: tuple[str, ...]) -> list[str]:
    return [word for override in overrides for word in ("--set", override)]


def fill_in(folder: Path, value: float) -> None:
    """Write a value into the form of a folder, as an operator does in a spreadsheet."""
    (form,) = folder.glob("*.csv")
    with form.open(newline="", encoding="utf-8") as stream:
        header, row = list(csv.reader(stream))[:2]
    row[next(i for i, name in enumerate(header) if name.startswith("g_vrh"))] = f"{value:g}"
    with form.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, row])


def test_an_operator_does_a_round_with_files_alone(
    study: Path, command: Callable[..., Any], database: str, tmp_path: Path
) -> None:
    options, out = _set(MANUAL), tmp_path / "forms"
    told = command("run", study, *options, "-q").output
    assert "Waiting for" in told
    assert "`matsift claim" in told
    assert rows(database, "SELECT DISTINCT status FROM matsift.acquisition") == [("proposed",)]

    held = json.loads(command("claim", study, "--worker", "anna", "-n", 2, "--out", out, "--json", *options).stdout)
    assert len(held["new"]) == 2
    shutil.rmtree(held["new"][0])  # as if the power went before it was written
    again = json.loads(command("claim", study, "--worker", "anna", "-n", 2, "--out", out, "--json", *options).stdout)
    assert (again["new"], again["there"]) == (held["new"][:1], held["new"][1:])
    command("claim", study, "--worker", "berta", "-n", 9, "--out", out, *options)
    claimed = rows(
        database, "SELECT count(DISTINCT structure_id), count(*) FROM matsift.acquisition WHERE status = 'claimed'"
    )
    assert claimed[0][0] == claimed[0][1]

    folders = sorted(path.parent for path in out.glob("*/matsift.json"))
    for number, folder in enumerate(reversed(folders)):  # the last handed out comes back first
        fill_in(folder, 30.0 + number)
        taken = json.loads(command("label", study, "--from", folder, "--json", *options).stdout)
        assert (taken["labelled"], taken["complaints"]) == (1, [])
    before = row_counts(database)
    assert json.loads(command("label", study, "--from", out, "--json", *options).stdout)["known"] == len(folders)
    assert row_counts(database) == before
    assert rows(database, "SELECT DISTINCT status FROM matsift.acquisition") == [("labelled",)]
    assert rows(
        database, "SELECT count(*), count(DISTINCT structure_id) FROM matsift.label WHERE origin = 'oracle:manual'"
    ) == [(len(folders), len(folders))]

    assert "2 campaigns have come to their end" in command("campaign", "resume", study, *options, "-q").output
    status = json.loads(command("campaign", "status", study, "--json", *options).stdout)
    assert [(c["strategy"], c["rounds"][-1]["stopped_by"]) for c in status] == [
        ("exploration", "rounds"),
        ("random", "rounds"),
    ]
    shown = command("campaign", "status", study, *options).stdout
    assert "oracle manual, method by-hand" in shown
    assert "all 1 rounds are taken" in shown
    compared = json.loads(command("campaign", "compare", study, "--json", *options).stdout)
    assert [(row["strategy"], row["n_labelled"]) for row in compared] == [("exploration", 2), ("random", 2)]
    assert "to random's" in command("campaign", "compare", study, *options).stdout


def test_what_was_given_up_is_opened_again_and_handed_out_anew(
    study: Path, command: Callable[..., Any], database: str, tmp_path: Path
) -> None:
    options, out = _set(MANUAL), tmp_path / "forms"
    command("run", study, *options, "-q")
    (first,) = json.loads(
        command("claim", study, "--worker", "anna", "-n", 1, "--out", out, "--json", *options).stdout
    )["new"]
    (Path(first) / "FAILED").write_text("could not be grown")
    assert json.loads(command("label", study, "--from", first, "--json", *options).stdout)["failed"] == 1
    assert rows(database, "SELECT count(*) > 0 FROM matsift.acquisition WHERE status = 'failed'") == [(True,)]

    again = json.loads(command("label", study, "--from", first, "--retry-failed", "--json", *options).stdout)
    assert (again["failed"], again["known"]) == (0, 1)
    assert rows(database, "SELECT count(*) FROM matsift.acquisition WHERE status = 'failed'") == [(0,)]
    held = json.loads(command("claim", study, "--worker", "anna", "-n", 9, "--out", out, "--json", *options).stdout)
    assert f"{first}-2" in held["new"]
    fill_in(Path(f"{first}-2"), 30.0)
    assert json.loads(command("label", study, "--from", out, "--json", *options).stdout)["labelled"] == 1


def test_commands_that_do_not_fit_the_oracle_say_which_do(
    study: Path, command: Callable[..., Any], tmp_path: Path
) -> None:
    from matsift.errors import UserInputError

    runner = CliRunner()
    for words, sentence in (
        (("label", study, *_set(MANUAL)), "works elsewhere"),
        (("label", study, *_set(REPLAY)), "need no worker"),
        (("claim", study, "--worker", "x", "--out", tmp_path, *_set(REPLAY)), "needs no folders"),
        (("claim", study, "--worker", "x", "--out", tmp_path, *_set(MANUAL)), "has no campaign"),
        (("claim", study, "--worker", " ", "--out", tmp_path, *_set(MANUAL)), "needs a name"),
    ):
        result = runner.invoke(app, [str(word) for word in words])
        assert isinstance(result.exception, UserInputError)
        assert sentence in str(result.exception)
    assert "There is no campaign yet" in command("campaign", "status", study, *_set(SMALL)).stdout
