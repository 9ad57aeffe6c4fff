"""What makes two columns a powder pattern: one sentence for each way in which they are none."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.measured import MeasuredPattern
from matsift.errors import SourceError

#: A pattern has so many points, over so many degrees.
LEAST_POINTS = 50
_LEAST_RANGE_DEG = 4.0

#: Steps that differ by more than this factor are those of d, not of 2theta.
_MOST_UNEVEN = 25.0

#: Most scans that one table of numbers may hold one after the other.
_MOST_SCANS = 200

#: Wavelengths of diffraction, angstrom.
_SHORTEST, _LONGEST = 0.05, 10.0

#: Part of the points that may be missing or doubled before the file as a whole is doubtful.
_FEW = 0.02


def scans(two_theta_deg: NDArray[np.float64]) -> list[slice]:
    """Return the parts of a column of angles that are scans of their own: each begins where the angles jump back."""
    back = np.flatnonzero(np.diff(two_theta_deg) < 0) + 1
    ends = [0, *back.tolist(), len(two_theta_deg)]
    parts = [slice(first, last) for first, last in itertools.pairwise(ends)]
    if len(parts) > _MOST_SCANS or min(part.stop - part.start for part in parts) < LEAST_POINTS:
        return [slice(0, len(two_theta_deg))]
    return parts


def checked(
    two_theta_deg: NDArray[np.float64],
    intensity: NDArray[np.float64],
    *,
    path: str,
    wavelength: float | None = None,
    name: str = "",
    notes: tuple[str, ...] = (),
) -> MeasuredPattern:
    """Return the pattern of two columns: angles ascending and single, points without a number left out.

    Raises
    ------
    SourceError
        If the columns are no powder pattern: too short, not numbers, not 2theta in degrees, without any signal.
    """
    angles, counts, mended = _finite(two_theta_deg, intensity, path)
    angles, counts, more = _ascending(angles, counts, path)
    mended += more
    if angles[0] <= 0:
        above = angles > 0
        mended += (f"{int((~above).sum())} points at or below 0 degrees were left out",)
        angles, counts = angles[above], counts[above]
    _check_length(angles, path)
    _check_axis(angles, path)
    mended += _check_signal(counts, path)
    if wavelength is not None and not _SHORTEST <= wavelength <= _LONGEST:
        mended += (f"the file states a wavelength of {wavelength:g}, which is none in angstrom, and was not believed",)
        wavelength = None
    return MeasuredPattern(angles, counts, wavelength, name, notes + mended)


def _finite(
    angles: NDArray[np.float64], counts: NDArray[np.float64], path: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    _check_length(angles, path)
    good = np.isfinite(angles) & np.isfinite(counts)
    n_bad = int((~good).sum())
    if n_bad > _FEW * len(good):
        raise SourceError(
            path, f"{n_bad} of {len(good)} points hold no finite number (NaN or infinite)", "export the pattern again"
        )
    notes = (f"{n_bad} points without a finite number were left out",) if n_bad else ()
    return angles[good], counts[good], notes


def _ascending(
    angles: NDArray[np.float64], counts: NDArray[np.float64], path: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    steps = np.diff(angles)
    notes: tuple[str, ...] = ()
    if (steps <= 0).all() and (steps < 0).any():
        angles, counts, steps = angles[::-1], counts[::-1], -steps[::-1]
        notes += ("the angles descended and were turned round",)
    n_back = int((steps < 0).sum())
    if n_back > 0:
        raise SourceError(
            path,
            f"its first column goes down {n_back} times in {len(angles)} points, as no scan of 2theta does",
            "give one scan a file, 2theta first",
        )
    distinct, place, times = np.unique(angles, return_inverse=True, return_counts=True)
    n_double = len(angles) - len(distinct)
    if n_double > 0.5 * len(angles):
        raise SourceError(path, "most of its angles are the same", "give one intensity for each angle")
    if n_double:
        notes += (f"{n_double} angles stood there more than once; their intensities were averaged",)
        counts = np.bincount(place, weights=counts) / times
    return distinct, np.asarray(counts, dtype=np.float64), notes


def _check_length(angles: NDArray[np.float64], path: str) -> None:
    if len(angles) < LEAST_POINTS:
        raise SourceError(
            path, f"it holds {len(angles)} points, too few for a pattern", f"give a scan of at least {LEAST_POINTS}"
        )


def _check_axis(angles: NDArray[np.float64], path: str) -> None:
    first, last = float(angles[0]), float(angles[-1])
    runs = f"its angles run from {first:.4g} to {last:.4g}"
    if last > 180.0:
        raise SourceError(path, f"{runs}, beyond 180 degrees", "give 2theta in degrees, no channels, energies or times")
    if last - first < _LEAST_RANGE_DEG:
        what = "2theta in radians" if last <= np.pi else "q, d or a part of a scan"
        raise SourceError(path, f"{runs}: {what}, not a scan of 2theta in degrees", "convert the axis to degrees")
    steps = np.diff(angles)
    if steps.max() > _MOST_UNEVEN * np.median(steps) and steps[-1] > 4 * np.median(steps):
        raise SourceError(
            path, f"{runs} in ever wider steps, as d spacings do", "convert the axis to 2theta in degrees"
        )
    if last <= 8.0 and first < 1.0:
        raise SourceError(path, f"{runs}: q or d rather than 2theta in degrees", "convert the axis to degrees")


def _check_signal(counts: NDArray[np.float64], path: str) -> tuple[str, ...]:
    if counts.max() <= 0:
        raise SourceError(path, "no intensity is above 0", "give the measured intensities")
    if counts.max() == counts.min():
        raise SourceError(path, "all its intensities are the same", "give the measured intensities")
    n_negative = int((counts < 0).sum())
    if -counts.min() > counts.max():
        raise SourceError(path, "its intensities are mostly below 0", "give counts, not differences or logarithms")
    return (f"{n_negative} intensities are below 0, as after a background was taken off",) if n_negative else ()
