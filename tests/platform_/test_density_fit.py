"""Training of the density networks: resumed alike, stopped early, stored, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.platform_.density_network_cases import (
    SHORT,
    SMALL_2D,
    SMALL_3D,
    WIDE_2D,
    WIDE_3D,
    items,
    symmetric_fields,
    whole,
)

from matsift.density.feeds import MemoryFeed
from matsift.density.field_source import InMemoryFields, OrbitFields
from matsift.density.fit import DensityNetwork, EpochReport, fit, load
from matsift.density.inputs import NetworkInputs
from matsift.density.networks import MagpieNet
from matsift.density.settings import (
    NETWORK_KINDS,
    Density2dSettings,
    Density3dSettings,
    FusionSettings,
    MagpieCnnSettings,
    network_settings,
)
from matsift.density.training import Training, inner_items
from matsift.errors import ArtifactError, UserInputError
from matsift.learners.container import pack

SETTINGS: dict[str, dict[str, Any]] = {
    "magpie_cnn": {**SHORT, "filters": (3, 4, 5), "dense": (6, 5)},
    "density_cnn_3d": {**SHORT, **SMALL_3D},
    "density_cnn_2d": {**SHORT, **SMALL_2D},
    "density_fusion": {**SHORT, "head": (8, 4)},
}
INPUTS, Y = items()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    n_thread = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_thread)


@pytest.fixture(scope="module")
def branches() -> dict[str, DensityNetwork]:
    return {kind: trained(kind) for kind in ("magpie_cnn", "density_cnn_2d")}


def trained(kind: str, inputs: NetworkInputs = INPUTS, **more: Any) -> DensityNetwork:
    settings = {**SETTINGS[kind], **more.pop("settings", {})}
    return fit(kind, inputs, more.pop("y", Y), settings=settings, seed=7, **more)


def same(first: DensityNetwork, second: DensityNetwork) -> bool:
    return all(
        a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)
        for a, b in zip(first.members, second.members, strict=True)
    )


class _Stopped(Exception):  # noqa: N818  it stands for Ctrl-C
    pass


def stop_after(member: int, epoch: int) -> Any:
    def on_epoch(report: EpochReport) -> None:
        if (report.member, report.epoch) == (member, epoch):
            raise _Stopped

    return on_epoch


CASES = [(kind, False) for kind in NETWORK_KINDS] + [("density_fusion", True)]


@pytest.mark.parametrize(("kind", "tune"), CASES, ids=[*NETWORK_KINDS, "fine-tuned"])
def test_a_killed_training_ends_with_the_bits_of_one_that_was_not(
    kind: str, tune: bool, branches: dict[str, DensityNetwork], tmp_path: Path
) -> None:
    settings = {"members": 2, **({"fine_tune": True} if tune else {})}
    straight = trained(kind, settings=settings, branches=branches)
    for stop in ((0, 2), (1, 1)):
        with pytest.raises(_Stopped):
            trained(kind, settings=settings, branches=branches, checkpoint_dir=tmp_path, on_epoch=stop_after(*stop))
    seen = list[EpochReport]()
    resumed = trained(kind, settings=settings, branches=branches, checkpoint_dir=tmp_path, on_epoch=seen.append)
    assert [(report.member, report.epoch) for report in seen] == [(1, 2), (1, 3)]
    assert same(straight, resumed)


def test_a_checkpoint_of_another_training_is_not_gone_on_from(tmp_path: Path) -> None:
    for y, settings in ((Y, {}), (Y + 1e-3 * np.arange(len(Y)), {}), (Y, {"learning_rate": 2e-3})):
        seen = list[EpochReport]()
        trained("magpie_cnn", y=y, settings=settings, checkpoint_dir=tmp_path, on_epoch=seen.append)
        assert len(seen) == 3
    other = replace(INPUTS, magpie=INPUTS.magpie * 1.01 if INPUTS.magpie is not None else None)
    seen = []
    trained("magpie_cnn", other, settings={"learning_rate": 2e-3}, checkpoint_dir=tmp_path, on_epoch=seen.append)
    assert len(seen) == 3


@pytest.mark.parametrize(("kind", "tune"), CASES, ids=[*NETWORK_KINDS, "fine-tuned"])
def test_what_is_read_back_says_the_same(kind: str, tune: bool, branches: dict[str, DensityNetwork]) -> None:
    model = trained(kind, settings={"members": 2, **({"fine_tune": True} if tune else {})}, branches=branches)
    said, data = model.predict(INPUTS), model.dump()
    back = load(kind, data)
    assert np.array_equal(back.predict(INPUTS).members, said.members)
    assert (back.kind, back.settings, back.seed, back.seeds) == (kind, model.settings, 7, model.seeds)
    assert back.dump() == data
    assert said.members.shape == (2, len(Y))
    np.testing.assert_allclose(said.mean, said.members.mean(axis=0))
    assert model.predict(INPUTS.take([])).members.shape == (2, 0)
    some = np.array([5, 3])
    np.testing.assert_allclose(model.predict(INPUTS.take(some)).mean, said.mean[some], rtol=1e-5)


@pytest.mark.parametrize("kind", ["density_cnn_3d", "density_cnn_2d"])
def test_whole_grids_train_as_unique_values_do(kind: str) -> None:
    assert isinstance(INPUTS.fields, OrbitFields)
    grids = NetworkInputs(INPUTS.magpie, whole(INPUTS.fields))
    quick, plain = trained(kind), trained(kind, grids)
    np.testing.assert_allclose(quick.predict(INPUTS).mean, plain.predict(grids).mean, rtol=2e-3)
    np.testing.assert_allclose(quick.predict(grids).mean, quick.predict(INPUTS).mean, rtol=1e-4)


def test_a_training_learns() -> None:
    y = np.random.default_rng(0).uniform(1, 3, 200)
    fields = symmetric_fields(200)
    fields = replace(fields, values=fields.values * y[:, None].astype(np.float32))
    inputs = NetworkInputs(fields=fields)
    settings = {"epochs": 30, "learning_rate": 3e-3, "filters": (16, 16), "dense": (16, 8), "scale": "std"}
    model = trained("density_cnn_3d", inputs.take(np.arange(150)), y=y[:150], settings=settings)
    error = np.abs(model.predict(inputs.take(np.arange(150, 200))).mean - y[150:]).mean()
    assert error < 0.8 * np.abs(y[150:] - y[:150].mean()).mean()


def test_inner_items_are_a_tenth_and_the_same_for_every_kind() -> None:
    kept = inner_items(200, 0.1, 5)
    assert kept.sum() == 20
    assert np.array_equal(kept, inner_items(200, 0.1, 5))
    assert not np.array_equal(kept, inner_items(200, 0.1, 6))
    assert inner_items(200, 0.0, 5).sum() == 0
    assert inner_items(9, 0.1, 5).sum() == 0


def test_training_ends_when_the_inner_error_does_not_fall_and_keeps_the_best() -> None:
    seen = list[EpochReport]()
    wild = {"epochs": 60, "patience": 4, "learning_rate": 0.05}
    rng = np.random.default_rng(0)
    model = trained("magpie_cnn", y=rng.normal(size=len(Y)), settings=wild, on_epoch=seen.append)
    errors = [report.error for report in seen]
    best = int(np.argmin(errors)) + 1
    assert len(seen) == best + 4 < 60
    kept = inner_items(len(Y), 0.1, model.seeds[0])
    y = np.random.default_rng(0).normal(size=len(Y))
    z = np.abs(model.target.z(model.predict(INPUTS.take(kept)).mean) - model.target.z(y[kept])).mean()
    assert z == pytest.approx(min(errors), rel=1e-4)


def test_without_inner_items_the_last_weights_count() -> None:
    seen = list[EpochReport]()
    trained("magpie_cnn", settings={"inner_fraction": 0.0, "patience": 1}, on_epoch=seen.append)
    assert len(seen) == 3
    assert all(np.isnan(report.error) for report in seen)


def test_the_rate_of_the_2d_network_is_halved_every_ten_epochs() -> None:
    settings = Density2dSettings()
    assert settings.optimiser == "sgd"
    assert [settings.rate(epoch) for epoch in (0, 9, 10, 19, 20)] == [1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4]
    seen = list[EpochReport]()
    trained("density_cnn_2d", settings={"halve_every": 1}, on_epoch=seen.append)
    assert [report.learning_rate for report in seen] == [1e-3, 5e-4, 2.5e-4]


def test_rates_of_the_paper() -> None:
    assert Density3dSettings().learning_rate == 5e-4
    assert MagpieCnnSettings().learning_rate == FusionSettings().learning_rate == 1e-3
    assert {settings().optimiser for settings in (Density3dSettings, MagpieCnnSettings, FusionSettings)} == {"adam"}
    assert MagpieCnnSettings().rate(150) == 1e-3
    assert MagpieCnnSettings().batch == 32


def test_progress_is_told() -> None:
    seen = list[EpochReport]()
    trained("density_cnn_3d", on_epoch=seen.append)
    assert [report.epoch for report in seen] == [1, 2, 3]
    assert all(0 <= report.waiting <= 1 and report.samples_per_second > 0 for report in seen)
    assert str(seen[0]).startswith("density_cnn_3d 0: epoch 1 of 3, loss ")
    assert "waiting for inputs" in str(seen[0])


def shifted(fields: OrbitFields) -> InMemoryFields:
    return InMemoryFields(np.roll(whole(fields).values, (6, 6, 6), axis=(1, 2, 3)))


@pytest.mark.parametrize("kind", ["density_cnn_3d", "density_cnn_2d"])
@pytest.mark.parametrize("space_group", [225, 221], ids=str)
def test_with_both_origins_the_answer_does_not_depend_on_the_origin(kind: str, space_group: int) -> None:
    inputs, y = items(24, space_group=space_group)
    assert isinstance(inputs.fields, OrbitFields)
    wide = {"epochs": 2, **(WIDE_3D if kind == "density_cnn_3d" else WIDE_2D)}
    model = trained(kind, inputs, y=y, settings={"origins": True, **wide})
    other = NetworkInputs(fields=shifted(inputs.fields))
    np.testing.assert_allclose(model.predict(other).mean, model.predict(inputs).mean, rtol=1e-4)
    fixed = trained(kind, inputs, y=y, settings=wide)
    assert not np.allclose(fixed.predict(other).mean, fixed.predict(inputs).mean, rtol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("kind", ["magpie_cnn", "density_cnn_3d", "density_cnn_2d"])
def test_a_gpu_learns_what_a_processor_learns(kind: str, tmp_path: Path) -> None:
    on_gpu = {"device": "cuda", "members": 2}
    with pytest.raises(_Stopped):
        trained(kind, settings=on_gpu, checkpoint_dir=tmp_path, on_epoch=stop_after(0, 2))
    said = trained(kind, settings=on_gpu, checkpoint_dir=tmp_path).predict(INPUTS).mean
    np.testing.assert_allclose(said, trained(kind, settings={"members": 2}).predict(INPUTS).mean, rtol=2e-2)


def test_unknown_features_count_as_the_mean() -> None:
    magpie: NDArray[np.float64] = np.array(INPUTS.magpie)
    magpie[:, 5] = np.nan
    magpie[::2, 6] = np.nan
    magpie[:, 7] = 3.0
    model = trained("magpie_cnn", NetworkInputs(magpie))
    assert np.isfinite(model.predict(NetworkInputs(magpie)).mean).all()
    changed = magpie.copy()
    changed[:, [5, 7]] = 1e6
    assert np.array_equal(model.predict(NetworkInputs(changed)).mean, model.predict(NetworkInputs(magpie)).mean)


def test_the_logarithm_as_target() -> None:
    model = trained("magpie_cnn", settings={"target": "log10"})
    assert model.predict(INPUTS).mean.min() > 0
    assert load("magpie_cnn", model.dump()).predict(INPUTS).mean[0] == model.predict(INPUTS).mean[0]


def test_the_defaults_are_those_of_a_mapping_and_a_model() -> None:
    for kind in NETWORK_KINDS:
        assert network_settings(kind, {}) == network_settings(kind, network_settings(kind, {}))


NO_FIELDS, NO_MAGPIE = NetworkInputs(INPUTS.magpie), NetworkInputs(fields=INPUTS.fields)
FLAT = NetworkInputs(fields=InMemoryFields(np.ones((40, 12, 12, 12), np.float32)))
BROKEN = NetworkInputs(fields=InMemoryFields(np.full((40, 12, 12, 12), np.nan, np.float32)))
LONG = NetworkInputs(fields=InMemoryFields(np.ones((40, 12, 12, 15), np.float32)))


@pytest.mark.parametrize(
    ("kind", "inputs", "more", "sentence"),
    [
        ("magpie_cnn", NO_MAGPIE, {}, "reads composition features; these items have none"),
        ("density_cnn_3d", NO_FIELDS, {}, "reads densities; these items have none"),
        ("density_cnn_2d", FLAT, {}, "do not vary"),
        ("density_cnn_2d", LONG, {}, "equally many points along all axes"),
        ("density_fusion", INPUTS, {}, "'magpie_cnn' is not among the branches"),
        ("magpie_cnn", INPUTS, {"y": Y[:5]}, "40 items need as many targets"),
        ("magpie_cnn", INPUTS, {"y": np.append(Y[1:], np.nan)}, "targets are finite numbers"),
        ("magpie_cnn", INPUTS.take([3]), {"y": Y[:1]}, "at least two items"),
        ("magpie_cnn", INPUTS, {"settings": {"learning_rat": 1}}, "has no setting 'learning_rat'"),
        ("magpie_cnn", INPUTS, {"settings": {"epochs": 0}}, "greater than or equal to 1"),
        ("density_cnn_3d", BROKEN, {}, "no finite number"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) > 16 else "",
)
def test_what_is_refused(kind: str, inputs: NetworkInputs, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        trained(kind, inputs, **more)


def test_a_training_that_went_astray() -> None:
    settings = MagpieCnnSettings(**SETTINGS["magpie_cnn"])
    feed = MemoryFeed(torch.full((8, 1, 12, 12), torch.nan))
    z = np.zeros(8, np.float32)
    training = Training("magpie_cnn", 0, MagpieNet(settings), feed, np.arange(8), z, settings, 0, about={})
    with pytest.raises(
        UserInputError, match=r"went astray in epoch 1, its loss is nan; lower learning_rate, now 0.001"
    ):
        training.epoch()


def test_a_network_is_not_asked_for_what_it_cannot_read(branches: dict[str, DensityNetwork]) -> None:
    with pytest.raises(UserInputError, match="these items have none"):
        branches["density_cnn_2d"].predict(NO_FIELDS)
    with pytest.raises(UserInputError, match="no network 'cgcnn'"):
        network_settings("cgcnn", {})
    with pytest.raises(UserInputError, match="are no settings of the network 'magpie_cnn'"):
        network_settings("magpie_cnn", FusionSettings())


@pytest.mark.parametrize(
    ("magpie", "fields", "rows", "sentence"),
    [
        (np.zeros((3, 132)), symmetric_fields(4), None, "one and the same set"),
        (None, None, None, "one and the same set"),
        (np.zeros((3, 131)), None, None, "132 composition features"),
        (np.zeros((3, 132)), None, np.array([3]), "positions from 0 to 2"),
    ],
    ids=["sizes", "nothing", "columns", "rows"],
)
def test_inputs_that_do_not_belong_together(magpie: Any, fields: Any, rows: Any, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        NetworkInputs(magpie, fields, rows)


def test_damaged_model_files(branches: dict[str, DensityNetwork]) -> None:
    data = branches["magpie_cnn"].dump()
    for kind, junk, sentence in (
        ("magpie_cnn", data[: len(data) // 2], "not a model file"),
        ("density_cnn_2d", data, "holds a 'magpie_cnn'"),
        ("magpie_cnn", pack({"kind": "magpie_cnn"}, {}), "damaged"),
    ):
        with pytest.raises(ArtifactError, match=sentence):
            load(kind, junk)
    model = branches["magpie_cnn"]
    wrong = replace(model, members=({**model.members[0], "answer.bias": np.zeros(2, np.float32)},)).dump()
    with pytest.raises(ArtifactError, match="do not fit the network"):
        load("magpie_cnn", wrong)
