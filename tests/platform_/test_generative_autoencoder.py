"""The autoencoder: the shapes of the paper, fast products that are the plain layers, a training that can be gone on."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load

from matsift.errors import ArtifactError, UserInputError
from matsift.generative.autoencoder import (
    CompositionAutoencoder,
    load_autoencoder,
    log_valid_of_logits,
    margins_of_logits,
    train_autoencoder,
)
from matsift.generative.autoencoder_blocks import Blocks
from matsift.generative.autoencoder_network import AutoencoderNetwork, NetworkShape
from matsift.generative.autoencoder_training import AutoencoderSettings, EpochReport
from matsift.generative.encoding import PAPER_ELEMENTS, Encoding
from matsift.generative.formulas import Compositions

_QUICK = AutoencoderSettings(width=1 / 16, epochs=2, batch=16, precision="float32")
_COMPOSITIONS = st.lists(
    st.dictionaries(st.sampled_from(PAPER_ELEMENTS), st.integers(1, 20), min_size=1, max_size=6), min_size=1, max_size=5
)


def _compositions(tables: list[dict[str, int]]) -> Compositions:
    return Compositions.from_formulas(["".join(f"{s}{n}" for s, n in amounts.items()) for amounts in tables])


def _salts() -> Compositions:
    """Return 96 compositions of metals and anions."""
    metals, anions = ["Li", "Na", "K", "Mg", "Ca", "Sr", "Al", "Y"], ["O", "S", "F", "Cl"]
    return _compositions([{m: a, x: b} for m, x, a, b in itertools.product(metals, anions, (1, 2, 3), (1,))])


@pytest.fixture(scope="module")
def autoencoder() -> CompositionAutoencoder:
    return train_autoencoder(_salts(), Encoding(), _QUICK, seed=5)


def test_shapes_are_those_of_the_paper() -> None:
    """87 x 20 to (43, 18) to (14, 16) to 28,672 to 128 and back, layer by layer."""
    shape = AutoencoderSettings().shape(Encoding())
    assert (shape.first, shape.second, shape.n_latent) == (32, 128, 128)
    assert (shape.first_map, shape.second_map, shape.n_flat) == ((43, 18), (14, 16), 28_672)
    network = AutoencoderNetwork(shape)
    first = network.first(torch.zeros(1, 1, 87, 20))
    assert first.shape == (1, 32, 43, 18)
    assert network.second(first).shape == (1, 128, 14, 16)
    third = network.third(torch.zeros(1, 128, 14, 16))
    assert third.shape == (1, 128, 43, 18)
    assert network.fourth(third).shape == (1, 32, 87, 20)
    assert network.plain_logits(network.plain_latents(torch.zeros(2, 87, 20))).shape == (2, 87, 20)
    assert sum(p.numel() for p in network.parameters()) == 320 + 36_992 + 3_670_144 + 3_698_688 + 147_584 + 36_896 + 289


@settings(max_examples=10, deadline=None)
@given(_COMPOSITIONS, st.sampled_from([(87, 20), (85, 8), (86, 12), (88, 9), (89, 20), (90, 6)]), st.integers(0, 99))
def test_fast_products_are_the_plain_layers(tables: list[dict[str, int]], size: tuple[int, int], seed: int) -> None:
    """Latent values over distinct blocks and logits by products are those of torch's convolutions, for any table."""
    n_element, n_count = size
    network = AutoencoderNetwork(NetworkShape(n_element, n_count, 4, 6, 10), seed)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.uniform_(-0.2, 0.2, generator=torch.Generator().manual_seed(seed))
    symbols = (*PAPER_ELEMENTS, "Am", "Cm", "Bk")[:n_element]
    table = Encoding(symbols, n_count)
    kept = [{s: min(n, n_count) for s, n in amounts.items() if s in symbols} for amounts in tables]
    some = _compositions([amounts or {"H": 1} for amounts in kept])
    matrices = torch.from_numpy(table.matrices(some))
    blocks = Blocks.of(table.cells(some), network.shape.n_block, n_count)
    fast, plain = network.latents(blocks.batch(np.arange(len(some)))), network.plain_latents(matrices)
    torch.testing.assert_close(fast, plain, atol=2e-6, rtol=1e-5)
    products = network.product_logits(plain, torch.float32)
    torch.testing.assert_close(products, network.plain_logits(plain), atol=2e-6, rtol=1e-5)


def test_the_gradients_of_the_fast_products_are_those_of_the_plain_layers() -> None:
    """Every weight has the derivative that torch finds through its own layers."""
    salts = _salts().select(slice(0, 40))
    matrices = torch.from_numpy(Encoding().matrices(salts))
    network = AutoencoderNetwork(NetworkShape(first=4, second=8, n_latent=12), 3)
    blocks = Blocks.of(Encoding().cells(salts), network.shape.n_block, 20)
    gradients = []
    for logits in (
        network.plain_logits(network.plain_latents(matrices)),
        network.product_logits(network.latents(blocks.batch(np.arange(len(salts)))), torch.float32),
    ):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, matrices, reduction="sum")
        gradients.append(torch.autograd.grad(loss, list(network.parameters())))
    for plain, fast in zip(*gradients, strict=True):
        torch.testing.assert_close(fast, plain, atol=1e-3, rtol=1e-4)


def test_products_in_bfloat16_are_near() -> None:
    """Eight bits of a factor: logits agree to a hundredth of their spread."""
    network = AutoencoderNetwork(NetworkShape(first=8, second=32))
    latents = torch.randn(6, 128, generator=torch.Generator().manual_seed(0))
    exact, near = network.logits(latents), network.logits(latents, torch.bfloat16)
    assert near.dtype == torch.float32
    assert float((exact - near).detach().abs().max()) < 0.05 * float(exact.detach().std())


def test_the_last_two_elements_are_not_read_by_the_papers_encoder() -> None:
    """The second convolution ends at the 85th element: Np and Pu change nothing, as in the paper's code."""
    assert NetworkShape().n_unread == 2
    network = AutoencoderNetwork(NetworkShape(first=4, second=8))
    table = Encoding()
    oxides = torch.from_numpy(table.matrices(Compositions.from_formulas(["NpO2", "PuO2", "UO2"])))
    latents = network.plain_latents(oxides)
    assert torch.equal(latents[0], latents[1])
    assert not torch.equal(latents[0], latents[2])


def test_with_rows_after_the_table_all_elements_are_read() -> None:
    """91 rows: the latent values of NpO2 and PuO2 differ, and what decodes has the 87 elements of the table."""
    whole = replace(_QUICK, epochs=1, whole_table=True)
    assert (whole.shape(Encoding()).n_element, whole.shape(Encoding()).n_unread) == (91, 0)
    made = train_autoencoder(_salts(), Encoding(), whole, seed=5)
    latents = made.encode(Compositions.from_formulas(["NpO2", "PuO2"]))
    assert np.abs(latents[0] - latents[1]).max() > 1e-3
    again = load_autoencoder(made.dump())
    assert len(again.decode(latents).refusal) == 2
    np.testing.assert_array_equal(again.margins(latents), made.margins(latents))
    assert made.log_valid_with_gradient(latents)[1].shape == (2, 128)


def test_a_training_that_was_stopped_ends_with_the_same_bits(tmp_path: Path) -> None:
    """One epoch, a kill, and the second give the bytes of two epochs at a stretch; other formulas begin anew."""
    whole = train_autoencoder(_salts(), Encoding(), _QUICK, seed=5)

    def stop(report: EpochReport) -> None:
        raise KeyboardInterrupt(str(report))

    with pytest.raises(KeyboardInterrupt, match="epoch 1 of 2"):
        train_autoencoder(_salts(), Encoding(), _QUICK, seed=5, checkpoints=tmp_path, on_epoch=stop)
    reports: list[EpochReport] = []
    resumed = train_autoencoder(_salts(), Encoding(), _QUICK, seed=5, checkpoints=tmp_path, on_epoch=reports.append)
    assert [report.epoch for report in reports] == [2]
    assert resumed.dump() == whole.dump()
    reports.clear()
    fewer = _salts().select(slice(0, 90))
    train_autoencoder(fewer, Encoding(), _QUICK, seed=5, checkpoints=tmp_path, on_epoch=reports.append)
    assert [report.epoch for report in reports] == [1, 2]


def test_what_is_trained_comes_back(tmp_path: Path) -> None:
    """Compositions of one metal and one anion are learnt so that nearly all come back with their counts."""
    quick = AutoencoderSettings(
        width=1 / 8, n_latent=32, epochs=40, batch=16, learning_rate=1e-2, schedule="one_cycle", informed_start=True
    )
    table = Encoding(tuple(PAPER_ELEMENTS[:20]), 6)
    metals, anions = ["Li", "Na", "Mg", "Al", "K", "Ca"], ["O", "F", "S", "Cl"]
    salts = _compositions([{m: a, x: b} for m, x, a, b in itertools.product(metals, anions, (1, 2, 3), (1, 2))])
    made = train_autoencoder(salts, table, quick, seed=1, checkpoints=tmp_path)
    back = made.round_trips(salts)
    held_out = made.validation_rows()
    assert back.mean() > 0.85
    assert back[held_out].mean() == pytest.approx(min(made.history, key=lambda past: past["validation_loss"])["exact"])
    decoded = made.decode(made.encode(salts))
    assert [f for f, ok in zip(decoded.formulas(), back, strict=True) if ok] == salts.select(back).formulas()


def test_a_file_says_the_same(autoencoder: CompositionAutoencoder) -> None:
    """Dump and load give equal bytes, latent values and decodes; damaged and foreign files are refused."""
    again = load_autoencoder(autoencoder.dump())
    assert again.dump() == autoencoder.dump()
    np.testing.assert_array_equal(again.encode(_salts()), autoencoder.encode(_salts()))
    assert again.n_formula == 96
    assert len(again.formulas_hash) == 64
    with pytest.raises(ArtifactError, match="not a model file"):
        load_autoencoder(autoencoder.dump()[:200])
    from matsift.learners.container import pack, unpack

    header, parts = unpack(autoencoder.dump())
    with pytest.raises(ArtifactError, match="'other', not an autoencoder"):
        load_autoencoder(pack({**header, "kind": "other"}, parts))
    with pytest.raises(ArtifactError, match="damaged"):
        load_autoencoder(pack({**header, "shape": {**header["shape"], "first": 3}}, parts))
    assert set(load(parts["weights.safetensors"])) == set(autoencoder.weights)


def test_margins_tell_what_decodes(autoencoder: CompositionAutoencoder) -> None:
    """Above 0 exactly where the matrix is a composition; latent values of another width are refused."""
    rng = np.random.default_rng(0)
    latents = np.concatenate([autoencoder.encode(_salts()), rng.normal(0, 30, (60, 128)).astype(np.float32)])
    decoded = autoencoder.decode(latents)
    np.testing.assert_array_equal(autoencoder.margins(latents) > 0, decoded.valid)
    np.testing.assert_array_equal(autoencoder.decodes(latents), decoded.valid)
    with pytest.raises(UserInputError, match=r"\(n, 128\)"):
        autoencoder.decode(latents[:, :5])


def test_margins_of_known_logits() -> None:
    """The weakest of: every second count below 0, some count above 0."""
    logits = torch.full((4, 2, 3), -5.0)
    logits[0, 0, 1] = 3.0
    logits[1, 0] = torch.tensor([3.0, 1.0, -2.0])
    logits[2, 1, 2] = -0.5
    logits[3] = torch.tensor([[2.0, -0.25, -9.0], [-1.0, -1.0, -1.0]])
    assert margins_of_logits(logits).tolist() == [3.0, -1.0, -0.5, 0.25]


def test_the_probability_of_a_valid_matrix_is_the_sum_over_all_matrices() -> None:
    """By counting: over the 64 matrices of 2 x 3 independent entries, those that are a composition."""
    logits = torch.tensor(np.random.default_rng(1).normal(0, 2, (3, 2, 3)), dtype=torch.float64)
    p = torch.sigmoid(logits).numpy()
    total = np.zeros(3)
    for bits in itertools.product((0, 1), repeat=6):
        matrix = np.array(bits).reshape(2, 3)
        if matrix.any() and (matrix.sum(axis=1) <= 1).all():
            total += np.where(matrix, p, 1 - p).prod(axis=(1, 2))
    np.testing.assert_allclose(log_valid_of_logits(logits).exp().numpy(), total, rtol=1e-10)


def test_the_slope_of_the_probability(autoencoder: CompositionAutoencoder) -> None:
    """Derivatives by latent values are the differences quotient; the values are those without a slope."""
    latents = autoencoder.encode(_salts())[:2]
    values, slopes = autoencoder.log_valid_with_gradient(latents)
    np.testing.assert_allclose(values, autoencoder.log_valid(latents), rtol=1e-6)
    way = np.random.default_rng(2).normal(size=128).astype(np.float32)
    ahead, behind = autoencoder.log_valid(latents + 0.05 * way), autoencoder.log_valid(latents - 0.05 * way)
    np.testing.assert_allclose((ahead - behind) / 0.1, slopes @ way, rtol=0.05, atol=1e-2)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"epochs": 0}, "at least 1"),
        ({"width": 0.0}, "above 0"),
        ({"validation_fraction": 1.0}, "between 0 and 1"),
        ({"schedule": "none"}, "no schedule 'none'"),
        ({"device": "tpu"}, "no device 'tpu'"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting: dict[str, float], says: str) -> None:
    """Before anything is trained."""
    with pytest.raises(UserInputError, match=says):
        train_autoencoder(_salts(), Encoding(), AutoencoderSettings(**setting), seed=0)  # type: ignore[arg-type]


def test_too_small_tables_and_too_few_compositions_are_refused() -> None:
    """Two compositions, seven elements and five counts are the least."""
    with pytest.raises(UserInputError, match="two compositions"):
        train_autoencoder(_salts().select(slice(0, 1)), Encoding(), _QUICK, seed=0)
    with pytest.raises(UserInputError, match="at least 7 elements"):
        NetworkShape(6, 20)
