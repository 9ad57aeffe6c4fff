"""Folders, archives and single files: what is good is read, what is bad is a failure with a sentence."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.factories.structure_files import ROCK_SALT_CIF, ROCK_SALT_SYMMETRY, rock_salt, write_tar, write_zip

from matsift.errors import SourceError
from matsift.records import EntryRecord, FailureRecord
from matsift.study.sources import FilesSource
from matsift_adapters.sources import Source, open_source
from matsift_adapters.sources.parsed import MAX_KEPT_TEXT
from matsift_adapters.sources.pymatgen_json import to_pymatgen
from matsift_adapters.sources.vasp_and_ase import to_poscar

CIF = ROCK_SALT_CIF.encode()
MEMBERS = {
    "good.cif": CIF,
    "sub/packed.cif.gz": gzip.compress(CIF.replace(b"5.64", b"5.70")),
    "sub/POSCAR": to_poscar(rock_salt(5.8)).encode(),
    "torn.cif": CIF[:-12],
    "data.json": json.dumps(to_pymatgen(rock_salt(5.9))).encode(),
    "README.md": b"not a structure",
}


def write_folder(path: Path, members: dict[str, bytes]) -> Path:
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def source(path: Path, n_worker: int = 0, **settings: Any) -> Source:
    made = FilesSource(kind="files", name="test", path=path.name, licence="CC0", **settings)
    return open_source(made, path.parent, n_worker=n_worker)


def read(path: Path, **settings: Any) -> tuple[dict[str, EntryRecord], list[FailureRecord]]:
    items = list(source(path, **settings).iterate())
    entries = [item for item in items if isinstance(item, EntryRecord)]
    assert len({entry.external_id for entry in entries}) == len(entries)
    return {e.external_id: e for e in entries}, [item for item in items if isinstance(item, FailureRecord)]


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: write_folder(folder / "set", MEMBERS),
        lambda folder: write_zip(folder / "set.zip", MEMBERS),
        lambda folder: write_tar(folder / "set.tar", MEMBERS, "w"),
        lambda folder: write_tar(folder / "set.tar.gz", MEMBERS, "w:gz"),
        lambda folder: write_tar(folder / "set.tar.bz2", MEMBERS, "w:bz2"),
        lambda folder: write_tar(folder / "set.tar.xz", MEMBERS, "w:xz"),
    ],
    ids=["folder", "zip", "tar", "tar.gz", "tar.bz2", "tar.xz"],
)
def test_every_container_gives_the_same_entries(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path = write(tmp_path)
    entries, loose = read(path)
    found = {key: e.crystal and round(e.crystal.lattice[0, 0], 2) for key, e in entries.items()}
    assert found == {"good": 5.64, "packed": 5.7, "sub/POSCAR": 5.8, "data": 5.9, "torn": None}
    assert loose == []
    (failure,) = entries["torn"].failures
    assert (failure.stage, failure.subject, failure.error_class) == (
        "parse",
        f"{path.name}:torn.cif",
        "BadStructureError",
    )
    assert failure.message.startswith(f"{path.name}:torn.cif: the CIF syntax is broken at line ")
    assert entries["good"].payload == {"file": "good.cif"}
    assert {entry.licence for entry in entries.values()} == {"CC0"}


def test_single_file(tmp_path: Path) -> None:
    (tmp_path / "salt.cif").write_bytes(CIF)
    entries, _ = read(tmp_path / "salt.cif")
    assert list(entries) == ["salt"]


def test_version_is_a_hash_of_what_is_read(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "set", MEMBERS)
    first = source(path)
    assert len(first.version) == 12
    (path / "README.md").write_bytes(b"other")
    assert source(path).content_hash == first.content_hash
    (path / "good.cif").write_bytes(CIF + b"\n")
    assert source(path).content_hash != first.content_hash
    assert source(path, version="2026-11").version == "2026-11"


def test_another_reading_of_the_same_content_is_another_state(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "set", MEMBERS)
    plain, by_path = source(path), source(path, id_from="path")
    assert plain.version != by_path.version  # one version cannot say two things of one entry
    assert plain.content_hash != by_path.content_hash
    moved = path.rename(tmp_path / "moved")
    assert source(moved).content_hash == plain.content_hash


def test_workers_give_the_same_as_this_process_in_the_same_order(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "set.tar.gz", {f"{i}.cif": CIF.replace(b"5.64", f"5.{i}".encode()) for i in range(40)})
    here, there = list(source(path).iterate()), list(source(path, n_worker=2).iterate())
    assert [e.external_id for e in there if isinstance(e, EntryRecord)] == [str(i) for i in range(40)]
    for one, other in zip(here, there, strict=True):
        assert isinstance(one, EntryRecord)
        assert isinstance(other, EntryRecord)
        assert one.crystal is not None
        assert other.crystal is not None
        assert one.crystal.content_hash == other.crystal.content_hash


def test_file_that_hangs_the_parser_is_stopped_and_its_neighbours_go_on(tmp_path: Path) -> None:
    """Pymatgen compares each new atom with all before it under all operations: 20,000 atoms take it hours."""
    symmetry = "_symmetry_space_group_name_H-M 'F m -3 m'\n"
    atoms = "".join(f"Na{i} Na 0.{i:05d} 0.{7 * i % 99991:05d} 0.{13 * i % 99991:05d} 1\n" for i in range(20_000))
    endless = ROCK_SALT_CIF.replace(ROCK_SALT_SYMMETRY, symmetry) + atoms
    path = write_zip(tmp_path / "set.zip", {"a.cif": CIF, "b.cif": endless.encode(), "c.cif": CIF})
    entries, _ = read(path, n_worker=1, time_limit_s=3.0)
    assert [key for key, entry in entries.items() if entry.crystal] == ["a", "c"]
    (failure,) = entries["b"].failures
    assert failure.error_class == "TimeLimitExceeded"
    assert failure.message == (
        "set.zip:b.cif: parsing took longer than 3 s and was stopped; raise time_limit_s or mend the file"
    )
    assert entries["b"].payload["text"] == endless[:MAX_KEPT_TEXT]
    assert entries["b"].payload["text_note"] == f"the first {MAX_KEPT_TEXT} of {len(endless)} characters"


def test_duplicates(tmp_path: Path) -> None:
    other = CIF.replace(b"5.64", b"5.70")
    path = write_folder(tmp_path / "set", {"a/x.cif": CIF, "b/x.cif": CIF, "c/x.cif": other, "c/y.cif": other})
    entries, (failure,) = read(path)
    assert {key: e.payload["file"] for key, e in entries.items()} == {"x": "a/x.cif", "y": "c/y.cif"}
    assert (failure.error_class, failure.subject, failure.detail) == ("DuplicateIdError", "set:c/x.cif", "x")
    assert failure.message == (
        "set:c/x.cif: the id 'x' was read before with other content from set:a/x.cif, and that one is kept; "
        "give each entry an id of its own (for files: id_from = 'path')"
    )
    assert list(read(path, id_from="path")[0]) == ["a/x.cif", "b/x.cif", "c/x.cif", "c/y.cif"]


def test_include_and_exclude_and_format(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "set", {"a.cif": CIF, "b.txt": CIF, "old/c.cif": CIF})
    assert list(read(path, exclude=("old/*",))[0]) == ["a"]
    assert list(read(path, include=("*.txt",), format="cif")[0]) == ["b.txt"]
    entries, _ = read(path, include=("b.*",))
    assert "the file's name tells no known format" in entries["b.txt"].failures[0].message


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_torn_archive_keeps_what_stands_before_the_break(tmp_path: Path, share: float) -> None:
    members = {f"{i}.cif": CIF + os.urandom(2000).hex().join(["\n# ", "\n"]).encode() for i in range(20)}
    path = write_tar(tmp_path / "set.tar.gz", members)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    entries, (failure,) = read(path)
    assert abs(len(entries) - 20 * share) <= 2
    assert all(entry.crystal for entry in entries.values())
    assert failure.error_class == "TruncatedError"
    assert failure.message.startswith("set.tar.gz: the archive breaks off (")


def test_members_that_mean_harm(tmp_path: Path) -> None:
    """Nothing is unpacked, so a path out of the folder is only a name; a huge member is not read."""
    path = write_zip(tmp_path / "set.zip", {"../../evil.cif": CIF, "/abs.cif": CIF, "bomb.cif": bytes(70 << 20)})
    entries, _ = read(path)
    assert {key: entry.crystal is not None for key, entry in entries.items()} == {
        "evil": True,
        "abs": True,
        "bomb": False,
    }
    assert "it is larger than 64 MiB unpacked" in entries["bomb"].failures[0].message
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["set.zip"]


def test_damaged_member_of_a_zip(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"a.cif": CIF, "b.cif": CIF.replace(b"5.64", b"5.70")})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    entries, _ = read(path)
    assert "the archive's member is damaged or locked" in entries["a"].failures[0].message
    assert entries["b"].crystal is not None


def test_links_and_pipes_are_passed_over(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "set", {"a.cif": CIF})
    os.mkfifo(path / "pipe.cif")
    (path / "loop").symlink_to(path)
    (path / "dangling.cif").symlink_to(path / "nothing")
    assert list(read(path)[0]) == ["a"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("nowhere", None, "there is no such file; correct the path in the study"),
        ("x.dat", b"?", "the file's name tells no known format"),
        ("x.zip", b"PK no", "it is no whole zip archive"),
        ("x.zip", b"", "it is no whole zip archive"),
        ("x.tar.gz", b"no", "it is no whole tar archive"),
        ("x.tar.gz", b"", "it is no whole tar archive"),
    ],
)
def test_source_that_is_useless_as_a_whole(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=told) as caught:
        list(source(tmp_path / name).iterate())
    assert str(tmp_path / name) in str(caught.value)


def test_folder_without_structures(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "set", {"README.md": b"", ".hidden.cif": CIF})
    with pytest.raises(SourceError, match="it holds no file that is wanted; put CIF, POSCAR"):
        list(source(path).iterate())


@pytest.fixture
def readable_by_root_only() -> Iterator[Path]:
    """A folder with one readable and one secret file, with this process as a plain user."""
    folder = write_folder(Path(tempfile.mkdtemp()) / "set", {"a.cif": CIF, "secret.cif": CIF, "closed/b.cif": CIF})
    folder.parent.chmod(0o755)
    (folder / "secret.cif").chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        (folder / "closed").chmod(0o755)
        shutil.rmtree(folder.parent)


def test_unreadable_file_is_a_failure(readable_by_root_only: Path) -> None:
    entries, _ = read(readable_by_root_only)
    assert entries["a"].crystal is not None
    assert entries["secret"].failures[0].message == (
        "set:secret.cif: it cannot be read (Permission denied); mend the file or take it out of the source"
    )
    with pytest.raises(SourceError, match=r"it may not be read; give the user of this run the right to read it"):
        read(readable_by_root_only / "secret.cif")
