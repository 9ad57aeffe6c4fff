"""Every file with a pattern of the shared data: how it is read, or the sentence that says why it is not."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from matsift.errors import SourceError
from matsift_adapters.patterns import read_pattern

XRD = Path(os.environ.get("MATSIFT_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "xrd"

#: File of the shared archives -> points, first and last angle, wavelength; a text where one sentence is expected.
ZOO: dict[str, tuple[int, float, float, float | None] | str] = {
    "examples/bruker.raw": (4059, 37.0, 120.005, 1.5406),
    "examples/stoe.raw": (5404, 10.0, 91.045, None),
    "examples/aimat.json": (4059, 37.0, 120.005, None),
    "examples/data.cif": (3728, 8.0, 89.994, 1.540598),
    "examples/data.dat": (2600, 3.728, 69.999, 1.540593),
    "examples/single.csv": (1375, 30.003, 66.085, None),
    "examples/vertical.xlsx": (4501, 15.0, 60.0, None),
    "examples/vertical.csv": "q or d rather than 2theta",
    "examples/horizontal.csv": "as no scan of 2theta does",
    "inst/extdata/D5000/RAW/D5000_1.RAW": (3651, 2.0, 75.0, 1.78897),
    "inst/extdata/D5000/xy/D5000_1.xy": (3651, 2.0, 75.0, None),
    "inst/extdata/minerals/quartz.xy": (1693, 4.01, 69.852, None),
    "docs/examples/data/cime.dat": (7699, 8.01, 84.99, None),
    "docs/examples/data/cime.fhz": "no table of numbers",
    "docs/examples/data/cpd-1a.prn": (7251, 5.0, 150.0, None),
    "docs/examples/data/pbso4-n.dat": (2920, 10.0, 155.95, None),
    "docs/examples/data/pbso4-x.dat": (6001, 10.0, 160.0, None),
    "tests/test_data/RM20220915Si01.rasx": (2151, 8.5, 30.0, 1.540593),
    "tests/test_data/BiFeO3.xy": (23928, 10.003, 140.003, None),
    "tests/test_data/BiFeO3.cif": "no measured powder pattern",
    "tests/test_data/BiFeO3.str": "no table of numbers",
    "experimental_xrd/cif_files/av5088sup4.rtv.combined.cif": (7665, 4.05, 80.69, 1.54056),
    "experimental_xrd/cif_files/sh0123Xraysup5.rtv.combined.cif": (2001, 10.0, 110.0, 1.540562),
    "experimental_xrd/cif_files/gw5052Mg2Si_100K_LTsup2.rtv.combined.cif": (6801, 7.0, 75.0, 0.49935),
}


#: Endings of the other files there that hold no pattern.
_NO_PATTERN = (
    ".cif_",
    ".md",
    ".str",
    "recipe.json",
    "manifest.json",
    "_sym.cif",
    "test_data/Bi25FeO39.cif",
    "Bi2Fe4O9.cif",
)


def _archived() -> dict[str, bytes]:
    files = {}
    for archive in sorted(XRD.glob("*.tar.gz")):
        with tarfile.open(archive) as opened:
            for member in opened:
                content = opened.extractfile(member) if member.isfile() else None
                if content is not None:
                    files[member.name.removeprefix("./")] = content.read()
    return files


@pytest.mark.skipif(not XRD.is_dir(), reason="needs the measured patterns of the shared data (MATSIFT_DATA)")
def test_every_file_of_the_shared_data_gives_a_pattern_or_one_sentence(tmp_path: Path) -> None:
    files = _archived()
    assert len(files) > 100
    for name, content in files.items():
        path = tmp_path / Path(name).name
        path.write_bytes(content)
        expected = ZOO.get(name)
        if isinstance(expected, str) or name.endswith(_NO_PATTERN):
            with pytest.raises(SourceError, match=expected if isinstance(expected, str) else None) as caught:
                read_pattern(path)
            assert "\n" not in str(caught.value), name
            continue
        pattern = read_pattern(path)
        if name.endswith(".xrdml"):
            assert pattern.wavelength_angstrom == 1.540598, name
        if expected is not None:
            ends = len(pattern.intensity), pattern.two_theta_deg[0], pattern.two_theta_deg[-1]
            assert ends == (expected[0], pytest.approx(expected[1], abs=1e-3), pytest.approx(expected[2], abs=1e-3)), (
                name
            )
            assert pattern.wavelength_angstrom == (expected[3] and pytest.approx(expected[3])), name


@pytest.mark.skipif(not XRD.is_dir(), reason="needs the measured patterns of the shared data (MATSIFT_DATA)")
def test_raw_and_xy_of_one_measurement_agree(tmp_path: Path) -> None:
    files = _archived()
    for number in range(1, 6):
        raw, text = tmp_path / "a.raw", tmp_path / "a.xy"
        raw.write_bytes(files[f"inst/extdata/D5000/RAW/D5000_{number}.RAW"])
        text.write_bytes(files[f"inst/extdata/D5000/xy/D5000_{number}.xy"])
        assert np.array_equal(read_pattern(raw).intensity, read_pattern(text).intensity)
        assert np.allclose(read_pattern(raw).two_theta_deg, read_pattern(text).two_theta_deg)
    bruker, aimat = tmp_path / "b.raw", json.loads(files["examples/aimat.json"])
    bruker.write_bytes(files["examples/bruker.raw"])
    assert np.allclose(read_pattern(bruker).two_theta_deg, aimat["two_theta_values"], atol=1e-5)
