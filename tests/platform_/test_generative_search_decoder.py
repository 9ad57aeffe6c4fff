"""The space of an autoencoder: what it decodes, why not, and how surely."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from matsift.generative.autoencoder import CompositionAutoencoder, train_autoencoder
from matsift.generative.autoencoder_training import AutoencoderSettings
from matsift.generative.encoding import Encoding
from matsift.generative.formulas import Compositions
from matsift.generative.search.decoder import autoencoder_space

_KNOWN = Compositions.from_formulas(["NaCl", "LiF", "SrTiO3", "SrYF5", "CaO", "K2O", "AlSeCl", "MgF2"])


@pytest.fixture(scope="module")
def autoencoder() -> CompositionAutoencoder:
    settings = AutoencoderSettings(
        width=0.06, n_latent=8, epochs=40, batch=4, learning_rate=1e-2, informed_start=True, device="cpu"
    )
    return train_autoencoder(_KNOWN, Encoding(), settings, seed=1)


def _near(autoencoder: CompositionAutoencoder, n: int) -> NDArray[np.float32]:
    """Return vectors at growing distances from known ones."""
    rng = np.random.default_rng(0)
    start = autoencoder.encode(_KNOWN)
    steps = np.linspace(0.0, 3.0, n)[:, None] * start.std() * rng.normal(size=(n, 8))
    return np.asarray(start[np.arange(n) % len(start)] + steps, dtype=np.float32)


def test_space_says_what_the_autoencoder_says(autoencoder: CompositionAutoencoder) -> None:
    latents = _near(autoencoder, 400)
    space, said = autoencoder_space(autoencoder), autoencoder.decode(latents)
    decoded = space.decode(latents)
    np.testing.assert_array_equal(decoded.decodes, said.valid)
    assert 0 < decoded.decodes.sum() < 400
    for row, (formula, reason) in enumerate(zip(decoded.formulas, decoded.reasons, strict=True)):
        assert (formula is None) != (reason is None)
        assert formula == (said.formulas()[row] if said.valid[row] else None)
        assert reason == (None if said.valid[row] else said.sentence(row))


def test_confidence_is_a_probability_whose_slope_the_space_knows(autoencoder: CompositionAutoencoder) -> None:
    latents = _near(autoencoder, 40)[:8]
    space = autoencoder_space(autoencoder, accepts=lambda formulas: np.zeros(len(formulas), dtype=bool))
    assert space.confidence is not None
    assert space.confidence_slopes is not None
    sure = space.confidence(latents)
    assert ((sure >= 0.0) & (sure <= 1.0)).all()
    assert sure.max() > 1e-3
    np.testing.assert_allclose(np.log(sure), space.confidence_slopes(latents)[0], rtol=1e-6)
    assert space.accepts is not None
    assert not space.accepts(["NaCl"]).any()
