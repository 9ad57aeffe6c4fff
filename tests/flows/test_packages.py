"""Data packages: export, import into a fresh database, export again; and what is refused."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr
from tests.flows.running import Finished, one, row_counts, rows, said

from matsift.errors import PackageError, UserInputError
from matsift.exchange.manifest import MANIFEST
from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows.exporting.arrival import Arrival, import_package
from matsift_flows.exporting.package import TABLE_NAME, WrittenPackage, export_package
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace

#: What a package carries of what models said, by names that mean the same in every database.
CARRIED = ("snapshots", "evaluations", "screen_outcomes")
HASHES = {
    "labels": """
        SELECT s.content_hash, p.name, l.method, l.origin, l.revision, l.value FROM matsift.label l
        JOIN matsift.structure s ON s.id = l.structure_id JOIN matsift.property p ON p.id = l.property_id
    """,
    "entries": "SELECT external_id, content_hash FROM matsift.source_entry WHERE structure_id IS NOT NULL ORDER BY 1",
    "models": "SELECT content_hash, artifact_sha256, created_at FROM matsift.model_version ORDER BY 1",
}


def opened(url: str, home: Path) -> Settings:
    return Settings(home=home, database_url=SecretStr(url), workers=1)


def taken_in(url: str, home: Path, package: Path) -> Arrival:
    with open_workspace(opened(url, home), Reporter(quiet=True)) as workspace:
        return import_package(workspace, package)


def packed(url: str, home: Path, study: Path, out: Path) -> WrittenPackage:
    with open_workspace(opened(url, home), Reporter(quiet=True)) as workspace:
        return export_package(workspace, load_study(study), out)


@pytest.fixture(scope="module")
def package(reference: Finished, study_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the small study."""
    out = tmp_path_factory.mktemp("package") / "small.zip"
    packed(reference.url, reference.home, study_path, out)
    return out


@pytest.fixture
def elsewhere(new_url: Callable[[], str], tmp_path: Path) -> Iterator[Workspace]:
    """Another installation with an empty database."""
    with open_workspace(opened(new_url(), tmp_path / "elsewhere"), Reporter(quiet=True)) as workspace:
        yield workspace


def changed(package: Path, out: Path, change: Callable[[dict[str, bytes]], None], *, signed: bool = False) -> Path:
    """Return a copy of a package with other members; where it is signed, its manifest knows of the change."""
    with zipfile.ZipFile(package) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    if signed:
        manifest = json.loads(members[MANIFEST])
        for name, member in manifest["members"].items():
            member |= {"n_byte": len(members[name]), "sha256": hashlib.sha256(members[name]).hexdigest()}
        members[MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out


def with_column(content: bytes, column: str, value: object) -> bytes:
    """Return a table whose first row has another value in a column."""
    table = pq.read_table(pa.BufferReader(content))
    place = table.schema.get_field_index(column)
    values = table.column(place).to_pylist()
    values[0] = value
    table = table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def test_export_import_export_ends_with_the_same_package(
    reference: Finished, package: Path, study_path: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    url, home = new_url(), tmp_path / "elsewhere"
    arrival = taken_in(url, home, package)
    assert arrival.n_new == sum(taken.new for taken in arrival.tables.values()) > 500
    again = packed(url, home, study_path, tmp_path / "again.zip")
    assert again.manifest == arrival.manifest
    assert (tmp_path / "again.zip").read_bytes() == package.read_bytes()


def test_the_other_database_says_the_same_of_what_the_package_carries(
    reference: Finished, package: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    url = new_url()
    taken_in(url, tmp_path, package)
    here, there = said(reference.url), said(url)
    for name in CARRIED:
        assert set(there[name]) <= set(here[name])
        assert there[name], name
    assert there["predictions"]
    assert set(there["predictions"]) <= set(here["predictions"])
    for name in ("labels", "entries", "models"):
        assert set(rows(url, HASHES[name])) <= set(rows(reference.url, HASHES[name])), name
    ranked = "SELECT structure_hash, k_vrh_gpa, g_vrh_lower_gpa, n_passed, n_failed FROM analysis.candidate_ranking"
    assert sorted(map(repr, rows(url, ranked))) == sorted(map(repr, rows(reference.url, ranked)))
    chain = "SELECT structure_hash, model_hash, snapshot_hash FROM analysis.provenance WHERE is_current"
    assert sorted(map(repr, rows(url, chain))) == sorted(map(repr, rows(reference.url, chain)))


def test_a_second_import_adds_nothing(package: Path, elsewhere: Workspace) -> None:
    import_package(elsewhere, package)
    before = row_counts(address(elsewhere))
    again = import_package(elsewhere, package)
    assert again.n_new == 0
    assert row_counts(address(elsewhere)) == before


def test_rows_keep_their_runs_and_the_import_is_a_run_of_its_own(
    reference: Finished, package: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    url = new_url()
    taken_in(url, tmp_path, package)
    trained = "SELECT r.flow, r.study, r.started_at FROM matsift.model_version m JOIN matsift.run r ON r.id = m.run_id"
    assert set(rows(url, trained)) <= set(rows(reference.url, trained))
    assert one(url, "SELECT count(*) FROM matsift.run WHERE flow = 'import' AND status = 'completed'") == 1


def _flipped(members: dict[str, bytes]) -> None:
    name = TABLE_NAME.format("label")
    content = bytearray(members[name])
    content[len(content) // 2] ^= 1
    members[name] = bytes(content)


def _without_a_model(members: dict[str, bytes]) -> None:
    del members[next(name for name in members if name.startswith("models/"))]


def _climbing(members: dict[str, bytes]) -> None:
    members["../../climbed"] = b"x"


def _no_manifest(members: dict[str, bytes]) -> None:
    del members[MANIFEST]


def _of_tomorrow(members: dict[str, bytes]) -> None:
    members[MANIFEST] = members[MANIFEST].replace(b'"version": 1', b'"version": 2')


def _climbing_manifest(members: dict[str, bytes]) -> None:
    members["../climbed"] = members.pop("study.json")
    members[MANIFEST] = members[MANIFEST].replace(b'"study.json"', b'"../climbed"')


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_flipped, "tables/label.parquet is damaged"),
        (_without_a_model, "it and its manifest do not list the same members"),
        (_climbing, "it and its manifest do not list the same members"),
        (_climbing_manifest, "'../climbed' is no name of a member"),
        (_no_manifest, "it is no data package of matsift"),
        (_of_tomorrow, "it is of version 2, this matsift reads version 1"),
    ],
)
def test_a_damaged_package_is_refused_before_anything_is_written(
    package: Path, elsewhere: Workspace, tmp_path: Path, change: Callable[[dict[str, bytes]], None], sentence: str
) -> None:
    refused(elsewhere, changed(package, tmp_path / "bad.zip", change), sentence)


def test_a_package_that_breaks_off_is_refused(package: Path, elsewhere: Workspace, tmp_path: Path) -> None:
    content = package.read_bytes()
    (tmp_path / "bad.zip").write_bytes(content[: len(content) // 2])
    refused(elsewhere, tmp_path / "bad.zip", "it is no whole zip file")


def test_a_package_that_is_not_there_is_told(elsewhere: Workspace, tmp_path: Path) -> None:
    refused(elsewhere, tmp_path / "none.zip", "there is no such file")


def test_a_zip_that_would_unpack_to_more_than_itself_is_refused(elsewhere: Workspace, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, bytes(50_000_000))
    refused(elsewhere, tmp_path / "bomb.zip", "'manifest.json' is compressed")


def test_a_member_that_stands_twice_is_refused(package: Path, elsewhere: Workspace, tmp_path: Path) -> None:
    path = changed(package, tmp_path / "bad.zip", lambda members: None)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("study.json", b"{}")
    refused(elsewhere, path, "a member stands in it twice")


@pytest.mark.parametrize(
    ("table", "column", "value", "sentence"),
    [
        ("structure", "lattice", [4.0, 0, 0, 0, 4, 0, 0, 0, 4], "is not what its hash says"),
        ("structure", "lattice", [4.0, 0, 0], "is not what its hash says"),
        ("label", "structure_hash", "0" * 64, "1 rows of label name a structure that is nowhere"),
        ("model_version", "artifact_sha256", "0" * 64, "the stored model 000000000000 is not in it"),
        ("prediction", "spread", -1.0, "a row of it breaks a rule of the schema .*spread_is_not_negative"),
    ],
)
def test_a_package_whose_rows_are_not_what_they_say_is_refused(
    package: Path, elsewhere: Workspace, tmp_path: Path, table: str, column: str, value: object, sentence: str
) -> None:
    name = TABLE_NAME.format(table)

    def change(members: dict[str, bytes]) -> None:
        members[name] = with_column(members[name], column, value)

    refused(elsewhere, changed(package, tmp_path / "bad.zip", change, signed=True), sentence)


def test_a_package_whose_labels_are_not_those_of_its_snapshots_is_refused(
    package: Path, elsewhere: Workspace, tmp_path: Path
) -> None:
    name = TABLE_NAME.format("label")

    def change(members: dict[str, bytes]) -> None:
        table = pq.read_table(pa.BufferReader(members[name]))
        place = table.schema.get_field_index("value")
        larger = pa.array([value + 1.0 for value in table.column(place).to_pylist()])
        sink = pa.BufferOutputStream()
        pq.write_table(table.set_column(place, table.schema.field(place), larger), sink)
        members[name] = bytes(sink.getvalue().to_pybytes())

    path = changed(package, tmp_path / "bad.zip", change, signed=True)
    refused(elsewhere, path, "the rows of the snapshot .* are not those that its hash is of")


def test_a_table_with_other_columns_is_refused(package: Path, elsewhere: Workspace, tmp_path: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"surprise": [1]}), sink)
        members[TABLE_NAME.format("label")] = sink.getvalue().to_pybytes()

    path = changed(package, tmp_path / "bad.zip", change, signed=True)
    refused(elsewhere, path, "label.parquet has other columns than this matsift reads")


def test_a_label_that_contradicts_the_one_that_is_there_is_refused(
    package: Path, elsewhere: Workspace, tmp_path: Path
) -> None:
    import_package(elsewhere, package)
    name = TABLE_NAME.format("label")

    def change(members: dict[str, bytes]) -> None:
        members[name] = with_column(members[name], "value", 123.0)

    path = changed(package, tmp_path / "other.zip", change, signed=True)
    refused(elsewhere, path, "has the value 123 in it and .* in this database", is_empty=False)


def test_another_content_of_an_entry_that_is_stated_here_stays_current(
    package: Path, elsewhere: Workspace, tmp_path: Path
) -> None:
    import_package(elsewhere, package)
    name = TABLE_NAME.format("source_entry")

    def change(members: dict[str, bytes]) -> None:
        members[name] = with_column(members[name], "content_hash", "f" * 64)

    path = changed(package, tmp_path / "other.zip", change, signed=True)
    arrival = import_package(elsewhere, path)
    assert arrival.tables["source_entry"].new == 1
    url = address(elsewhere)
    states = rows(url, f"SELECT withdrawn_reason FROM matsift.source_entry WHERE content_hash = '{'f' * 64}'")
    assert states == [("superseded",)]


def test_a_licence_that_was_not_named_refuses_the_package(
    reference: Finished, study_path: Path, tmp_path: Path
) -> None:
    with (
        open_workspace(opened(reference.url, reference.home), Reporter(quiet=True)) as workspace,
        pytest.raises(UserInputError, match=r"the package would hold .* entries of .*; a package is whole"),
    ):
        export_package(workspace, load_study(study_path), tmp_path / "x.zip", licences=["CC0-1.0"])
    assert not list(tmp_path.iterdir())


def test_a_study_that_was_never_run_has_no_package(elsewhere: Workspace, study_path: Path, tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="the study small has no models here; run `matsift run`"):
        export_package(elsewhere, load_study(study_path), tmp_path / "x.zip")


def address(workspace: Workspace) -> str:
    assert workspace.settings.database_url is not None
    return workspace.settings.database_url.get_secret_value()


def refused(workspace: Workspace, package: Path, sentence: str, *, is_empty: bool = True) -> None:
    """Import a package that is refused in one sentence, and leaves every table as it was."""
    before = row_counts(address(workspace))
    with pytest.raises(PackageError, match=sentence) as told:
        import_package(workspace, package)
    assert "\n" not in str(told.value)
    assert row_counts(address(workspace)) == before
    assert (before["structure"] == 0) == is_empty
