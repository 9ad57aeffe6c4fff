"""Each mistake on the command line ends in one sentence that says what was probably meant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.factories.hostile import matsift, write_study

from matsift.errors import UnknownDescriptorSet, UnknownProperty
from matsift.suggestions import closest, meant

_STUDY = Path(__file__).parents[2] / "studies" / "na_electrolytes.toml"

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rnu"], "there is no verb 'rnu' (did you mean 'run'?); see `matsift --help`"),
        (["quux"], "there is no verb 'quux'; see `matsift --help`"),
        (["db", "strat"], "there is no verb 'strat' (did you mean 'start'?); see `matsift db --help`"),
        (
            ["run", "--workrs", "2", "x"],
            "there is no option '--workrs' (did you mean '--workers'?); see `matsift run --help`",
        ),
        (["run"], "missing argument 'study'; see `matsift run --help`"),
        (["run", "x", "y"], "got unexpected extra argument(s) (y); see `matsift run --help`"),
    ],
    ids=["verb", "no-verb", "verb-of-a-group", "option", "argument", "too-many"],
)
def test_what_cannot_be_understood(arguments: list[str], sentence: str) -> None:
    ended = matsift(*arguments)
    assert ended.code == 2
    assert ended.sentence == sentence


def test_a_value_that_does_not_fit_an_option() -> None:
    said = matsift("run", "x", "--workers", "lots").sentence
    assert said.startswith("invalid value for '--workers': ")
    assert said.endswith("; see `matsift run --help`")


@pytest.mark.parametrize("arguments", [[], ["db"], ["campaign"]])
def test_no_arguments_print_the_help_and_no_sentence(arguments: list[str]) -> None:
    ended = matsift(*arguments)
    assert ended.code == 2
    assert "Usage:" in ended.out
    assert ended.err == ""


@pytest.mark.parametrize("asked", ["na_electrolytes", "na_electrolites.toml", "studies/na_electrolyte.toml"])
def test_a_study_file_that_is_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    (tmp_path / "studies").mkdir()
    shutil.copy(_STUDY, tmp_path / "studies")
    monkeypatch.chdir(tmp_path)
    said = matsift("run", asked).sentence
    assert said.startswith(f"{asked}: there is no such file (did you mean 'studies/na_electrolytes.toml'?); give the")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("rankin.top=5", "unknown key 'rankin' (did you mean 'ranking'?)"),
        ("campaign.rouns=1", "unknown key 'campaign.rouns' (did you mean 'rounds'?)"),
        ("campaign.stop.budgt=3", "unknown key 'campaign.stop.budgt' (did you mean 'budget'?)"),
        ("sources.0.liscence='x'", "(did you mean 'licence'?)"),
        ("ranking.batch=3", "unknown key 'ranking.batch' (it belongs in [campaign])"),
        ("ranking.xyzzy=3", "unknown key 'ranking.xyzzy';"),
        ("labels.properties=['gvrh']", "there is no property 'gvrh' (did you mean 'g_vrh'?); use one of"),
        ("descriptors.sets=['magpi']", "there is no descriptor set 'magpi' (did you mean 'magpie'?); use one of"),
        ("learner.kind='lightgbm'", "there is no learner 'lightgbm' (did you mean 'lightgbm_ensemble'?); use one of"),
        ("campaign.oracle='chgnt'", "there is no kind 'chgnt' (did you mean 'chgnet'?); use one of chgnet, ase"),
        ("sampling.strategy='modle_2'", "sampling.strategy"),
    ],
    ids=lambda value: value.partition("=")[0] if "=" in value else "",
)
def test_a_key_or_a_name_that_is_nearly_right(override: str, words: str) -> None:
    assert words in matsift("run", _STUDY, "--set", override).sentence


def test_a_source_and_a_column_that_are_nearly_right(database: str, tmp_path: Path) -> None:
    study = write_study(tmp_path)
    assert matsift("ingest", study, "--source", "shlef").sentence == (
        "the study tiny has no source 'shlef' (did you mean 'shelf'?); it has shelf"
    )
    said = matsift("ingest", study, "--set", 'sources.0.id_column="idd"').sentence
    assert "it has no column 'idd' (did you mean 'id'?); name one of its columns" in said


def test_names_in_a_notebook_are_hinted_at_too() -> None:
    assert "'kvrh' (did you mean 'k_vrh'?); use one of g_vrh, k_vrh" in str(UnknownProperty("kvrh", ["k_vrh", "g_vrh"]))
    assert "'voronio' (did you mean 'voronoi'?)" in str(UnknownDescriptorSet("voronio", ["mp", "voronoi"]))


def test_only_what_is_alike_is_proposed() -> None:
    assert closest("MAGPIE", ["mp", "magpie"]) == "magpie"
    assert closest("quux", ["mp", "magpie"]) is None
    assert meant("mp", ["mp"]) == meant("quux", ["mp"]) == ""
