"""Whether a pattern holds K-alpha2 as well, told by the pattern itself, and which lines are it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.background import EvenPattern
from matsift.diffraction.line_fit import Shape, fit_lines
from matsift.diffraction.radiation import Radiation, second_angle

#: K-alpha2 is there unless it makes the fit of the chosen lines this much worse; more, if it takes fewer lines.
_DOUBLET_WORSE = 1.35

_ETAS = (0.2, 0.5, 0.8)

#: Lines for that trial: so many, of those whose components are so many widths apart if there are enough.
_N_CHOSEN, _LEAST_CHOSEN, _APART_WIDTHS = 10, 3, 0.8

#: A line may be the K-alpha2 of one when it stands so near to its place, in widths, and has such a part of its height.
_SECOND_WIDTHS, _SECOND_PART = 0.35, (0.3, 0.75)


def shape_of(
    net: EvenPattern, sigma: NDArray[np.float64], seen: NDArray[np.float64], width_deg: float, radiation: Radiation
) -> Shape:
    """Return what the lines share: the Lorentzian part, and whether K-alpha2 is in the pattern, by trial on a few.

    The lines tried are the strongest of those whose two components stand apart, as they do at high angles.
    """
    plain = Shape(width_deg, 0.5, replace(radiation, second=None), doublet=False)
    if not len(seen):
        return plain
    chosen = _chosen(net, seen, width_deg, radiation)
    near = _near(net, chosen, width_deg, radiation)
    local = seen[np.interp(seen, net.two_theta_deg, near.astype(np.float64)) > 0]

    def best(shape: Shape, centres: NDArray[np.float64]) -> tuple[float, Shape]:
        tried = (replace(shape, eta=eta) for eta in _ETAS)
        return min(((_misfit(net, sigma, centres, one, near), one) for one in tried), key=lambda pair: pair[0])

    single, shape = best(plain, local)
    if radiation.second is None:
        return shape
    alone = local[without_seconds(net, local, width_deg, radiation)]
    double, with_second = best(replace(plain, radiation=radiation, doublet=True), alone)
    simpler = np.sqrt(len(local) / max(len(alone), 1))
    return with_second if double <= _DOUBLET_WORSE * simpler * single else replace(shape, radiation=radiation)


def _chosen(net: EvenPattern, seen: NDArray[np.float64], width_deg: float, radiation: Radiation) -> NDArray[np.float64]:
    """Return the strongest of the lines whose two components are apart; of the upper half of angles if few are."""
    height = np.interp(seen, net.two_theta_deg, net.intensity)
    pool = seen >= np.median(seen)
    if radiation.second is not None:
        apart = second_angle(seen, radiation) - seen > _APART_WIDTHS * width_deg
        pool = apart if apart.sum() >= _LEAST_CHOSEN else pool
    strongest = np.argsort(height[pool])[::-1][:_N_CHOSEN]
    return np.sort(seen[pool][strongest])


def without_seconds(
    net: EvenPattern, seen: NDArray[np.float64], width_deg: float, radiation: Radiation
) -> NDArray[np.bool_]:
    """Return which lines are not the K-alpha2 of a stronger one: not at its place, or not of about half its height."""
    height = np.interp(seen, net.two_theta_deg, net.intensity)
    alone = np.ones(len(seen), dtype=bool)
    reach = max(_SECOND_WIDTHS * width_deg, 1.5 * net.step_deg)
    for place, angle in enumerate(seen):
        behind = np.abs(second_angle(seen[:place], radiation) - angle) < reach
        least, most = (part * height[:place] for part in _SECOND_PART)
        alone[place] = not (alone[:place] & behind & (least < height[place]) & (height[place] < most)).any()
    return alone


def _near(net: EvenPattern, centres: NDArray[np.float64], width_deg: float, radiation: Radiation) -> NDArray[np.bool_]:
    """Return which points lie within two widths of some lines, or of their K-alpha2."""
    places = centres if radiation.second is None else np.concatenate([centres, second_angle(centres, radiation)])
    near = np.zeros(len(net.intensity), dtype=bool)
    for place in places[np.isfinite(places)]:
        near |= np.abs(net.two_theta_deg - place) < 2 * width_deg
    return near


def _misfit(
    net: EvenPattern, sigma: NDArray[np.float64], centres: NDArray[np.float64], shape: Shape, near: NDArray[np.bool_]
) -> float:
    _, model = fit_lines(net, sigma, centres, np.full(len(centres), shape.fwhm_deg), shape, n_evaluation=5)
    return float((((net.intensity - model) / sigma)[near] ** 2).sum())
