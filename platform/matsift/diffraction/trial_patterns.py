"""Lists of lines as measurements of stored crystals would give them: what weights of network and search are fitted on.

A real crystal never has quite the cell of the stored one: temperature, composition and the error of a calculation
change its size by some tenths of a percent, and its proportions too. Texture, lost weak lines, foreign lines, the
measured range and the zero shift follow in `MeasuredLike`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import spglib
from numpy.random import Generator

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.diffraction.grid import CU_K_ALPHA_1, Q_HIGH, Q_LOW, q_of, q_of_two_theta, two_theta_of
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.measured_like import MeasuredLike
from matsift.diffraction.peaks import PeakList
from matsift.diffraction.together import Evidence, Observation
from matsift.structure_facts import SYMMETRY_TOLERANCE_ANGSTROM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matsift.diffraction.ensemble import SpaceGroupEnsemble
    from matsift.diffraction.search import ProfileIndex

#: Standard deviations of the strain of a real crystal: of its size, and of its proportions.
SIZE_SPREAD, PROPORTION_SPREAD = 0.006, 0.003

#: First and last angle of a measurement, degrees of 2 theta of Cu K-alpha, drawn between these.
_FIRST_DEG, _LAST_DEG = (5.0, 20.0), (60.0, 110.0)

#: Share of the patterns whose own crystal is missing in the index while weights are fitted.
_MISSING = 0.5

_N_MATCH = 100


def strained(
    crystal: Crystal, rng: Generator, *, size: float = SIZE_SPREAD, proportions: float = PROPORTION_SPREAD
) -> Crystal:
    """Return the crystal with a slightly different cell of the same symmetry.

    Parameters
    ----------
    crystal
        Any cell of it; fractional coordinates stay.
    rng
        Draws the strain.
    size, proportions
        Standard deviations of ln(length): of all alike, and of each component of the rest of the strain.
    """
    numbers = [ELEMENT_SYMBOLS.index(symbol) for symbol in crystal.species]
    cell = (crystal.lattice.tolist(), crystal.frac_coords.tolist(), numbers)
    found = spglib.get_symmetry(cell, symprec=SYMMETRY_TOLERANCE_ANGSTROM) if crystal.is_ordered else None
    drawn = rng.normal(0, proportions, (3, 3))
    strain = (drawn + drawn.T) / 2
    if found is None:  # not known to be less than cubic: the size alone changes
        strain = np.zeros((3, 3))
    else:
        columns = crystal.lattice.T
        turns = [columns @ turn @ np.linalg.inv(columns) for turn in found["rotations"]]
        strain = np.mean([turn @ strain @ turn.T for turn in turns], axis=0)
    strain += np.eye(3) * (rng.normal(0, size) - np.trace(strain) / 3)
    return replace(crystal, lattice=crystal.lattice @ (np.eye(3) + strain))


def trial_peaks(crystal: Crystal, rng: Generator) -> PeakList | None:
    """Return lines as a diffractometer with Cu K-alpha would give them; None if the crystal has no profile."""
    profiles, failures = ideal_profiles([strained(crystal, rng)])
    if failures:
        return None
    first, last = q_of_two_theta(np.array([rng.uniform(*_FIRST_DEG), rng.uniform(*_LAST_DEG)]), CU_K_ALPHA_1)
    low, high = max(float(first), Q_LOW), min(float(last), Q_HIGH)
    bins, intensity = MeasuredLike(q_start=(low, low), q_end=(high, high), cell_scale=0.0)(profiles, rng).row(0)
    q = q_of(bins)
    inside = (q >= low) & (q <= high)
    if not inside.any():
        return None
    angle = two_theta_of(q[inside], CU_K_ALPHA_1)
    height = intensity[inside].astype(np.float64)
    return PeakList(q[inside], height / height.max(), angle, np.full(len(angle), 0.1), CU_K_ALPHA_1, low, high)


def observe(
    peaks: PeakList, index: ProfileIndex | None, ensemble: SpaceGroupEnsemble | None, *, without_id: int | None = None
) -> Observation:
    """Return what network and search say of lines; without the profile of an id if one is given."""
    nothing = np.zeros(0)
    known, said, groups, scores = nothing.astype(np.int64), nothing, nothing.astype(np.int64), nothing
    if ensemble is not None:
        known = np.array(ensemble.groups, dtype=np.int64)
        said = ensemble.predict(peaks.to_sparse()).probabilities[0]
        said = ensemble.certainty.scaled(said) if ensemble.certainty else said
    if index is not None:
        matches = index.search(peaks, n=_N_MATCH)
        kept = index.ids[matches.rows] != (-1 if without_id is None else without_id)
        groups, scores = index.space_groups[matches.rows[kept]], matches.scores[kept]
    return Observation(known, said, groups, scores)


def fit_evidence(
    crystals: Sequence[Crystal],
    space_groups: NDArray[np.int64],
    ids: NDArray[np.int64],
    index: ProfileIndex | None,
    ensemble: SpaceGroupEnsemble | None,
    rng: Generator,
    *,
    coverage: float = 0.9,
) -> Evidence:
    """Return the weights of network and search by one trial pattern of each crystal.

    Parameters
    ----------
    crystals
        Crystals that the networks were not trained on, at least twenty.
    space_groups, ids
        (n,), their true groups, and what the index calls them: every other one is missing while it is searched.
    index, ensemble
        What the weights are for; one may be None.
    rng
        Draws the patterns.
    coverage
        How often the set of groups is to hold the true one.

    Raises
    ------
    UserInputError
        If fewer than twenty of the crystals have a pattern.
    """
    seen, truth = [], []
    for crystal, group, own in zip(crystals, space_groups.tolist(), ids.tolist(), strict=True):
        peaks = trial_peaks(crystal, rng)
        if peaks is not None:
            seen.append(observe(peaks, index, ensemble, without_id=own if rng.random() < _MISSING else None))
            truth.append(group)
    return Evidence.fit(seen, truth, coverage)
