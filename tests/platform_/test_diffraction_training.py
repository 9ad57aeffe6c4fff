"""Training: the same weights whether interrupted or not, progress, schedules, what it refuses, ensembles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.platform_.network_cases import cubic_profiles

from matsift.diffraction.devices import chosen_device, fast_type
from matsift.diffraction.ensemble import SpaceGroupEnsemble, VolumeScale, load_ensemble
from matsift.diffraction.ensemble_training import TrainingItems, train_ensemble
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.training import EpochReport, TrainingSettings, train_member
from matsift.errors import ArtifactError, UserInputError
from matsift.learners.container import pack

PROFILES, GROUPS, VOLUMES = cubic_profiles(45)
CLASSES = np.arange(45) % 3
Z = VolumeScale.of(VOLUMES).z(VOLUMES)
TINY = TrainingSettings(width=2, epochs=4, batch=16, schedule="cosine", device="cpu")


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    n_thread = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_thread)


class _Stopped(Exception):  # noqa: N818  it stands for Ctrl-C
    pass


def same(first: dict[str, NDArray[np.float32]], second: dict[str, NDArray[np.float32]]) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def stop_after(epoch: int) -> Any:
    def on_epoch(report: EpochReport) -> None:
        if report.epoch == epoch:
            raise _Stopped

    return on_epoch


def shifted(batch: SparseProfiles, rng: np.random.Generator) -> SparseProfiles:
    return SparseProfiles(
        batch.offsets, np.clip(batch.bins + rng.integers(3), 0, 10000).astype(np.int16), batch.intensities
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("augment", [None, shifted], ids=["as they are", "augmented"])
def test_a_stopped_training_ends_with_the_bits_of_an_unbroken_one(tmp_path: Path, precision: Any, augment: Any) -> None:
    settings = replace(TINY, precision=precision)
    unbroken = train_member(PROFILES, CLASSES, Z, settings, 7, augment=augment)
    with pytest.raises(_Stopped):
        train_member(
            PROFILES, CLASSES, Z, settings, 7, checkpoint_dir=tmp_path, augment=augment, on_epoch=stop_after(2)
        )
    reports: list[EpochReport] = []
    resumed = train_member(
        PROFILES, CLASSES, Z, settings, 7, checkpoint_dir=tmp_path, augment=augment, on_epoch=reports.append
    )
    assert [report.epoch for report in reports] == [3, 4]
    assert same(unbroken, resumed)
    again = train_member(PROFILES, CLASSES, Z, settings, 7, checkpoint_dir=tmp_path, augment=augment, on_epoch=_fail)
    assert same(unbroken, again)


def _fail(report: EpochReport) -> None:
    raise AssertionError(report)


@pytest.mark.parametrize("change", ["other items", "other settings", "damaged", "half written"])
def test_a_checkpoint_of_another_training_is_not_gone_on_from(tmp_path: Path, change: str) -> None:
    settings = replace(TINY, epochs=2)
    train_member(PROFILES, CLASSES, Z, settings, 7, checkpoint_dir=tmp_path)
    classes = CLASSES
    if change == "other items":
        classes = (CLASSES + 1) % 3
    elif change == "other settings":
        settings = replace(settings, learning_rate=2e-3)
    elif change == "damaged":
        (tmp_path / "member-7.safetensors").write_bytes(b"rubbish")
    else:
        whole = (tmp_path / "member-7.safetensors").read_bytes()
        (tmp_path / "member-7.safetensors").write_bytes(whole[: len(whole) // 2])
    reports: list[EpochReport] = []
    train_member(PROFILES, classes, Z, settings, 7, checkpoint_dir=tmp_path, on_epoch=reports.append)
    assert [report.epoch for report in reports] == [1, 2]


def test_training_leaves_the_global_generator_alone_and_depends_on_its_seed_only() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = train_member(PROFILES, CLASSES, None, TINY, 1)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(6)
    assert same(first, train_member(PROFILES, CLASSES, None, TINY, 1))
    assert not same(first, train_member(PROFILES, CLASSES, None, TINY, 2))
    assert not any(name.startswith("volume") for name in first)


def test_progress_says_loss_and_rate() -> None:
    reports: list[EpochReport] = []
    train_member(PROFILES, CLASSES, Z, TINY, 1, on_epoch=reports.append)
    assert [(r.epoch, r.n_epoch, r.seed) for r in reports] == [(i, 4, 1) for i in (1, 2, 3, 4)]
    assert all(r.samples_per_second == pytest.approx(45 / r.seconds) for r in reports)
    assert str(reports[0]).startswith("seed 1: epoch 1 of 4, loss ")
    assert str(reports[0]).endswith(" samples/s")


def test_an_epoch_may_draw_some_of_the_items() -> None:
    drawn: list[int] = []

    def count(batch: SparseProfiles, _: np.random.Generator) -> SparseProfiles:
        drawn.append(len(batch))
        return batch

    reports: list[EpochReport] = []
    settings = replace(TINY, epochs=2, epoch_items=20)
    train_member(PROFILES, CLASSES, Z, settings, 1, augment=count, on_epoch=reports.append)
    assert drawn == [16, 4, 16, 4]
    assert reports[0].samples_per_second == pytest.approx(20 / reports[0].seconds)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "at least 1"),
        ({"batch": 0}, "at least 1"),
        ({"epoch_items": -1}, "at least 1"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"schedule": "steps"}, "no schedule 'steps'"),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"precision": "int8"}, "no precision 'int8'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_refuses_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserInputError, match=message):
        train_member(PROFILES, CLASSES, Z, replace(TINY, **settings), 1)


@pytest.mark.parametrize(
    ("profiles", "classes", "z", "message"),
    [
        (PROFILES.take([]), [], None, "there are none"),
        (PROFILES, CLASSES[1:], None, "as many groups"),
        (PROFILES, CLASSES, Z[1:], "as many groups"),
        (PROFILES, CLASSES - 1, Z, "numbered from 0"),
        (PROFILES, CLASSES, np.where(CLASSES == 1, np.nan, Z), "finite"),
        (SparseProfiles.from_lists([[], [1]], [[], [1.0]]), [0, 1], None, "without a single line"),
    ],
    ids=["no items", "a group less", "a volume less", "negative class", "NaN volume", "empty profile"],
)
def test_refuses_items(profiles: SparseProfiles, classes: Any, z: Any, message: str) -> None:
    with pytest.raises(UserInputError, match=message):
        train_member(profiles, classes, z, TINY, 1)


def test_devices() -> None:
    assert chosen_device("cpu").type == "cpu"
    assert chosen_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert fast_type("float32", torch.device("cpu")) == torch.float32
    assert fast_type("bfloat16", torch.device("cpu")) == torch.bfloat16
    if not torch.cuda.is_available():
        with pytest.raises(UserInputError, match="no GPU"):
            chosen_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_trains_and_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    settings = replace(TINY, device="cuda", precision="float32")
    with pytest.raises(_Stopped):
        train_member(PROFILES, CLASSES, Z, settings, 7, checkpoint_dir=tmp_path, on_epoch=stop_after(2))
    weights = train_member(PROFILES, CLASSES, Z, settings, 7, checkpoint_dir=tmp_path)
    assert all(np.isfinite(value).all() for value in weights.values())


@pytest.fixture(scope="module")
def learnt() -> SpaceGroupEnsemble:
    """Return two members that learnt cubic lattices, trained in this process."""
    items = TrainingItems(*cubic_profiles(240, seed=1))
    settings = replace(
        TINY, width=8, epochs=12, batch=10, he=True, power=0.5, factor=3.0, dropout=0.0, precision="float32"
    )
    settings = replace(settings, schedule="one_cycle", learning_rate=3e-3)
    return train_ensemble(items, settings, seeds=(1, 2), n_process=0)


@pytest.fixture(scope="module")
def new_items() -> tuple[SparseProfiles, NDArray[np.int64], NDArray[np.float64]]:
    return cubic_profiles(90, seed=2)


def test_an_ensemble_learns_lattices_and_their_volumes(
    learnt: SpaceGroupEnsemble, new_items: tuple[SparseProfiles, NDArray[np.int64], NDArray[np.float64]]
) -> None:
    profiles, groups, volumes = new_items
    said = learnt.predict(profiles)
    assert learnt.groups == (221, 225, 229)
    assert (np.array(learnt.groups)[said.probabilities.argmax(axis=1)] == groups).mean() > 0.9
    assert said.volume is not None
    assert np.median(np.abs(said.volume / volumes - 1)) < 0.2
    assert said.member_volumes is not None
    np.testing.assert_allclose(said.volume, np.sqrt(said.member_volumes.prod(axis=0)))
    np.testing.assert_allclose(said.probabilities, said.members.mean(axis=0))
    np.testing.assert_allclose(said.members.sum(axis=2), 1)


def test_calibration_gives_quartiles_of_the_volume_and_survives_storage(
    learnt: SpaceGroupEnsemble, new_items: tuple[SparseProfiles, NDArray[np.int64], NDArray[np.float64]]
) -> None:
    profiles, groups, volumes = new_items
    calibrated = learnt.calibrated(profiles, learnt.classes_of(groups), volumes)
    said = calibrated.predict(profiles)
    assert said.volume_quartiles is not None
    inside = (said.volume_quartiles[:, 0] <= volumes) & (volumes <= said.volume_quartiles[:, 1])
    assert inside.mean() == pytest.approx(0.5, abs=0.03)
    assert calibrated.certainty is not None
    assert calibrated.certainty.n_calibration == 45
    stored = calibrated.dump()
    assert stored == calibrated.dump()
    read = load_ensemble(stored)
    assert (read.groups, read.seeds, read.volume) == (calibrated.groups, calibrated.seeds, calibrated.volume)
    assert (read.certainty, read.volume_ratio_quartiles) == (calibrated.certainty, calibrated.volume_ratio_quartiles)
    assert np.array_equal(read.predict(profiles).members, said.members)
    assert (read.learner, dict(read.settings)) == ("spg_vol_net", dict(calibrated.settings))


def test_processes_give_what_this_process_gives(tmp_path: Path) -> None:
    items = TrainingItems(PROFILES, GROUPS)
    reports: list[EpochReport] = []
    here = train_ensemble(items, TINY, seeds=(3, 4, 5), n_process=0)
    there = train_ensemble(items, TINY, seeds=(3, 4, 5), checkpoint_dir=tmp_path, n_process=2, on_epoch=reports.append)
    for one, other in zip(here.members, there.members, strict=True):
        assert same(dict(one), dict(other))
    assert sorted((r.seed, r.epoch) for r in reports) == [(s, e) for s in (3, 4, 5) for e in (1, 2, 3, 4)]
    assert there.predict(PROFILES).volume is None
    assert there.learner == "spg_net"
    again = train_ensemble(items, TINY, seeds=(3, 4, 5), checkpoint_dir=tmp_path, n_process=0, on_epoch=_fail)
    assert same(dict(again.members[2]), dict(there.members[2]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": (221, 225)}, "space group 229"),
        ({"seeds": (1, 1)}, "different seeds"),
        ({"seeds": ()}, "different seeds"),
    ],
    ids=["unknown group", "equal seeds", "no seeds"],
)
def test_refuses_ensembles(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserInputError, match=message):
        train_ensemble(TrainingItems(PROFILES, GROUPS), TINY, n_process=0, **change)


def test_refuses_a_volume_of_nothing() -> None:
    with pytest.raises(UserInputError, match="above 0"):
        train_ensemble(TrainingItems(PROFILES, GROUPS, VOLUMES * 0), TINY, n_process=0)


def test_classes_of_groups(learnt: SpaceGroupEnsemble) -> None:
    assert learnt.classes_of([229, 1, 221]).tolist() == [2, -1, 0]


def test_damaged_models_are_refused(learnt: SpaceGroupEnsemble) -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        load_ensemble(learnt.dump()[:-200])
    with pytest.raises(ArtifactError, match="not networks of space groups"):
        load_ensemble(pack({"kind": "forest"}, {}))
    with pytest.raises(ArtifactError, match="damaged"):
        load_ensemble(pack({"kind": "space_group_ensemble"}, {}))
    other = replace(learnt, shape=replace(learnt.shape, width=9))
    with pytest.raises(ArtifactError, match="do not fit"):
        load_ensemble(other.dump())
