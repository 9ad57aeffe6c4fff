"""Forms for people: what goes out can be filled in by any spreadsheet, and every slip is told in one sentence."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Structure
from tests.factories.crystals import many, rock_salt

from matsift.errors import OracleError, SourceError
from matsift.study.handoff import ManualOracle
from matsift.unit_conversion import known_units
from matsift_adapters.oracles.handoff import (
    Failed,
    Finished,
    Running,
    read_folder,
    read_table,
    write_folder,
    write_table,
)
from matsift_adapters.oracles.manual import short_id
from matsift_adapters.oracles.manual_results import ReturnedTable

SETTINGS = ManualOracle(method="resonant-ultrasound")
CRYSTALS = many(4)
HASHES = [crystal.content_hash for crystal in CRYSTALS]
A, B, C, D = (short_id(structure_hash) for structure_hash in HASHES)


def table(tmp_path: Path, text: str | bytes, *wanted: str) -> ReturnedTable:
    """Read a table with this text; K is wanted if nothing else is said."""
    path = tmp_path / "results.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(SETTINGS, path, HASHES, wanted or ("k_vrh",))


def values(read: ReturnedTable) -> dict[str, dict[str, float]]:
    """Return the values of a table by short id."""
    return {
        short_id(row.structure_hash): row.returned.values for row in read.rows if isinstance(row.returned, Finished)
    }


def test_a_folder_holds_the_structure_and_a_form(tmp_path: Path) -> None:
    settings = ManualOracle(method="ultrasound", properties=("k_vrh", "energy_per_atom"), units={"k_vrh": "kbar"})
    write_folder(settings, "ultrasound", rock_salt(), tmp_path / "x", {})
    assert Structure.from_file(tmp_path / "x" / "structure.cif").matches(rock_salt().to_pymatgen(), scale=False)
    rows = list(csv.reader((tmp_path / "x" / "result.csv").read_text().splitlines()))
    assert rows == [
        ["structure", "formula", "k_vrh (kbar)", "energy_per_atom (eV/atom)", "failed", "note"],
        [short_id(rock_salt().content_hash), "NaCl", "", "", "", ""],
    ]
    note = (tmp_path / "x" / "README.txt").read_text()
    assert "k_vrh (kbar), energy_per_atom (eV/atom)" in note
    assert "'ultrasound'" in note


def fill(folder: Path, *cells: str) -> None:
    """Fill the row of a form."""
    heading, row = (folder / "result.csv").read_text().splitlines()
    (folder / "result.csv").write_text("\n".join([heading, ",".join([*row.split(",")[:2], *cells])]))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("24.5", "14.8", "", ""), Finished({"k_vrh": 24.5, "g_vrh": 14.8})),
        (("24.5", "14.8", "", "on two axes"), Finished({"k_vrh": 24.5, "g_vrh": 14.8}, {"note": "on two axes"})),
        (("24.5", "", "too soft", ""), Finished({"k_vrh": 24.5}, {"failed": "too soft"})),
        (("", "", "", ""), Running("result.csv is not filled in yet")),
        (("", "", "it  broke", ""), Failed("GivenUpError", "the operator gave up: it broke")),
    ],
    ids=["both", "a note", "one and a reason", "empty", "failed"],
)
def test_a_form_that_came_back(cells: tuple[str, ...], expected: object, tmp_path: Path) -> None:
    write_folder(SETTINGS, "m", rock_salt(), tmp_path / "x", {})
    fill(tmp_path / "x", *cells)
    assert read_folder(SETTINGS, tmp_path / "x") == expected


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("24", "5", "", "", ""), ": the row has 7 cells under 6 headings; write a decimal point, no comma"),
        (("about 24", "1", "", ""), ", k_vrh (GPa): 'about 24' is not a number; mend the cell or leave it empty"),
        (("24.5", "", "", ""), ": g_vrh is still empty; fill it in, or write into 'failed' why not"),
        (("-1", "", "too soft", ""), ", k_vrh (GPa): -1 GPa lies outside 0 to 1000; mend the cell or leave it empty"),
    ],
    ids=["decimal comma", "words", "half", "absurd"],
)
def test_a_form_with_a_slip_is_no_failure_of_the_structure(cells: tuple[str, ...], said: str, tmp_path: Path) -> None:
    write_folder(SETTINGS, "m", rock_salt(), tmp_path / "x", {})
    fill(tmp_path / "x", *cells)
    with pytest.raises(OracleError) as caught:
        read_folder(SETTINGS, tmp_path / "x")
    assert str(caught.value) == f"x/result.csv, line 2{said}"


def test_only_what_a_campaign_wants_must_be_filled_in(tmp_path: Path) -> None:
    write_folder(SETTINGS, "m", rock_salt(), tmp_path / "x", {"properties": ["g_vrh"]})
    fill(tmp_path / "x", "", "14.8", "", "")
    assert read_folder(SETTINGS, tmp_path / "x") == Finished({"g_vrh": 14.8})


def test_a_form_that_was_lost_is_open(tmp_path: Path) -> None:
    write_folder(SETTINGS, "m", rock_salt(), tmp_path / "x", {})
    (tmp_path / "x" / "result.csv").unlink()
    assert read_folder(SETTINGS, tmp_path / "x") == Running("result.csv is not in the folder")
    (tmp_path / "x" / "result.csv").write_text("structure,k_vrh\n")
    with pytest.raises(SourceError, match=r"names no unit; write for example k_vrh \(GPa\)"):
        read_folder(SETTINGS, tmp_path / "x")


def test_the_good_rows_of_a_table_go_in_and_each_bad_one_has_a_sentence(tmp_path: Path) -> None:
    text = f"""structure,formula,k_vrh (GPa),g_vrh (kbar),failed,note
{A},NaCl,24.5,148,,
{B},NaCl,nan,150,,
s-0123456789abcdef,KCl,17,9,,
{C},NaCl,,,no powder left,
{D},NaCl,40700000,,,
{A},NaCl,24.5,148,,
{A},NaCl,30,148,,

,NaCl,5,5,,
"""
    read = table(tmp_path, text, "k_vrh", "g_vrh")
    assert values(read) == {A: {"k_vrh": 24.5, "g_vrh": pytest.approx(14.8)}}
    (given_up,) = [row for row in read.rows if isinstance(row.returned, Failed)]
    assert (given_up.structure_hash, given_up.line) == (HASHES[2], 5)
    assert read.n_open == 2
    lost = "among those handed out; copy the column 'structure' from the form"
    assert list(read.complaints) == [
        "results.csv, line 3, k_vrh (GPa): 'nan' is not a finite number; mend the cell or leave it empty",
        f"results.csv, line 4: there is no structure 's-0123456789abcdef' {lost}",
        "results.csv, line 6, k_vrh (GPa): 4.07e+07 GPa lies outside 0 to 1000; mend the cell or leave it empty",
        "results.csv, line 8: line 2 says otherwise about the same structure, and counts; keep one",
        f"results.csv, line 10: there is no structure '' {lost}",
    ]


@pytest.mark.parametrize("cell", ["inf", "-inf", "1e400", "-3", "1001", "NaN", "yes", "24.5 GPa", "2 4", "0x10"])
def test_absurd_values_do_not_go_in(cell: str, tmp_path: Path) -> None:
    read = table(tmp_path, f"structure,k_vrh (GPa)\n{A},{cell}\n{B},20\n")
    assert values(read) == {B: {"k_vrh": 20.0}}
    assert len(read.complaints) == 1
    assert read.complaints[0].startswith("results.csv, line 2, k_vrh (GPa): ")


@pytest.mark.parametrize("unit", known_units("GPa"))
def test_units_are_converted(unit: str, tmp_path: Path) -> None:
    given_value, expected = {
        "GPa": ("50", 50), "Mbar": ("0.5", 50), "kbar": ("500", 50), "MPa": ("50000", 50), "Pa": ("5e10", 50),
        "TPa": ("0.05", 50), "eV/angstrom^3": ("1", 160.21766208), "log10 GPa": ("2", 100), "log10 Mbar": ("0", 100),
        "log10 kbar": ("3", 100), "log10 MPa": ("5", 100), "log10 Pa": ("11", 100), "log10 TPa": ("-1", 100),
        "log10 eV/angstrom^3": ("0", 160.21766208),
    }[unit]  # fmt: skip
    assert values(table(tmp_path, f"structure,k_vrh ({unit})\n{A},{given_value}\n")) == {
        A: {"k_vrh": pytest.approx(expected)}
    }


@pytest.mark.parametrize(
    "text",
    [
        f"structure;k_vrh (GPa)\r\n{A};24,5\r\n",
        f"structure\tk_vrh (GPa)\n{A}\t24,5\n",
        f"\ufeffstructure,k_vrh [GPa]\n{A},24.5\n",
        f'"structure","k_vrh (GPa)"\n"{A}","24.5"\n',
        f" structure , k_vrh (GPa) \n {A} , 24.5 \n",
        f"note,k_vrh(GPa),structure\nfine,24.5,{A}\n",
        f"structure,k_vrh (GPa)\n{A.upper().replace('S-', 's-')},24.5\n",
        f"structure,k_vrh (GPa)\n{HASHES[0]},24.5\n",
        f"structure,k_vrh (GPa)\n{HASHES[0][:12]},24.5\n",
        f"structure,Laborant,k_vrh (GPa)\n{A},M\xfcller,24.5\n",
    ],
    ids=[
        "semicolons",
        "tabs",
        "mark of Excel",
        "quotes",
        "blanks",
        "order",
        "capitals",
        "hash",
        "beginning",
        "own column",
    ],
)
def test_what_spreadsheets_make_of_a_table(text: str, tmp_path: Path) -> None:
    assert values(table(tmp_path, text)) == {A: {"k_vrh": 24.5}}


def test_a_table_in_the_letters_of_old_windows(tmp_path: Path) -> None:
    assert values(table(tmp_path, f"structure,k_vrh (GPa),note\n{A},24.5,M\xfcller\n".encode("cp1252"))) == {
        A: {"k_vrh": 24.5}
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "the table is empty; write the heading of the form and the rows"),
        (b"\x00\x01PK", "it is no text; save the table as CSV"),
        (b"id,k_vrh (GPa)\n", "there is no column 'structure'; start from the form that was handed out"),
        (b"structure,note\n", "there is no column with values; name one as k_vrh (GPa), g_vrh (GPa)"),
        (b"structure,k_vrh\n", "the column 'k_vrh' names no unit; write for example k_vrh (GPa)"),
        (b"structure,k_vrh (eV)\n", "k_vrh cannot be converted from 'eV'; use one of GPa, Mbar, kbar"),
        (b"structure,kvrh (GPa)\n", "the column 'kvrh (GPa)' is none of this oracle's properties; use k_vrh, g_vrh"),
        (b"structure,band_gap (eV)\n", "the column 'band_gap (eV)' is none of this oracle's properties"),
        (b"structure,k_vrh (GPa),k_vrh (kbar)\n", "two columns hold k_vrh; keep one"),
    ],
    ids=["empty", "bytes", "no id", "no values", "no unit", "unit", "misspelt", "other property", "twice"],
)
def test_a_table_that_cannot_be_meant(text: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        table(tmp_path, text)
    assert said in str(caught.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"missing\.csv: No such file or directory; name the table that came back"):
        read_table(SETTINGS, tmp_path / "missing.csv", HASHES)


def test_open_rows_are_counted(tmp_path: Path) -> None:
    read = table(tmp_path, f"structure,k_vrh (GPa)\n{A},\n{B},20\n{C},\n")
    assert (read.n_open, len(read.rows), read.complaints) == (2, 1, ())


def test_a_form_for_many_grows_and_keeps_what_is_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    write_table(SETTINGS, path, [(HASHES[0], "NaCl", 1), (HASHES[1], "NaCl", 1)])
    path.write_text(path.read_text().replace(f"{A},NaCl,,,,", f"{A},NaCl,24.5,,,").rstrip("\n"))
    write_table(SETTINGS, path, [(HASHES[1], "NaCl", 1), (HASHES[2], "NaCl", 1)])
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["structure", A, B, C]
    read = read_table(SETTINGS, path, HASHES, ["k_vrh"])
    assert values(read) == {A: {"k_vrh": 24.5}}
    assert read.n_open == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_form_that_a_spreadsheet_wrote_anew_grows_in_its_own_columns(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(f"formula;structure;G;k_vrh (GPa);Pr\xfcfer\r\nNaCl;{A};x;24,5;M\xfcller".encode("cp1252"))
    write_table(SETTINGS, path, [(HASHES[0], "NaCl", 1), (HASHES[1], "KCl", 1)])
    assert path.read_bytes().endswith(f";M\xfcller\nKCl;{B};;;\n".encode("cp1252"))
    read = read_table(SETTINGS, path, HASHES, ["k_vrh"])
    assert (values(read), read.n_open) == ({A: {"k_vrh": 24.5}}, 1)


def test_a_second_attempt_has_a_row_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    write_table(SETTINGS, path, [(HASHES[0], "NaCl", 1)])
    path.write_text(path.read_text().replace(",,,,", ",,,no powder left,"))
    write_table(SETTINGS, path, [(HASHES[0], "NaCl", 2)])
    write_table(SETTINGS, path, [(HASHES[0], "NaCl", 1), (HASHES[0], "NaCl", 2)])
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["structure", A, f"{A}-2"]
    path.write_text(path.read_text().replace(f"{A}-2,NaCl,,", f"{A}-2,NaCl,24.5,14.8"))
    first, second = read_table(SETTINGS, path, HASHES).rows
    assert (first.attempt, first.structure_hash) == (1, HASHES[0])
    assert isinstance(first.returned, Failed)
    assert (second.attempt, second.structure_hash) == (2, HASHES[0])
    assert second.returned == Finished({"k_vrh": 24.5, "g_vrh": 14.8})


@given(text=st.text(alphabet=st.sampled_from('s-0123456789abcdef,;"\t\n\r ().k_vrhGPa\x00\u00e9'), max_size=200))
def test_no_text_is_more_than_an_error(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("table") / "results.csv"
    path.write_text(f"structure,k_vrh (GPa)\n{text}", encoding="utf-8", newline="")
    try:
        read = read_table(SETTINGS, path, HASHES)
    except SourceError:
        return
    assert all(isinstance(row.returned, Finished | Failed) for row in read.rows)
