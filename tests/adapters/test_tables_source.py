"""Tables: layouts, mapped columns, units, and what a bad cell does."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.structure_files import ROCK_SALT_CIF, rock_salt, write_tar

from matsift.errors import SourceError
from matsift.records import EntryRecord, FailureRecord
from matsift.study.sources import TableSource
from matsift_adapters.sources import open_source
from matsift_adapters.sources.json_salvage import loads_salvaged
from matsift_adapters.sources.pymatgen_json import to_pymatgen
from matsift_adapters.sources.vasp_and_ase import to_poscar

DATA = Path(os.environ.get("MATSIFT_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
K = {"column": "K", "property": "k_vrh", "method": "pbe"}
RECORDS: list[dict[str, Any]] = [
    {"id": f"mp-{i}", "formula": "NaN", "structure": to_pymatgen(rock_salt(5 + i / 10)), "K": 20.0 + i}
    for i in range(4)
]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def as_csv(records: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(records[0]))
    writer.writeheader()
    for record in records:
        writer.writerow({k: json.dumps(v) if isinstance(v, dict) else v for k, v in record.items()})
    return stream.getvalue()


def as_columns(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: {str(i): record[name] for i, record in enumerate(records)} for name in records[0]}


def as_split(records: list[dict[str, Any]]) -> dict[str, Any]:
    names = list(records[0])
    return {"index": list(range(len(records))), "columns": names, "data": [[r[n] for n in names] for r in records]}


def read(path: Path, **settings: Any) -> list[EntryRecord | FailureRecord]:
    given_settings: dict[str, Any] = {
        "name": "test",
        "path": path.name,
        "id_column": "id",
        "structure": {"column": "structure"},
        "labels": [K],
        "payload": ["formula"],
    }
    made = TableSource(kind="table", **{**given_settings, **settings})
    return [
        i for i in open_source(made, path.parent, n_worker=0).iterate() if isinstance(i, EntryRecord | FailureRecord)
    ]


def entries_of(path: Path, **settings: Any) -> dict[str, EntryRecord]:
    items = read(path, **settings)
    assert all(isinstance(item, EntryRecord) for item in items), items
    return {item.external_id: item for item in items if isinstance(item, EntryRecord)}


LAYOUTS: dict[str, tuple[str, Callable[[], str]]] = {
    "csv": ("t.csv", lambda: as_csv(RECORDS)),
    "records": ("t.json", lambda: json.dumps(RECORDS)),
    "split": ("t.json", lambda: json.dumps(as_split(RECORDS))),
    "columns": ("t.json", lambda: json.dumps(as_columns(RECORDS))),
    "lists": (
        "t.json",
        lambda: json.dumps({name: list(cells.values()) for name, cells in as_columns(RECORDS).items()}),
    ),
    "index": ("t.json", lambda: json.dumps({r["id"]: r for r in RECORDS})),
    "wrapped": ("t.json", lambda: json.dumps({"meta": {"n": 4}, "entries": RECORDS})),
    "jsonl": ("t.jsonl", lambda: "\n\n".join(json.dumps(r) for r in RECORDS)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_entries(tmp_path: Path, layout: str) -> None:
    name, content = LAYOUTS[layout]
    entries = entries_of(write(tmp_path / name, content()))
    assert list(entries) == ["mp-0", "mp-1", "mp-2", "mp-3"]
    for i, entry in enumerate(entries.values()):
        assert entry.crystal is not None
        assert entry.crystal.lattice[0, 0] == pytest.approx(5 + i / 10)
        assert entry.payload == {"formula": "NaN"}
        assert [(x.property_name, x.value, x.method, x.origin) for x in entry.labels] == [
            ("k_vrh", 20.0 + i, "pbe", "source:test")
        ]
        assert entry.failures == ()


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
def test_compressed_table(tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]) -> None:
    assert len(entries_of(write(tmp_path / f"t.csv{ending}", pack(as_csv(RECORDS).encode())))) == 4


def test_tab_separated_table(tmp_path: Path) -> None:
    content = "id\tK\tstructure\n" + f"a\t3\t{json.dumps(to_pymatgen(rock_salt()))}\n".replace('"', '""').replace(
        "\t{", '\t"{'
    ).replace("}\n", '}"\n')
    assert entries_of(write(tmp_path / "t.tsv", content), payload=())["a"].labels[0].value == 3.0


@pytest.mark.parametrize(
    "cell",
    [ROCK_SALT_CIF, to_poscar(rock_salt()), json.dumps(to_pymatgen(rock_salt())), to_pymatgen(rock_salt())],
    ids=["cif", "poscar", "json-text", "dict"],
)
def test_structure_in_a_cell(tmp_path: Path, cell: Any) -> None:
    path = write(tmp_path / "t.jsonl", json.dumps({"id": "a", "structure": cell, "K": 1, "formula": "NaCl"}))
    crystal = entries_of(path)["a"].crystal
    assert crystal is not None
    assert (crystal.n_site, crystal.elements) == (8, ("Cl", "Na"))


@pytest.mark.parametrize(
    ("unit", "raw", "value"),
    [(None, 50, 50.0), ("GPa", "50", 50.0), ("Mbar", 0.5, 50.0), ("log10 GPa", 2, 100.0), ("kbar", "-30", -3.0)],
)
def test_units(tmp_path: Path, unit: str | None, raw: Any, value: float) -> None:
    """A negative modulus is a label: the quality rules reject it later, and keep it."""
    path = write(tmp_path / "t.json", json.dumps([{**RECORDS[0], "K": raw}]))
    (label,) = entries_of(path, labels=[{**K, "unit": unit}])["mp-0"].labels
    assert label.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("soft", "'soft' is not a number"),
        ("n/a", "'n/a' is not a number"),
        ("NaN", "'NaN' is not a finite number"),
        (float("nan"), "nan is not a finite number"),
        (float("inf"), "inf is not a finite number"),
        ("1e999", "'1e999' is not a finite number"),
        (True, "True is not a number"),
        ([1.0], "[1.0] is not a number"),
        (10**400, "is not a number"),
    ],
)
def test_bad_label_is_a_failure_and_the_rest_is_kept(tmp_path: Path, raw: Any, told: str) -> None:
    path = write(tmp_path / "t.json", json.dumps([{**RECORDS[0], "K": raw, "G": 7.5}, RECORDS[1]]))
    entries = entries_of(path, labels=[K, {"column": "G", "property": "g_vrh", "method": "pbe"}])
    bad, good = entries["mp-0"], entries["mp-1"]
    assert bad.crystal is not None
    assert [(x.property_name, x.value) for x in bad.labels] == [("g_vrh", 7.5)]
    (failure,) = bad.failures
    assert (failure.stage, failure.subject, failure.detail) == ("label_value", "t.json:row 1 (mp-0)", "column K")
    assert failure.message.startswith("t.json:row 1 (mp-0), column K: ")
    assert told in failure.message
    assert failure.message.endswith("; mend the cell or leave it empty")
    assert [x.value for x in good.labels] == [21.0]


@pytest.mark.parametrize("raw", [None, "", "  "])
def test_empty_label_is_no_label_and_no_failure(tmp_path: Path, raw: Any) -> None:
    entry = entries_of(write(tmp_path / "t.json", json.dumps([RECORDS[1], {**RECORDS[0], "K": raw}])))["mp-0"]
    assert (entry.labels, entry.failures) == ((), ())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"structure": None}, "the column 'structure' is empty"),
        ({"structure": "{"}, "the cell holds no structure in JSON"),
        ({"structure": {"lattice": {}, "sites": []}}, "the structure has no 'matrix'"),
        ({"structure": "data_x\n_cell_length_a 3\n"}, "the structure has no atoms"),
        ({"structure": ROCK_SALT_CIF * 2}, "duplicate block name: NaCl"),
        ({"structure": 5}, "it is not a POSCAR"),
    ],
    ids=["empty", "torn-json", "no-lattice", "no-atoms", "two-blocks", "number"],
)
def test_bad_structure_is_a_failure_and_the_next_row_is_read(tmp_path: Path, change: Any, told: str) -> None:
    entries = entries_of(write(tmp_path / "t.json", json.dumps([{**RECORDS[0], **change}, RECORDS[1]])))
    assert entries["mp-0"].crystal is None
    (failure,) = entries["mp-0"].failures
    assert (failure.stage, failure.subject) == ("parse", "t.json:row 1 (mp-0)")
    assert told in failure.message
    assert entries["mp-1"].crystal is not None


def test_duplicate_ids(tmp_path: Path) -> None:
    other = {**RECORDS[1], "id": "mp-0"}
    items = read(write(tmp_path / "t.json", json.dumps([RECORDS[0], RECORDS[0], other, {**RECORDS[0], "K": 99}])))
    kept, *failures = items
    assert isinstance(kept, EntryRecord)
    assert kept.labels[0].value == 20.0
    assert [isinstance(f, FailureRecord) and (f.error_class, f.subject) for f in failures] == [
        ("DuplicateIdError", "t.json:row 3 (mp-0)"),
        ("DuplicateIdError", "t.json:row 4 (mp-0)"),
    ]


def test_rows_without_id_or_of_wrong_width(tmp_path: Path) -> None:
    content = as_csv(RECORDS).splitlines()
    content[2] = content[2].replace("mp-1", "")
    content[3] += ",surplus"
    items = read(write(tmp_path / "t.csv", "\n".join(content)))
    assert [isinstance(item, EntryRecord) for item in items] == [True, False, True, True]
    assert isinstance(items[1], FailureRecord)
    assert items[1].message == "t.csv:row 2: the id column 'id' is empty; mend the row and give it an id"
    assert isinstance(items[2], EntryRecord)
    assert "it has 5 fields where the header has 4" in items[2].failures[0].message


def test_rows_are_numbered_where_there_is_no_id(tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", json.dumps(RECORDS))
    entries = entries_of(path, id_column=None, url="https://example.org/{}")
    assert [(key, entry.url) for key, entry in entries.items()][1] == ("row-2", "https://example.org/row-2")


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv", "t.json.gz", "t.jsonl.gz", "t.csv.gz", "split.json"])
def test_torn_table_keeps_what_stands_before_the_break(tmp_path: Path, name: str) -> None:
    records = [{**RECORDS[i % 4], "id": f"mp-{i}", "formula": os.urandom(500).hex()} for i in range(40)]
    text = json.dumps(as_split(records) if "split" in name else records)
    if "jsonl" in name:
        text = "\n".join(map(json.dumps, records))
    elif "csv" in name:
        text = as_csv(records)
    content = gzip.compress(text.encode()) if name.endswith("gz") else text.encode()
    items = read(write(tmp_path / name, content[: len(content) * 58 // 100]))
    entries = [item for item in items if isinstance(item, EntryRecord) and item.crystal]
    assert 19 <= len(entries) <= 24
    assert [e.external_id for e in entries] == [f"mp-{i}" for i in range(len(entries))]
    assert len(items) == len(entries) + 1
    last = items[-1]
    if name in {"t.jsonl", "t.csv"}:  # a torn last line is a bad row of its own
        (failure,) = (last,) if isinstance(last, FailureRecord) else last.failures
        assert failure.message.startswith(f"{name}:row {len(entries) + 1}")
    else:
        assert isinstance(last, FailureRecord)
        assert (last.error_class, last.subject) == ("TruncatedError", name)
        assert f"{name}: the table breaks off after row {len(entries)}" in last.message


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("t.json", b"", "nothing can be read"),
        ("t.json", b'{"structure": ', "nothing can be read"),
        ("t.json", b"[]", "it has no rows"),
        ("t.json", b"7", "it has no rows"),
        ("t.json", b"[" * 100_000, "nested too deeply"),
        ("t.csv", b"", "it has no rows"),
        ("t.csv", b"id,K,structure\n", "it has no rows"),
        ("t.csv.gz", b"no gzip", "nothing can be read"),
        (
            "t.csv",
            b"id,structure,k\n1,2,3\n",
            "it has no column 'K' (did you mean 'k'?); name one of its columns in the study: id, k,",
        ),
        ("t.parquet", b"PAR1", "a table does not end in '.parquet'; give .csv, .tsv"),
    ],
)
def test_table_that_is_useless_as_a_whole(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(write(tmp_path / name, content), payload=())
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / name))


def test_files_and_joined_tables(tmp_path: Path) -> None:
    """The layout of crystal-graph data sets: numbers in one table, ids in a second, labels in a third, CIFs aside."""
    cifs = {f"cif/{i}.cif": ROCK_SALT_CIF.replace("5.64", f"5.{i}").encode() for i in (2, 0, 1, 9)}
    write_tar(tmp_path / "cifs.tar.gz", {**cifs, "cif/1.cif": b"torn"})
    write(tmp_path / "hash.csv", "0,mp-1\n1,mp-2\n2,mp-3\n3,mp-4\n")
    write(tmp_path / "labels.csv", "material_id,K_VRH\nmp-1,18\nmp-3,NaN\nmp-9,3\n")
    path = write(tmp_path / "id_prop.csv", "0,-1.5\n1,-2\n2,-2.5\n3,-3\n")
    entries = entries_of(
        path,
        id_column="material_id",
        column_names=("i", "energy"),
        structure={"column": "i", "format": "file", "files": "cifs.tar.gz", "file_name": "{}.cif"},
        labels=[
            {"column": "energy", "property": "formation_energy_per_atom", "method": "pbe"},
            {**K, "column": "K_VRH"},
        ],
        payload=(),
        joins=[
            {"path": "hash.csv", "left": "i", "right": "i", "column_names": ["i", "material_id"]},
            {"path": "labels.csv", "left": "material_id", "right": "material_id"},
        ],
    )
    assert list(entries) == ["mp-3", "mp-1", "mp-2", "mp-4"]  # in the order of the archive, rows without file last
    found = {key: (e.crystal is not None, [x.value for x in e.labels]) for key, e in entries.items()}
    assert found == {"mp-1": (True, [-1.5, 18.0]), "mp-2": (False, []), "mp-3": (True, [-2.5]), "mp-4": (False, [])}
    assert [f.stage for f in entries["mp-3"].failures] == ["label_value"]
    assert entries["mp-4"].failures[0].message == (
        "id_prop.csv:row 4 (mp-4): there is no file '3.cif' in cifs.tar.gz; mend the row or take it out of the table"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(items=st.lists(JSON, min_size=1, max_size=6), data=st.data())
def test_whole_items_before_the_break_are_salvaged_and_no_other(items: list[Any], data: st.DataObject) -> None:
    text = json.dumps(items)
    assert loads_salvaged(text) == (items, None)
    end = data.draw(st.integers(1, len(text) - 1))
    salvaged, broken = loads_salvaged(text[:end])
    assert broken
    kept = salvaged or []
    assert kept == items[: len(kept)]
    whole = sum(len(json.dumps(items[: i + 1])) <= end for i in range(len(items)))
    assert len(kept) in {whole, whole + 1}


@pytest.mark.parametrize(
    ("name", "settings", "n_entry", "n_label"),
    [
        ("elastic_tensor_2015.json.gz", {"id_column": "material_id", "labels": ["K_VRH", "G_VRH"]}, 1181, 2362),
        (
            "mp_binary_pbe_elasticity_2025.json.gz",
            {"id_column": "mp_id", "labels": ["bulk_modulus_vrh", "shear_modulus_vrh"]},
            3541,
            7082,
        ),
        ("elastic_tensors_100.json.gz", {"id_column": None, "labels": []}, 100, 0),
        ("outliers_40.json.gz", {"id_column": "mp_id", "labels": ["bulk_modulus_vrh", "shear_modulus_vrh"]}, 40, 80),
    ],
)
def test_published_tables(name: str, settings: dict[str, Any], n_entry: int, n_label: int) -> None:
    path = DATA / "elastic" / name
    if not path.exists():
        pytest.skip(f"{path} is not there; set MATSIFT_DATA to the folder of the published data")
    properties = ("k_vrh", "g_vrh")
    labels = [
        {"column": c, "property": p, "method": "pbe"} for c, p in zip(settings["labels"], properties, strict=False)
    ]
    entries = entries_of(path, id_column=settings["id_column"], labels=labels, payload=())
    assert (len(entries), sum(len(e.labels) for e in entries.values())) == (n_entry, n_label)
    assert all(entry.crystal for entry in entries.values())
