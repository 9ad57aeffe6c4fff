"""Numbers of a density on a grid: its distribution, gradients, electron-gas energies and localisation.

Nuclei are left out where they would drown the rest. Energies are those of the electron gas: Thomas-Fermi
(3/10 (3 pi^2)^(2/3) rho^(5/3)), Weizsaecker (|grad rho|^2 / 8 rho) and Dirac exchange (-3/4 (3/pi)^(1/3) rho^(4/3)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.density.elf import (
    BOHR_ANGSTROM,
    HARTREE_EV,
    THOMAS_FERMI,
    kinetic_energy_from_density,
    localisation,
)
from matsift.density.grid import DensityGrid

#: Outside the cores: where the density is below this, e/angstrom3.
OUTER_DENSITY = 1.0

_QUANTILES = (1, 5, 10, 25, 50, 75, 90)
_SHARES = (0.05, 0.1, 0.2, 0.4, 1.0)

GRID_COLUMNS = (
    "rho_mean_per_angstrom3",
    "rho_outer_std_per_angstrom3",
    "log_rho_mean",
    "log_rho_std",
    "log_rho_skewness",
    "log_rho_kurtosis",
    *(f"rho_quantile_{q}_per_angstrom3" for q in _QUANTILES),
    *(f"volume_share_below_{limit:g}_per_angstrom3" for limit in _SHARES),
    "rho_outer_gradient_mean",
    "rho_outer_gradient_std",
    "rho_outer_reduced_gradient_mean",
    "rho_outer_reduced_gradient_std",
    "rho_outer_laplacian_mean",
    "rho_outer_laplacian_abs_mean",
    "rho_outer_laplacian_negative_share",
    "rho_outer_thomas_fermi_ev_per_angstrom3",
    "rho_outer_weizsaecker_ev_per_angstrom3",
    "rho_outer_exchange_ev_per_angstrom3",
    "rho_outer_localisation_mean",
    "rho_outer_localisation_std",
    "rho_lowest_per_angstrom3",
    "rho_lowest_distance_angstrom",
    "rho_lowest_localisation",
)


def grid_statistics(field: DensityGrid, frac_coords: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the `GRID_COLUMNS` of any density that is positive between the atoms.

    Parameters
    ----------
    field
        e/angstrom3.
    frac_coords
        (n_atom, 3) where the atoms stand in the field's cell.
    """
    rho = np.maximum(np.asarray(field.values, dtype=np.float64), 1e-9)
    gradient, laplacian = (part.reshape(-1) for part in derivatives(field))
    lowest = int(rho.argmin())
    rho = rho.reshape(-1)
    outer = rho < OUTER_DENSITY
    if not outer.any():
        outer[lowest] = True
    rho_o, gradient_o, laplacian_o = rho[outer], gradient[outer], laplacian[outer]
    bohr = rho_o * BOHR_ANGSTROM**3, gradient_o * BOHR_ANGSTROM**4, laplacian_o * BOHR_ANGSTROM**5
    local = localisation(bohr[0], bohr[1], kinetic_energy_from_density(*bohr))
    reduced = bohr[1] / (2.0 * (3.0 * np.pi**2) ** (1.0 / 3.0) * bohr[0] ** (4.0 / 3.0))
    per_volume = HARTREE_EV / BOHR_ANGSTROM**3 * outer.mean()
    return np.array(
        [
            rho.mean(),
            rho_o.std(),
            *_moments(np.log(rho)),
            *np.percentile(rho, _QUANTILES),
            *(np.mean(rho < limit) for limit in _SHARES),
            gradient_o.mean(),
            gradient_o.std(),
            reduced.mean(),
            reduced.std(),
            laplacian_o.mean(),
            np.abs(laplacian_o).mean(),
            np.mean(laplacian_o < 0),
            per_volume * np.mean(THOMAS_FERMI * bohr[0] ** (5.0 / 3.0)),
            per_volume * np.mean(bohr[1] ** 2 / (8.0 * bohr[0])),
            per_volume * np.mean(-0.75 * (3.0 / np.pi) ** (1.0 / 3.0) * bohr[0] ** (4.0 / 3.0)),
            local.mean(),
            local.std(),
            rho[lowest],
            _distance_to_atoms(field, lowest, frac_coords),
            local[np.cumsum(outer)[lowest] - 1],
        ]
    )


def derivatives(field: DensityGrid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the norm (a, b, c) of the gradient, e/angstrom4, and its Laplacian, e/angstrom5, by its Fourier series."""
    series = np.fft.rfftn(np.asarray(field.values, dtype=np.float64))
    n = field.shape
    indices = [np.fft.fftfreq(n[0], 1 / n[0]), np.fft.fftfreq(n[1], 1 / n[1]), np.arange(n[2] // 2 + 1)]
    for index, length in zip(indices, n, strict=True):
        if length % 2 == 0:
            index[np.abs(index) == length // 2] = 0  # the highest wave has no slope at the points
    h, k, m = np.meshgrid(*indices, indexing="ij", sparse=True)
    reciprocal = 2.0 * np.pi * np.linalg.inv(field.cell).T
    squared_norm = np.zeros(n)
    squared_wave = np.zeros(series.shape)
    for axis in range(3):
        wave = h * reciprocal[0, axis] + k * reciprocal[1, axis] + m * reciprocal[2, axis]
        squared_norm += np.fft.irfftn(1j * wave * series, s=n, axes=(0, 1, 2)) ** 2
        squared_wave += wave**2
    laplacian = np.fft.irfftn(-squared_wave * series, s=n, axes=(0, 1, 2))
    return np.sqrt(squared_norm), np.asarray(laplacian)


def _moments(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return mean, standard deviation, skewness and excess kurtosis; a constant has the last two zero."""
    mean, std = float(values.mean()), float(values.std())
    scaled = (values - mean) / max(std, 1e-12)
    squared = scaled * scaled
    return mean, std, float((squared * scaled).mean()), float((squared * squared).mean()) - 3.0 if std > 1e-12 else 0.0


def _distance_to_atoms(field: DensityGrid, flat: int, frac_coords: NDArray[np.float64]) -> float:
    """Return the distance, angstrom, of a point to the nearest atom or its images in the cells around."""
    point = np.array(np.unravel_index(flat, field.shape)) / field.shape
    images = np.stack(np.meshgrid(*([np.arange(-1, 2)] * 3), indexing="ij"), axis=-1).reshape(-1, 3)
    offsets = (frac_coords - point + 0.5) % 1.0 - 0.5
    vectors = (offsets[:, None, :] + images) @ field.cell
    return float(np.linalg.norm(vectors, axis=2).min())
