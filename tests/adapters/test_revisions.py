"""What is known under its revision is not parsed again: files, blocks of files, rows of tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.factories.structure_files import ROCK_SALT_CIF, rock_salt, write_tar, write_zip

from matsift.records import EntryRecord, SourceItem, UnchangedRecord
from matsift.study.sources import FilesSource, TableSource
from matsift_adapters.sources import files, open_source, tables
from matsift_adapters.sources.jobs import Job
from matsift_adapters.sources.pymatgen_json import to_pymatgen
from matsift_adapters.sources.revisions import Revisions, revision
from matsift_adapters.sources.source import NOTHING_KNOWN, Known

TWO_BLOCKS = ROCK_SALT_CIF + ROCK_SALT_CIF.replace("data_NaCl", "data_bigger").replace("5.64", "5.80")
MEMBERS = {
    "salt.cif": ROCK_SALT_CIF.encode(),
    "two.cif": TWO_BLOCKS.encode(),
    "torn.cif": ROCK_SALT_CIF[:-12].encode(),
}
SETTINGS = FilesSource(kind="files", name="test", path="set")

Parsed = list[str]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Parsed:
    """The places of the members that were handed to a parser."""
    places: Parsed = []
    for module in (files, tables):
        parse_all = module.parse_all

        def counting(jobs: Any, real: Any = parse_all, **rest: Any) -> Any:
            def noted() -> Any:
                for job in jobs:
                    assert isinstance(job, Job)
                    if job.member is not None or job.ready:
                        places.append(job.place.partition(":")[2])
                    yield job

            return real(noted(), **rest)

        monkeypatch.setattr(module, "parse_all", counting)
    return places


def folder(path: Path, members: dict[str, bytes]) -> Path:
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def read(path: Path, known: Known = NOTHING_KNOWN, **settings: Any) -> list[SourceItem]:
    made = FilesSource(kind="files", name="test", path=path.name, **settings)
    return list(open_source(made, path.parent, n_worker=0).iterate(known))


def revisions(items: list[SourceItem]) -> dict[str, str]:
    """Return what a database would know after the items."""
    found = {i.external_id: i.revision for i in items if isinstance(i, (EntryRecord, UnchangedRecord))}
    return {external_id: mark for external_id, mark in found.items() if mark is not None}


def unchanged(items: list[SourceItem]) -> set[str]:
    return {item.external_id for item in items if isinstance(item, UnchangedRecord)}


@pytest.mark.parametrize(
    "pack",
    [
        lambda at: folder(at / "set", MEMBERS),
        lambda at: write_tar(at / "set.tar.gz", MEMBERS),
        lambda at: write_zip(at / "set.zip", MEMBERS),
    ],
    ids=["folder", "tar.gz", "zip"],
)
def test_known_files_are_stated_without_a_parser(tmp_path: Path, pack: Callable[[Path], Path], parsed: Parsed) -> None:
    path = pack(tmp_path)
    first = read(path)
    assert sorted(parsed) == ["salt.cif", "torn.cif", "two.cif"]
    parsed.clear()
    second = read(path, revisions(first))
    assert parsed == []
    assert unchanged(second) == {"salt", "torn", "two#NaCl", "two#bigger"}
    assert len(second) == 4
    assert revisions(second) == revisions(first)


def test_only_the_changed_file_is_read(tmp_path: Path, parsed: Parsed) -> None:
    path = folder(tmp_path / "set", MEMBERS)
    known = revisions(read(path))
    parsed.clear()
    (path / "salt.cif").write_text(ROCK_SALT_CIF.replace("5.64", "5.65"))
    items = read(path, known)
    assert parsed == ["salt.cif"]
    assert unchanged(items) == {"torn", "two#NaCl", "two#bigger"}
    (entry,) = (item for item in items if isinstance(item, EntryRecord))
    assert entry.external_id == "salt"
    assert entry.revision != known["salt"]


def test_a_file_of_several_blocks_is_known_when_all_of_them_are(tmp_path: Path, parsed: Parsed) -> None:
    """A killed run may have stored one block of two."""
    path = folder(tmp_path / "set", {"two.cif": TWO_BLOCKS.encode()})
    known = revisions(read(path))
    assert len(known) == 2
    for missing in known:
        parsed.clear()
        half = {external_id: mark for external_id, mark in known.items() if external_id != missing}
        items = read(path, half)
        assert parsed == ["two.cif"]
        assert {i.external_id for i in items if isinstance(i, EntryRecord)} == {"two#NaCl", "two#bigger"}


@pytest.mark.parametrize(
    "settings", [{"max_site": 7}, {"id_from": "path"}, {"licence": "CC0"}], ids=["limit", "ids", "licence"]
)
def test_other_settings_read_everything_again(tmp_path: Path, parsed: Parsed, settings: dict[str, Any]) -> None:
    path = folder(tmp_path / "set", MEMBERS)
    known = revisions(read(path))
    parsed.clear()
    assert unchanged(read(path, known, **settings)) == set()
    assert sorted(parsed) == ["salt.cif", "torn.cif", "two.cif"]


@pytest.mark.parametrize("settings", [{"description": "more"}], ids=["description"])
def test_what_only_describes_the_source_reads_nothing_again(
    tmp_path: Path, parsed: Parsed, settings: dict[str, Any]
) -> None:
    path = folder(tmp_path / "set", MEMBERS)
    known = revisions(read(path))
    parsed.clear()
    assert unchanged(read(path, known, **settings)) == set(known)
    assert parsed == []


def test_a_file_under_another_name_is_another_entry(tmp_path: Path, parsed: Parsed) -> None:
    path = folder(tmp_path / "set", MEMBERS)
    known = revisions(read(path))
    parsed.clear()
    (path / "salt.cif").rename(path / "renamed.cif")
    assert unchanged(read(path, known)) == {"torn", "two#NaCl", "two#bigger"}
    assert parsed == ["renamed.cif"]


def test_a_file_that_cannot_be_read_is_never_known(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", MEMBERS)
    whole = path.read_bytes()
    at = whole.index(b"salt.cif") + len("salt.cif") + 20
    path.write_bytes(whole[:at] + bytes(b ^ 0xFF for b in whole[at : at + 8]) + whole[at + 8 :])
    items = read(path)
    (broken,) = (i for i in items if isinstance(i, EntryRecord) and i.external_id == "salt")
    assert (broken.crystal, broken.revision) == (None, None)


RECORDS = [{"id": f"mp-{i}", "structure": to_pymatgen(rock_salt(5 + i / 10)), "K": 20.0 + i} for i in range(3)]


def read_table(at: Path, records: list[dict[str, Any]], known: Known = NOTHING_KNOWN, **more: Any) -> list[SourceItem]:
    (at / "table.json").write_text(json.dumps(records))
    settings = {
        "id_column": "id",
        "structure": {"column": "structure"},
        "labels": [{"column": "K", "property": "k_vrh", "method": "pbe"}],
        **more,
    }
    made = TableSource.model_validate({"kind": "table", "name": "test", "path": "table.json", **settings})
    return list(open_source(made, at, n_worker=0).iterate(known))


def test_only_rows_that_changed_are_parsed(tmp_path: Path, parsed: Parsed) -> None:
    known = revisions(read_table(tmp_path, RECORDS))
    assert unchanged(read_table(tmp_path, RECORDS, known)) == {"mp-0", "mp-1", "mp-2"}
    parsed.clear()
    items = read_table(tmp_path, [RECORDS[2], {**RECORDS[0], "K": 99.0}, RECORDS[1]], known)
    assert parsed == ["row 2 (mp-0)"]
    assert unchanged(items) == {"mp-1", "mp-2"}
    (entry,) = (item for item in items if isinstance(item, EntryRecord))
    assert [label.value for label in entry.labels] == [99.0]


def test_rows_under_another_mapping_are_read_again(tmp_path: Path) -> None:
    known = revisions(read_table(tmp_path, RECORDS))
    other = [{"column": "K", "property": "g_vrh", "method": "pbe"}]
    assert unchanged(read_table(tmp_path, RECORDS, known, labels=other)) == set()


def test_rows_without_an_id_column_are_always_read(tmp_path: Path) -> None:
    items = read_table(tmp_path, RECORDS, id_column=None)
    assert revisions(items) == {}


def test_a_row_is_known_with_the_file_that_it_names(tmp_path: Path, parsed: Parsed) -> None:
    at = folder(tmp_path, {"cifs/a.cif": MEMBERS["salt.cif"], "cifs/b.cif": MEMBERS["salt.cif"]})
    records = [{"id": "one", "file": "a.cif", "K": 1.0}, {"id": "two", "file": "b.cif", "K": 2.0}]
    of_files = {"structure": {"column": "file", "format": "file", "files": "cifs"}}
    known = revisions(read_table(at, records, **of_files))
    assert unchanged(read_table(at, records, known, **of_files)) == {"one", "two"}
    parsed.clear()
    (at / "cifs/b.cif").write_text(ROCK_SALT_CIF.replace("5.64", "5.65"))
    assert unchanged(read_table(at, records, known, **of_files)) == {"one"}
    assert parsed == ["row 2 (two)"]


def test_the_digest_names_reading_id_and_content() -> None:
    plain, other = Revisions(SETTINGS, {}), Revisions(SETTINGS.model_copy(update={"max_site": 5}), {})
    digests = {plain.digest("a", b"x"), plain.digest("b", b"x"), plain.digest("a", b"y"), other.digest("a", b"x")}
    assert len(digests) == 4
    assert all(len(digest) == 32 for digest in digests)
    assert plain.digest("a", b"x") == Revisions(SETTINGS, {"z": "whatever"}).digest("a", b"x")


def test_known_ids_come_sorted_and_all_or_none() -> None:
    two = revision("d", 2)
    assert Revisions(SETTINGS, {"b": two, "a": two}).known_ids("d") == ["a", "b"]
    assert Revisions(SETTINGS, {"b": two}).known_ids("d") == []
    assert Revisions(SETTINGS, {"b": two, "a": revision("d", 1)}).known_ids("d") == []
    assert Revisions(SETTINGS, {}).known_ids("d") == []
