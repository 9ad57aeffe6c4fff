"""Files that hold no powder pattern: one sentence each, that names the file and what to do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from matsift.diffraction.measured import MeasuredPattern
from matsift.errors import SourceError
from matsift_adapters.patterns import read_pattern, reading

ANGLES = np.arange(10.0, 90.0, 0.05)
COUNTS = 100 + 900 * np.exp(-(((ANGLES - 30.0) / 0.2) ** 2))


def _rows(angles: np.ndarray, counts: np.ndarray | None = None) -> bytes:
    counts = COUNTS[: len(angles)] if counts is None else counts
    return "".join(f"{a:.6f} {c:.4f}\n" for a, c in zip(angles, counts, strict=False)).encode()


def _photograph() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "JPEG")
    return buffer.getvalue()


def _archive(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "hello")
    return buffer.getvalue()


JUNK: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "it is empty"),
    "blank": (lambda: b" \n\n\t\n", "it is empty"),
    "two columns of text": (lambda: b"iron oxide\nsalt rock\n" * 300, "no table of numbers"),
    "prose": (lambda: b"Dear colleague, the pattern is on the other disk.\n" * 40, "no table of numbers"),
    "NaN": (lambda: _rows(ANGLES, np.full(len(ANGLES), np.nan)), "no finite number"),
    "half NaN": (lambda: _rows(ANGLES, np.where(np.arange(len(ANGLES)) % 2, np.nan, 5.0)), "no finite number"),
    "photograph": (_photograph, "a JPEG picture"),
    "PDF": (lambda: b"%PDF-1.7\n" + bytes(range(256)) * 20, "a PDF document"),
    "old Excel": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Office document"),
    "random bytes": (lambda: np.random.default_rng(1).bytes(5000), "neither text nor a format"),
    "radians": (lambda: _rows(np.radians(ANGLES)), "2theta in radians"),
    "q": (lambda: _rows(np.linspace(0.4, 6.0, 1600)), "q or d rather than 2theta"),
    "d": (lambda: _rows(0.77 / np.sin(np.radians(ANGLES) / 2)), "as d spacings do"),
    "named d": (lambda: b"d-spacing intensity\n" + _rows(ANGLES), "its axis is 'd-spacing'"),
    "named q": (lambda: b"q(1/A),I\n" + _rows(ANGLES).replace(b" ", b","), r"its axis is 'q\(1/A\)'"),
    "one column": (lambda: "".join(f"{count:.2f}\n" for count in COUNTS).encode(), "one column of numbers"),
    "few points": (lambda: _rows(ANGLES[:20]), "has 20 rows"),
    "short range": (lambda: _rows(np.linspace(30.0, 31.0, 200)), "a part of a scan"),
    "channels": (lambda: _rows(np.arange(1.0, 1024.0)), "beyond 180 degrees"),
    "shuffled": (lambda: _rows(np.random.default_rng(1).permutation(ANGLES)), "as no scan of 2theta does"),
    "one angle": (lambda: _rows(np.full(1600, 30.0)), "most of its angles are the same"),
    "zeros": (lambda: _rows(ANGLES, np.zeros(len(ANGLES))), "no intensity is above 0"),
    "constant": (lambda: _rows(ANGLES, np.full(len(ANGLES), 7.0)), "all its intensities are the same"),
    "negative": (lambda: _rows(ANGLES, -COUNTS), "no intensity is above 0"),
    "structure only": (lambda: b"data_x\n_cell_length_a 5.0\n_cell_length_b 5.0\n", "no measured powder pattern"),
    "broken CIF": (lambda: b"data_x\nloop_\n_pd_meas_counts_total\n_pd_x_y\n1 2 3\n", "as a CIF it is damaged"),
    "broken xrdml": (lambda: b"<xrdMeasurements><xrdMeasurement><scan>", "breaks off"),
    "empty xrdml": (lambda: b"<xrdMeasurements/>" + b"<!-- <xrdMeasurement -->", "no scan of 2theta"),
    "broken Bruker": (lambda: b"RAW1.01\x00" + bytes(900), "of the kind raw"),
    "broken Bruker 1": (lambda: b"RAW " + bytes(80), "breaks off"),
    "broken Bruker 2": (lambda: b"RAW2\x01" + bytes(300), "breaks off"),
    "broken Stoe": (lambda: b"RAW_1.06Powdat" + bytes(100), "breaks off"),
    "other archive": (lambda: _archive("readme.txt"), "an archive without a pattern"),
    "broken archive": (lambda: b"PK\x03\x04" + bytes(100), "its archive is broken"),
    "broken workbook": (lambda: _archive("xl/workbook.xml"), "workbook cannot be read"),
    "broken rasx": (lambda: _archive("Data0/Profile0.txt"), "of the kind rasx"),
    "broken gzip": (lambda: b"\x1f\x8b\x08\x00" + bytes(50), "compression is damaged"),
    "broken JSON": (lambda: b'{"two_theta": [1, 2,', "as JSON it is damaged"),
    "other JSON": (lambda: b'{"name": "x", "numbers": [1, 2, 3]}', "the JSON holds no pattern"),
}


@pytest.mark.parametrize("name", JUNK, ids=str)
def test_junk_gets_one_sentence(name: str, tmp_path: Path) -> None:
    content, told = JUNK[name]
    path = tmp_path / "pattern.xy"
    path.write_bytes(content())
    with pytest.raises(SourceError, match=told) as caught:
        read_pattern(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "; " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file"):
        read_pattern(tmp_path / "pattern.xy")
    with pytest.raises(SourceError, match="it is a folder"):
        read_pattern(tmp_path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "pattern.xy"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(SourceError, match="1024 MB, too much"):
        read_pattern(path)


def test_a_small_file_that_unpacks_to_a_huge_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    monkeypatch.setattr(reading, "LARGEST", 10_000)
    path = tmp_path / "pattern.xy.gz"
    path.write_bytes(gzip.compress(b"10.0 5\n" * 100_000))
    with pytest.raises(SourceError, match="unpacked it has more"):
        read_pattern(path)


@settings(max_examples=150)
@given(
    st.one_of(
        st.binary(max_size=600),
        st.text(max_size=600).map(lambda text: text.encode("utf-8", errors="replace")),
        st.sampled_from(
            [b"RAW1.01", b"RAW4.00", b"RAW2", b"RAW ", b"RAW_1", b"PK\x03\x04", b"*RAS_DATA_START\n"]
        ).flatmap(lambda head: st.binary(max_size=900).map(lambda rest: head + rest)),
    )
)
def test_any_bytes_give_a_pattern_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.raw"
    path.write_bytes(content)
    try:
        assert isinstance(read_pattern(path), MeasuredPattern)
    except SourceError as error:
        assert "\n" not in str(error)  # noqa: PT017  either outcome is right
