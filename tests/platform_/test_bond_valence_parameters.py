"""The parameters beside O2-: their identities, the published table, and ions that have none."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

import pytest

from matsift.bond_valence.pair_energy import COULOMB
from matsift.bond_valence.parameters import (
    OXYGEN_N,
    OXYGEN_SOFTNESS,
    TABLE,
    Ion,
    NoIonParametersError,
    ion,
    ion_name,
    known_ions,
    oxidation_states,
    published_ions,
    read_ion,
    shannon_radius,
)
from matsift.errors import UserInputError

PUBLISHED = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / "softbv_oxide_params.csv"


def identity_of_r_min(ion: Ion) -> float:
    """Return how far r_min is from R0 (0.9185 + 0.2285 |difference of softness|) - b ln(V/NC), angstrom."""
    stretch = 0.9185 + 0.2285 * abs(ion.softness - OXYGEN_SOFTNESS)
    return abs(ion.r0 * stretch - ion.b * math.log(ion.oxidation / ion.coordination) - ion.r_min)


def identity_of_d0(ion: Ion) -> float:
    """Return the relative distance of d0 from 14.4 (b^2/2) c V^(1/c) 2 / (r_min sqrt(n n_O)), c = 2 for d and f."""
    c = 1 if ion.block == "sp" else 2
    depth = COULOMB * ion.b**2 / 2 * c * ion.oxidation ** (1 / c) * 2 / (ion.r_min * math.sqrt(ion.n * OXYGEN_N))
    return abs(float(depth) / ion.d0 - 1)


def test_the_published_identities_hold_for_130_of_131_cations() -> None:
    apart = {
        key for key, row in published_ions().items() if identity_of_r_min(row) > 6e-6 or identity_of_d0(row) > 2e-3
    }
    assert len(published_ions()) == 131
    assert apart == {("Re", 3)}


def test_lithium_beside_oxygen_is_as_published() -> None:
    lithium = ion("Li", 1)
    assert (lithium.d0, round(lithium.r_min, 5), lithium.b) == (0.98816, 1.94001, 0.516)


@pytest.mark.skipif(not PUBLISHED.exists(), reason=f"{PUBLISHED} is missing; name the data folder in MATSIFT_DATA")
def test_every_row_is_that_of_the_published_table() -> None:
    text = [line for line in PUBLISHED.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    columns = {"R0_A": "r0", "Rcut_A": "r_cut", "D0_eV": "d0", "Rmin_A": "r_min", "b_A": "b", "N_C": "coordination"}
    columns |= {"n": "n", "rcov_A": "r_cov", "softness": "softness"}
    seen = 0
    for row in csv.DictReader(text):
        symbol, _, oxidation = row["cation"].partition("+")
        ours = published_ions()[symbol.capitalize(), int(oxidation)]
        for theirs, name in columns.items():
            assert getattr(ours, name) == pytest.approx(float(row[theirs]), abs=1.1e-5), (row["cation"], name)
        seen += 1
    assert seen == len(published_ions())


def test_the_table_is_what_its_command_writes(tmp_path: Path) -> None:
    from matsift.bond_valence import parameters
    from matsift.bond_valence.table_writer import write_table

    written = write_table(tmp_path / TABLE)
    assert written.read_text(encoding="utf-8") == Path(parameters.__file__).with_name(TABLE).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("symbol", "oxidation", "radius"),
    [("Sr", 2, 1.18), ("Ti", 4, 0.605), ("Mn", 3, 0.645), ("Fe", 2, 0.78), ("Mn", 6, 0.255)],
    ids=["Sr2+", "Ti4+", "high spin Mn3+", "high spin Fe2+", "four neighbours of Mn6+"],
)
def test_shannon_radii_are_those_of_six_neighbours(symbol: str, oxidation: int, radius: float) -> None:
    assert shannon_radius(symbol, oxidation) == radius


def test_an_ion_without_a_shannon_radius_says_so() -> None:
    with pytest.raises(NoIonParametersError, match=r"^Sn2\+ has no Shannon radius; of Sn there is Sn2\+, Sn4\+$"):
        shannon_radius("Sn", 2)


@pytest.mark.parametrize(
    ("symbol", "oxidation", "sentence"),
    [
        ("Ti", 2, "Ti2+ has no bond-valence parameters beside O2-; of Ti there is Ti3+, Ti4+"),
        ("Re", 3, "Re3+ has no bond-valence parameters beside O2-; of Re there is Re5+, Re6+, Re7+"),
        ("Pu", 4, "Pu4+ has no bond-valence parameters beside O2-"),
    ],
    ids=["another state is known", "contradicts itself", "no ion of the element"],
)
def test_an_ion_without_parameters_is_its_own_outcome(symbol: str, oxidation: int, sentence: str) -> None:
    with pytest.raises(NoIonParametersError) as raised:
        ion(symbol, oxidation)
    assert str(raised.value) == sentence
    assert (raised.value.symbol, raised.value.oxidation) == (symbol, oxidation)


def test_every_known_ion_is_found_by_its_written_name() -> None:
    assert len(known_ions()) == 130
    for symbol, oxidation in known_ions():
        assert read_ion(ion_name(symbol, oxidation)) is ion(symbol, oxidation)
        assert oxidation in oxidation_states(symbol)


@pytest.mark.parametrize("name", ["Ti", "Ti+4", "O2-", "titanium", "Ti0+", ""])
def test_what_is_no_cation_is_refused(name: str) -> None:
    with pytest.raises(UserInputError, match="is not a cation; write it as Ti4"):
        read_ion(name)
