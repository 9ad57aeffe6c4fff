"""Roost: equal to the published equations pair by pair, what it does not depend on, resumed alike, stored, refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.platform_.composition_cases import fractions_of

from matsift.descriptors.element_fractions import ELEMENT_FRACTIONS
from matsift.errors import ArtifactError, UserInputError
from matsift.learners import registry
from matsift.learners.element_embedding import element_embedding
from matsift.learners.roost import Roost, RoostReport, trained
from matsift.learners.roost_items import Items
from matsift.learners.roost_network import Attention
from matsift.learners.roost_network import Roost as Network
from matsift.learners.roost_settings import RoostSettings
from matsift.learners.roost_training import Training

NAMES = ELEMENT_FRACTIONS.columns
TINY: dict[str, Any] = {
    "members": 2,
    "epochs": 3,
    "least_steps": 0,
    "batch": 16,
    "width": 8,
    "hidden": 8,
    "heads": 2,
    "pool_heads": 2,
    "output": [8, 8, 4],
    "device": "cpu",
}
RNG = np.random.default_rng(3)


def compositions(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return fractions (n, 103) of random compositions of 1 to 5 elements."""
    amounts = np.zeros((n, 103))
    for row in amounts:
        row[rng.choice(90, rng.integers(1, 6), replace=False)] = rng.integers(1, 6)
    return np.asarray(amounts / amounts.sum(axis=1, keepdims=True))


X = compositions(80, RNG)
Y = 2 + X @ np.linspace(-3, 5, 103)


@pytest.fixture(scope="module")
def model() -> Roost:
    return trained(X, Y, settings=TINY, seed=5)


def pair_by_pair(a: Attention, x: torch.Tensor, fractions: torch.Tensor, members: list[int]) -> torch.Tensor:
    """Return what the published code gives one composition: all pairs, softmax with weights^power, then messages."""
    rows = []
    for i in members:
        heads = []
        for head in range(a.heads):
            gates, messages = [], []
            for j in members:

                def hidden(place: int, i: int = i, j: int = j) -> torch.Tensor:
                    here = slice(place * a.hidden, (place + 1) * a.hidden)
                    first = a.other[here] @ x[j] + a.shift[here]
                    return torch.nn.functional.leaky_relu(first if a.own is None else first + a.own[here] @ x[i])

                gates.append(a.gate[head] @ hidden(head))
                outer = a.message[:, head * a.hidden : (head + 1) * a.hidden]
                messages.append(outer @ hidden(a.heads + head) + a.message_shift[head])
            gate = torch.exp(torch.stack(gates)) * fractions[members] ** a.power[head]
            heads.append((torch.stack(messages) * (gate / gate.sum())[:, None]).sum(dim=0))
        rows.append(torch.stack(heads).mean(dim=0))
    return torch.stack(rows if a.own is not None else rows[:1])


@pytest.mark.parametrize("in_cache", [True, False], ids=["kernel", "arrays"])
@pytest.mark.parametrize("in_pairs", [True, False], ids=["message", "pool"])
def test_attention_is_that_of_the_published_code(in_cache: bool, in_pairs: bool) -> None:
    torch.manual_seed(1)
    attention = Attention(6, 3, 5, in_pairs=in_pairs).double()
    attention.in_cache = in_cache
    x, fractions = torch.randn(9, 6, dtype=torch.float64), torch.rand(9, dtype=torch.float64)
    blocks, members = ((1, 1), (2, 2), (1, 4)), [[0], [1, 2], [3, 4], [5, 6, 7, 8]]
    expected = torch.cat([pair_by_pair(attention, x, fractions, some) for some in members])
    torch.testing.assert_close(attention(x, fractions.log(), blocks), expected, rtol=1e-12, atol=1e-12)


def test_the_kernel_has_the_derivatives_of_the_arrays() -> None:
    torch.manual_seed(2)
    attention = Attention(6, 2, 7, in_pairs=True).double()
    x = torch.randn(12, 6, dtype=torch.float64, requires_grad=True)
    logarithms, blocks = torch.rand(12, dtype=torch.float64).log(), ((2, 1), (2, 2), (2, 3))
    weights = torch.randn(12, 6, dtype=torch.float64)
    slopes = []
    for in_cache in (True, False):
        attention.in_cache = in_cache
        total = (attention(x, logarithms, blocks) * weights).sum()
        slopes.append(torch.autograd.grad(total, (x, *attention.parameters())))
    for quick, plain in zip(*slopes, strict=True):
        torch.testing.assert_close(quick, plain, rtol=1e-11, atol=1e-12)


def test_the_network_of_the_paper_has_its_layers() -> None:
    network = Network(RoostSettings(preset="paper"), torch.zeros(103, 200))
    shapes = {name: tuple(value.shape) for name, value in network.named_parameters()}
    assert shapes["embedding.weight"] == (63, 200)
    assert [shapes[f"layers.{i}.own"] for i in range(3)] == [(2 * 3 * 256, 64)] * 3
    assert shapes["pool.gate"] == (3, 256)
    assert [shapes[f"dense.{i}.weight"][0] for i in range(5)] == [1024, 512, 256, 128, 64]
    assert shapes["answer.weight"] == (1, 64)
    assert len(network.layers) == 3
    plain = RoostSettings(preset="paper")
    assert (plain.learning_rate, plain.weight_decay, plain.batch, plain.epochs) == (3e-4, 1e-6, 128, 100)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**20), swap=st.permutations(range(5)))
def test_the_order_of_elements_plays_no_part(seed: int, swap: list[int]) -> None:
    torch.manual_seed(seed)
    chosen = RoostSettings.model_validate(TINY)
    network = Network(chosen, torch.from_numpy(element_embedding("magpie"))).double()
    elements, fractions = torch.randperm(103)[:5], torch.rand(5, dtype=torch.float64) + 0.1
    said = network(elements, fractions, ((1, 5),))
    torch.testing.assert_close(network(elements[swap], fractions[swap], ((1, 5),)), said, rtol=1e-10, atol=1e-12)


def test_multiples_of_a_formula_are_one_composition(model: Roost) -> None:
    said = model.predict(fractions_of(["NaCl", "Na2Cl2", "Na7Cl7", "SrTiO3", "O6Ti2Sr2"])).members
    for one, other in ((0, 1), (0, 2), (3, 4)):  # products of single precision may differ by the row that they stand in
        np.testing.assert_allclose(said[:, one], said[:, other], rtol=1e-6)


def test_a_single_element_has_an_answer_and_so_have_no_rows(model: Roost) -> None:
    assert np.isfinite(model.predict(fractions_of(["Si", "Fe"])).members).all()
    assert model.predict(X[:0]).members.shape == (2, 0)


def test_rows_are_answered_one_by_one_as_together(model: Roost) -> None:
    together = model.predict(X[:20]).mean
    alone = np.concatenate([model.predict(X[i : i + 1]).mean for i in range(20)])
    np.testing.assert_allclose(alone, together, rtol=1e-5)


def test_members_differ_and_make_the_spread(model: Roost) -> None:
    said = model.predict(X[:9])
    np.testing.assert_allclose(said.mean, said.members.mean(axis=0))
    np.testing.assert_allclose(said.spread, said.members.std(axis=0, ddof=1))
    assert (said.spread > 0).all()


@pytest.mark.parametrize("embedding", ["one_hot", "magpie"])
def test_more_epochs_learn_more(model: Roost, embedding: str) -> None:
    changes = {"epochs": 30, "members": 1, "learning_rate": 1e-2, "embedding": embedding}
    longer = trained(X, Y, settings=TINY | changes, seed=5)
    errors = [float(np.abs(m.predict(X).mean - Y).mean()) for m in (model, longer)]
    assert errors[1] < 0.5 * errors[0]


def test_a_training_that_was_killed_ends_with_the_same_bits(model: Roost, tmp_path: Path) -> None:
    seen: list[RoostReport] = []

    def killed(report: RoostReport) -> None:
        seen.append(report)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(X, Y, settings=TINY, seed=5, checkpoint_dir=tmp_path, on_epoch=killed)
    again = trained(X, Y, settings=TINY, seed=5, checkpoint_dir=tmp_path, on_epoch=seen.append)
    assert [(report.member, report.epoch) for report in seen] == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert again.dump() == model.dump()
    seen.clear()
    trained(X[:70], Y[:70], settings=TINY, seed=5, checkpoint_dir=tmp_path, on_epoch=seen.append)
    assert len(seen) == 6  # other rows are another training


def test_the_weights_of_the_best_epoch_are_kept(tmp_path: Path) -> None:
    seen: list[RoostReport] = []
    kept = {"learning_rate": 0.5, "inner_fraction": 0.25, "members": 1, "epochs": 12, "schedule": "constant"}
    own = trained(X, Y, settings=TINY | kept, seed=5, checkpoint_dir=tmp_path, on_epoch=seen.append)
    best = min(seen, key=lambda report: report.error).epoch
    assert best < 12  # a rate this large goes astray
    short = trained(X, Y, settings=TINY | kept | {"epochs": best}, seed=5)
    np.testing.assert_array_equal(own.predict(X).mean, short.predict(X).mean)


def test_few_rows_are_learned_from_more_often() -> None:
    seen: list[RoostReport] = []
    few = TINY | {"members": 1, "inner_fraction": 0.0, "least_steps": 11}
    trained(X, Y, settings=few, seed=5, on_epoch=seen.append)
    assert [report.n_epoch for report in seen] == [3] * 3  # five steps an epoch: fifteen are more than asked for
    seen.clear()
    trained(X[:32], Y[:32], settings=few, seed=5, on_epoch=seen.append)
    assert [report.n_epoch for report in seen] == [6] * 6
    assert all(np.isnan(report.error) for report in seen)


def test_it_is_a_learner_of_the_registry_and_read_back(model: Roost) -> None:
    wide = np.concatenate([RNG.normal(size=(80, 1)), X[:, ::-1]], axis=1)
    names = ("volume", *NAMES[::-1])
    own = registry.fit("roost", wide, Y, settings=TINY, seed=5, feature_names=names)
    np.testing.assert_array_equal(own.predict(wide).members, model.predict(X).members)
    again = registry.load("roost", own.dump())
    assert (again.kind, again.feature_names, again.settings, again.seed) == ("roost", names, own.settings, 5)
    np.testing.assert_array_equal(again.predict(wide).members, own.predict(wide).members)
    assert again.dump() == own.dump()
    assert again.importances() is None


def test_threads_change_nothing(model: Roost) -> None:
    n_thread = torch.get_num_threads()
    own = registry.fit("roost", X, Y, settings=TINY, seed=5, feature_names=NAMES, n_worker=2)
    assert own.dump() == model.dump()
    assert torch.get_num_threads() == n_thread


def test_the_logarithm_is_learned_where_asked() -> None:
    positive = 10.0 ** (Y / 4)
    own = trained(X, positive, settings=TINY | {"target": "log10"}, seed=5)
    assert (own.predict(X).members > 0).all()


def test_what_is_told_of_elements() -> None:
    np.testing.assert_array_equal(element_embedding("one_hot"), np.eye(103, dtype=np.float32))
    table = element_embedding("magpie")
    assert table.shape == (103, 22 + 18 + 7)
    np.testing.assert_allclose(table[:, :22].mean(axis=0), 0, atol=1e-6)
    assert table[10, 22:40].argmax() + 1 == 1  # sodium is in column 1 and row 3
    assert table[10, 40:].argmax() + 1 == 3


@pytest.mark.parametrize(
    ("row", "sum_said"),
    [pytest.param(np.zeros(103), "0", id="nothing"), pytest.param(np.full(103, np.nan), "nan", id="unknown")],
)
def test_a_row_without_a_composition_gives_a_sentence(model: Roost, row: NDArray[np.float64], sum_said: str) -> None:
    with pytest.raises(UserInputError, match=f"fractions of row 1 add up to {sum_said}, not to 1"):
        model.predict(np.stack([X[0], row]))


def test_columns_without_fractions_give_a_sentence() -> None:
    with pytest.raises(UserInputError, match=r"none is 'fraction_H'; give the columns of .* \"element_fractions\""):
        registry.fit("roost", X[:, :2], Y, settings=TINY, seed=3, feature_names=("a", "b"))


def test_a_loss_that_goes_astray_gives_a_sentence() -> None:
    chosen = RoostSettings.model_validate(TINY)
    network = Network(chosen, torch.from_numpy(element_embedding("one_hot")))
    training = Training(0, network, Items.of(X), np.full(80, np.inf, dtype=np.float32), chosen, 5)
    with pytest.raises(
        UserInputError, match=r"went astray in epoch 1, its loss is inf; lower learning_rate, now 0.001"
    ):
        training.run()


def test_damaged_files_give_a_sentence(model: Roost) -> None:
    with pytest.raises(ArtifactError):
        registry.load("roost", model.dump()[:-40])
    other = Roost(NAMES, dict(model.settings) | {"width": 12}, 5, 0.0, 1.0, model.members)
    with pytest.raises(ArtifactError, match="damaged"):
        registry.load("roost", other.dump())


def test_items_are_the_elements_in_the_order_of_their_numbers() -> None:
    items = Items.of(fractions_of(["SrTiO3", "Si"]))
    assert items.count.tolist() == [3, 1]
    assert items.elements[0].tolist() == [7, 21, 37]
    batch = items.batch(np.array([0, 1]), torch.device("cpu"))
    assert batch.rows.tolist() == [1, 0]
    assert batch.blocks == ((1, 1), (1, 3))
    assert batch.elements.tolist() == [13, 7, 21, 37]
    assert batch.fractions.tolist() == pytest.approx([1, 0.6, 0.2, 0.2])
