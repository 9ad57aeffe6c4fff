"""From a measured powder pattern to its lines: background, noise, K-alpha2, peak search, 1/d."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.background import background, background_between, even, noise, smoothed, typical_width
from matsift.diffraction.grid import q_of_two_theta
from matsift.diffraction.line_fit import Lines, Shape
from matsift.diffraction.line_search import find_lines, first_lines
from matsift.diffraction.peaks import PeakList
from matsift.diffraction.radiation import Radiation, lorentz_polarisation, radiation_of
from matsift.errors import UserInputError

_LEAST_POINTS = 50

#: Wavelengths that differ by less than this part are one.
_SAME_WAVELENGTH = 1e-3


@dataclass(frozen=True, eq=False)
class MeasuredPattern:
    """One measured scan of n points.

    Parameters
    ----------
    two_theta_deg
        (n,), strictly ascending, degrees.
    intensity
        (n,), counts or counts a second; finite.
    wavelength_angstrom
        Wavelength that the file states, None where it states none.
    name
        Name of the sample or of the file.
    notes
        What the reader mended or left out, one sentence each.
    """

    two_theta_deg: NDArray[np.float64]
    intensity: NDArray[np.float64]
    wavelength_angstrom: float | None = None
    name: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ProcessedPattern:
    """A measured pattern and what was found in it.

    Parameters
    ----------
    pattern
        The pattern as it was read.
    background
        (n,), on the points of the pattern, in its units.
    net
        (n,), smoothed pattern without background: what the lines were looked for in.
    peaks
        The lines.
    k_alpha2
        Whether a K-alpha2 component was taken away.
    notes
        The pattern's notes and what the processing has to say, one sentence each.
    """

    pattern: MeasuredPattern
    background: NDArray[np.float64]
    net: NDArray[np.float64]
    peaks: PeakList
    k_alpha2: bool
    notes: tuple[str, ...] = ()


def process(pattern: MeasuredPattern, wavelength: str | float | None = None) -> ProcessedPattern:
    """Return the lines of a measured pattern, and the background and net pattern that they were found in.

    Parameters
    ----------
    pattern
        The scan.
    wavelength
        Name ("CuKa", "CuKa1", "MoKa") or angstrom; None takes the one that the file states.

    Raises
    ------
    UserInputError
        If no wavelength is known, or the pattern holds no line.
    """
    radiation = radiation_of(_known(pattern, wavelength))
    if len(pattern.intensity) < _LEAST_POINTS:
        raise UserInputError(f"{pattern.name}: {len(pattern.intensity)} points are too few to look for lines in")
    if np.ptp(pattern.intensity) == 0:
        raise UserInputError(f"{pattern.name}: all intensities are the same, there is no line in them")
    points = even(pattern.two_theta_deg, pattern.intensity)
    sigma = noise(points.intensity)
    width = typical_width(points, sigma)
    base = background(points, width, sigma)
    shape, model = first_lines(replace(points, intensity=points.intensity - base), sigma, width, radiation)
    base = background_between(replace(points, intensity=points.intensity - model), width)
    net = replace(points, intensity=points.intensity - base)
    lines = find_lines(net, sigma, shape)
    peaks = _peaks(lines, radiation, points.two_theta_deg)
    if not len(peaks):
        raise UserInputError(f"{pattern.name}: no line stands out of the noise; measure longer, or give a longer range")
    return ProcessedPattern(
        pattern,
        np.interp(pattern.two_theta_deg, points.two_theta_deg, base),
        np.interp(pattern.two_theta_deg, points.two_theta_deg, smoothed(net, width)),
        peaks,
        shape.doublet,
        pattern.notes + _contradiction(pattern, radiation) + _notes(peaks, radiation, shape),
    )


def _known(pattern: MeasuredPattern, wavelength: str | float | None) -> str | float:
    stated = pattern.wavelength_angstrom if wavelength is None else wavelength
    if stated is None:
        raise UserInputError(
            f"{pattern.name}: the file states no wavelength; give it, by name (CuKa) or in angstrom (1.5406)"
        )
    return stated


def _contradiction(pattern: MeasuredPattern, radiation: Radiation) -> tuple[str, ...]:
    stated = pattern.wavelength_angstrom
    if stated is None or abs(radiation_of(stated).wavelength / radiation.wavelength - 1) < _SAME_WAVELENGTH:
        return ()
    return (f"the file states {stated:.5f} angstrom, {radiation.wavelength:.5f} was given and taken",)


def _peaks(lines: Lines, radiation: Radiation, two_theta_deg: NDArray[np.float64]) -> PeakList:
    factor = lorentz_polarisation(lines.two_theta_deg, polarised=radiation.anode is None)
    intensity = lines.area / factor
    ends = q_of_two_theta(two_theta_deg[[0, -1]], radiation.wavelength)
    return PeakList(
        q_of_two_theta(lines.two_theta_deg, radiation.wavelength),
        intensity / intensity.max(initial=1e-300),
        lines.two_theta_deg,
        lines.fwhm_deg,
        radiation.wavelength,
        float(ends[0]),
        float(ends[1]),
    )


def _notes(peaks: PeakList, radiation: Radiation, shape: Shape) -> tuple[str, ...]:
    number = "1 line" if len(peaks) == 1 else f"{len(peaks)} lines"
    notes = [f"{number}, usual width {shape.fwhm_deg:.3f} degrees"]
    if shape.doublet:
        notes.append("K-alpha2 is in the pattern and was taken away")
    elif radiation.second is not None:
        notes.append("K-alpha2 is not in the pattern")
    if radiation.anode is None:
        notes.append("the wavelength is no X-ray tube's: intensities are corrected for the Lorentz factor only")
    return tuple(notes)
