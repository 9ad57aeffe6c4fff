"""A model card says where a model ends, and nothing that a source wrote becomes markup in it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from matsift.reports.data import DescriptorSetRow
from matsift.reports.model_card import HeldOutError, LabelOrigin, LabelRange, ModelCard, SubsetMetrics
from matsift.reports.model_card_page import card_html, card_markdown
from matsift.reports.model_card_sections import card_sections, limits

_TEST = {"r2": 0.81, "mae": 6.4, "rmse": 9.1, "interval_coverage": 0.91, "mean_interval_width": 31.0, "kurtosis": None}
CARD = ModelCard(
    content_hash="ab" * 32,
    learner="lightgbm_ensemble",
    purpose="ensemble",
    property_name="g_vrh",
    unit="GPa",
    definition="shear modulus, Hill average of Voigt and Reuss",
    settings={"members": 20, "sampling": None},
    seed=7,
    study="sodium",
    trained_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    code_version="0.1.0",
    environment_hash="cd" * 32,
    packages={"numpy": "2.3"},
    snapshot_hash="ef" * 32,
    strategy="model_3",
    split_settings={"test_fraction": 0.2, "threshold": 80.0},
    split_seed=3,
    roles={"train": 400, "validation": 100, "test": 125},
    label_range=LabelRange(2.0, 41.0, 274.0),
    origins=(
        LabelOrigin("source:shelf", "pbe-dft", "CC-BY-4.0", 600),
        LabelOrigin("oracle:chgnet", "chgnet-0.3.0", "", 25),
    ),
    descriptor_sets=(DescriptorSetRow("magpie", "2", 132),),
    elements={"Na": 200, "O": 380, "Cl": 4},
    calibration={"coverage": 0.9, "n_calibration": 100},
    metrics=(SubsetMetrics("test", 125, _TEST), SubsetMetrics("test:Na", 40, {"r2": 0.7, "mae": 5.0})),
    worst=(HeldOutError("NaCl", "12" * 32, 90.0, 40.0, 30.0, 55.0), HeldOutError("Na2O", "34" * 32, 60.0, 50.0)),
    artifact_sha256="56" * 32,
    importances=(("mean_electronegativity", 0.31),),
)


def test_a_card_has_a_section_for_everything_that_one_asks_of_a_model() -> None:
    keys = [section.key for section in card_sections(CARD)]
    assert keys == ["model", "data", "split", "quality", "errors", "elements", "importances", "limits", "again"]
    text = card_markdown(CARD)
    for said in ("CC-BY-4.0", "pbe-dft", "model_3", "100 labels to hold 90 %", "members", "numpy", "efefefefefef"):
        assert said in text
    assert CARD.content_hash in text


def test_metrics_stand_by_subset_and_what_is_undefined_is_a_dash() -> None:
    text = card_markdown(CARD)
    assert "| Metric | test | test:Na |" in text
    assert "| rows | 125 | 40 |" in text
    assert "| mean absolute error / GPa | 6.40 | 5.00 |" in text
    assert "| share inside the interval | 91.0 % | – |" in text
    assert "| kurtosis | – | – |" in text


def test_the_largest_errors_say_whether_the_interval_warned() -> None:
    text = card_markdown(CARD)
    assert "| NaCl | 121212121212 | 90.0 | 40.0 | 30.0 | 55.0 | −50.0 | no |" in text
    assert "| Na2O | 343434343434 | 60.0 | 50.0 | – | – | −10.0 | – |" in text


def test_elements_are_told_apart_by_whether_any_label_holds_them() -> None:
    assert CARD.rare_elements == ("Cl",)
    assert len(CARD.unseen_elements) == 118 - 3
    assert "3 elements occur in labels that it learned from, with their number of labels: O 380, Na 200, Cl 4." in (
        card_markdown(CARD)
    )


def test_licences_are_those_of_sources_and_one_that_is_missing_is_named() -> None:
    assert CARD.licences == ("CC-BY-4.0",)
    unknown = replace(CARD, origins=(LabelOrigin("source:drawer", "pbe-dft", "", 600),))
    assert unknown.licences == ("not stated",)
    computed = replace(CARD, origins=CARD.origins[1:])
    assert computed.licences == ()
    assert "no licence of a source binds them" in card_markdown(computed)


@pytest.mark.parametrize(
    ("values", "n_row", "said"),
    [
        ({"interval_coverage": 0.7}, 125, "held only 70.0 % of the test labels, 90 % were due"),
        ({"r2": -0.2}, 125, "no better than their mean"),
        ({"r2": 0.9}, 20, "Only 20 labels test it"),
    ],
)
def test_what_the_test_labels_say_against_it_is_among_the_limits(
    values: dict[str, float | None], n_row: int, said: str
) -> None:
    assert not any(said in sentence for sentence in limits(CARD))
    poor = replace(CARD, metrics=(SubsetMetrics("test", n_row, values),))
    assert any(said in sentence for sentence in limits(poor))


def test_a_card_without_evaluation_and_labels_still_stands() -> None:
    bare = replace(
        CARD,
        study=None,
        metrics=(),
        worst=(),
        origins=(),
        calibration={},
        label_range=None,
        importances=(),
        elements={},
    )
    text = card_markdown(bare)
    assert "It was not evaluated." in text
    assert "outside a study" in text
    assert "importances" not in [section.key for section in card_sections(bare)]
    assert card_html(bare)


def test_the_same_card_gives_the_same_page_and_no_script_is_in_it() -> None:
    page = card_html(CARD)
    assert page == card_html(CARD)
    assert "<script" not in page
    assert "G<sub>VRH</sub>" in page
    assert not re.search(r'(src|href)="(?!#|data:)', page)


def test_what_a_source_wrote_is_text_in_both_forms() -> None:
    hostile = replace(
        CARD, study="<b>x</b>", origins=(LabelOrigin("source:<script>alert(1)</script>", "a|b\n*c*", "[l](u)", 3),)
    )
    assert "<script" not in card_html(hostile)
    text = card_markdown(hostile)
    assert "| source:\\<script\\>alert(1)\\</script\\> | a\\|b \\*c\\* | \\[l\\](u) | 3 |" in text


def test_a_notebook_shows_the_card_as_markdown() -> None:
    assert CARD._repr_markdown_() == card_markdown(CARD)
