"""The figures of docs/softbv.md: the calibration as it is printed, and the rate beside bvlain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.bond_valence import calibration, site_energy
from benchmarks.repro_001.real_data import data_folder
from tests.factories.oxide_cells import perovskite, rock_salt

from matsift.bond_valence.charges import assign_valences
from matsift.bond_valence.energy import evaluate

PAGE = Path(__file__).parents[2] / "docs" / "softbv.md"


def test_the_page_shows_the_calibration_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    calibration.main()
    printed = [line for line in capsys.readouterr().out.splitlines() if re.match(r"\| .*\d", line)]
    page = {line.strip() for line in PAGE.read_text("utf-8").splitlines()}
    assert len(printed) >= 18
    assert [line for line in printed if line not in page] == []


def test_bvlain_answers_for_the_cation_of_lowest_charge() -> None:
    crystal = perovskite("Na", "Ta", 3.93)
    oxide = site_energy.Oxide(crystal, assign_valences(crystal))
    assert oxide.mobile == "Na1+"
    assert site_energy.site_energies(oxide) == 19**3


@pytest.mark.skipif(
    not (data_folder() / "elastic").exists(),
    reason=f"the published data are not in {data_folder()}; name their folder in MATSIFT_DATA",
)
def test_the_oxides_of_the_elastic_set_are_known_or_refused_for_a_reason() -> None:
    oxides, refused = site_energy.elastic_oxides()
    assert (len(oxides), dict(refused)) == (44, {"NoValencesError": 10})


def test_energy_and_stress_take_a_fiftieth_of_a_site_energy_map() -> None:
    for crystal in (rock_salt("Mg", 4.212), perovskite("Sr", "Ti", 3.905)):
        oxide = site_energy.Oxide(crystal, assign_valences(crystal))
        theirs, _ = site_energy.fastest(lambda: site_energy.site_energies(oxide))  # noqa: B023  called at once
        ours, _ = site_energy.fastest(lambda: evaluate([oxide.crystal], [oxide.valences], 0.65))  # noqa: B023
        assert theirs > site_energy.WANTED * ours
