"""An identified pattern made of seeded numbers: rutile with noise, a second phase, and a network that is not sure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.grid import CU_K_ALPHA_1, q_of_two_theta
from matsift.diffraction.identify import Identification, PhaseMatch, RankedGroup, VolumeEstimate
from matsift.diffraction.measured import MeasuredPattern, ProcessedPattern
from matsift.diffraction.peaks import PeakList
from matsift.reports.patterns import PatternAnswer, StoredPhase

ANGLES = np.array([27.44, 36.08, 39.19, 41.24, 44.05, 54.32, 56.63, 62.75, 64.06, 69.01, 69.79])
HEIGHTS = np.array([1.0, 0.45, 0.07, 0.19, 0.06, 0.53, 0.16, 0.08, 0.08, 0.19, 0.10])
IMPURITY = np.array([25.28, 48.05])
HASHES = ("4f3a91c07b22" + "0" * 52, "9be41d20a733" + "0" * 52)


def sample_answer(name: str = "rutile.xy", *, network: bool = True, phases: bool = True) -> PatternAnswer:
    """Return an answer with three groups in the set, two phases and a volume."""
    return PatternAnswer(
        processed=_processed(name),
        identification=Identification(
            peaks=_peaks(),
            groups=_groups(network=network),
            is_sure=False,
            reason="the set that holds the true space group 90 % of the time has 3 groups",
            volume=VolumeEstimate(61.8, 59.9, 63.4, (60.9, 61.2, 61.8, 62.0, 62.4, 64.1)) if network else None,
            phases=(_phase(1, 0.94), _phase(2, 0.31)) if phases else (),
            mixture=(_phase(1, 0.94), _phase(2, 0.81)) if phases else (),
        ),
        stored={
            1: StoredPhase(HASHES[0], "TiO2", ("COD 9001681", "Materials Project mp-2657")),
            2: StoredPhase(HASHES[1], "TiO2", ("COD 9008213",)),
        },
        study="space_groups",
        n_searched=1181 if phases else 0,
    )


def _peaks() -> PeakList:
    angles = np.sort(np.concatenate([ANGLES, IMPURITY]))
    heights = np.array([dict(zip(ANGLES, HEIGHTS, strict=True)).get(angle, 0.12) for angle in angles.tolist()])
    q = q_of_two_theta(angles, CU_K_ALPHA_1)
    return PeakList(q, heights, angles, np.full(len(q), 0.18), CU_K_ALPHA_1, 0.113, 0.83)


def _processed(name: str) -> ProcessedPattern:
    rng = np.random.default_rng(5)
    angle = np.arange(10.0, 80.0, 0.02)
    background = 120 + 300 * np.exp(-(angle - 10) / 14)
    counts = rng.poisson(background + 4000 * _lines(angle)).astype(np.float64)
    pattern = MeasuredPattern(angle, counts, CU_K_ALPHA_1, name, ("the last line is cut off and was left out",))
    return ProcessedPattern(pattern, background, counts - background, _peaks(), k_alpha2=True, notes=pattern.notes)


def _lines(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    peaks = _peaks()
    shapes = [
        height * np.exp(-4 * np.log(2) * ((angle - at) / 0.18) ** 2)
        for at, height in zip(peaks.two_theta_deg.tolist(), peaks.intensity.tolist(), strict=True)
    ]
    return np.asarray(np.sum(shapes, axis=0))


def _groups(*, network: bool) -> tuple[RankedGroup, ...]:
    told = (
        (136, 0.61, (0.41, 0.55, 0.62, 0.66, 0.70, 0.72), 0.94, True),
        (225, 0.17, (0.35, 0.20, 0.15, 0.12, 0.10, 0.10), None, True),
        (141, 0.13, (0.10, 0.12, 0.13, 0.13, 0.14, 0.16), 0.31, True),
        (62, 0.06, (0.10, 0.06, 0.05, 0.05, 0.05, 0.05), None, False),
        (14, 0.03, (0.04, 0.03, 0.03, 0.03, 0.03, 0.02), None, False),
    )
    return tuple(
        RankedGroup(
            number, rank, mean, float(np.mean(members)) if network else None, members if network else (), score, inside
        )
        for rank, (number, mean, members, score, inside) in enumerate(told, start=1)
    )


def _phase(number: int, score: float) -> PhaseMatch:
    angles, heights = (ANGLES, HEIGHTS) if number == 1 else (IMPURITY, np.array([1.0, 0.3]))
    return PhaseMatch(
        row=number - 1,
        structure_id=number,
        space_group_number=136 if number == 1 else 141,
        rank=number,
        score=score,
        cell_scale=1.0012,
        zero_shift_deg=0.03,
        share=0.9 if number == 1 else 0.08,
        q=q_of_two_theta(angles, CU_K_ALPHA_1),
        intensity=heights,
    )
