from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from tests.factories.crystals import rock_salt, shared_site

from matsift.crystal import Crystal
from matsift.diffraction.expected import expected_pattern


def test_rock_salt_has_the_lines_that_pymatgen_gives() -> None:
    """Pymatgen has other form factors and no displacement, so strong lines agree within a tenth of the strongest."""
    crystal = rock_salt()
    ours = expected_pattern(crystal)
    assert ours is not None
    theirs = XRDCalculator("CuKa1").get_pattern(crystal.to_pymatgen(), two_theta_range=(5, 90))
    strong = np.asarray(theirs.y) > 3
    np.testing.assert_allclose(
        [ours.two_theta_deg[np.abs(ours.two_theta_deg - angle).argmin()] for angle in np.asarray(theirs.x)[strong]],
        np.asarray(theirs.x)[strong],
        atol=0.01,
    )
    nearest = [int(np.abs(ours.two_theta_deg - angle).argmin()) for angle in np.asarray(theirs.x)[strong]]
    np.testing.assert_allclose(100 * ours.intensity[nearest], np.asarray(theirs.y)[strong], atol=10)
    assert ours.intensity.max() == 1.0
    assert (np.diff(ours.two_theta_deg) > 0).all()


def test_a_shared_site_has_a_pattern_too() -> None:
    assert expected_pattern(shared_site()) is not None


@pytest.mark.parametrize(
    "crystal",
    [
        rock_salt(edge_angstrom=300.0),
        rock_salt(edge_angstrom=0.5),
        rock_salt("Lr"),
        Crystal.ordered(np.eye(3), [], np.zeros((0, 3))),
    ],
    ids=["too large", "too small", "no form factor", "no site"],
)
def test_of_what_cannot_be_computed_nothing_is_said(crystal: Crystal) -> None:
    assert expected_pattern(crystal) is None
