"""Formation energies, hull distances and sameness on systems worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from matsift.candidates.phases import Phases, formation_energies, hull_distances
from matsift.candidates.sameness import earlier_same
from matsift.crystal import Crystal
from matsift.errors import UserInputError

# Na and Cl with two phases each, NaCl on the hull, Na3Cl above it, KCl without a potassium reference.
PHASES = [
    {"Na": 1},
    {"Na": 2},
    {"Cl": 4},
    {"Na": 1, "Cl": 1},
    {"Na": 2, "Cl": 2},
    {"Na": 3, "Cl": 1},
    {"K": 1, "Cl": 1},
]
ENERGIES = np.array([-1.0, -1.3, -1.8, -3.5, -3.4, -2.3, -3.6])


def test_formation_energy_is_against_the_lowest_phase_of_each_element() -> None:
    found = formation_energies(PHASES, ENERGIES)
    expected = [0.3, 0.0, 0.0, -3.5 + (1.3 + 1.8) / 2, -3.4 + 1.55, -2.3 + (3 * 1.3 + 1.8) / 4, np.nan]
    assert found == pytest.approx(expected, nan_ok=True)


def test_hull_distance_is_zero_on_the_hull_and_the_gap_above_it() -> None:
    found = hull_distances(PHASES, ENERGIES)
    # Na3Cl decomposes into NaCl and 2 Na: per atom half the formation energy of NaCl.
    gap = (-2.3 + 1.425) - 0.5 * (-3.5 + 1.55)
    assert found == pytest.approx([0.3, 0.0, 0.0, 0.0, 0.1, gap, np.nan], nan_ok=True)


def test_a_hull_without_all_its_corners_is_unknown_not_guessed() -> None:
    assert np.isnan(hull_distances([{"Na": 1}, {"Na": 1, "Cl": 1}], np.array([-1.0, -3.0]))[1])


_COMPOSITIONS = [{"Na": 1.0}, {"Na": 2.0}, {"Cl": 4.0}, {"Na": 4.0, "Cl": 4.0}, {"Na": 1.0, "Cl": 1.0}]
_ENERGIES = np.array([-1.0, -0.9, -2.0, -3.5, -3.3])


def test_a_compound_among_its_phases() -> None:
    phases = Phases(_COMPOSITIONS, _ENERGIES)
    polymorph = phases.place({"Na": 2, "Cl": 2}, -3.4)
    assert polymorph.formation_energy_per_atom == pytest.approx(-1.9)
    assert polymorph.hull_distance == pytest.approx(0.1)
    assert dict(polymorph.competing) == {"NaCl": pytest.approx(1.0)}
    assert polymorph.reason is None
    chlorine_rich = phases.place({"Na": 1, "Cl": 3}, -2.8)
    assert chlorine_rich.hull_distance == pytest.approx(-2.8 - (0.5 * -3.5 + 0.5 * -2.0))
    assert chlorine_rich.energy_above_hull == 0.0
    assert dict(chlorine_rich.competing) == {"NaCl": pytest.approx(0.5), "Cl2": pytest.approx(0.5)}


def test_a_missing_element_has_a_reason() -> None:
    place = Phases(_COMPOSITIONS, _ENERGIES).place({"Na": 1, "F": 1}, -3.0)
    assert (place.formation_energy_per_atom, place.hull_distance, place.energy_above_hull) == (None, None, None)
    assert place.reason == "no phase of the element F is known by this method, so there is no reference"


def test_too_many_elements_have_a_formation_energy_but_no_hull() -> None:
    elements = ["Li", "Na", "K", "Rb", "Cs", "F", "Cl"]
    phases = Phases([{e: 1.0} for e in elements], np.zeros(7))
    place = phases.place(dict.fromkeys(elements, 1), -1.0)
    assert place.formation_energy_per_atom == pytest.approx(-1.0)
    assert place.hull_distance is None
    assert place.reason == "a hull of 7 elements takes too long: 6 most"


def test_places_in_a_set_are_those_of_pymatgen() -> None:
    rng = np.random.default_rng(0)
    compositions = [{"Na": 1}, {"Cl": 1}, {"O": 1}] + [
        {e: int(n) for e, n in zip(("Na", "Cl", "O"), rng.integers(0, 4, 3), strict=True) if n} for _ in range(60)
    ]
    compositions = [c for c in compositions if c]
    energies = rng.normal(-2.0, 0.5, len(compositions))
    wholes = [Composition(amounts) for amounts in compositions]
    entries = [PDEntry(whole, e * whole.num_atoms) for whole, e in zip(wholes, energies, strict=True)]
    diagram = PhaseDiagram(entries)
    expected = [diagram.get_form_energy_per_atom(entry) for entry in entries]
    assert formation_energies(compositions, energies) == pytest.approx(expected, abs=1e-9)
    above = [diagram.get_e_above_hull(entry) for entry in entries]
    assert hull_distances(compositions, energies) == pytest.approx(above, abs=1e-9)


@pytest.mark.parametrize(
    ("compositions", "energies", "message"),
    [
        pytest.param([{"Na": 1.0}], np.zeros(2), "1 phases cannot have 2 energies", id="numbers"),
        pytest.param([{"Na": 1.0}], np.array([np.nan]), "not a finite number", id="not finite"),
    ],
)
def test_refusals(compositions: list[dict[str, float]], energies: np.ndarray, message: str) -> None:
    with pytest.raises(UserInputError, match=message):
        Phases(compositions, energies)


def rock_salt(a: float, *, swapped: bool = False) -> Crystal:
    fcc = 0.5 * a * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    species = ["Cl", "Na"] if swapped else ["Na", "Cl"]
    return Crystal.ordered(fcc, species, np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def caesium_chloride(a: float) -> Crystal:
    return Crystal.ordered(a * np.eye(3), ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def test_the_same_crystal_is_found_again_whatever_its_origin() -> None:
    crystals = [rock_salt(5.64), caesium_chloride(3.5), rock_salt(5.641, swapped=True), rock_salt(5.64)]
    assert earlier_same(crystals, np.array([-3.5, -3.4, -3.5005, -3.45])) == [None, None, 0, None]


def test_another_volume_is_another_crystal() -> None:
    assert earlier_same([rock_salt(5.64), rock_salt(5.9)], np.array([-3.5, -3.5])) == [None, None]
