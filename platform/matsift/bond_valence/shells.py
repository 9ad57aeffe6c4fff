"""The distances in a perovskite and in a spinel, each once with how often it occurs, as functions of a and u."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.ion_pairs import STOICHIOMETRY
from matsift.bond_valence.prototype_match import sites, spinel_oxygens

#: Number of A, B and oxygen among the kinds of site.
A, B, OXYGEN = 0, 1, 2

#: Longest distances kept, in units of a: of bonds (6.5 angstrom at the most) and of repulsions (14 angstrom).
REACH = {"perovskite": (2.4, 5.0), "spinel": (1.15, 2.2)}

_MIDDLE_U = 0.26
_DECIMALS = 8


@dataclass(frozen=True, eq=False)
class Shells:
    """m distances of a prototype, R^2 = a^2 (constant + linear u + square u^2).

    Parameters
    ----------
    first, second
        (m,), `A`, `B` or `OXYGEN`: the kinds of site that are so far apart.
    pairs
        (m,), pairs of a formula unit at this distance, each pair counted once.
    constant, linear, square
        (m,), coefficients of u; the last two are 0 for a perovskite.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    pairs: NDArray[np.float64]
    constant: NDArray[np.float64]
    linear: NDArray[np.float64]
    square: NDArray[np.float64]

    def only(self, kept: NDArray[np.bool_]) -> Shells:
        """Return some of the distances."""
        return Shells(*(getattr(self, field.name)[kept] for field in fields(self)))


@cache
def bonds(prototype: str) -> Shells:
    """Return the distances between cations (`first`) and oxygen (`second`) of a prototype."""
    return _shells(prototype, ((A, OXYGEN), (B, OXYGEN)), REACH[prototype][0])


@cache
def repulsions(prototype: str, *, anions: bool = True) -> Shells:
    """Return the distances between ions of like charge of a prototype, with those between oxygen ions or without."""
    kinds = ((A, A), (A, B), (B, B)) + (((OXYGEN, OXYGEN),) if anions else ())
    return _shells(prototype, kinds, REACH[prototype][1])


def _shells(prototype: str, kinds: tuple[tuple[int, int], ...], reach: float) -> Shells:
    parts = [_shells_of_kind(prototype, first, second, reach) for first, second in kinds]
    first, second, pairs, *coefficients = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Shells(first.astype(np.int64), second.astype(np.int64), pairs, *coefficients)


def _shells_of_kind(prototype: str, first: int, second: int, reach: float) -> tuple[NDArray[np.float64], ...]:
    """Return first, second, pairs, constant, linear, square of the distances between two kinds of site."""
    here, there = _linear_sites(prototype)[first], _linear_sites(prototype)[second]
    span = np.arange(-int(np.ceil(reach)) - 1, int(np.ceil(reach)) + 2)
    images = np.stack(np.meshgrid(span, span, span), axis=-1).reshape(-1, 3)
    apart = (there[0][None, :, None] - here[0][:, None, None] + images).reshape(-1, 3)
    slope = np.broadcast_to(
        there[1][None, :, None] - here[1][:, None, None], (len(here[0]), len(there[0]), len(images), 3)
    ).reshape(-1, 3)
    length = np.linalg.norm(apart + slope * _MIDDLE_U, axis=1)
    kept = (length > 1e-6) & (length <= reach)
    apart, slope = apart[kept], slope[kept]
    terms = np.stack([(apart**2).sum(axis=1), 2 * (apart * slope).sum(axis=1), (slope**2).sum(axis=1)], axis=1)
    distinct, counts = np.unique(np.round(terms, _DECIMALS) + 0.0, axis=0, return_counts=True)
    n_formula = len(_linear_sites(prototype)[A][0]) / STOICHIOMETRY[prototype][A]
    once = counts / n_formula / (2 if first == second else 1)
    ends = np.full(len(distinct), float(first)), np.full(len(distinct), float(second))
    return *ends, once, distinct[:, 0], distinct[:, 1], distinct[:, 2]


@cache
def _linear_sites(prototype: str) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """Return, for A, B and oxygen, c and s (n, 3) of the sites c + s u of the conventional cell."""
    a_sites, b_sites, oxygens = sites(prototype)
    fixed = ((a_sites, np.zeros_like(a_sites)), (b_sites, np.zeros_like(b_sites)))
    if prototype == "spinel":
        return *fixed, spinel_oxygens()
    return *fixed, (oxygens, np.zeros_like(oxygens))
