"""The latent space of a trained autoencoder, as a search sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.generative.autoencoder import CompositionAutoencoder
from matsift.generative.search.space import Decoded, Latents, LatentSpace

Floats = NDArray[np.float64]


def autoencoder_space(
    autoencoder: CompositionAutoencoder,
    *,
    describe: Callable[[Sequence[str]], Floats] | None = None,
    accepts: Callable[[Sequence[str]], NDArray[np.bool_]] | None = None,
) -> LatentSpace:
    """Return the space of an autoencoder.

    Parameters
    ----------
    autoencoder
        Trained.
    describe
        Formulas -> (n, n_column) descriptors; only an ensemble needs them.
    accepts
        Formulas -> (n,) whether chemistry permits them, charge neutrality say; None: everything is permitted.
    """

    def decode(latents: Latents) -> Decoded:
        found = autoencoder.decode(latents)
        formulas = found.formulas()
        valid = found.valid
        return Decoded(
            tuple(formula if ok else None for formula, ok in zip(formulas, valid, strict=True)),
            tuple(None if ok else found.sentence(row) for row, ok in enumerate(valid)),
        )

    def confidence(latents: Latents) -> Floats:
        return np.exp(autoencoder.log_valid(latents))

    return LatentSpace(decode, describe, accepts, confidence, autoencoder.log_valid_with_gradient)
