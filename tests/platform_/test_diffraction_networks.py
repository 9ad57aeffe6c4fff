"""Networks of space group and volume: lengths, the fused layers beside torch's own, gradients, seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.platform_.network_cases import random_profiles
from torch import nn

from matsift.diffraction.fused_layers import fused_answer
from matsift.diffraction.networks import Answer, NetworkShape, SpaceGroupNet, dense_tensor, loss_of
from matsift.diffraction.sparse import SparseProfiles
from matsift.errors import ArtifactError, UserInputError

PROFILES = random_profiles(5)
CPU = torch.device("cpu")


def network(shape: NetworkShape, seed: int = 3) -> SpaceGroupNet:
    """Return a network whose biases are large enough to matter."""
    made = SpaceGroupNet(shape, seed)
    generator = torch.Generator().manual_seed(seed)
    for parameter in made.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, std=0.3, generator=generator)
    return made.eval()


def gradients(made: SpaceGroupNet, answer: Answer) -> dict[str, torch.Tensor]:
    made.zero_grad()
    n = len(answer.logits)
    z = None if answer.z is None else torch.linspace(-1, 1, n)
    torch.autograd.backward(loss_of(answer, torch.arange(n) % made.shape.n_class, z))
    return {name: p.grad.clone() for name, p in made.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(
    ("padding", "lengths"),
    [(False, [1981, 990, 189, 63, 20, 6]), (True, [2001, 1000, 200, 66, 33, 11])],
    ids=["the paper's", "as Keras' same"],
)
def test_layers_have_the_lengths_of_the_paper(padding: bool, lengths: list[int]) -> None:
    shape = NetworkShape(57, width=2, padding=padding)
    assert shape.lengths() == lengths
    made, seen = network(shape), list[int]()
    for layer in made.convolutions:
        layer.register_forward_hook(lambda _module, _input, output: seen.append(output.shape[-1]))
    made(dense_tensor(PROFILES, CPU))
    assert seen == lengths[::2]
    assert made.group_head[0].in_features == 2 * lengths[-1]


def test_dense_layers_follow_the_number_of_groups() -> None:
    made = SpaceGroupNet(NetworkShape(57, volume=True))
    assert made.volume_head is not None
    widths = [[layer.out_features for layer in head if isinstance(layer, nn.Linear)] for head in _heads(made)]
    assert widths == [[570, 285, 57], [570, 285, 1]]
    dropouts = [[layer.p for layer in head if isinstance(layer, nn.Dropout)] for head in _heads(made)]
    assert dropouts == [[0.5, 0.5], []]
    n_group = sum(p.numel() for name, p in made.named_parameters() if not name.startswith("volume"))
    assert n_group == 941_447  # "about 0.94 million"


def _heads(made: SpaceGroupNet) -> list[nn.Sequential]:
    assert made.volume_head is not None
    return [made.group_head, made.volume_head]


@pytest.mark.parametrize("padding", [False, True], ids=["not padded", "padded"])
@pytest.mark.parametrize("volume", [False, True], ids=["SpgNet", "SpgVolNet"])
def test_fused_layers_are_the_plain_ones(padding: bool, volume: bool) -> None:
    made = network(NetworkShape(4, volume, 6, padding, power=0.5 if padding else 1.0, factor=3.0 if volume else 1.0))
    plain, fused = made(dense_tensor(PROFILES, CPU)), fused_answer(made, PROFILES)
    torch.testing.assert_close(fused.logits, plain.logits, rtol=1e-5, atol=1e-6)
    assert (plain.z is None) == (fused.z is None) == (not volume)
    wanted, got = gradients(made, plain), gradients(made, fused)
    assert wanted.keys() == got.keys() == dict(made.named_parameters()).keys()
    for name, gradient in wanted.items():
        scale = float(gradient.abs().max())
        assert scale > 0, name
        torch.testing.assert_close(got[name], gradient, rtol=1e-4, atol=2e-5 * scale)


def test_bfloat16_products_change_little() -> None:
    made = network(NetworkShape(4, volume=True, width=6))
    exact, quick = fused_answer(made, PROFILES), fused_answer(made, PROFILES, torch.bfloat16)
    torch.testing.assert_close(quick.logits, exact.logits, rtol=0.01, atol=0.01)
    assert not torch.equal(quick.logits, exact.logits)


def test_dropout_keeps_the_mean_and_drops_its_share() -> None:
    made = network(NetworkShape(4, width=6))
    weights = dict(made.named_parameters())
    with torch.no_grad():
        for number, (weight, bias) in enumerate([(0.01, 1.0), (0.0, 1.0), (1.0 / (6 * 25), 0.0)]):
            weights[f"convolutions.{number}.weight"].fill_(weight)
            weights[f"convolutions.{number}.bias"].fill_(bias)
    flat = list[torch.Tensor]()
    made.group_head.register_forward_pre_hook(lambda _module, arguments: flat.append(arguments[0]))
    many = SparseProfiles.concatenate([PROFILES] * 40)
    made.train()
    torch.manual_seed(0)
    fused_answer(made, many)
    assert flat[0].mean().item() == pytest.approx(1.0, abs=0.02)
    torch.manual_seed(0)
    fused_answer(made, many)
    assert torch.equal(flat[0], flat[1])
    fused_answer(made, many)
    assert not torch.equal(flat[0], flat[2])
    made.eval()
    fused_answer(made, many)
    torch.testing.assert_close(flat[3], torch.ones_like(flat[3]))


def test_he_start_passes_on_what_comes_in() -> None:
    weights = SpaceGroupNet(NetworkShape(40, width=64), 1, he=True).state_dict()
    assert weights["convolutions.1.weight"].std().item() == pytest.approx(np.sqrt(2 / (64 * 50)), rel=0.01)
    assert weights["group_head.0.weight"].std().item() == pytest.approx(np.sqrt(2 / (64 * 6)), rel=0.01)
    assert not weights["convolutions.1.bias"].any()


def test_without_dropout_training_says_what_prediction_says() -> None:
    made = network(NetworkShape(4, width=6, dropout=0.0))
    said = fused_answer(made, PROFILES).logits
    assert torch.equal(fused_answer(made.train(), PROFILES).logits, said)


def test_both_heads_reach_the_trunk() -> None:
    made = network(NetworkShape(4, volume=True, width=6))
    answer = fused_answer(made, PROFILES)
    assert answer.z is not None
    trunk = dict(made.named_parameters())["convolutions.0.weight"]
    for part in (answer.logits.square().sum(), answer.z.square().sum()):
        (gradient,) = torch.autograd.grad(part, [trunk], retain_graph=True)
        assert float(gradient.abs().max()) > 0


def test_loss_is_cross_entropy_and_weighted_absolute_error() -> None:
    answer = Answer(torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([1.0, -1.0]))
    classes, z = torch.tensor([0, 1]), torch.tensor([0.0, 2.0])
    assert loss_of(answer, classes, z).item() == pytest.approx(np.log(2) + 2.0)
    assert loss_of(answer, classes, z, (2.0, 0.5)).item() == pytest.approx(2 * np.log(2) + 1.0)
    assert loss_of(answer, classes, None).item() == pytest.approx(np.log(2))


def test_seeds_differ_and_one_seed_is_the_same() -> None:
    shape = NetworkShape(3, width=2)
    before = torch.random.get_rng_state()
    weights = [SpaceGroupNet(shape, seed).state_dict()["convolutions.0.weight"] for seed in (1, 2, 1)]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_profile_without_lines_has_an_answer() -> None:
    empty = SparseProfiles.from_lists([[], [3]], [[], [1.0]])
    made = network(NetworkShape(3, width=2))
    torch.testing.assert_close(fused_answer(made, empty).logits, made(dense_tensor(empty, CPU)).logits)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_class": 1}, "two space groups"),
        ({"n_class": 3, "width": 0}, "positive number"),
        ({"n_class": 3, "power": 0.0}, "above 0"),
        ({"n_class": 3, "dropout": 1.5}, "between 0 and 1"),
    ],
    ids=["one group", "no channels", "no power", "more dropout"],
)
def test_refuses_what_is_no_network(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserInputError, match=message):
        NetworkShape(**settings)


def test_shape_is_read_back() -> None:
    shape = NetworkShape(57, volume=True, width=32)
    assert NetworkShape.of(shape.plain()) == shape
    assert (shape.learner, NetworkShape(57).learner) == ("spg_vol_net", "spg_net")
    with pytest.raises(ArtifactError, match="no settings of a network"):
        NetworkShape.of({"depth": 3})
