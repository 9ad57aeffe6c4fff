"""Promolecules on 60^3 points: milliseconds, electrons and least value, beside plainer ways to the same density."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.density.conventional import conventional_cell
from matsift.density.grid import NETWORK_SHAPE, DensityGrid
from matsift.density.promolecule import SMEARING_B_ANGSTROM2, atom_gaussians, promolecule
from matsift.density.promolecule_statistics import density_statistics
from matsift.diffraction.form_factors import form_factors

_ELEMENTS = ("K", "Mg", "Fe", "Si", "Al", "O", "O", "O", "F", "Cl")
_SALT = Crystal.ordered(
    5.64 / 2 * (np.ones((3, 3)) - np.eye(3)), ["Na", "Cl"], np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
)
_POINTS = 2000
_IMAGES = 4

_Computed = TypeVar("_Computed")


def crystals() -> dict[str, Crystal]:
    """Return a rectangular and a triclinic cell of ten atoms, and a cubic one of eight."""
    coords = np.random.default_rng(8).random((len(_ELEMENTS), 3))
    triclinic = np.array([[6.1, 0.0, 0.4], [-0.9, 6.6, 0.3], [0.5, 0.8, 7.2]])
    return {
        "ten atoms, rectangular": Crystal.ordered(np.diag([6.0, 6.5, 7.0]), list(_ELEMENTS), coords),
        "ten atoms, triclinic": Crystal.ordered(triclinic, list(_ELEMENTS), coords),
        "rock salt, conventional": conventional_cell(_SALT),
    }


def lines(repeats: int) -> Iterator[str]:
    """Yield the rows of the table and, below it, the rate of the descriptor set."""
    yield "| cell | way | ms of processor | electrons | too many | least e/A^3 |"
    yield "|---|---|---|---|---|---|"
    for name, crystal in crystals().items():
        expected = sum(ELEMENT_SYMBOLS.index(symbol) + 1 for symbol in crystal.species)
        for way, compute in _WAYS.items():
            milliseconds, grid = _least(partial(compute, crystal), repeats)
            yield (
                f"| {name} | {way} | {milliseconds:.1f} | {expected} | {grid.n_electron - expected:+.1e} "
                f"| {grid.values.min():.4f} |"
            )
        milliseconds = _brute_force(crystal)
        yield f"| {name} | every image at every point (from {_POINTS:,} points) | {milliseconds:,.0f} | | | |"
    for name, crystal in crystals().items():
        milliseconds, _ = _least(partial(density_statistics, crystal), repeats)
        yield f"\nDescriptor set `density`, {name}: {milliseconds:.1f} ms of processor."


def by_form_factors(crystal: Crystal) -> DensityGrid:
    """Return the plain reciprocal sum: f at each wave that the grid holds, one inverse transform; it rings."""
    indices = np.stack(
        np.meshgrid(*(np.fft.fftfreq(n, 1.0 / n) for n in NETWORK_SHAPE), indexing="ij"), axis=-1
    ).reshape(-1, 3)
    s_squared = ((indices @ np.linalg.inv(crystal.lattice).T) ** 2).sum(axis=1) / 4.0
    series = np.zeros(len(indices), dtype=np.complex128)
    for symbol in crystal.elements:
        atoms = crystal.frac_coords[[i for i, s in enumerate(crystal.species) if s == symbol]]
        number = ELEMENT_SYMBOLS.index(symbol) + 1
        phases = np.exp(-2j * np.pi * indices @ atoms.T).sum(axis=1)
        series += form_factors([number], s_squared, b_iso=SMEARING_B_ANGSTROM2)[0] * phases
    values = np.fft.ifftn(series.reshape(NETWORK_SHAPE)).real * series.size / crystal.volume
    return DensityGrid(values, crystal.lattice)


def _brute_force(crystal: Crystal) -> float:
    """Return the milliseconds that 60^3 points would take, from some of them."""
    atoms = atom_gaussians(crystal, SMEARING_B_ANGSTROM2)
    cells = np.argwhere(np.ones((2 * _IMAGES + 1,) * 3)) - _IMAGES
    points = np.random.default_rng(0).random((_POINTS, 3)) @ crystal.lattice
    begin = time.process_time()
    total: NDArray[np.float64] = np.zeros(_POINTS)
    for centre, weight, variance in zip(atoms.centres, atoms.weights, atoms.variances, strict=True):
        for image in (centre + cells) @ crystal.lattice:
            squared = ((points - image) ** 2).sum(axis=1)
            total += weight * (2.0 * np.pi * variance) ** -1.5 * np.exp(squared / (-2.0 * variance))
    return (time.process_time() - begin) * 1e3 * np.prod(NETWORK_SHAPE) / _POINTS


def _least(compute: Callable[[], _Computed], repeats: int) -> tuple[float, _Computed]:
    """Return the least milliseconds of processor time of some tries, and what was computed."""
    times = []
    for _ in range(repeats + 1):
        begin = time.process_time()
        computed = compute()
        times.append(time.process_time() - begin)
    return min(times[1:]) * 1e3, computed


_WAYS: dict[str, Callable[[Crystal], DensityGrid]] = {
    "matsift": promolecule,
    "form factors and one transform": by_form_factors,
}
