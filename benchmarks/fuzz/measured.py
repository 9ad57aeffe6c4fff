"""Powder patterns in the formats of diffractometers."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from random import Random

import numpy as np
from benchmarks.fuzz.mutation import changed_binary
from benchmarks.fuzz.parser import Parser, of_binary, of_text
from benchmarks.fuzz.zipped import changed_zip
from openpyxl import Workbook
from tests.factories.pattern_files import (
    ANGLES,
    COUNTS,
    brml,
    bruker_1,
    bruker_2,
    bruker_3,
    gsas,
    lines,
    ras,
    rasx,
    uxd,
)

from matsift_adapters.patterns import read_patterns


def parsers() -> list[Parser]:
    """Return the parsers of patterns; all go through the reader that finds out what a file is."""
    zipped = [brml(), rasx(), _xlsx()]
    return [
        of_text("pattern-text", _texts(), _read),
        of_text("pattern-vendor-text", [ras(), uxd(), gsas()], _read),
        of_binary("pattern-raw", [bruker_1(), bruker_2(), bruker_3(), _stoe()], _read),
        Parser("pattern-zip", lambda rng: changed_zip(rng, rng.choice(zipped)), zipped, _read),
        Parser("pattern-gzip", _gzipped, [gzip.compress(_texts()[0], mtime=0)], _read),
    ]


def _read(content: bytes, folder: Path) -> str | None:
    path = folder / "pattern.xy"
    path.write_bytes(content)
    for pattern in read_patterns(path):
        assert len(pattern.two_theta_deg) == len(pattern.intensity) >= 50, "the columns differ"
        assert np.isfinite(pattern.two_theta_deg).all(), "an angle is not finite"
        assert np.isfinite(pattern.intensity).all(), "an intensity is not finite"
        assert (np.diff(pattern.two_theta_deg) > 0).all(), "the angles do not ascend"
        assert pattern.two_theta_deg[0] > 0, "an angle is not above 0"
        assert pattern.two_theta_deg[-1] <= 180, "an angle is beyond 180 degrees"
        assert pattern.wavelength_angstrom is None or 0 < pattern.wavelength_angstrom < 100, "the wavelength is none"
    return None


def _texts() -> list[bytes]:
    table = lines("{:.4f} {:.0f}\n")
    counts = " ".join(f"{count:.0f}" for count in COUNTS)
    listed = " ".join(f"{angle:.4f}" for angle in ANGLES)
    keyed = f"*START = 10.0\n*STEP = 0.05\n*COUNT = {len(COUNTS)}\n{counts}\n*END\n"
    pdcif = "data_p\n_diffrn_radiation_wavelength 1.5406\nloop_\n_pd_meas_2theta_scan\n_pd_meas_counts_total\n" + table
    position = '<positions axis="2Theta"><startPosition>10</startPosition><endPosition>29.95</endPosition></positions>'
    points = f"<dataPoints>{position}<intensities>{counts}</intensities></dataPoints>"
    wave = "<usedWavelength intended='K-Alpha 1'><kAlpha1>1.5406</kAlpha1></usedWavelength>"
    xrdml = f"<xrdMeasurements><xrdMeasurement>{wave}<scan>{points}</scan></xrdMeasurement></xrdMeasurements>"
    as_json = json.dumps({"two_theta": ANGLES.tolist(), "intensity": COUNTS.tolist(), "wavelength": 1.5406})
    riet = f"{ANGLES[0]} 0.05 {ANGLES[-1]}\n{counts}\n"
    texts = (table, "2theta;counts\n" + lines("{:.4f};{:.0f}\n"), keyed, pdcif, xrdml, as_json, riet, listed)
    return [text.encode() for text in texts]


def _stoe() -> bytes:
    head = bytearray(2560)
    head[:8] = b"RAW_1.06"
    head[2082:2084] = len(COUNTS).to_bytes(2, "little")
    head[2092:2112] = np.array([10.0, 0.0, 10 + 0.05 * (len(COUNTS) - 1), 0.0, 0.05], dtype="<f4").tobytes()
    return bytes(head) + COUNTS.astype("<i4").tobytes()


def _xlsx() -> bytes:
    book = Workbook()
    book.active.append(["2theta", "counts"])
    for angle, count in zip(ANGLES.tolist(), COUNTS.tolist(), strict=True):
        book.active.append([angle, count])
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def _gzipped(rng: Random) -> bytes:
    """Return a gzipped pattern broken after it was packed, or a whole one of a broken pattern."""
    text = rng.choice(_TEXTS)
    if rng.random() < 0.5:
        return changed_binary(rng, gzip.compress(text, mtime=0))
    return gzip.compress(changed_binary(rng, text), mtime=0)


_TEXTS = _texts()
