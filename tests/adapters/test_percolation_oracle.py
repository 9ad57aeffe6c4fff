"""Barriers of sodium in known crystals, beside bvlain's own search, and every reason why there are none."""

from __future__ import annotations

import math
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from matsift.crystal import Crystal
from matsift.errors import OracleError
from matsift.execution.killable import KillablePool
from matsift.study.mobility import BARRIERS, MobilitySettings
from matsift.units import PROPERTIES
from matsift_adapters.oracles.percolation import (
    INITIALIZER,
    TARGET,
    label_percolation,
    method_of,
    payload_of,
    site_energies,
)

ARCHIVE = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / "structures" / "mp_36737" / "cif_36737.tar.gz"
COARSE = MobilitySettings(resolution=0.3)


def salt(anion: str = "Cl", a: float = 5.64) -> Structure:
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(a), ["Na", anion], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]).tolist()
    )


def thiophosphate() -> Structure:
    """Cubic Na3PS4."""
    sites = np.array([[0, 0.5, 0.5], [0, 0, 0], [0.1625, 0.1625, 0.1625]]).tolist()
    return Structure.from_spacegroup("I-43m", Lattice.cubic(6.9965), ["Na", "P", "S"], sites)


def layered() -> Structure:
    """NaCoO2 of type O3."""
    lattice = Lattice.hexagonal(2.889, 15.609)
    sites = np.array([[0, 0, 0], [0, 0, 0.5], [0, 0, 0.2306]]).tolist()
    return Structure.from_spacegroup("R-3m", lattice, ["Na", "Co", "O"], sites)


def said(structure: Structure, settings: MobilitySettings = COARSE) -> dict[str, Any]:
    return label_percolation(payload_of(settings, Crystal.from_pymatgen(structure)))


def barriers(structure: Structure, settings: MobilitySettings = COARSE) -> list[float]:
    found = said(structure, settings)
    return [found.get(name, math.inf) for name in BARRIERS]


def by_bvlain(structure: Structure, settings: MobilitySettings = COARSE) -> list[float]:
    """bvlain's own search for the barriers, to 0.01 eV, in a 2 x 2 x 2 supercell of its map."""
    from bvlain import Lain

    calculator = Lain(verbose=False)
    calculator.read_structure(structure.get_reduced_structure("LLL"))
    calculator.bvse_distribution(
        mobile_ion="Na1+", resolution=settings.resolution, use_softbv_covalent_radii=settings.radii == "softbv"
    )
    found = calculator.percolation_barriers(encut=settings.encut)
    return [float(found[f"E_{n}D"]) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    "structure", [salt(), salt("F", 4.62), thiophosphate(), layered()], ids=["NaCl", "NaF", "Na3PS4", "NaCoO2"]
)
@pytest.mark.parametrize("radii", ["softbv", "ase"])
@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning", "ignore:divide by zero:RuntimeWarning")
def test_barriers_are_those_of_bvlain_where_its_search_is_right(structure: Structure, radii: str) -> None:
    settings = MobilitySettings(resolution=0.3, radii=radii)
    for ours, theirs in zip(barriers(structure, settings), by_bvlain(structure, settings), strict=True):
        assert ours == theirs or 0 <= theirs - ours <= 0.0101


def test_layers_carry_sodium_in_two_dimensions_and_salt_in_three() -> None:
    one, two, three = barriers(layered())
    assert one <= two < 2.5
    assert three == math.inf
    assert said(layered())["detail"]["dimension"] == 2
    one, _, three = barriers(salt())
    assert one == pytest.approx(three, abs=1e-6) == pytest.approx(0.80, abs=0.05)


def test_what_is_told_beside_the_barriers() -> None:
    found = said(layered())
    assert set(found) == {*BARRIERS[:2], "detail"}
    assert found["detail"] | {"versions": None} == {
        "oxidation_states": ["Co3+", "Na+", "O2-"],
        "oxidation_states_by": "sites",
        "versions": None,
        "percolation_barrier_1d": found[BARRIERS[0]],
        "percolation_barrier_2d": found[BARRIERS[1]],
        "percolation_barrier_3d": None,
        "dimension": 2,
        "encut_ev": 5.0,
    }
    assert found["detail"]["versions"]["bvlain"] == "0.25.1"
    assert set(BARRIERS) <= set(PROPERTIES)


def test_the_cell_does_not_matter() -> None:
    """Nor the origin: what differs is how the grid lies, which a fine one hardly shows."""
    fine = MobilitySettings(resolution=0.2)
    conventional = thiophosphate()
    moved = conventional.copy()
    moved.translate_sites(range(len(moved)), [0.13, 0.29, 0.41])
    wanted = barriers(conventional, fine)
    assert barriers(conventional.get_primitive_structure(), fine) == pytest.approx(wanted, abs=0.05)
    assert barriers(moved, fine) == pytest.approx(wanted, abs=0.05)


def test_states_come_from_the_composition_where_bonds_have_none() -> None:
    squeezed = salt(a=3.0)
    found = said(squeezed)["detail"]
    assert found["oxidation_states_by"] == "composition"
    assert found["oxidation_states"] == ["Cl-", "Na+"]


def alloy(a: float, *species: str) -> Structure:
    return Structure(Lattice.cubic(a), species, np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))


def disordered() -> Structure:
    structure = salt()
    structure.replace(0, {"Na": 0.5, "K": 0.5})
    return structure


@pytest.mark.parametrize(
    ("structure", "settings", "why"),
    [
        (disordered(), COARSE, "disordered"),
        (salt(), MobilitySettings(ion="Li"), "holds no Li"),
        (alloy(4.2, "Na", "Na"), COARSE, "nothing but Na"),
        (alloy(4.0, "Na", "K"), COARSE, "no oxidation states"),
        (salt("H", 4.88), COARSE, re.escape("no parameters of Na1+ among H-, Na+")),
        (salt(), MobilitySettings(ion="Na2+"), re.escape("its Na is not Na2+ (Cl-, Na+)")),
        (salt(a=5.64), MobilitySettings(resolution=0.05), "set another mobility.resolution"),
    ],
    ids=["disordered", "no such ion", "no framework", "alloy", "no parameters", "other charge", "too fine"],
)
def test_a_refusal_has_a_reason(structure: Structure, settings: MobilitySettings, why: str) -> None:
    if settings.resolution == 0.05:
        structure = structure.make_supercell(2, in_place=False)
    with pytest.raises(OracleError, match=why):
        said(structure, settings)


def test_a_cutoff_hides_what_lies_above_it() -> None:
    assert barriers(salt(), MobilitySettings(resolution=0.3, encut=0.5)) == [math.inf] * 3


def test_the_method_names_all_that_changes_the_number() -> None:
    plain = method_of(MobilitySettings())
    assert re.fullmatch(r"bvse-bvlain-0\.25\.1-Na1\+-[0-9a-f]{8}", plain)
    assert method_of(MobilitySettings(ion="Na+", top=3, time_limit_s=1.0)) == plain
    changes: list[dict[str, Any]] = [
        {"ion": "Li"},
        {"resolution": 0.3},
        {"encut": 4.0},
        {"screening_factor": 0.7},
        {"radii": "ase"},
    ]
    assert len({plain, *(method_of(MobilitySettings(**change)) for change in changes)}) == 6


def test_a_worker_that_takes_too_long_is_stopped() -> None:
    fine = MobilitySettings(resolution=0.1)
    crystal = Crystal.from_pymatgen(salt())
    with KillablePool(TARGET, n_worker=1, time_limit_s=0.3, initializer=INITIALIZER) as pool:
        (outcome,) = pool.run([("NaCl", payload_of(fine, crystal))])
    assert outcome.error_class == "TimeLimitExceeded"


def test_the_map_is_the_energy_of_one_ion_in_the_framework() -> None:
    """Where sodium stands in NaCl, against the potential of Na+ beside Cl- summed over the anions by hand."""
    energies, _ = site_energies(Crystal.from_pymatgen(salt()), COARSE)
    r_min, alpha, d0 = 2.748011, 1.663894, 0.315458  # bvlain's table: angstrom, 1/angstrom, eV
    around = salt().get_sites_in_sphere([0, 0, 0], 10.0)
    distances = np.sort([n.nn_distance for n in around if n.specie.symbol == "Cl"])[:100]
    by_hand = float((d0 / 2 * ((np.exp(alpha * (r_min - distances)) - 1) ** 2 - 1)).sum())
    assert by_hand == pytest.approx(-1.02657717, abs=1e-7)
    assert energies[0, 0, 0] == pytest.approx(by_hand, abs=1e-9)


#: Number in the set of 36,737 -> barriers that are known to be low or high, in one, two and three dimensions.
_KNOWN = {
    "26281": ("NaAl11O17, beta alumina", (0.0, 0.2), (0.0, 0.2), (5.0, math.inf)),
    "15249": ("Na3Sc2(PO4)3, a NASICON", (0.3, 0.8), (0.3, 0.8), (0.3, 0.8)),
    "12412": ("NaTaO3, a perovskite", (2.0, 5.0), (2.0, 5.0), (2.0, 5.0)),
}


@pytest.mark.slow
@pytest.mark.skipif(not ARCHIVE.exists(), reason=f"{ARCHIVE} is missing; name the data folder in MATSIFT_DATA")
@pytest.mark.parametrize("number", _KNOWN)
def test_known_conductors_stand_out(number: str) -> None:
    with tarfile.open(ARCHIVE) as archive:
        member = next(m for m in archive if m.name.endswith(f"{number}.cif"))
        file = archive.extractfile(member)
        assert file is not None
        structure = Structure.from_str(file.read().decode(), fmt="cif")
    _, *bounds = _KNOWN[number]
    for found, (low, high) in zip(barriers(structure), bounds, strict=True):
        assert low <= found <= high
