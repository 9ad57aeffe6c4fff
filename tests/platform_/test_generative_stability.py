"""What a hull lacks, tensors by the criteria of each system, what relaxations change."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.candidates.phases import Phases
from matsift.crystal import Crystal
from matsift.elasticity.moduli import from_upper_triangle
from matsift.generative.competitors import binary_competitors, lacking
from matsift.generative.stability import mechanics, missing_salts, relaxation_change


def test_salts_that_the_hull_lacks_are_told() -> None:
    """SrYF5 has to stand against SrF2 and YF3; the paper's SrClF3 against SrF2 and ClF."""
    elements = [{"Sr": 1.0}, {"Y": 1.0}, {"F": 2.0}, {"Cl": 2.0}, {"Al": 1.0}, {"Ni": 1.0}]
    phases = Phases([*elements, {"Sr": 2.0, "F": 4.0}], np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -4.0]))
    assert missing_salts({"Sr": 1, "Y": 1, "F": 5}, phases) == ("YF3",)
    assert missing_salts({"Sr": 1, "Cl": 1, "F": 3}, phases) == ("ClF",)
    assert missing_salts({"Ni": 1, "Al": 1}, phases) == ()
    assert phases.knows({"Sr": 3, "F": 6})
    assert not phases.knows({"Y": 1, "F": 3})


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        pytest.param({"Na": 1, "Cl": 1}, (), id="a salt itself"),
        pytest.param({"Sr": 1, "Ti": 1, "O": 3}, ({"Sr": 1, "O": 1}, {"Ti": 1, "O": 2}), id="oxides"),
        pytest.param({"Pb": 1, "F": 1, "Cl": 1}, ({"Pb": 1, "Cl": 2}, {"Pb": 1, "F": 2}), id="two anions"),
        pytest.param({"Fe": 1, "Ni": 1, "Al": 1}, (), id="alloy"),
    ],
)
def test_binary_competitors(amounts: dict[str, int], expected: tuple[dict[str, int], ...]) -> None:
    assert binary_competitors(amounts) == expected


def test_lacking_salts_come_once_the_most_wanted_first() -> None:
    phases = Phases([{"Sr": 1.0, "F": 2.0}], np.array([-4.0]))
    candidates = [{"Sr": 1, "Y": 1, "F": 5}, {"Na": 1, "Y": 1, "F": 4}, {"Sr": 1, "Na": 1, "F": 3}, {"Y": 2, "F": 6}]
    assert lacking(candidates, phases.knows) == ({"Na": 1, "F": 1}, {"Y": 1, "F": 3})


@pytest.mark.parametrize(
    ("c11", "c12", "c44", "stable"),
    [
        pytest.param(108.0, 61.0, 28.0, True, id="aluminium"),
        pytest.param(100.0, 101.0, 30.0, False, id="C11 < C12"),
        pytest.param(100.0, -51.0, 30.0, False, id="C11 + 2 C12 < 0"),
        pytest.param(100.0, 50.0, -1.0, False, id="C44 < 0"),
    ],
)
def test_cubic_criteria(c11: float, c12: float, c44: float, *, stable: bool) -> None:
    tensor = np.diag([c11] * 3 + [c44] * 3)
    tensor[:3, :3] += c12 * (1 - np.eye(3))
    said = mechanics(tensor)
    assert said.is_stable == stable == (c11 > c12 and c11 + 2 * c12 > 0 and c44 > 0)
    assert (said.reason is None) == stable
    if stable:
        assert said.bulk_gpa == pytest.approx((c11 + 2 * c12) / 3)
        assert said.pugh == pytest.approx(said.bulk_gpa / said.shear_gpa)
        assert said.young_gpa == pytest.approx(2 * said.shear_gpa * (1 + said.poisson))


def test_youngs_modulus_of_the_papers_candidate() -> None:
    """SrClF3 of the paper: K 41.26 and G 15.61 GPa give E 41.59 GPa; an isotropic tensor of these has them."""
    k, g = 41.26, 15.61
    constants = [k + 4 / 3 * g, *[k - 2 / 3 * g] * 2, 0, 0, 0, k + 4 / 3 * g, k - 2 / 3 * g, 0, 0, 0, k + 4 / 3 * g]
    tensor = from_upper_triangle([*constants, 0, 0, 0, g, 0, 0, g, 0, g])
    said = mechanics(tensor)
    assert [said.bulk_gpa, said.shear_gpa] == pytest.approx([k, g])
    assert said.young_gpa == pytest.approx(41.587, abs=0.01)


def test_what_a_relaxation_changed() -> None:
    start = Crystal.ordered(np.eye(3) * 4.0, ["Cs", "Cl"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    grown = Crystal.ordered(np.diag([4.2, 4.0, 4.0]), ["Cl", "Cs"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    change = relaxation_change(start, grown)
    assert change.volume_factor == pytest.approx(1.05)
    assert (change.space_group_before, change.space_group_after, change.reason) == (221, 123, None)
    other = Crystal.ordered(np.eye(3) * 4.0, ["Cs", "Br"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    assert relaxation_change(start, other).reason == "the relaxed crystal has another composition"
    dense = Crystal.ordered(np.eye(3) * 2.0, ["Cs", "Cl"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    assert relaxation_change(start, dense).reason == "the relaxed crystal is implausible: implausible_density"
