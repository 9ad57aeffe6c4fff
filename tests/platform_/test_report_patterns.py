"""The answer on a pattern: its lines for a terminal, its page, its picture."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.factories.patterns import ANGLES, HEIGHTS, sample_answer

from matsift.diffraction.grid import CU_K_ALPHA
from matsift.diffraction.radiation import lorentz_polarisation
from matsift.errors import UserInputError
from matsift.reports.figures.patterns import group_plot, line_tops, pattern_plot, shown_phases, stick_angles, thinned
from matsift.reports.pattern_lines import likelihood, pattern_lines, wavelength_words
from matsift.reports.pattern_page import render_pattern, write_pattern
from matsift.reports.patterns import (
    PatternAnswer,
    StoredPhase,
    relative_words,
    sentence,
    space_group_symbol,
)


def test_the_lines_say_groups_set_volume_and_phases() -> None:
    text = "\n".join(pattern_lines(sample_answer()))
    assert "13, the strongest at 27.44°, 54.32°" in text
    assert "1  P4_2/mnm (136)  61 %  members 41 to 72 %  best fit 0.94  in the set" in text
    assert "61.8 Å³ (half of such answers lie between 59.9 and 63.4; members 60.9 to 64.1)" in text
    assert "cell +0.12 %, zero +0.03°  explains 90 %  4f3a91c07b22  COD 9001681" in text
    assert "TiO2 in P4_2/mnm (136) 90 % and TiO2 in I4_1/amd (141) 8 %" in text


def test_top_shortens_the_lists_but_never_the_set() -> None:
    text = "\n".join(pattern_lines(sample_answer(), top=1))
    assert "141" in text
    assert "Pnma" not in text
    assert "9be41d20a733" not in text


def test_without_a_network_and_without_phases_the_lines_say_so() -> None:
    text = "\n".join(pattern_lines(sample_answer(network=False, phases=False)))
    assert "no network says its volume" in text
    assert "no stored structure was looked at" in text
    assert "members" not in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_sentences_and_tables_fit_the_terminal(width: int) -> None:
    assert max(map(len, pattern_lines(sample_answer(), width=width))) <= max(width, 70)


@pytest.mark.parametrize(
    ("number", "symbol"),
    [
        (1, "P1"),
        (14, "P2_1/c"),
        (15, "C2/c"),
        (62, "Pnma"),
        (143, "P3"),
        (166, "R-3m"),
        (194, "P6_3/mmc"),
        (225, "Fm-3m"),
    ],
)
def test_symbols_are_those_of_the_standard_setting(number: int, symbol: str) -> None:
    assert space_group_symbol(number) == symbol


def test_every_space_group_has_a_symbol_of_its_own() -> None:
    assert len({space_group_symbol(number) for number in range(1, 231)}) == 230


def test_wavelengths_are_called_by_the_name_that_users_give() -> None:
    assert wavelength_words(CU_K_ALPHA) == "1.5419 Å (CuKa)"
    assert wavelength_words(1.2345) == "1.2345 Å"


def test_a_long_scan_keeps_its_highest_and_lowest_points() -> None:
    counts = np.random.default_rng(1).poisson(50, 100_000).astype(np.float64)
    counts[54_321], counts[77_777] = 9000, -3
    kept = thinned(counts)
    assert len(kept) <= 6002
    assert {0, 54_321, 77_777, 99_999} <= set(kept.tolist())
    assert np.array_equal(thinned(counts[:500]), np.arange(500))


def test_sticks_stand_at_the_angles_of_the_pattern_and_within_it() -> None:
    answer = sample_answer()
    angles, heights = stick_angles(answer, answer.identification.phases[0])
    assert angles == pytest.approx(ANGLES)
    expected = HEIGHTS * lorentz_polarisation(ANGLES)
    assert heights == pytest.approx(expected / expected.max())
    cut = replace(answer.processed.pattern, two_theta_deg=answer.processed.pattern.two_theta_deg / 2)
    angles, _ = stick_angles(
        replace(answer, processed=replace(answer.processed, pattern=cut)), answer.identification.phases[0]
    )
    assert angles.max() < 40


def test_the_mark_of_a_line_stands_above_its_highest_point() -> None:
    answer = sample_answer()
    scan = answer.processed.pattern
    near = np.abs(scan.two_theta_deg - ANGLES[0]) <= 0.09
    assert line_tops(answer)[1] == scan.intensity[near].max()


def test_a_phase_that_fits_far_worse_than_the_best_is_not_drawn() -> None:
    answer = sample_answer()
    alone = replace(answer.identification, mixture=answer.identification.mixture[:1])
    assert [phase.score for phase in shown_phases(replace(answer, identification=alone))] == [0.94]
    assert len(shown_phases(answer)) == 2


@pytest.mark.parametrize(
    ("probability", "told"), [(0.0, "<1 %"), (0.004, "<1 %"), (0.006, "1 %"), (0.99, "99 %"), (0.998, ">99 %")]
)
def test_no_probability_is_told_as_none_or_all(probability: float, told: str) -> None:
    assert likelihood(probability) == told


def test_the_plot_draws_pattern_background_lines_and_a_row_a_phase() -> None:
    figure = pattern_plot(sample_answer()).figure
    assert [trace.name for trace in figure.data][:3] == ["measured", "background", "lines found"]
    assert len(figure.data) == 5
    assert figure.data[3].name == "TiO<sub>2</sub>, P4<sub>2</sub>/mnm (136), 0.94"
    assert len(pattern_plot(sample_answer(phases=False)).figure.data) == 3


def test_the_groups_of_the_set_are_in_colour() -> None:
    plot = group_plot(sample_answer())
    assert plot is not None
    colours = plot.figure.data[0].marker.color
    assert len(set(colours[:3])) == 1
    assert colours[3] not in colours[:3]
    assert len(plot.figure.data[1].x) == 30


def test_a_page_is_whole_and_the_same_every_time() -> None:
    page = render_pattern(sample_answer())
    assert page == render_pattern(sample_answer())
    plots = re.findall(r'<script type="application/json" data-plot="[\w-]+">(.*?)</script>', page, re.DOTALL)
    assert [len(json.loads(plot)["data"]) for plot in plots] == [5, 2]
    assert "P4<sub>2</sub>/mnm (136)" in page
    assert "Not sure: the set that holds the true space group 90 % of the time has 3 groups." in page


def test_a_hostile_name_stays_text() -> None:
    bad = "</script><img src=x onerror=alert(1)>"
    answer = sample_answer(bad)
    page = render_pattern(replace(answer, stored={1: StoredPhase(bad, bad, (bad,))}))
    assert "<img" not in page


@pytest.mark.parametrize("ending", [".html", ".svg", ".png", ".pdf", ".SVG"])
def test_a_picture_is_written_in_every_format_twice_the_same(ending: str, tmp_path: Path) -> None:
    first, second = (write_pattern(sample_answer("a_$b$_{c.xy"), tmp_path / f"{n}{ending}") for n in (1, 2))
    assert first.stat().st_size > 5000
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"1{ending}", f"2{ending}"]


def test_another_ending_and_a_place_that_is_none_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match=r"use one of \.html, \.svg"):
        write_pattern(sample_answer(), tmp_path / "a.docx")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserInputError, match="cannot be written here"):
        write_pattern(sample_answer(), tmp_path / "file" / "a.svg")


def test_an_answer_that_knows_the_truth_says_how_it_did() -> None:
    answer: PatternAnswer = replace(sample_answer(), true_group=141, made_from="anatase with noise")
    text = "\n".join(pattern_lines(answer))
    assert "(true: I4_1/amd (141), rank 3)" in text
    assert "made from         anatase with noise" in text


@pytest.mark.parametrize(
    ("sample", "file_name", "told"),
    [
        ("quartz", "quartz.xy", "quartz.xy"),
        ("Si 640", "scan7.raw", "scan7.raw (Si 640)"),
        ("", "", "pattern"),
        ("a", "", "a"),
    ],
)
def test_a_pattern_is_called_by_its_file_and_its_sample(sample: str, file_name: str, told: str) -> None:
    assert replace(sample_answer(sample), file_name=file_name).name == told


def test_relatives_of_the_likeliest_group_are_told_within_the_set() -> None:
    answer = sample_answer()
    groups = tuple(
        replace(group, space_group_number=number)
        for group, number in zip(answer.identification.groups, (161, 167, 160, 146, 146), strict=True)
    )
    found = replace(answer, identification=replace(answer.identification, groups=groups))
    told = [relative_words(found, group) for group in groups]
    assert told == ["", "supergroup of 1", "supergroup of 1", "", ""]
    assert "in the set  supergroup of 1" in "\n".join(pattern_lines(found))


def test_hands_that_no_powder_pattern_tells_apart_are_named() -> None:
    answer = sample_answer()
    first, *rest = answer.identification.groups
    quartz = replace(first, space_group_number=154)
    found = replace(answer, identification=replace(answer.identification, groups=(quartz, *rest)))
    told = "no powder pattern tells P3_221 (154) from its mirror image P3_121 (152)"
    assert told in "\n".join(pattern_lines(found))
    assert f"N{told[1:]}" in render_pattern(found)
    assert "mirror" not in "\n".join(pattern_lines(answer))


def test_sentences_begin_large_and_end_with_a_stop() -> None:
    assert [sentence(text) for text in ("not sure", "Yes.", "")] == ["Not sure.", "Yes.", ""]
