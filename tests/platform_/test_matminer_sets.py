"""Featurizers of matminer as descriptor sets: their values are matminer's own, and what cannot be used says why."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matminer.featurizers.composition import ElementProperty
from matminer.featurizers.site import OPSiteFingerprint
from matminer.featurizers.structure import DensityFeatures, GlobalSymmetryFeatures, SiteStatsFingerprint

from matsift.crystal import Crystal
from matsift.descriptors.batches import compute_many
from matsift.descriptors.matminer_sets import PREFIX, _classes
from matsift.descriptors.registry import compute, descriptor_set
from matsift.errors import StudyError, UserInputError
from matsift.study.loading import parse_study

FCC = 2.8 * (np.ones((3, 3)) - np.eye(3))
SALT = Crystal.ordered(FCC, ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))
IRON = Crystal.ordered(2.87 * np.eye(3), ["Fe", "Fe"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))
OUTSIDE = Crystal.ordered(FCC, ["Na", "Cl"], np.array([[0.0, 0, 0], [-0.5, 1.5, 0.5]]))


@pytest.mark.parametrize(
    ("name", "featurizer", "reads_structure"),
    [
        ("matminer:DensityFeatures", DensityFeatures(), True),
        ("matminer:ElementProperty:deml", ElementProperty.from_preset("deml"), False),
        (
            "matminer:SiteStatsFingerprint:OPSiteFingerprint",
            SiteStatsFingerprint.from_preset("OPSiteFingerprint"),
            True,
        ),
        ("matminer:OPSiteFingerprint", SiteStatsFingerprint(OPSiteFingerprint(), stats=("mean", "std_dev")), True),
    ],
)
def test_columns_and_values_are_those_of_the_featurizer(name: str, featurizer: Any, reads_structure: bool) -> None:
    about = descriptor_set(name)
    assert about.name == name
    assert about.version.startswith(version("matminer"))
    assert list(about.columns) == featurizer.feature_labels()
    for crystal, row in zip((SALT, IRON), compute(name, [SALT, IRON]).values, strict=True):
        structure = crystal.to_pymatgen()
        expected = featurizer.featurize(structure if reads_structure else structure.composition)
        np.testing.assert_array_equal(row, np.array(expected, dtype=np.float64))


def test_a_preset_is_another_version_and_name() -> None:
    deml, magpie = descriptor_set("matminer:ElementProperty:deml"), descriptor_set("matminer:ElementProperty:magpie")
    assert deml.version == f"{version('matminer')}+deml"
    assert deml.columns != magpie.columns


def test_what_is_no_number_is_unknown() -> None:
    values = dict(
        zip(
            GlobalSymmetryFeatures().feature_labels(),
            compute("matminer:GlobalSymmetryFeatures", [SALT]).values[0],
            strict=True,
        )
    )
    assert values["spacegroup_num"] == 225
    assert np.isnan(values["crystal_system"])  # matminer says "cubic"
    assert values["is_centrosymmetric"] == 1.0


def test_oxidation_states_are_guessed_where_a_featurizer_asks_for_them() -> None:
    chunk = compute("matminer:ElectronegativityDiff", [SALT])
    assert chunk.failures == {}
    assert chunk.values[0, 0] == pytest.approx(3.16 - 0.93)


def test_what_matminer_raises_is_the_failure_of_that_structure_alone() -> None:
    noble = Crystal.ordered(4 * np.eye(3), ["He"], np.zeros((1, 3)))
    failed = compute("matminer:ElectronegativityDiff", [SALT, noble, IRON])
    assert set(failed.failures) >= {1}
    assert np.isnan(failed.values[1]).all()
    assert np.isfinite(failed.values[0]).all()
    assert all(reason for _, reason in failed.failures.values())


def test_atoms_named_by_an_image_outside_the_cell_have_values() -> None:
    name = "matminer:StructuralHeterogeneity"
    chunk = compute(name, [SALT, OUTSIDE])
    assert chunk.failures == {}
    np.testing.assert_allclose(chunk.values[0], chunk.values[1], atol=1e-9)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("DensityFeature", "matminer has no featurizer 'DensityFeature' .*; use one of DensityFeatures"),
        ("density", "use one of "),
        ("ElementProperty", "matminer's ElementProperty needs a preset; write matminer:ElementProperty:PRESET"),
        ("ElementProperty:delm", r"has no preset 'delm' \(Invalid preset_name specified\)"),
        ("DensityFeatures:deml", "has no presets; write matminer:DensityFeatures"),
        ("BagofBonds", "must be fitted to a set of structures before it has columns"),
        ("PartialRadialDistributionFunction", "use a featurizer without fit"),
        ("AverageBondLength", "needs method, which a study cannot give"),
    ],
)
def test_what_cannot_be_used_is_refused_with_one_sentence(name: str, message: str) -> None:
    with pytest.raises(UserInputError, match=message) as caught:
        descriptor_set(f"matminer:{name}")
    assert "\n" not in str(caught.value)


def test_a_study_names_them_beside_the_engine_and_is_refused_when_it_is_loaded() -> None:
    study: dict[str, Any] = {
        "study": {"name": "tiny", "title": "Tiny"},
        "sources": [{"kind": "bundled"}],
        "labels": {"properties": ["g_vrh"]},
        "descriptors": {"sets": ["mp", "matminer:DensityFeatures"]},
    }
    assert parse_study(study, "tiny.toml").descriptors.sets == ("mp", "matminer:DensityFeatures")
    study["descriptors"]["sets"] = ["matminer:CoulombMatrix"]
    with pytest.raises(StudyError, match="CoulombMatrix must be fitted"):
        parse_study(study, "tiny.toml")


@pytest.mark.slow
def test_a_featurizer_that_hangs_is_stopped_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    xenon = Crystal.ordered(4 * np.eye(3), ["Xe"], np.zeros((1, 3)))
    started, failures = time.monotonic(), dict[int, tuple[str, str]]()
    for keys, chunks in compute_many(
        ("matminer:DensityFeatures",),
        [SALT, xenon, IRON],
        n_worker=2,
        time_limit_s=2.0,
        chunk_size=1,
        target="descriptor_targets:compute_with_trouble",
    ):
        (chunk,) = chunks.values()
        failures |= {int(keys[i]): reason for i, reason in chunk.failures.items()}
        assert np.isfinite(chunk.values).all() == (int(keys[0]) != 1)
    assert failures == {1: ("DescriptorTimeout", "descriptors took longer than 2 s")}
    assert time.monotonic() - started < 60


def test_every_featurizer_is_a_set_or_is_refused_in_words() -> None:
    usable = 0
    for title in _classes():
        try:
            usable += len(descriptor_set(f"{PREFIX}{title}").columns) > 0
        except UserInputError:
            continue
    assert usable > 30
