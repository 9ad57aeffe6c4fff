"""Patterns in every format that is read, written here by hand."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook
from tests.factories import pattern_files
from tests.factories.pattern_files import ANGLES, COUNTS, lines

from matsift.diffraction.grid import CU_K_ALPHA
from matsift.errors import SourceError
from matsift_adapters.patterns import read_pattern, read_patterns


def _comma(form: str) -> str:
    return lines(form).replace(".", ",")


TEXTS = {
    "plain": lines("{:.3f} {:.0f}\n"),
    "tabs": lines("{:.3f}\t{:.0f}\n"),
    "csv": "Angle,Intensity\n" + lines("{:.3f},{:.0f}\n"),
    "semicolons": "2Theta;I\n" + lines("{:.3f};{:.1f}\n"),
    "decimal commas": _comma("{:.3f} {:.1f}\n"),
    "semicolons and commas": "Winkel;Zählrate\n" + _comma("{:.3f};{:.1f}\n"),
    "sections in brackets": "[Measurement conditions]\nSample,S 12\n[Scan points]\nAngle,Intensity\n"
    + lines("{:.3f},{:.0f}\n"),
    "three columns": lines("{:.3f} {:.0f} 3.2\n"),
    "quoted": '"2theta","counts"\n' + lines('"{:.3f}","{:.0f}"\n'),
    "comments": "# made by hand\n! sample: X\n; another\n" + lines("  {:.3f}   {:.0f}\n") + "# end\n",
    "header of prose": "Diffractometer No 5\n40 kV 30 mA\n\n" + lines("{:.3f} {:.0f}\n"),
    "exponents": lines("{:.6e} {:.6e}\n"),
    "Windows": lines("{:.3f} {:.0f}\r\n"),
    "intensity first by name": "counts,2theta\n" + "".join(f"{c},{a}\n" for a, c in zip(ANGLES, COUNTS, strict=True)),
    "descending": "".join(reversed(lines("{:.3f} {:.0f}\n").splitlines(keepends=True))),
    "counts in rows": "  10.0 0.05 29.95 title\n"
    + "".join(f"{count:8.0f}" + ("\n" if place % 10 == 9 else "") for place, count in enumerate(COUNTS)),
}


@pytest.mark.parametrize("name", TEXTS, ids=str)
def test_text_of_any_kind_gives_the_same_columns(name: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.dat"
    path.write_text(TEXTS[name], encoding="utf-8")
    pattern = read_pattern(path)
    assert np.allclose(pattern.two_theta_deg, ANGLES, atol=1e-9)
    assert np.array_equal(pattern.intensity, COUNTS)
    assert pattern.wavelength_angstrom is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_text_in_other_encodings(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.xy"
    path.write_bytes(("Straße 5 °\n" + TEXTS["plain"]).encode(encoding))
    assert np.array_equal(read_pattern(path).intensity, COUNTS)


def test_a_gzipped_file_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "sample.xy.gz"
    path.write_bytes(gzip.compress(TEXTS["plain"].encode()))
    assert np.array_equal(read_pattern(path).intensity, COUNTS)


@pytest.mark.parametrize(
    ("head", "wavelength"),
    [
        ("##X-RAY WAVELENGTH=1.541838\n", 1.541838),
        ("K-Alpha1 wavelength,1.5405980\nK-Alpha2 wavelength,1.5444260\n", 1.540598),
        ("# Wavelength: 0.7093 A\n", 0.7093),
        ("# lambda = 1,5406\n", 1.5406),
        ("Anode material,Cu\n", CU_K_ALPHA),
        ("# wavelength of 35 nm pores\n", None),
    ],
    ids=["RRUFF", "Panalytical csv", "comment", "decimal comma", "anode", "none"],
)
def test_a_header_tells_the_wavelength(head: str, wavelength: float | None, tmp_path: Path) -> None:
    path = tmp_path / "sample.txt"
    path.write_text(head + TEXTS["csv"])
    assert read_pattern(path).wavelength_angstrom == wavelength


def test_xrdml_with_two_scans_gives_both(tmp_path: Path) -> None:
    counts = " ".join(f"{count:.0f}" for count in COUNTS)
    scan = f"""<scan scanAxis="Gonio"><dataPoints><positions axis="2Theta" unit="deg">
      <startPosition>10.0</startPosition><endPosition>29.95</endPosition></positions>
      <counts unit="counts">{counts}</counts></dataPoints></scan>"""
    path = tmp_path / "sample.xrdml"
    path.write_text(
        f"""<?xml version="1.0"?><xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/2.2">
    <sample><id>S 12</id></sample><xrdMeasurement><usedWavelength intended="K-Alpha 1">
    <kAlpha1 unit="Angstrom">1.5405980</kAlpha1></usedWavelength>{scan}{scan}</xrdMeasurement></xrdMeasurements>"""
    )
    patterns = read_patterns(path)
    assert [pattern.name for pattern in patterns] == ["S 12", "S 12"]
    assert np.allclose(patterns[0].two_theta_deg, ANGLES)
    assert np.array_equal(patterns[1].intensity, COUNTS)
    assert patterns[0].wavelength_angstrom == 1.540598
    assert "2 patterns" in patterns[0].notes[-1]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(pattern_files.bruker_1(), id="version 1"),
        pytest.param(pattern_files.bruker_2(), id="version 2"),
        pytest.param(pattern_files.bruker_3(), id="version 3"),
    ],
)
def test_bruker_raw_with_its_wavelength(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sample.raw"
    path.write_bytes(content)
    pattern = read_pattern(path)
    assert np.allclose(pattern.two_theta_deg, ANGLES, atol=1e-5)
    assert np.array_equal(pattern.intensity, COUNTS)
    assert pattern.wavelength_angstrom == pytest.approx(1.5406)


def _in_rows(ending: str) -> str:
    cells = [f"{count:.0f}" for count in COUNTS]
    return "".join(", ".join(cells[place : place + 4]) + ending for place in range(0, len(cells), 4))


_RIGAKU = (
    "*TYPE = Raw\n*SAMPLE = S 12\n*WAVE_LENGTH1 = 1.54056\n*BEGIN\n*START = 10.0\n*STOP = 29.95\n*STEP = 0.05\n"
    f"*COUNT = {len(COUNTS)}\n{_in_rows(chr(10))}*END\n*EOF\n"
)
_PHILIPS = (
    "SampleIdent,S 12 ,/\nLabdaAlpha1, 1.54056,/\nDataAngleRange, 10.0000, 29.9500,/\nScanStepSize, 0.0500,/\n"
    f"RawScan\n{_in_rows(',' + chr(10)).rstrip().rstrip(',')}/\n"
)


@pytest.mark.parametrize("text", [_RIGAKU, _PHILIPS], ids=["Rigaku", "Philips"])
def test_text_that_names_first_angle_and_step(text: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.dat"
    path.write_text(text)
    (pattern,) = read_patterns(path)
    assert np.allclose(pattern.two_theta_deg, ANGLES)
    assert np.array_equal(pattern.intensity, COUNTS)
    assert pattern.wavelength_angstrom == 1.54056


def test_gsas_in_hundredths_of_a_degree(tmp_path: Path) -> None:
    path = tmp_path / "sample.fxye"
    path.write_bytes(pattern_files.gsas())
    (pattern,) = read_patterns(path)
    assert np.allclose(pattern.two_theta_deg, ANGLES)
    assert np.array_equal(pattern.intensity, COUNTS)


def test_rasx_with_its_wavelength_and_sample(tmp_path: Path) -> None:
    path = tmp_path / "sample.rasx"
    path.write_bytes(pattern_files.rasx())
    pattern = read_pattern(path)
    assert np.allclose(pattern.two_theta_deg, ANGLES)
    assert (pattern.wavelength_angstrom, pattern.name) == (1.540593, "S 12")


@pytest.mark.parametrize(
    ("name", "content"), [("sample.ras", pattern_files.ras()), ("sample.uxd", pattern_files.uxd())], ids=["ras", "uxd"]
)
def test_rigaku_and_bruker_text_with_wavelength_and_sample(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    (pattern,) = read_patterns(path)
    assert np.allclose(pattern.two_theta_deg, ANGLES)
    assert np.array_equal(pattern.intensity, COUNTS)
    assert (pattern.wavelength_angstrom, pattern.name) == (1.540593, "S 12")


def test_brml_with_its_wavelength(tmp_path: Path) -> None:
    path = tmp_path / "sample.brml"
    path.write_bytes(pattern_files.brml())
    (pattern,) = read_patterns(path)
    assert np.allclose(pattern.two_theta_deg, ANGLES)
    assert np.array_equal(pattern.intensity, COUNTS)
    assert pattern.wavelength_angstrom == 1.5406


def test_powder_cif_gives_only_blocks_with_measured_intensities(tmp_path: Path) -> None:
    rows = "".join(f"{angle} {count:.0f}(10)\n" for angle, count in zip(ANGLES, COUNTS, strict=True))
    loop = "loop_\n_pd_proc_2theta_corrected\n_pd_meas_counts_total\n" + rows
    path = tmp_path / "sample.cif"
    path.write_text(
        "data_structure\n_cell_length_a 5.0\nloop_\n_pd_calc_intensity_total\n1\n2\n\n"
        f"data_profile\n_diffrn_radiation_wavelength 1.54056\n{loop}"
    )
    (pattern,) = read_patterns(path)
    assert np.array_equal(pattern.intensity, COUNTS)
    assert (pattern.wavelength_angstrom, pattern.name) == (1.54056, "profile")


def test_json_and_workbook(tmp_path: Path) -> None:
    path = tmp_path / "sample.json"
    path.write_text(json.dumps({"two_theta_values": list(ANGLES), "intensities": list(COUNTS), "wavelength": 1.5406}))
    assert read_pattern(path).wavelength_angstrom == 1.5406
    book = Workbook()
    sheet = book.create_sheet("second")
    sheet.append(["2theta", "counts"])
    for angle, count in zip(ANGLES, COUNTS, strict=True):
        sheet.append([float(angle), float(count)])
    book.save(path := tmp_path / "sample.xlsx")
    assert np.array_equal(read_pattern(path).intensity, COUNTS)


def test_a_wavelength_that_is_none_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "sample.json"
    path.write_text(json.dumps({"two_theta": list(ANGLES), "intensity": list(COUNTS), "wavelength": 154.06}))
    pattern = read_pattern(path)
    assert pattern.wavelength_angstrom is None
    assert "154.06, which is none" in pattern.notes[0]


def test_scans_one_after_the_other_are_patterns_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "sample.xy"
    path.write_text(TEXTS["plain"] * 2)
    assert [len(pattern.intensity) for pattern in read_patterns(path)] == [len(ANGLES)] * 2


def test_small_faults_are_mended_and_told(tmp_path: Path) -> None:
    rows = TEXTS["plain"].splitlines(keepends=True)
    path = tmp_path / "sample.xy"
    path.write_text("".join([*rows[:50], rows[49], "12.51 nan\n", "12.52 -3\n", *rows[51:]]))
    pattern = read_pattern(path)
    assert len(pattern.notes) == 3
    assert (np.diff(pattern.two_theta_deg) > 0).all()
    assert np.isfinite(pattern.intensity).all()


def test_a_stream_is_not_kept_open(tmp_path: Path) -> None:
    path = tmp_path / "sample.xlsx"
    buffer = io.BytesIO()
    Workbook().save(buffer)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(SourceError, match="no table of numbers"):
        read_pattern(path)
    path.unlink()
