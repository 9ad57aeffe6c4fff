"""Powder patterns as a diffractometer would measure them, made from crystals: for tests, demonstrations and training.

Lines of the K-alpha doublet with the Lorentz-polarisation factor and March-Dollase texture, pseudo-Voigt shapes whose
width follows Caglioti, a background that falls off with a broad hump, a zero shift, and counting noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.diffraction.grid import q_of_two_theta, two_theta_of
from matsift.diffraction.line_shape import pseudo_voigt
from matsift.diffraction.radiation import Radiation, lorentz_polarisation, radiation_of
from matsift.diffraction.reflections import Reflections, reflections
from matsift.errors import UserInputError

#: Lines at q closer than this share are one.
_SAME_Q = 1e-7

#: Lines fade out at this many widths from their centre.
_REACH_WIDTHS = 25.0


@dataclass(frozen=True)
class Instrument:
    """A diffractometer and a sample in it.

    Parameters
    ----------
    wavelength
        As in `matsift.diffraction.radiation.radiation_of`: "CuKa" has both lines, "CuKa1" one.
    two_theta_first, two_theta_last, step
        The points, degrees.
    peak_counts
        Counts of the highest point above the background.
    caglioti
        U, V, W: width^2 = U tan^2(theta) + V tan(theta) + W, full width at half maximum, degrees^2.
    crystallite_size_angstrom
        Adds Scherrer's 0.9 wavelength / (size cos(theta)) to the width; None for large crystallites.
    lorentzian
        Lorentzian part of the line shape, 0 to 1.
    k_alpha_2
        Intensity of K-alpha2 over that of K-alpha1.
    zero_shift_deg
        Added to all angles.
    displacement_deg
        Added times cos(theta): a sample that is not in the centre of the circle.
    background
        Level at the first angle as a share of `peak_counts`; it falls to half by the last angle.
    hump
        Height of a broad hump of glass at 2theta = 22 degrees, as a share of `peak_counts`.
    march, texture_axis
        March-Dollase parameter, 1 without texture and below 1 for plates, and (h, k, l) of the preferred plane.
    b_iso
        Displacement parameter of every atom, angstrom2.
    noisy
        Whether the counts scatter by Poisson's law.
    """

    wavelength: str | float = "CuKa"
    two_theta_first: float = 10.0
    two_theta_last: float = 90.0
    step: float = 0.02
    peak_counts: float = 10_000.0
    caglioti: tuple[float, float, float] = (0.01, -0.003, 0.007)
    crystallite_size_angstrom: float | None = None
    lorentzian: float = 0.5
    k_alpha_2: float = 0.5
    zero_shift_deg: float = 0.0
    displacement_deg: float = 0.0
    background: float = 0.05
    hump: float = 0.0
    march: float = 1.0
    texture_axis: tuple[int, int, int] = (0, 0, 1)
    b_iso: float = 1.0
    noisy: bool = True


@dataclass(frozen=True, eq=False)
class SimulatedPattern:
    """A pattern of n points and the m lines that are truly in it.

    Parameters
    ----------
    two_theta_deg, intensity
        (n,), degrees and counts.
    wavelength_angstrom
        That of the lines: K-alpha1 of a tube.
    background
        (n,), what of the intensity is background, without noise.
    line_q
        (m,), 1/angstrom, ascending; lines of several phases, multiplets as one.
    line_intensity
        (m,), integrated, without the Lorentz-polarisation factor and with texture; largest is 1.
    line_two_theta_deg
        (m,), where the K-alpha1 lines stand in the pattern, zero shift and displacement included.
    line_fwhm_deg
        (m,), their full widths at half maximum.
    """

    two_theta_deg: NDArray[np.float64]
    intensity: NDArray[np.float64]
    wavelength_angstrom: float
    background: NDArray[np.float64]
    line_q: NDArray[np.float64]
    line_intensity: NDArray[np.float64]
    line_two_theta_deg: NDArray[np.float64]
    line_fwhm_deg: NDArray[np.float64]


def simulate_pattern(
    crystal: Crystal, instrument: Instrument | None = None, rng: np.random.Generator | None = None
) -> SimulatedPattern:
    """Return the pattern of a powder of one crystal; the noise is that of seed 0 without a generator."""
    return simulate_mixture([crystal], [1.0], instrument, rng)


def simulate_mixture(
    crystals: Sequence[Crystal],
    shares: Sequence[float],
    instrument: Instrument | None = None,
    rng: np.random.Generator | None = None,
) -> SimulatedPattern:
    """Return the pattern of a mixture; texture, if any, is that of the first crystal alone.

    Parameters
    ----------
    crystals
        The phases.
    shares
        Parts by volume; they need not sum to 1. Absorption is the same for all.
    instrument, rng
        As in `simulate_pattern`.

    Raises
    ------
    UserInputError
        If no line lies in the range of the instrument.
    """
    how = instrument or Instrument()
    radiation = radiation_of(how.wavelength)
    angles = np.arange(how.two_theta_first, how.two_theta_last + how.step / 2, how.step)
    q_low, q_high = q_of_two_theta(
        np.array([max(angles[0] - 2.0, 0.5), min(angles[-1] + 2.0, 175.0)]), radiation.wavelength
    )
    parts = []
    for number, (crystal, share) in enumerate(zip(crystals, shares, strict=True)):
        found = reflections(crystal, q_low=float(q_low), q_high=float(q_high), b_iso=how.b_iso)
        texture = _march_dollase(crystal, found, how) if number == 0 else 1.0
        parts.append((found.q, share * found.intensity * texture / crystal.volume**2))
    q, strength = _merged(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))
    if not len(q):
        raise UserInputError(f"no line lies between {angles[0]:g} and {angles[-1]:g} degrees 2theta")
    return _measured(how, radiation, angles, q, strength, rng or np.random.default_rng(0))


def _measured(
    how: Instrument,
    radiation: Radiation,
    angles: NDArray[np.float64],
    q: NDArray[np.float64],
    strength: NDArray[np.float64],
    rng: np.random.Generator,
) -> SimulatedPattern:
    ideal = two_theta_of(q, radiation.wavelength)
    height = strength * lorentz_polarisation(ideal)
    widths, places = _widths(ideal, how, radiation.wavelength), _shifted(ideal, how)
    signal = _drawn(angles, places, widths, height, how.lorentzian)
    if radiation.second is not None and how.k_alpha_2 > 0:
        second = two_theta_of(q, radiation.second)
        seen = np.isfinite(second)
        signal += _drawn(
            angles, _shifted(second[seen], how), widths[seen], how.k_alpha_2 * height[seen], how.lorentzian
        )
    if signal.max() <= 0:
        raise UserInputError(f"no line lies between {angles[0]:g} and {angles[-1]:g} degrees 2theta")
    below = _background(angles, how)
    counts = signal * (how.peak_counts / signal.max()) + below
    inside = (places >= angles[0]) & (places <= angles[-1]) & (strength > 0)
    return SimulatedPattern(
        angles,
        rng.poisson(counts).astype(np.float64) if how.noisy else counts,
        radiation.wavelength,
        below,
        q[inside],
        strength[inside] / strength[inside].max(initial=1e-300),
        places[inside],
        widths[inside],
    )


def _merged(q: NDArray[np.float64], strength: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lines with those at one place added up, and without the extinct ones."""
    order = np.argsort(q, kind="stable")
    q, strength = q[order], strength[order]
    group = np.cumsum(np.diff(q, prepend=-1.0) > _SAME_Q * q) - 1
    total = np.bincount(group, strength)
    centre = np.bincount(group, q) / np.maximum(np.bincount(group), 1)
    kept = total > 1e-12 * total.max(initial=0.0)
    return centre[kept], total[kept]


def _march_dollase(crystal: Crystal, found: Reflections, how: Instrument) -> NDArray[np.float64]:
    """Return how much more often than at random a plane lies in the surface: (r^2 cos^2 a + sin^2 a / r)^(-3/2)."""
    reciprocal = np.linalg.inv(crystal.lattice).T
    axis = np.array(how.texture_axis) @ reciprocal
    cosine = found.hkl @ reciprocal @ axis / np.linalg.norm(axis) / found.q
    square = np.clip(cosine**2, 0.0, 1.0)
    return np.asarray((how.march**2 * square + (1 - square) / how.march) ** -1.5)


def _widths(two_theta: NDArray[np.float64], how: Instrument, wavelength: float) -> NDArray[np.float64]:
    theta = np.radians(two_theta) / 2
    u, v, w = how.caglioti
    squared = u * np.tan(theta) ** 2 + v * np.tan(theta) + w
    width = np.sqrt(np.maximum(squared, (how.step / 2) ** 2))
    if how.crystallite_size_angstrom is not None:
        width = width + np.degrees(0.9 * wavelength / (how.crystallite_size_angstrom * np.cos(theta)))
    return np.asarray(width)


def _shifted(two_theta: NDArray[np.float64], how: Instrument) -> NDArray[np.float64]:
    return two_theta + how.zero_shift_deg + how.displacement_deg * np.cos(np.radians(two_theta) / 2)


def _drawn(
    angles: NDArray[np.float64],
    places: NDArray[np.float64],
    widths: NDArray[np.float64],
    heights: NDArray[np.float64],
    lorentzian: float,
) -> NDArray[np.float64]:
    """Return the sum of the lines on the points."""
    step = angles[1] - angles[0]
    reach = int(np.ceil(_REACH_WIDTHS * widths.max() / step))
    points = np.rint((places - angles[0]) / step).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    shapes = pseudo_voigt(angles[0] + points * step - places[:, None], widths[:, None], lorentzian) * heights[:, None]
    inside = (points >= 0) & (points < len(angles))
    return np.bincount(points[inside], shapes[inside], minlength=len(angles)).astype(np.float64)


def _background(angles: NDArray[np.float64], how: Instrument) -> NDArray[np.float64]:
    way = (angles - angles[0]) / max(angles[-1] - angles[0], 1.0)
    hump = how.hump * np.exp(-0.5 * ((angles - 22.0) / 6.0) ** 2)
    return np.asarray(how.peak_counts * (how.background * 0.5 ** np.sqrt(way) + hump))
