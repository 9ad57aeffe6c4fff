"""The best crystals of a generative study go to an oracle: by hand, by a potential, by density functional theory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.factories.generative_study import NAME, write_generative_study
from tests.factories.gpaw_stand_in import gpaw_stand_in
from tests.flows.running import one, ranked, row_counts, rows, run_here
from typer.testing import CliRunner

from matsift.crystal import Crystal
from matsift.errors import UserInputError
from matsift.execution.killable import Outcome
from matsift_flows.cli.app import app
from matsift_flows.generative import crystals
from matsift_flows.study import StudyRun

pytestmark = pytest.mark.slow

_ACQUIRED = """
    SELECT a.structure_hash, a.rank, a.status, a.label_value FROM analysis.acquisition a
    WHERE a.oracle_method LIKE '{}%' AND a.strategy = 'top candidates' ORDER BY a.rank
"""
_SNAPSHOTS = "SELECT content_hash FROM matsift.dataset_snapshot ORDER BY 1"


class AsGiven(AbstractContextManager["AsGiven"]):
    """In place of the processes that relax crystals: each stays as it is, with an energy."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, payloads: Iterable[tuple[int, tuple[str, Crystal]]]) -> Iterator[Outcome]:
        for key, (_, crystal) in payloads:
            yield Outcome(key, {"relaxed": crystal, "energy_per_atom": -3.0}, None, None, 0.1)


@dataclass(frozen=True)
class Made:
    """The small study that made its crystals and handed none on: the file, its database, the crystals by rank."""

    path: Path
    url: str
    home: Path
    crystals: tuple[str, ...]

    def run(self, *overrides: str, retry_failed: bool = False) -> StudyRun:
        return run_here(self.path, self.url, self.home, overrides=overrides, retry_failed=retry_failed)

    def acquired(self, method: str) -> list[tuple[object, ...]]:
        return rows(self.url, _ACQUIRED.format(method))


@pytest.fixture(scope="module")
def made(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A study of band gaps without a hand-off; each test asks another oracle about its crystals."""
    folder = tmp_path_factory.mktemp("top")
    path = write_generative_study(folder / "study")
    text = path.read_text().replace("\ntop = 3\n", "\ntop = 20\n").replace('unit = "eV/atom"', 'unit = "eV"', 1)
    text = text[: text.index("[[generative.searches]]")] + text[text.index("[generative.structures]") :]
    text = text.replace("[generative]\n", "[generative]\nsearches = []\n")
    path.write_text(text.replace("formation_energy_per_atom", "band_gap").replace("competitors = 1", "competitors = 0"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crystals, "open_pool", AsGiven)
        result = run_here(path, module_database_url, folder / "home")
    assert result.waiting is None
    assert one(module_database_url, "SELECT count(*) FROM matsift.acquisition") == 0
    best = ranked(result)
    assert len(best) >= 3
    return Made(path, module_database_url, folder / "home", best)


def handoff(property_name: str, oracle: str, top: int) -> str:
    return f'generative.handoff={{ property = "{property_name}", top = {top}, oracle = {{ {oracle} }} }}'


def command(made: Made, monkeypatch: pytest.MonkeyPatch, *words: object) -> str:
    """Return what a command prints."""
    monkeypatch.setenv("MATSIFT_HOME", str(made.home))
    monkeypatch.setenv("MATSIFT_DATABASE_URL", made.url)
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_person_answers_what_is_handed_out_and_no_model_learns_from_it(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    snapshots = rows(made.url, _SNAPSHOTS)
    by_hand = 'kind = "manual", method = "by-hand", properties = ["band_gap"]'
    first = made.run(handoff("band_gap", by_hand, 1))
    assert first.waiting is not None
    assert (first.waiting.oracle, first.waiting.n_open, first.waiting.holders) == ("manual", 1, {})
    assert made.acquired("by-hand") == [(made.crystals[0], 1, "proposed", None)]
    counts = row_counts(made.url)
    assert made.run(handoff("band_gap", by_hand, 1)).added == {}
    assert row_counts(made.url) == counts
    settings = ("--set", handoff("band_gap", by_hand, 1))
    out = tmp_path / "work"
    command(made, monkeypatch, "claim", made.path, "--worker", "anna", "--out", out, *settings)
    with (out / "results.csv").open(newline="") as stream:
        head, line = csv.reader(stream)
    line[next(i for i, cell in enumerate(head) if cell.startswith("band_gap"))] = "7.5"
    with (out / "results.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([head, line])
    said = command(made, monkeypatch, "label", made.path, "--from", out, *settings)
    assert said.startswith("1 labelled, 0 failed")
    answered = made.run(handoff("band_gap", by_hand, 1))
    assert answered.waiting is None
    assert made.acquired("by-hand") == [(made.crystals[0], 1, "labelled", 7.5)]
    assert rows(made.url, _SNAPSHOTS) == snapshots
    assert ranked(answered) == made.crystals, "the ranking of this study is by predictions"
    assert answered.generated is not None
    best = next(c for c in answered.generated.report.candidates if c.structure_hash == made.crystals[0])
    assert best.hand_off is not None
    assert best.hand_off.label is not None
    assert (best.hand_off.oracle, best.hand_off.state, best.hand_off.label.value) == ("manual", "labelled", 7.5)
    assert " by manual 7.50 eV" in command(made, monkeypatch, "compositions", NAME, "--top", 50)
    view = f"SELECT predicted_mean FROM analysis.acquisition WHERE structure_hash = '{made.crystals[0]}'"
    predicted = f"SELECT mean FROM analysis.prediction WHERE structure_hash = '{made.crystals[0]}'"
    assert one(made.url, view) == pytest.approx(one(made.url, predicted))


def test_a_larger_top_hands_the_next_ones_on(made: Made) -> None:
    potential = 'kind = "ase", calculator = "ase.calculators.lj:LennardJones", task = "energy"'
    assert made.run(handoff("energy_per_atom", potential, 1)).waiting is None
    (first,) = made.acquired("lennardjones")
    assert first[:3] == (made.crystals[0], 1, "labelled")
    made.run(handoff("energy_per_atom", potential, 2))
    both = made.acquired("lennardjones")
    assert both[0] == first
    assert both[1][:3] == (made.crystals[1], 2, "labelled")
    kinds = "SELECT strategy_kind FROM matsift.campaign WHERE oracle = 'ase'"
    assert rows(made.url, kinds) == [("top_candidates",)]
    plan = "SELECT n_planned_round, stopped_by, mean_spread FROM analysis.campaign_progress WHERE oracle = 'ase'"
    assert rows(made.url, plan) == [(1, "budget", None)]
    of_another_property = (
        "SELECT count(predicted_mean) FROM analysis.acquisition WHERE property_name = 'energy_per_atom'"
    )
    assert one(made.url, of_another_property) == 0


def test_what_cannot_be_computed_now_waits_or_fails_and_the_same_command_goes_on(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gpaw = 'kind = "gpaw", task = "band_gap", max_atoms = {}, python = "{}"'
    with pytest.raises(UserInputError, match="/no/such/python cannot be run"):
        made.run(handoff("band_gap", gpaw.format(20, "/no/such/python"), 2))
    assert [row[2] for row in made.acquired("gpaw")] == ["proposed", "proposed"]
    python = gpaw_stand_in(tmp_path)
    refused = made.run(handoff("band_gap", gpaw.format(1, python), 2))
    assert [row[2] for row in made.acquired("gpaw")] == ["failed", "failed"]
    why = "SELECT DISTINCT reason FROM analysis.acquisition WHERE oracle_method LIKE 'gpaw%'"
    assert all("more than the 1 of max_atoms" in reason for (reason,) in rows(made.url, why))
    assert refused.generated is not None
    told = [c.hand_off.reason for c in refused.generated.report.candidates if c.hand_off is not None]
    assert any("more than the 1 of max_atoms" in reason for reason in told)
    assert "failed, the structure has" in command(made, monkeypatch, "compositions", NAME, "--top", 50)
    assert made.run(handoff("band_gap", gpaw.format(1, python), 2)).added == {}
    again = made.run(handoff("band_gap", gpaw.format(20, python), 2), retry_failed=True)
    assert again.waiting is None
    assert [row[2:] for row in made.acquired("gpaw")] == [("labelled", 4.0)] * 2
    status = json.loads(
        command(
            made,
            monkeypatch,
            "campaign",
            "status",
            made.path,
            "--json",
            "--set",
            handoff("band_gap", gpaw.format(20, python), 2),
        )
    )
    assert [c["oracle"] for c in status if c["strategy"] == "top candidates"].count("gpaw") == 1
    learned = "SELECT count(*) FROM matsift.dataset_row r JOIN matsift.label l ON l.id = r.label_id"
    assert one(made.url, f"{learned} WHERE l.origin LIKE 'oracle:%'") == 0
    edges = (
        "SELECT detail ->> 'valence_band_maximum_ev' FROM analysis.oracle_result WHERE method LIKE 'gpaw-%-band-gap-%'"
    )
    assert set(rows(made.url, edges)) == {("-1.0",)}
