"""Files that mean harm: bombs, gigantic headers, names and links out of a folder, entities of XML."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.factories.crystals import rock_salt
from tests.factories.dft_outputs import outcar, run_of
from tests.factories.field_files import density, write_chgcar
from tests.factories.hostile import STUDY
from tests.factories.pattern_files import rasx
from tests.factories.structure_files import ROCK_SALT_CIF, write_tar, write_zip

from matsift.errors import FieldError, MatsiftError, OracleError, SourceError, StudyError
from matsift.records import EntryRecord, FailureRecord
from matsift.study.handoff import VaspOracle
from matsift.study.loading import load_study
from matsift.study.sources import FilesSource
from matsift_adapters.fields import vasp_grids
from matsift_adapters.fields.reading import read_field
from matsift_adapters.oracles import card
from matsift_adapters.oracles.handoff import Failed, Finished, Returned, Running, read_folder, write_folder
from matsift_adapters.patterns import read_patterns, vendor
from matsift_adapters.sources import open_source

CIF = ROCK_SALT_CIF.encode()
VASP = VaspOracle(task="energy")


def read(path: Path) -> tuple[dict[str, EntryRecord], list[FailureRecord]]:
    """Return the entries by id and the failures of none."""
    settings = FilesSource(kind="files", name="f", path=path.name)
    items = list(open_source(settings, path.parent, n_worker=0).iterate())
    entries = {item.external_id: item for item in items if isinstance(item, EntryRecord)}
    return entries, [item for item in items if isinstance(item, FailureRecord)]


def sparse(path: Path, n_byte: int = 1 << 30) -> Path:
    """Return a file of a gigabyte that takes no room on the disk."""
    with path.open("wb") as stream:
        stream.truncate(n_byte)
    return path


def test_a_cif_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    sparse(folder / "huge.cif")
    (folder / "small.cif").write_bytes(CIF)
    entries, _ = read(folder)
    assert entries["small"].crystal is not None
    (failure,) = entries["huge"].failures
    assert "it is larger than 64 MiB unpacked, so it was not read" in failure.message


def test_a_zip_in_which_a_bomb_lies_gives_its_other_members(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"bomb.cif": bytes(65 << 20), "a.cif": CIF})
    assert path.stat().st_size < 1 << 20
    entries, _ = read(path)
    assert entries["a"].crystal is not None
    assert "larger than 64 MiB" in entries["bomb"].failures[0].message


def test_a_zip_whose_list_understates_a_bomb_is_read_no_further_than_it_says(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"bomb.cif": bytes(65 << 20)})
    content = path.read_bytes().replace(struct.pack("<I", 65 << 20), struct.pack("<I", 1000))
    path.write_bytes(content)
    entries, _ = read(path)
    assert entries["bomb"].crystal is None


def test_names_and_links_out_of_a_tar_do_no_harm(tmp_path: Path) -> None:
    secret = tmp_path / "secret.cif"
    secret.write_bytes(CIF.replace(b"5.64", b"5.99"))
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("../../up.cif", "/root.cif"):
            info = tarfile.TarInfo(name)
            info.size = len(CIF)
            archive.addfile(info, io.BytesIO(CIF))
        for name, kind in (
            ("soft.cif", tarfile.SYMTYPE),
            ("hard.cif", tarfile.LNKTYPE),
            ("pipe.cif", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(secret)
            archive.addfile(info)
    before = sorted(tmp_path.parent.iterdir())
    entries, failures = read(path)
    assert sorted(entries) == ["root", "up"]
    assert failures == []
    assert sorted(tmp_path.parent.iterdir()) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["secret.cif", "set.tar"]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_tar_whose_header_announces_gigabytes_is_refused_before_they_are_read(tmp_path: Path, kind: bytes) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, 4 << 30
    path = tmp_path / "set.tar.gz"
    path.write_bytes(gzip.compress(header.tobuf() + bytes(8 << 20)))
    with pytest.raises(SourceError, match="a header of it is larger than 1 MiB"):
        read(path)


def test_a_tar_by_xz_that_is_damaged_inside_keeps_what_stands_before(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).bytes(1 << 18)
    path = write_tar(tmp_path / "set.tar.xz", {"a.cif": CIF, "noise.bin": noise, "b.cif": CIF}, "w:xz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = bytes(64)
    path.write_bytes(content)
    with pytest.raises(lzma.LZMAError):
        lzma.decompress(bytes(content))
    entries, (failure,) = read(path)
    assert list(entries) == ["a"]
    assert failure.error_class == "TruncatedError"


def test_a_zip_whose_names_are_no_text_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"é.cif": CIF})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    with pytest.raises(SourceError, match="it is no whole zip archive") as caught:
        read(path)
    assert "\n" not in str(caught.value)


LAUGHS = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha" * 50}">' for i in range(10))


@pytest.fixture
def vasp_folder(tmp_path: Path) -> Path:
    """A folder that was handed out to VASP."""
    folder = tmp_path / "x"
    write_folder(VASP, "m", rock_salt(), folder, {})
    return folder


def outcome(folder: Path) -> Returned:
    """Return what a folder says, and assert that it says so at once and in one line."""
    begun = time.monotonic()
    returned = read_folder(VASP, folder)
    assert time.monotonic() - begun < 30
    if not isinstance(returned, Finished):
        assert "\n" not in returned.message
    return returned


def with_entity(text: str, declared: str) -> str:
    """Return a vasprun.xml that declares entities and names its program by one of them."""
    head, _, rest = text.partition("<modeling>")
    return f"{head}<!DOCTYPE modeling [{declared}]><modeling>{rest}".replace(">vasp</i>", ">&e;</i>", 1)


def test_entities_of_a_vasprun_are_not_multiplied(vasp_folder: Path) -> None:
    text = with_entity(run_of(vasp_folder), f'{LAUGHS}<!ENTITY e "&a9;">')
    (vasp_folder / "vasprun.xml").write_text(text)
    assert isinstance(outcome(vasp_folder), Failed | Running)


def test_a_vasprun_cannot_have_another_file_read(vasp_folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    text = with_entity(run_of(vasp_folder), f'<!ENTITY e SYSTEM "{secret.as_uri()}">')
    text = text.replace(">6.4.2</i>", ">&e;</i>", 1)
    (vasp_folder / "vasprun.xml").write_text(text)
    assert "hunter2" not in repr(outcome(vasp_folder))


def test_outputs_that_unpack_to_more_than_a_run_writes_are_not_read(
    vasp_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "LARGEST_OUTPUT", 4 << 20)
    whole = run_of(vasp_folder)
    (vasp_folder / "vasprun.xml.gz").write_bytes(gzip.compress(whole.encode()))
    (vasp_folder / "OUTCAR.gz").write_bytes(gzip.compress(outcar(n_ion=8).encode() + b"\n" * (8 << 20)))
    with pytest.raises(OracleError, match=r"OUTCAR.gz is larger than 4 MiB unpacked; bring back the output of the run"):
        read_folder(VASP, vasp_folder)
    (vasp_folder / "OUTCAR.gz").unlink()
    (vasp_folder / "vasprun.xml.gz").write_bytes(gzip.compress(whole.encode() + b"\n" * (8 << 20)))
    with pytest.raises(OracleError, match=r"vasprun.xml.gz is larger than 4 MiB"):
        read_folder(VASP, vasp_folder)


def test_a_chgcar_that_announces_a_trillion_points_is_refused(tmp_path: Path) -> None:
    crystal = rock_salt()
    path = write_chgcar(tmp_path / "CHGCAR", crystal, density(crystal, 32, (4, 3, 2)))
    text = path.read_text()
    counts = "   4   3   2"
    assert text.count(f"\n{counts}\n") == 1
    path.write_text(text.replace(counts, " 10000 10000 10000"))
    with pytest.raises(FieldError, match="10000 x 10000 x 10000 points are more than are read"):
        read_field(path)
    path.write_text(text.replace(counts, f" {'9' * 5000} 3 2"))
    with pytest.raises(FieldError, match="it is no CHGCAR"):
        read_field(path)


def test_a_chgcar_that_unpacks_to_more_than_its_grid_needs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vasp_grids, "_HEAD", 1 << 16)
    crystal = rock_salt()
    path = write_chgcar(tmp_path / "CHGCAR", crystal, density(crystal, 32, (4, 3, 2)))
    packed = tmp_path / "CHGCAR.gz"
    packed.write_bytes(gzip.compress(path.read_bytes() + b"augmentation occupancies 1 2\n" * (1 << 19)))
    with pytest.raises(FieldError, match="far more than its grid needs"):
        read_field(packed)
    assert packed.stat().st_size < 1 << 18


def test_a_workbook_that_unpacks_to_gigabytes_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "_LARGEST_UNPACKED", 4 << 20)
    path = write_zip(tmp_path / "x.xlsx", {"xl/workbook.xml": b"<a/>", "xl/sharedStrings.xml": bytes(8 << 20)})
    with pytest.raises(SourceError, match="unpacked it has more than 4 MiB"):
        read_patterns(path)


@pytest.mark.parametrize("cut", ["member", "method", "locked"])
def test_a_damaged_part_of_a_zipped_pattern_is_told(tmp_path: Path, cut: str) -> None:
    content = bytearray(rasx())
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        info = archive.getinfo("Data0/MesurementConditions0.xml")
    if cut == "member":
        content[info.header_offset + 80] ^= 0xFF
    for place in [i for i in range(len(content) - 4) if content[i : i + 4] == b"PK\x01\x02"]:
        content[place + 8] |= cut == "locked"
        content[place + 10] = 77 if cut == "method" else content[place + 10]
    (tmp_path / "x.rasx").write_bytes(content)
    with pytest.raises(SourceError, match="a part of its archive is damaged; copy it again"):
        read_patterns(tmp_path / "x.rasx")


def test_an_xrdml_of_entities_is_not_multiplied(tmp_path: Path) -> None:
    path = tmp_path / "x.xrdml"
    path.write_text(f"<!DOCTYPE x [{LAUGHS}]><xrdMeasurements><xrdMeasurement>&a9;</xrdMeasurement></xrdMeasurements>")
    begun = time.monotonic()
    with pytest.raises(SourceError, match="its XML breaks off or is damaged"):
        read_patterns(path)
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"x = " + b"[" * 10_000 + b"]" * 10_000, "it is nested too deeply"),
        (b"x = " + b"{a = " * 10_000, "it is nested too deeply"),
        (b"x = " + b"9" * 5000, "it is not valid TOML"),
        (STUDY.replace("seed = 1", f"seed = 0x{'f' * 5000}").encode(), "a whole number of it has more than 64 bits"),
        (b"\xff\xfe", "it is not UTF-8 text"),
    ],
    ids=["lists", "tables", "digits", "hexadecimal", "bytes"],
)
def test_a_study_that_no_person_writes_is_refused_in_one_sentence(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=told) as caught:
        load_study(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_a_study_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="it is larger than 16 MiB; give a study file"):
        load_study(sparse(tmp_path / "x.toml"))


@pytest.mark.parametrize("name", ["x.xy", "CHGCAR", "x.cube"])
def test_files_of_a_gigabyte_that_hold_nothing_are_refused(tmp_path: Path, name: str) -> None:
    path = sparse(tmp_path / name)
    reader = read_patterns if name == "x.xy" else read_field
    with pytest.raises(MatsiftError):
        reader(path)
    assert path.stat().st_blocks * 512 < 1 << 20
