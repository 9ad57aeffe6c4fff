"""The composition GAN: shapes, the penalty's exact value, one file, a training that goes on, samples beside chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from matsift.errors import ArtifactError, UserInputError
from matsift.generative.formulas import Compositions
from matsift.generative.gan import CompositionGan, read_matrices
from matsift.generative.gan_networks import Generator, RunningNorm, chance, critic_of, gradient_penalty, halved, one_hot
from matsift.generative.gan_settings import MATGAN, GanSettings
from matsift.generative.gan_training import GanEpoch, fit_gan, learnable
from matsift.generative.sampling import SizeLimits
from matsift.generative.shares import shares_of
from matsift.generative.validity import validity

SALTS = [
    f"{cation}{anion_count}{anion}{cation_count}"
    for cation, charge in (("Li", 1), ("Na", 1), ("K", 1), ("Mg", 2), ("Ca", 2), ("Sr", 2), ("Al", 3), ("Y", 3))
    for anion, taken in (("F", 1), ("Cl", 1), ("O", 2), ("S", 2), ("N", 3))
    for anion_count, cation_count in [(taken // np.gcd(charge, taken), charge // np.gcd(charge, taken))]
]
TINY = GanSettings(width=0.05, epochs=3, batch=16, critic_steps=2, noise=8, device="cpu")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def salts() -> Compositions:
    return Compositions.from_formulas(SALTS)


@pytest.mark.parametrize("n_element", [85, 87, 16, 5])
@pytest.mark.parametrize("n_count", [8, 20, 3])
def test_the_generator_of_matgan_ends_in_the_shape_of_its_matrices(n_element: int, n_count: int) -> None:
    settings = replace(MATGAN, most_count=n_count, width=0.1)
    made = Generator(settings, n_element)(torch.randn(3, 128))
    assert made.shape == (3, n_element, n_count)
    assert critic_of(settings, n_element)(made).shape == (3,)


def test_the_layers_of_matgan_have_its_shapes() -> None:
    assert halved(85, 4) == [85, 43, 22, 11, 6]
    generator = Generator(MATGAN, 85).body
    x, shapes = torch.randn(2, 128, 6, 4), []
    for layer in generator.layers:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 11, 8), (32, 22, 8), (16, 43, 8), (1, 85, 8)]
    assert generator.dense.out_features == 6 * 4 * 128  # type: ignore[union-attr]
    convolutions = [module for module in critic_of(MATGAN, 85).modules() if isinstance(module, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [16, 16, 32, 64, 128]
    assert [layer.stride for layer in convolutions] == [(1, 1), (2, 1), (1, 1), (1, 1), (2, 2)]
    assert sum(isinstance(module, RunningNorm) for module in critic_of(MATGAN, 85).modules()) == 4
    assert not any(
        isinstance(module, RunningNorm) for module in critic_of(replace(MATGAN, critic_norm=False), 85).modules()
    )


@pytest.mark.parametrize("output", ["sigmoid", "softmax", "drawn"])
def test_entries_are_between_nothing_and_one(output: str) -> None:
    settings = GanSettings(output=output, width=0.1)
    random = torch.Generator().manual_seed(0)
    made = Generator(settings, 87)(*chance(settings, 87, random, torch.device("cpu"), 50))
    assert made.shape == (50, 87, 8)
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1
    if output != "sigmoid":
        assert float(made.detach().sum(dim=2).max()) <= 1 + 1e-6


def test_counts_are_drawn_as_often_as_the_shares_say() -> None:
    generator = Generator(GanSettings(width=0.05, noise=4), 2).eval()
    generator.begin_with(torch.tensor([[0, 2]] * 3 + [[1, 2]] * 1))
    noise = torch.zeros(1, 4)
    with torch.inference_mode():
        shares = torch.softmax(generator.body(noise), dim=2)[0, :, 1:]
        lots = torch.rand(20_000, 2, generator=torch.Generator().manual_seed(0))
        drawn = generator(noise.expand(20_000, 4), lots)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(drawn.mean(dim=0), shares, atol=0.015)
    assert torch.equal(drawn.sum(dim=2).amax(dim=0), torch.ones(2))


def test_the_generator_begins_with_the_frequencies_of_the_formulas(salts: Compositions) -> None:
    columns = np.flatnonzero(salts.counts.any(axis=0))
    counts = torch.from_numpy(salts.counts[:, columns].astype(np.int64))
    settings = GanSettings(noise=4, width=0.5)
    generator = Generator(settings, len(columns))
    off = []
    for told in (False, True):
        if told:
            generator.begin_with(counts)
        lots = chance(settings, len(columns), torch.Generator().manual_seed(1), torch.device("cpu"), 4000)
        with torch.inference_mode():
            present = generator(*lots).sum(dim=2).mean(dim=0)
        off.append(float((present - (counts > 0).float().mean(dim=0)).abs().mean()))
    assert off[0] > 0.5
    assert off[1] < 0.1


def test_the_gradient_of_what_is_drawn_is_that_of_the_shares() -> None:
    generator = Generator(GanSettings(width=0.05, noise=4), 3)
    noise, weights = torch.randn(5, 4), torch.randn(5, 3, 8)
    last = generator.get_parameter("body.last.weight")
    (drawn,) = torch.autograd.grad((generator(noise, torch.rand(5, 3)) * weights).sum(), last)
    (shares,) = torch.autograd.grad((generator(noise) * weights).sum(), last)  # without lots it gives its shares
    assert torch.allclose(drawn, shares, atol=1e-6)


def test_the_penalty_of_a_linear_critic_is_exact() -> None:
    """The gradient of a linear critic is its weights, wherever the penalty is asked."""
    random = torch.Generator().manual_seed(0)

    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.Parameter(torch.randn(85, 8, generator=random))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x * self.weights).sum(dim=(1, 2)) + 3.0

    critic = Linear()
    real, made = torch.rand(6, 85, 8, generator=random), torch.rand(6, 85, 8, generator=random)
    penalty = gradient_penalty(critic, real, made, torch.rand(6, generator=random))
    norm = float(critic.weights.detach().square().sum()) ** 0.5
    assert float(penalty) == pytest.approx((norm - 1) ** 2, rel=1e-5)
    penalty.backward()  # type: ignore[no-untyped-call]
    expected = 2 * (norm - 1) / norm * critic.weights.detach()
    assert torch.allclose(critic.weights.grad, expected, rtol=1e-4)  # type: ignore[arg-type]


def test_the_penalty_is_asked_between_a_formula_and_a_sample() -> None:
    """Of a critic |x|^2 / 2 the gradient is x: the penalty shows the place."""
    real, made = torch.zeros(2, 1, 2), torch.tensor([[[3.0, 4.0]], [[0.0, 2.0]]])
    penalty = gradient_penalty(nn.Flatten(), real, made, torch.zeros(2))  # the gradient of a sum: ones
    assert float(penalty) == pytest.approx((2**0.5 - 1) ** 2, rel=1e-6)

    class Half(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.square().sum(dim=(1, 2)) / 2

    mix = torch.tensor([0.5, 1.0])
    assert float(gradient_penalty(Half(), real, made, mix)) == pytest.approx(((2.5 - 1) ** 2 + (2 - 1) ** 2) / 2)


def test_matrices_are_read_by_the_rule_of_matgan() -> None:
    matrices = np.zeros((3, 3, 8), dtype=np.float32)
    matrices[0, 0, 0], matrices[0, 2, 2] = 0.2, 0.9  # from 0.2 on
    matrices[1, 0, 1], matrices[1, 0, 4], matrices[1, 1, 0] = 0.9, 0.3, 0.19  # of two the larger count
    read = read_matrices(matrices, (3, 8, 13))
    assert read.amounts() == [{"Li": 1, "Al": 3}, {"Li": 5}, {}]


def test_reading_undoes_the_writing_of_formulas(salts: Compositions) -> None:
    columns = np.flatnonzero(salts.counts.any(axis=0))
    matrices = one_hot(torch.from_numpy(salts.counts[:, columns].astype(np.int64)), 8).numpy()
    assert matrices.sum() == 2 * len(salts)
    elements = tuple(int(column) + 1 for column in columns)
    assert np.array_equal(read_matrices(matrices, elements).counts, salts.counts)


@pytest.mark.parametrize(
    "settings",
    [
        TINY,
        replace(TINY, output="sigmoid", average=0.0),
        replace(TINY, output="drawn"),
        replace(MATGAN, width=0.1, epochs=3, batch=16, device="cpu"),
    ],
    ids=["dense", "last weights", "drawn", "matgan"],
)
def test_a_training_that_was_stopped_ends_with_the_same_bytes(
    salts: Compositions, settings: GanSettings, tmp_path: Path
) -> None:
    heard: list[GanEpoch] = []
    whole = fit_gan(salts, settings, seed=5, on_epoch=heard.append)
    assert [report.epoch for report in heard] == [1, 2, 3]
    assert "epoch 3 of 3" in str(heard[2])
    fit_gan(salts, replace(settings, epochs=1), seed=5, checkpoint_dir=tmp_path)
    rest: list[GanEpoch] = []
    gone_on = fit_gan(salts, settings, seed=5, checkpoint_dir=tmp_path, on_epoch=rest.append)
    assert [report.epoch for report in rest] == [2, 3]
    assert gone_on.dump() == whole.dump()
    assert fit_gan(salts, settings, seed=6).dump() != whole.dump()
    other = fit_gan(salts.select(slice(1, None)), settings, seed=5, checkpoint_dir=tmp_path)
    assert other.dump() != whole.dump()


def test_a_generator_comes_back_from_its_file(salts: Compositions) -> None:
    gan = fit_gan(salts, TINY, seed=1)
    again = CompositionGan.load(gan.dump())
    assert again.content_hash == gan.content_hash
    assert np.array_equal(gan.matrices(40, np.random.default_rng(3)), again.matrices(40, np.random.default_rng(3)))
    assert len(gan.sample(0, np.random.default_rng(0))) == 0
    with pytest.raises(ArtifactError, match="model file"):
        CompositionGan.load(b"PK")
    with pytest.raises(ArtifactError, match="damaged"):
        CompositionGan.load(replace_elements(gan).dump())


def replace_elements(gan: CompositionGan) -> CompositionGan:
    """Return the generator with one element more than its weights know."""
    return CompositionGan(gan.settings, gan.seed, (*gan.elements, 103), gan.weights)


def test_samples_hold_only_elements_and_counts_that_were_learned(salts: Compositions) -> None:
    gan = fit_gan(salts, TINY, seed=2)
    drawn = gan.sample(500, np.random.default_rng(0))
    absent = ~salts.counts.any(axis=0)
    assert not drawn.counts[:, absent].any()
    assert drawn.largest_count.max() <= TINY.most_count


def test_elements_and_large_counts_are_not_learned_from() -> None:
    compositions = Compositions.from_formulas(["Fe", "NaCl", "C60H2", "Ca8F8"])
    assert learnable(compositions, TINY).formulas() == ["NaCl", "CaF"]
    with pytest.raises(UserInputError, match="2 of 4 formulas"):
        fit_gan(compositions, TINY)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"architecture": "vae"}, "architecture"),
        ({"output": "relu"}, "output"),
        ({"batch": 0}, "batch"),
        ({"average": 1.0}, "average"),
        ({"critic_norm": True}, "normalisation"),
        ({"reward": 0.1, "output": "softmax"}, "reward"),
    ],
    ids=["architecture", "output", "batch", "average", "norm", "reward"],
)
def test_settings_that_cannot_be_met_are_refused(changed: dict[str, object], match: str) -> None:
    with pytest.raises(UserInputError, match=match):
        GanSettings(**changed)  # type: ignore[arg-type]


def test_settings_come_back_from_json() -> None:
    assert GanSettings.from_dict(MATGAN.as_dict()) == MATGAN


def test_a_reward_for_validity_makes_more_of_it() -> None:
    """Salts that no choice of oxidation states balances: the critic alone would leave all samples like them."""
    wrong = Compositions.from_formulas(
        [f"{cation}{anion}{n}" for cation in ("Mg", "Ca") for anion in "FO" for n in (3, 5)] * 8
    )
    valid = []
    for reward in (0.0, 2.0):
        settings = GanSettings(width=0.1, epochs=30, batch=16, noise=8, generator_rate=6e-3, reward=reward, average=0.0)
        made = fit_gan(wrong, settings, seed=0).sample(1000, np.random.default_rng(0))
        valid.append(float((validity(made).valid & (made.n_element >= 2)).mean()))
    assert valid[1] > valid[0] + 0.2


def test_a_trained_generator_is_nearer_to_its_formulas_than_chance(salts: Compositions) -> None:
    """Binary salts alone: after seconds more samples are neutral than chance makes, even with frequencies."""
    settings = GanSettings(
        width=0.25, epochs=150, batch=40, critic_steps=1, noise=16, generator_rate=1e-3, critic_rate=1e-3, average=0.9
    )
    gan = fit_gan(salts, settings, seed=0)
    limits = SizeLimits(2, 5, 20, 7)
    found = {line.maker: line for line in shares_of({"gan": gan.sample}, salts, 2000, 0, limits)}
    assert found["gan"].valid > found["shuffled"].valid > found["uniform"].valid
