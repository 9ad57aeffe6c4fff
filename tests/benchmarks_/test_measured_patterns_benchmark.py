"""What ``make bench-identify`` is built of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.kept_lines import KeptLines
from benchmarks.measured_patterns import patterns, tables
from benchmarks.measured_patterns.answers import Answer, Asked, Found, by_search, rates, searched
from benchmarks.measured_patterns.lines import lines_of
from benchmarks.measured_patterns.mixed import Mixed, mixed
from benchmarks.measured_patterns.patterns import MINERALS, MIXTURES, REACTIONS, Case, powders_of
from benchmarks.repro_001.real_data import data_folder

from matsift.crystal import Crystal
from matsift.diffraction.grid import q_of, two_theta_of
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.measured import MeasuredPattern
from matsift.diffraction.peaks import PeakList
from matsift.diffraction.search import ProfileIndex

FACES = np.ones((3, 3)) - np.eye(3)
SALT = Crystal.ordered(FACES * 2.82, ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))
CHLORIDE = Crystal.ordered(np.eye(3) * 4.12, ["Cs", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))
NO_PATTERN = MeasuredPattern(np.arange(2.0), np.arange(2.0))

needs_data = pytest.mark.skipif(
    not (data_folder() / "xrd").exists(),
    reason=f"the published data are not in {data_folder()}; name their folder in MATSIFT_DATA",
)


def lines_like(crystal: Crystal) -> PeakList:
    """Return the lines of a crystal as measured without any error."""
    profiles, _ = ideal_profiles([crystal])
    bins, intensity = profiles.row(0)
    q = q_of(bins)
    angle = two_theta_of(q, 1.5406)
    return PeakList(q, intensity.astype(np.float64), angle, np.full(len(q), 0.1), 1.5406, 0.12, 1.06)


def index() -> ProfileIndex:
    profiles, _ = ideal_profiles([SALT, CHLORIDE])
    return ProfileIndex.build(profiles, np.arange(2), np.array([225, 221]))


@pytest.mark.parametrize(
    ("stem", "is_mixture", "powders"),
    [
        ("In2O3_0p3022-La(OH)3_0p5014-TiO2_0p2004--2min", True, ("In2O3", "La(HO)3", "TiO2")),
        ("2Fe3O4-3Y2O3_1000C_60min", False, ("Fe3O4", "Y2O3")),
        ("CaCO3-NH4H2PO4_200C_60min", False, ("CaCO3", "PH6NO4")),
    ],
)
def test_powders_stand_in_the_names_of_files(stem: str, is_mixture: bool, powders: tuple[str, ...]) -> None:
    assert powders_of(stem, is_mixture=is_mixture) == powders


def test_lines_are_kept_and_refusals_too(tmp_path: Path) -> None:
    angles = np.arange(10, 90, 0.02)
    heights = sum(np.exp(-(((angles - at) / 0.08) ** 2)) for at in (27.4, 31.7, 45.4, 56.5))
    noisy = np.random.default_rng(1).poisson(50 + 2000 * np.asarray(heights)).astype(np.float64)
    cases = [
        Case(MINERALS, "four lines", MeasuredPattern(angles, noisy), "CuKa", 225),
        Case(MINERALS, "no wavelength", MeasuredPattern(angles, noisy), None, 225),
    ]
    told: list[str] = []
    first = lines_of(cases, tmp_path, n_worker=0, tell=told.append)
    again = lines_of(cases, tmp_path, n_worker=0, tell=told.append)
    assert len(told) == 1
    assert isinstance(first[0], PeakList)
    assert isinstance(again[0], PeakList)
    assert (first[0].q == again[0].q).all()
    assert first[0].q_high == again[0].q_high
    assert isinstance(again[1], str)
    assert "wavelength" in again[1]
    assert len(Asked.of(cases, again).cases) == 1


def test_the_search_is_asked_once_and_right(tmp_path: Path) -> None:
    cases = [Case(MINERALS, name, NO_PATTERN, None, group) for name, group in (("salt", 225), ("chloride", 221))]
    asked = Asked.of(cases, [lines_like(SALT), lines_like(CHLORIDE)])
    kept = KeptLines(tmp_path / "matches.jsonl")
    found = searched(asked, index(), kept, lambda _: None)
    assert len(list(kept)) == 2
    again = searched(asked, index(), kept, lambda _: None)
    assert len(list(kept)) == 2
    assert [one.groups.tolist() for one in again] == [one.groups.tolist() for one in found]
    told = by_search(asked, found)
    assert [one.first for one in told] == [225, 221]
    assert rates(asked, told).first == 1
    assert any("0.95 or more" in line for line in tables.by_score(asked, found, told))


def test_rates_of_answers() -> None:
    cases = [Case(MINERALS, str(i), NO_PATTERN, None, group) for i, group in enumerate((152, 225, 14, 2))]
    asked = Asked.of(cases, [lines_like(SALT)] * 4)
    told = [
        Answer(2, 154, in_set=True, size=2),  # the mirror image
        Answer(1, 225, in_set=True, size=1),
        Answer(7, 2, in_set=False, size=3),
        Answer(None, 14, in_set=False, size=2),
    ]
    one = rates(asked, told)
    assert (one.first, one.among_five, one.same_lines, one.in_set, one.set_size, one.n) == (0.25, 0.5, 0.5, 0.5, 2, 4)
    assert rates(asked, told, np.array([False, True, False, False])).first == 1


def test_a_pattern_without_any_match_has_no_answer() -> None:
    asked = Asked.of([Case(MINERALS, "x", NO_PATTERN, None, 225)], [lines_like(SALT)])
    nothing = Found(np.zeros(0, dtype=np.int64), np.zeros(0))
    assert by_search(asked, [nothing]) == [Answer(None, 0, in_set=False, size=0)]


def test_powders_of_a_mixture_are_counted() -> None:
    case = Case(MIXTURES, "NaCl_0p5-TiO2_0p5--2min", NO_PATTERN, None, formulae=("NaCl", "TiO2"))
    (found,) = mixed([case], [lines_like(SALT)], index(), ["NaCl", "CsCl"])
    assert found.stored == ("NaCl",)
    assert (found.n_found, found.n_fitting, found.is_possible) == (1, 1, True)
    lines = tables.mixtures([found, Mixed(REACTIONS, "r", ("CoO", "ZnO"), (), ("CsCl",), ())])
    assert "| scans of 2 minutes | 1 | 1 of 2 | 100% | 100% | 100% |" in lines
    assert "| powders after heating | 1 |  |  |  | 0% |" in lines


@needs_data
def test_all_published_patterns_are_read() -> None:
    refined, left_out = patterns.refinements()
    assert left_out == []
    assert sorted(case.group or 0 for case in refined) == sorted(
        [7, 186, 11, 3, 225, 225, 14, 99, 14, 62, 62, 194, 62, 129, 187]
    )
    powders, left_out = patterns.mixtures()
    assert left_out == []
    assert sum(case.kind == MIXTURES for case in powders) == 40
