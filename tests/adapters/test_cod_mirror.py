"""A copy of COD is read once and then kept in step: by its tree, its zip and its tar, whole or half there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.factories.cod_cifs import LONG_AGO, cod_cif, tree_path, write_tree
from tests.factories.structure_files import write_tar, write_zip
from tests.factories.syncing import Held

from matsift.errors import SourceError
from matsift.study.cod import CodMirror
from matsift_adapters.sources import Source, open_source
from matsift_adapters.sources import cod_mirror as mirror_module
from matsift_adapters.sources.archives import RawMember, read_file

MALACHITE, ASPIRIN = "C H2 Cu2 O5", "C9 H8 O4"
CIFS = {str(number): cod_cif(number, 5.6 + number % 10 / 10, revision=number) for number in range(1000000, 1000004)}


def source(path: Path, n_worker: int = 0, **settings: Any) -> Source:
    made = CodMirror(kind="cod", name="cod", path=path.name, **settings)
    return open_source(made, path.parent, n_worker=n_worker)


def as_members(cifs: Mapping[str, str]) -> dict[str, bytes]:
    return {f"cif/{tree_path(number)}": text.encode() for number, text in cifs.items()}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "cif", CIFS)


@pytest.fixture
def files_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were opened."""
    opened: list[str] = []

    def noting(path: Path, name: str) -> RawMember:
        opened.append(path.name)
        return read_file(path, name)

    monkeypatch.setattr(mirror_module, "read_file", noting)
    return opened


def write_archive_tree(folder: Path, cifs: Mapping[str, str]) -> Path:
    return write_tree(folder / "cif", cifs)


CONTAINERS: dict[str, Callable[[Path, Mapping[str, str]], Path]] = {
    "tree": write_archive_tree,
    "zip": lambda folder, cifs: write_zip(folder / "cod-rev297631-2025.02.07.zip", as_members(cifs)),
    "tar.gz": lambda folder, cifs: write_tar(folder / "cod-rev297631-2025.02.07.tar.gz", as_members(cifs)),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_entries_and_then_nothing_new(tmp_path: Path, container: str) -> None:
    path = CONTAINERS[container](tmp_path, CIFS)
    held = Held()
    first = held.sync(source(path))
    assert sorted(first.entries) == sorted(CIFS)
    entry = first.entries["1000003"]
    assert entry.crystal is not None
    assert entry.crystal.lattice[0, 0] == pytest.approx(5.9)
    assert (entry.canonical_number, entry.version, entry.licence) == (1000003, "r1000003", "CC0-1.0")
    assert entry.url == "https://www.crystallography.net/cod/1000003.html"
    assert entry.payload["doi"] == "10.1000/1000003"
    assert first.closing is not None
    assert (first.closing.n_stated, first.closing.is_whole) == (4, True)
    assert first.closing.version == ("r1000003" if container == "tree" else "rev297631-2025.02.07")

    second = held.sync(source(path))
    assert (second.entries, second.unchanged, second.failures) == ({}, set(CIFS), [])
    assert second.closing == first.closing


def test_a_tree_and_a_zip_of_it_state_the_same(tmp_path: Path, tree: Path) -> None:
    held = Held()
    held.sync(source(tree))
    again = held.sync(source(CONTAINERS["zip"](tmp_path, CIFS)))
    assert (again.entries, again.unchanged) == ({}, set(CIFS))


def test_what_did_not_change_is_not_even_opened(tree: Path, files_read: list[str]) -> None:
    held = Held()
    held.sync(source(tree))
    assert len(files_read) == 4
    files_read.clear()
    path = tree / tree_path("1000001")
    path.write_text(cod_cif(1000001, 6.1, revision=1000009))
    os.utime(path, (LONG_AGO + 60, LONG_AGO + 60))
    second = held.sync(source(tree))
    assert files_read == ["1000001.cif"]
    assert list(second.entries) == ["1000001"]
    assert second.entries["1000001"].version == "r1000009"
    assert second.unchanged == set(CIFS) - {"1000001"}
    assert second.closing is not None
    assert second.closing.version == "r1000009"


def test_a_touched_file_is_read_but_not_stated_anew(tree: Path, files_read: list[str]) -> None:
    held = Held()
    held.sync(source(tree))
    files_read.clear()
    os.utime(tree / tree_path("1000002"), (LONG_AGO + 99, LONG_AGO + 99))
    second = held.sync(source(tree))
    assert files_read == ["1000002.cif"]
    assert (second.entries, second.unchanged) == ({}, set(CIFS))


def test_a_time_stamp_of_just_now_is_not_trusted(tmp_path: Path, files_read: list[str]) -> None:
    tree = write_tree(tmp_path / "cif", CIFS, mtime=None)
    held = Held()
    held.sync(source(tree))
    files_read.clear()
    held.sync(source(tree))
    assert len(files_read) == 4


def test_other_settings_read_everything_anew(tree: Path) -> None:
    held = Held()
    held.sync(source(tree))
    assert sorted(held.sync(source(tree, max_site=4)).entries) == sorted(CIFS)
    (failure,) = held.entries["1000000"].failures
    assert "more than max_site = 4" in failure.message
    assert held.entries["1000000"].payload["doi"] == "10.1000/1000000"
    assert held.sync(source(tree, max_site=4, vanish_limit=0.5, time_limit_s=9)).entries == {}


def test_a_vanished_entry_is_withdrawn_and_a_new_one_is_stated(tree: Path) -> None:
    held = Held()
    held.sync(source(tree))
    (tree / tree_path("1000000")).unlink()
    write_tree(tree, {"9000000": cod_cif(9000000, 6.3)})
    reading = held.sync(source(tree))
    assert reading.is_whole
    assert sorted(held.entries) == ["1000001", "1000002", "1000003", "9000000"]
    assert list(reading.entries) == ["9000000"]


def test_organic_entries_are_left_out_and_are_no_failures(tmp_path: Path) -> None:
    cifs = {
        "1000000": cod_cif(1000000),
        "1000001": cod_cif(1000001, formula=ASPIRIN),
        "1000002": cod_cif(1000002, formula=MALACHITE),
        "1000003": cod_cif(1000003).replace("_chemical_formula_sum            'Cl Na'\n", ""),
    }
    tree = write_tree(tmp_path / "cif", cifs)
    held = Held()
    held.sync(source(tree))
    reading = held.sync(source(tree, exclude_organic=True))
    assert sorted(held.entries) == ["1000000", "1000002", "1000003"]
    assert (reading.failures, reading.is_whole) == ([], True)
    assert reading.closing is not None
    assert (reading.closing.n_stated, reading.closing.n_excluded) == (4, 1)
    assert held.sync(source(tree, exclude_organic=True)).entries == {}


@pytest.mark.parametrize("with_formula", [True, False], ids=["by-formula", "by-atoms"])
def test_elements_choose_entries(tmp_path: Path, with_formula: bool) -> None:
    texts = [cod_cif(1000000), cod_cif(1000001, formula="Cl K", atoms="K1 K1+ 0 0 0 1\nCl1 Cl1- 0.5 0.5 0.5 1\n")]
    if not with_formula:
        texts = ["\n".join(line for line in text.split("\n") if "formula_sum" not in line) for text in texts]
    tree = write_tree(tmp_path / "cif", {"1000000": texts[0], "1000001": texts[1]})
    assert sorted(Held().sync(source(tree, elements=("K",))).entries) == ["1000001"]
    assert sorted(Held().sync(source(tree, exclude_elements=("K",))).entries) == ["1000000"]


def test_numbers_choose_a_part_of_the_tree(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tree, {"9000000": cod_cif(9000000), "9012345": cod_cif(9012345)})
    assert sorted(Held().sync(source(tree, numbers=("9",))).entries) == ["9000000", "9012345"]
    visited: list[str] = []
    real = os.scandir
    monkeypatch.setattr(mirror_module.os, "scandir", lambda path: visited.append(str(path)) or real(path))  # type: ignore[attr-defined,func-returns-value]
    assert sorted(Held().sync(source(tree, numbers=("9012", "1000003"))).entries) == ["1000003", "9012345"]
    assert not any(path.endswith("9/00") for path in visited)


def test_a_retracted_entry_is_taken_back(tree: Path) -> None:
    held = Held()
    held.sync(source(tree))
    text = cod_cif(1000001, tags="_cod_error_flag retracted\n")
    write_tree(tree, {"1000001": text, "1000009": text.replace("1000001", "1000009")}, mtime=LONG_AGO + 60)
    reading = held.sync(source(tree))
    assert reading.taken_back == {"1000001": "retracted", "1000009": "retracted"}
    assert sorted(held.entries) == ["1000000", "1000002", "1000003"]
    assert held.sync(source(tree)).entries == {}


def test_a_bad_cif_is_a_failure_of_its_entry_alone(tree: Path) -> None:
    write_tree(tree, {"1000009": cod_cif(1000009)[:-20]})
    reading = Held().sync(source(tree))
    assert reading.is_whole
    assert reading.entries["1000009"].crystal is None
    (failure,) = reading.entries["1000009"].failures
    assert failure.message.startswith("1000009.cif: the CIF syntax is broken at line ")


def test_a_number_that_disagrees_with_the_file_is_a_hold(tree: Path) -> None:
    write_tree(tree, {"1000009": cod_cif(1000008)})
    entry = Held().sync(source(tree)).entries["1000009"]
    assert entry.holds == ("cod_number_disagrees",)


def test_entries_of_the_theoretical_database_point_there(tmp_path: Path) -> None:
    cifs = {"10000001": cod_cif("10000001", tags="_tcod_total_energy -1.5\n")}
    entry = Held().sync(source(write_tree(tmp_path / "cif", cifs))).entries["10000001"]
    assert entry.url == "https://www.crystallography.net/tcod/10000001.html"
    assert entry.holds == ("calculated_structure",)


def test_two_files_of_one_number_are_told(tree: Path) -> None:
    (tree / "copy").mkdir()
    shutil.copy(tree / tree_path("1000000"), tree / "copy" / "1000000.cif")
    reading = Held().sync(source(tree))
    assert sorted(reading.entries) == sorted(CIFS)
    assert [failure.error_class for failure in reading.failures] == ["DuplicateIdError"]
    assert "copy/1000000.cif: another file of the copy bears this COD number" in reading.told


class TestHalfThere:
    """A copy that is not finished loses no entry that is known."""

    def held(self, path: Path) -> Held:
        held = Held()
        assert held.sync(source(path)).is_whole
        return held

    def test_a_file_that_rsync_writes_just_now(self, tree: Path) -> None:
        held = self.held(tree)
        path = tree / tree_path("1000001")
        path.rename(path.with_name(".1000001.cif.aB3xYz"))
        reading = held.sync(source(tree))
        assert not reading.is_whole
        assert "1000001.cif.aB3xYz is still being copied by rsync" in reading.told
        assert sorted(held.entries) == sorted(CIFS)
        path.with_name(".1000001.cif.aB3xYz").rename(path)
        assert held.sync(source(tree)).is_whole

    def test_a_file_that_is_cut_while_it_is_copied(self, tree: Path) -> None:
        held = self.held(tree)
        path = tree / tree_path("1000001")
        path.write_text(cod_cif(1000001, 6.0)[:-20])
        reading = held.sync(source(tree))
        assert (reading.is_whole, reading.entries) == (False, {})
        assert "1000001.cif was written while it was read" in reading.told
        assert held.entries["1000001"].crystal is not None
        path.write_text(cod_cif(1000001, 6.0))
        assert list(held.sync(source(tree)).entries) == ["1000001"]

    def test_most_of_the_tree_is_gone(self, tmp_path: Path) -> None:
        many = {str(1000000 + i): cod_cif(1000000 + i, 5 + i / 100) for i in range(30)}
        tree = write_tree(tmp_path / "cif", many)
        held = self.held(tree)
        for number in list(many)[:12]:
            (tree / tree_path(number)).unlink()
        reading = held.sync(source(tree))
        assert not reading.is_whole
        assert "12 of 30 known entries are gone at once, more than vanish_limit = 0.1" in reading.told
        assert len(held.entries) == 30
        assert held.sync(source(tree, vanish_limit=1)).is_whole
        assert len(held.entries) == 18

    def test_the_tree_is_empty(self, tree: Path) -> None:
        held = self.held(tree)
        shutil.rmtree(tree)
        tree.mkdir()
        with pytest.raises(SourceError, match=r"it holds no file that is named like 1000000\.cif"):
            held.sync(source(tree))

    @pytest.mark.parametrize("share", [0.3, 0.9], ids=["a-third", "most"])
    def test_a_zip_that_ends_before_its_end(self, tmp_path: Path, share: float) -> None:
        path = CONTAINERS["zip"](tmp_path, CIFS)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(SourceError, match=r"it is no whole zip archive .*; fetch it again to its end"):
            Held().sync(source(path))

    def test_a_member_of_a_zip_is_damaged(self, tmp_path: Path) -> None:
        path = CONTAINERS["zip"](tmp_path, CIFS)
        whole = bytearray(path.read_bytes())
        at = whole.find(b"1000002.cif") + 200
        whole[at : at + 20] = bytes(20)
        path.write_bytes(whole)
        reading = Held().sync(source(path))
        assert sorted(reading.entries) == ["1000000", "1000001", "1000003"]
        assert not reading.is_whole
        assert "1000002.cif: the archive's member is damaged" in reading.told

    def test_a_tar_that_breaks_off(self, tmp_path: Path) -> None:
        path = write_tar(tmp_path / "cod.tar", as_members(CIFS), "w")
        held = self.held(path)
        whole = path.read_bytes()
        path.write_bytes(whole[:5000])
        reading = held.sync(source(path))
        assert not reading.is_whole
        assert reading.unchanged == {"1000000", "1000001"}
        assert "the archive breaks off" in reading.told
        assert sorted(held.entries) == sorted(CIFS)


@pytest.mark.parametrize(
    ("name", "told"),
    [("nothing", "there is no such file"), ("notes.txt", "it is neither a folder nor an archive")],
    ids=["missing", "no-archive"],
)
def test_a_path_that_is_no_copy_is_told(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(SourceError, match=told):
        source(tmp_path / name)


def test_workers_give_what_this_process_gives(tree: Path) -> None:
    here, there = Held().sync(source(tree)), Held().sync(source(tree, n_worker=1))
    assert {k: e.crystal and e.crystal.content_hash for k, e in here.entries.items()} == {
        k: e.crystal and e.crystal.content_hash for k, e in there.entries.items()
    }
    assert here.entries["1000000"].payload == there.entries["1000000"].payload
