"""What `make bench-diffraction` is built of."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.diffraction.rates import table
from benchmarks.diffraction.samples import cod, samples
from benchmarks.repro_001.real_data import data_folder
from tests.platform_.profile_cases import crystal, structures

from matsift.diffraction.ideal import ideal_profiles

needs_data = pytest.mark.skipif(
    not (data_folder() / "structures").exists(),
    reason=f"the published data are not in {data_folder()}; name their folder in MATSIFT_DATA",
)


def test_both_have_the_same_numbers_and_ours_comes_sooner() -> None:
    made_up = [crystal(structure) for structure in structures().values()]
    _, _, row = table({"made up": made_up})
    name, atoms, reflections, occupied, theirs, ours, ratio, difference = row.strip("| ").split(" | ")
    assert name == "made up, 6"
    assert float(atoms) == pytest.approx(np.mean([len(c.species) for c in made_up]), abs=0.05)
    assert float(reflections.replace(",", "")) > 100
    assert 0 < float(occupied) < float(reflections.replace(",", ""))
    assert float(ours.replace(",", "")) > float(theirs.replace(",", "")) > 0
    assert float(ratio.replace(",", "")) > 20
    assert float(difference) < 1e-6


def test_without_published_data_prototypes_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DATA", "/nowhere")
    (name, crystals), *others = samples(5, 1).items()
    assert (name, len(crystals), others) == ("AFLOW prototypes", 5, [])


@pytest.mark.slow
@needs_data
def test_every_published_structure_of_the_open_database_has_a_profile() -> None:
    crystals = [sample.crystal for sample in cod()]
    assert ideal_profiles(crystals)[1] == {}
    assert sum(not c.is_ordered for c in crystals) > 20
