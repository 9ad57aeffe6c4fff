"""`[density]`: what a study file may say, and the sentences that tell what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.factories.density_study import write_density_study

from matsift.density.promolecule import PROMOLECULE_METHOD
from matsift.errors import StudyError
from matsift.study.density import DensitySettings
from matsift.study.loading import load_study

STUDY = Path(__file__).parents[2] / "studies" / "charge_density.toml"


def density(path: Path, *overrides: str) -> DensitySettings:
    """Return the table [density] of a study file."""
    found = load_study(path, overrides).density
    assert found is not None
    return found


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study file."""
    return write_density_study(tmp_path_factory.mktemp("density") / "study")


def test_the_bundled_study_compares_the_learners_of_the_paper_and_the_platforms_own() -> None:
    settings = density(STUDY)
    kinds = [learner.kind for learner in settings.learners]
    assert kinds[:5] == ["random_forest", "magpie_cnn", "density_cnn_3d", "density_cnn_2d", "density_fusion"]
    assert set(kinds[5:]) == {"lightgbm_ensemble"}
    assert settings.field_method == PROMOLECULE_METHOD
    assert set(settings.sets) <= set(load_study(STUDY).descriptors.sets)


def test_cubic_means_all_cubic_space_groups(tiny: Path) -> None:
    assert density(tiny, "density.space_groups=cubic").groups == tuple(range(195, 231))
    assert density(tiny, "density.space_groups=[225]").groups == (225,)


def test_what_networks_share_comes_behind_their_own_settings(tiny: Path) -> None:
    settings = density(tiny, "density.training.batch=7")
    of = {learner.name: settings.settings_of(learner) for learner in settings.learners}
    assert (of["2D"]["batch"], of["2D"]["epochs"], of["2D"]["optimiser"]) == (7, 2, "sgd")
    assert of["3D"]["filters"] == [2, 2]
    assert "batch" not in of["Forest"]


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("density.space_groups=[14]", "greater than or equal to 195"),
        ("density.space_groups=[]", "write 'cubic' for all cubic ones"),
        ("density.kind=dft_charge", "density.method names the method of imported densities"),
        ("density.method=vasp", "leave it out with 'promolecule'"),
        ("density.leave_out.elements=['Xx']", "Xx"),
        ("density.leave_out.properties=['g_vrh']", "not in labels.properties"),
        ("density.training.members=0", "members"),
        ("descriptors.sets=['packing']", "not in descriptors.sets; name it there"),
        ("campaign.rounds=1", "has no campaign"),
        ("density.learners=[]", "learners"),
        ("density.learners=[{name='F', kind='density_fusion'}]", "name a 'magpie_cnn' first"),
        ("density.learners=[{name='X', kind='cnn_4d'}]", "there is no learner 'cnn_4d'"),
        ("density.learners=[{name='X', kind='random_forest'}]", "names no descriptor set"),
        ("density.learners=[{name='X', kind='density_cnn_3d', sets=['magpie']}]", "knows what it reads"),
        ("density.learners=[{name='X', kind='density_cnn_3d', settings={filter=2}}]", "has no setting 'filter'"),
        ("density.learners=[{name='X', kind='random_forest', sets=['diffraction']}]", "gives lists and no columns"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_sentence(tiny: Path, override: str, sentence: str) -> None:
    with pytest.raises(StudyError, match=sentence.replace("[", r"\[")):
        load_study(tiny, [override])
