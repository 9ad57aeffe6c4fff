"""What a predicted screening factor says of an oxide: the lattice that it leads to, with an interval as good."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.bond_valence.derived import INSTABILITY, LATTICE, PROPERTIES, Values, derive, reading
from matsift.bond_valence.ion_pairs import IonPair, PairTable
from matsift.bond_valence.new_oxide import ion_pair
from matsift.bond_valence.prototype_energy import instability
from matsift.bond_valence.prototype_match import build
from matsift.bond_valence.relaxation import lattice_at
from matsift.bond_valence.screening_factor import exact_screening_factor
from matsift.bond_valence.stability import bond_valence_sums, global_instability_index

SRTIO3, LAALO3, MGAL2O4 = (
    ion_pair("SrTiO3", "perovskite"),
    ion_pair("LaAlO3", "perovskite"),
    ion_pair("MgAl2O4", "spinel"),
)
OXIDES = [SRTIO3, MGAL2O4, LAALO3]
REFERENCES = np.array([3.905, 8.083, 3.79])


def exact(pair: IonPair, lattice: float, oxygen: float | None) -> float:
    start = None if oxygen is None else np.array([oxygen])
    return float(exact_screening_factor(PairTable.of([pair]), np.array([lattice]), start).screening_factor[0])


def around(centre: np.ndarray, half: float, spread: float = 0.01) -> Values:
    return Values(centre, np.full(len(centre), spread), centre - half, centre + half)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.array([exact(SRTIO3, 3.905, None), exact(MGAL2O4, 8.083, 0.2624), exact(LAALO3, 3.79, None)])


def test_the_learned_screening_factor_leads_back_to_the_reference(labels: np.ndarray) -> None:
    said = derive(OXIDES, around(labels, 0.02))
    assert said.reason == (None, None, None)
    assert said.of[LATTICE].mean == pytest.approx(REFERENCES, abs=1e-6)


@pytest.mark.parametrize("off", [-0.05, -0.021, -0.019, 0.0, 0.019, 0.021, 0.05])
def test_the_lattice_interval_holds_the_reference_exactly_where_the_other_holds_its_label(
    labels: np.ndarray, off: float
) -> None:
    lattice = derive(OXIDES, around(labels + off, 0.02)).of[LATTICE]
    held = (lattice.lower <= REFERENCES) & (lattice.upper >= REFERENCES)
    assert held.tolist() == [abs(off) < 0.02] * 3
    assert (lattice.lower < lattice.mean).all()
    assert (lattice.mean < lattice.upper).all()


def test_spread_is_the_slope_times_that_of_the_screening_factor(labels: np.ndarray) -> None:
    spread, step = 0.013, 1e-5
    said = derive(OXIDES, around(labels, 0.02, spread))
    for i, pair in enumerate(OXIDES):
        rest, index = lattice_at(pair, labels[i] + np.array([-step, step]))
        a = rest.lattice_constant
        assert said.of[LATTICE].spread[i] == pytest.approx(spread * (a[1] - a[0]) / (2 * step), rel=1e-4)
        assert said.of[INSTABILITY].spread[i] == pytest.approx(
            spread * abs(index[1] - index[0]) / (2 * step), rel=1e-3, abs=1e-7
        )


def test_instability_is_that_of_the_crystal_at_rest(labels: np.ndarray) -> None:
    said = derive([SRTIO3], around(labels[:1], 0.03))
    crystal = build("perovskite", "Sr", "Ti", float(said.of[LATTICE].mean[0]))
    valences = np.array([2, 4, -2, -2, -2])
    own = global_instability_index(bond_valence_sums(crystal, valences), valences)
    assert said.of[INSTABILITY].mean[0] == pytest.approx(own, abs=1e-9)
    assert own == pytest.approx(0.0727, abs=2e-4)


def test_instability_interval_holds_its_least_value_inside(labels: np.ndarray) -> None:
    wide = derive([SRTIO3], around(labels[:1], 0.05)).of[INSTABILITY]
    _, ends = lattice_at(SRTIO3, labels[0] + np.array([-0.05, 0.05]))
    assert wide.lower[0] <= wide.mean[0] < min(ends)
    assert wide.upper[0] == pytest.approx(max(ends), abs=1e-9)


def test_instability_interval_of_a_perovskite_holds_that_of_a_reference_inside_the_lattice_interval(
    labels: np.ndarray,
) -> None:
    said = derive([SRTIO3], around(labels[:1], 0.05))
    inside = np.linspace(said.of[LATTICE].lower[0], said.of[LATTICE].upper[0], 997)
    table = PairTable.of([SRTIO3]).take(np.zeros(len(inside), dtype=np.int64))
    indices = instability(table, inside, np.full(len(inside), np.nan))
    assert said.of[INSTABILITY].lower[0] == pytest.approx(indices.min(), abs=1e-3)
    assert said.of[INSTABILITY].upper[0] == pytest.approx(indices.max(), abs=1e-9)


def test_each_oxide_is_told_what_it_is_told_alone(labels: np.ndarray) -> None:
    together = derive(OXIDES, around(labels, 0.02))
    for i, pair in enumerate(OXIDES):
        alone = derive([pair], around(labels[i : i + 1], 0.02))
        for name in PROPERTIES:
            for field in ("mean", "spread", "lower", "upper"):
                own = getattr(alone.of[name], field)[0]
                assert getattr(together.of[name], field)[i] == pytest.approx(own, rel=1e-9)


def test_what_does_not_stay_together_has_no_lattice_but_a_reason() -> None:
    said = derive([MGAL2O4, SRTIO3], around(np.array([0.86, 0.65]), 0.02))
    assert said.reason[0] is not None
    assert "grows without bound" in said.reason[0]
    assert said.reason[1] is None
    assert np.isnan(said.of[LATTICE].upper[0])
    assert said.of[LATTICE].mean[1] == pytest.approx(3.9, abs=0.1)


@pytest.mark.parametrize(
    ("index", "word"),
    [(0.05, "stable"), (0.1, "strained"), (0.2, "strained"), (0.201, "suspicious")],
)
def test_reading_follows_the_usual_limits(index: float, word: str) -> None:
    assert reading(index) == word
