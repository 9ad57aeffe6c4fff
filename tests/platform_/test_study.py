"""Study files: the shipped one, overrides, and the sentence for each fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matsift.errors import StudyError
from matsift.study.loading import load_study, parse_study
from matsift.study.settings import DescriptorSettings, Study

NA = Path(__file__).parents[2] / "studies" / "na_electrolytes.toml"
MINIMAL: dict[str, Any] = {
    "study": {"name": "tiny", "title": "Tiny"},
    "sources": [{"kind": "bundled"}],
    "labels": {"properties": ["g_vrh"]},
    "descriptors": {"sets": ["mp", "magpie"]},
}


def test_the_shipped_study_is_valid_and_asks_what_the_paper_asks() -> None:
    study = load_study(NA)
    assert study.labels.properties == ("k_vrh", "g_vrh")
    assert len(study.screening) == 10  # the nine of the paper, and that sodium moves
    assert study.sampling.thresholds == {"k_vrh": 350.0, "g_vrh": 120.0}


def test_defaults_make_a_study_of_a_few_lines() -> None:
    study = parse_study(MINIMAL, "tiny.toml")
    assert study.sampling.strategy == "model_3"
    assert study.campaign.batch == 5
    assert study.descriptors.computed == study.descriptors.sets


def test_a_fingerprint_that_is_learned_from_is_computed_once() -> None:
    settings = DescriptorSettings(sets=("magpie", "fingerprint"), similarity=True)
    assert settings.computed == ("magpie", "fingerprint")


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("campaign.rounds=1", lambda s: s.campaign.rounds == 1),
        ("study.seed = 7", lambda s: s.study.seed == 7),
        ('descriptors.sets=["mp","magpie","voronoi"]', lambda s: s.descriptors.sets == ("mp", "magpie", "voronoi")),
        ("descriptors.similarity=false", lambda s: s.descriptors.computed == ("mp", "magpie", "voronoi")),
        ("descriptors.similarity=true", lambda s: s.descriptors.computed == ("mp", "magpie", "voronoi", "fingerprint")),
        ("ranking.goal=minimize", lambda s: s.ranking.goal == "minimize"),
        ("learner.settings.members=4", lambda s: s.learner.settings["members"] == 4),
        ("learner={kind='magpie_cnn'}", lambda s: s.learner.kind == "magpie_cnn"),
        ("sources.0.kind=bundled", lambda s: s.sources[0].kind == "bundled"),
        ("screening.5.value=20", lambda s: s.screening[5].value == 20),
    ],
)
def test_overrides_reach_their_key(override: str, read: Any) -> None:
    assert read(load_study(NA, [override]))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("campaign.round=1", "unknown key 'campaign.round'"),
        ("descriptors.sets=['voronoy']", "there is no descriptor set 'voronoy'"),
        ("labels.properties=['hardness']", "there is no property 'hardness'"),
        ("learner.kind=xgboost", "there is no learner 'xgboost'"),
        ("learner.settings.membres=3", "membres"),
        ("campaign.batch=0", "campaign.batch"),
        ("campaign.batch", "not of the form key=value"),
        ("study.name.first=1", "goes through 'name'"),
        ("sources.9.kind=bundled", "a number from 0 to 0"),
        ("ranking.property=band_gap", "'band_gap' is not one of labels.properties"),
        ("learner.ablation.E=['mp_energy']", "'mp_energy', which is not in descriptors.sets"),
        ("learner.baselines=['roost']", "'roost' reads 'element_fractions', which is not in descriptors.sets; add it"),
        ("learner={kind='magpie_cnn',ablation={S=['voronoi']}}", "which is not in learner.ablation.S; add it"),
        ("campaign.oracle=ouija", "there is no kind 'ouija'; use one of chgnet"),
        ("campaign.oracle.kind=ouija", "campaign.oracle"),
        ("campaign.oracle={kind='gpaw', cutof_ev=400}", "unknown key 'campaign.oracle.gpaw.cutof_ev'"),
        ("campaign.oracle={kind='gpaw', points=6}", "points must be odd"),
        ("campaign.oracle=gpaw", "the oracle 'gpaw' labels k_vrh, energy_per_atom, not g_vrh"),
    ],
)
def test_a_wrong_override_is_one_sentence_that_names_the_key(override: str, words: str) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(NA, [override])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "no such file"), ("[study", "not valid TOML"), ("", "the key 'study' is missing")],
    ids=["missing", "not-toml", "empty"],
)
def test_an_unusable_file_is_one_sentence(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "x.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StudyError, match=words):
        load_study(path)


def test_the_json_schema_of_a_study_can_be_written() -> None:
    assert Study.model_json_schema()["additionalProperties"] is False
