"""Studies that ask for what cannot be, or change their mind: each works sensibly or says one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.factories.hostile import (
    candidate_rows,
    disordered,
    good_rows,
    matsift,
    row,
    rows_of,
    write_study,
    write_table,
)

_NEVER = 'screening=[{name="never",kind="n_site_below",value=1}]'


@pytest.fixture(scope="module")
def url(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database and a data folder that the command uses in all tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATSIFT_DATABASE_URL", module_database_url)
        patch.setenv("MATSIFT_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("MATSIFT_WORKERS", "1")
        yield module_database_url


@pytest.fixture(autouse=True)
def _in_use(url: str, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the module's database again, where another fixture has cleaned the environment."""
    monkeypatch.setenv("MATSIFT_DATABASE_URL", url)
    monkeypatch.setenv("MATSIFT_HOME", str(home_of(study)))
    monkeypatch.setenv("MATSIFT_WORKERS", "1")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with forty labels and four candidates."""
    return write_study(tmp_path_factory.mktemp("study"))


def home_of(study: Path) -> Path:
    return study.parent / "home"


def page_of(study: Path) -> bytes:
    return (home_of(study) / "reports" / "tiny" / "report.html").read_bytes()


def n_run(url: str) -> int:
    return int(rows_of(url, "SELECT count(*) FROM matsift.run")[0][0])


@pytest.mark.parametrize("verb", ["rank", "report"])
def test_a_study_that_never_ran_is_run_first(study: Path, verb: str) -> None:
    assert matsift(verb, study).done()
    assert page_of(study).startswith(b"<!")


def test_nothing_is_left_to_do(url: str, study: Path) -> None:
    matsift("run", study).done()
    before = n_run(url)
    assert "0 rows were added" in matsift("run", study).done()
    assert n_run(url) == before


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ('candidates.elements=["Og"]', "No candidate is ranked"),
        (_NEVER, "No candidate is ranked"),
        ("campaign.strategies=[]", "4 of 4 ranked"),
        ("learner.ablation={All=['mp']}", "4 of 4 ranked"),
    ],
    ids=["no-candidates", "all-fail", "no-strategy", "ablation-of-everything"],
)
def test_odd_wishes_are_met(study: Path, override: str, words: str) -> None:
    assert words in matsift("rank", study, "--set", override).done()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "learner.coverage=0.999",
            "999 are needed for 99.9 % coverage; add labels, raise sampling.validation_fraction",
        ),
        ("sampling.test_fraction=0.99", "are too few for 40 test and 1 validation rows under model_2; add labels"),
        ('labels.methods=["nobody"]', "there is no label of k_vrh to learn from: of 0 labels none comes from a source"),
        ("learner.settings.min_data_in_leaf=1000", "too few for one split with min_data_in_leaf = 1000; add labels"),
    ],
    ids=["coverage", "test-fraction", "method", "leaf"],
)
def test_impossible_wishes_are_told(study: Path, override: str, words: str) -> None:
    assert words in matsift("run", study, "--set", override).sentence


def test_a_descriptor_that_fails_for_all_structures(url: str, tmp_path: Path) -> None:
    rows = [row(f"d-{i}", disordered(i), 20 + i, 10 + i) for i in range(3)]
    overrides = ['sources.0.name="disordered"', 'descriptors.sets=["voronoi"]', 'study.name="disordered"']
    ended = matsift("run", write_study(tmp_path, rows), *(part for o in overrides for part in ("--set", o)))
    assert ended.sentence.startswith("there is no label of k_vrh to learn from")
    assert "3 failed" in ended.err
    told = "SELECT count(*) FROM matsift.failure WHERE message LIKE 'the structure is disordered%'"
    assert rows_of(url, told) == [(3,)]


def test_the_page_is_that_of_the_settings_asked_last(url: str, study: Path) -> None:
    seeds = (11, 12)
    for seed in (*seeds, *seeds):  # twice, so that both reports are known
        matsift("report", study, "--set", f"study.seed={seed}").done()
    models = [
        rows_of(url, f"SELECT content_hash FROM matsift.model_version WHERE seed = {seed}")[0][0] for seed in seeds
    ]
    for own, other, seed in ((*models, 11), (*models[::-1], 12)):
        assert "0 rows were added" in matsift("run", study, "--set", f"study.seed={seed}").done()
        page = page_of(study).decode()
        assert (own in page, other in page) == (True, False)


def test_a_criterion_on_a_target_sees_what_sources_state(url: str, study: Path) -> None:
    matsift("ingest", study).done()
    hard = 'screening=[{name="hard",kind="minimum",property="k_vrh",value=30}]'
    said = matsift("screen", study, "--set", hard, "--set", 'candidates.elements=["Li"]')
    assert said.done() == "0 candidates, 0 of which no criterion failed\n"
    outcomes = """
        SELECT o.outcome, count(*) FROM matsift.screen_outcome o WHERE o.criterion = 'hard' GROUP BY 1 ORDER BY 1
    """
    assert rows_of(url, outcomes) == [("failed", 10), ("passed", 10)]  # 20, 21 ... 39 GPa


def test_withdrawn_labels_are_not_learned_from(url: str, study: Path) -> None:
    write_table(study.parent / "shelf.csv", [*good_rows()[1:], *candidate_rows()])
    matsift("run", study).done()
    newest = "SELECT n_row FROM matsift.dataset_snapshot ORDER BY id DESC LIMIT 1"
    assert rows_of(url, newest) == [(39,)]
    write_table(study.parent / "shelf.csv", [*good_rows(), *candidate_rows()])
    matsift("run", study).done()
    assert "0 rows were added" in matsift("run", study).done()


def test_why_of_what_is_there_and_what_is_not(study: Path) -> None:
    matsift("run", study).done()
    assert "candidate-1" in matsift("why", "candidate-1").done()
    several = matsift("why", "NaCl").done()
    assert several.count("version") >= 4
    for unknown in ("Unobtainium", "", " ", "%", "' OR 1=1", "x" * 5000):
        sentence = matsift("why", unknown).sentence
        assert sentence.startswith("no structure is called ")
        assert len(sentence) < 250
    many = matsift("why", "LiCl")
    assert many.code == 0
    assert many.err == "", many.err


def test_a_source_that_went_away_after_it_was_read(study: Path) -> None:
    table = study.parent / "shelf.csv"
    hidden = table.rename(table.with_suffix(".away"))
    try:
        told = f"{table}: there is no such file; correct the path in the study"
        assert [matsift(verb, study).sentence for verb in ("run", "rank", "report")] == [told] * 3
    finally:
        hidden.rename(table)
