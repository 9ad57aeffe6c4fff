"""A latent space of eight dimensions that tests know by heart: three round to amounts, the others must stay small."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.generative.search.latent_search import LatentSearch
from matsift.generative.search.settings import LatentSearchSettings
from matsift.generative.search.space import Decoded, LatentSpace, Start

SYMBOLS = ("Na", "Cl", "O")
_DIMENSIONS = 8
_WIDTH = 1.2


def decode(latents: NDArray[np.float32]) -> Decoded:
    """Amounts are the first three values, rounded; a vector decodes where the others are within 1.2 of zero."""
    amounts = np.round(latents[:, :3]).astype(int)
    off = np.abs(latents[:, 3:]).max(axis=1)
    decodes = (off < _WIDTH) & (amounts.min(axis=1) >= 0) & (amounts.sum(axis=1) > 0)
    formulas = tuple(_formula(row) if valid else None for row, valid in zip(amounts, decodes, strict=True))
    reasons = tuple(None if valid else "off the sheet" for valid in decodes)
    return Decoded(formulas, reasons)


def confidence(latents: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how surely a vector decodes: one half at the edge."""
    off = np.abs(latents[:, 3:]).max(axis=1).astype(np.float64)
    return np.asarray(1.0 / (1.0 + np.exp(4.0 * (off - _WIDTH))))


def amounts_of(formulas: Sequence[str]) -> NDArray[np.float64]:
    """Return the (n, 3) amounts."""
    parsed = [dict(re.findall(r"([A-Z][a-z]?)(\d+)", formula)) for formula in formulas]
    return np.array([[float(one.get(symbol, 0)) for symbol in SYMBOLS] for one in parsed]).reshape(-1, 3)


def label(formulas: Sequence[str]) -> list[float]:
    """Return the property: more Na is better, more Cl worse."""
    return [float(na - 0.3 * cl**2 + 0.1 * o) for na, cl, o in amounts_of(formulas)]


def without_oxygen(formulas: Sequence[str]) -> NDArray[np.bool_]:
    """A rule of chemistry that is easy to check."""
    return np.asarray(amounts_of(formulas)[:, 2] == 0)


def space() -> LatentSpace:
    return LatentSpace(decode, amounts_of, without_oxygen, confidence)


def start(n: int = 40) -> Start:
    rng = np.random.default_rng(0)
    latents = np.column_stack([rng.uniform(0, 4, (400, 3)), rng.normal(0, 0.4, (400, _DIMENSIONS - 3))])
    points = latents.astype(np.float32)
    decoded = decode(points)
    kept = np.flatnonzero(decoded.decodes)[:n]
    formulas = tuple(str(decoded.formulas[i]) for i in kept)
    return Start(points[kept], np.array(label(formulas)), formulas)


def finish(search: LatentSearch, n_row: int | None = None) -> LatentSearch:
    """Ask and label until the search is finished, or has `n_row` rows."""
    while not search.finished and (n_row is None or len(search.rows) < n_row):
        suggestion = search.ask()
        search.tell(suggestion, label([suggestion.formula])[0] if suggestion.formula is not None else None)
    return search


def searched(settings: LatentSearchSettings, seed: int = 1) -> LatentSearch:
    return finish(LatentSearch(settings, space(), start(), seed))


def _formula(amounts: NDArray[np.int64]) -> str:
    return "".join(f"{symbol}{n}" for symbol, n in zip(SYMBOLS, amounts, strict=True) if n)
