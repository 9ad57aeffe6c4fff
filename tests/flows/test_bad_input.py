"""Bad files, rows and studies: what is good is kept, what is bad is named in one sentence with the remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.factories.hostile import good_rows, matsift, row, rows_of, salt, write_study, write_table
from tests.factories.structure_files import ROCK_SALT_CIF

from matsift_adapters.sources.pymatgen_json import to_pymatgen
from matsift_adapters.sources.vasp_and_ase import to_poscar

_FOLDER = 'sources=[{kind="files",name="folder",path="files"}]'
_LABELS = "sources.0.labels=[{{column={column!r},property={name!r},method='pbe',unit={unit!r}}}]"


@pytest.fixture
def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh database that the command uses, and a fresh data folder."""
    monkeypatch.setenv("MATSIFT_DATABASE_URL", database_url)
    monkeypatch.setenv("MATSIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MATSIFT_WORKERS", "1")
    return database_url


def failures(url: str) -> dict[str, str]:
    """Return subject -> message of all failures."""
    return dict(rows_of(url, "SELECT subject, message FROM matsift.failure"))


def test_bad_files_beside_good_ones(database: str, tmp_path: Path) -> None:
    study = write_study(tmp_path)
    folder = tmp_path / "files"
    (folder / "again").mkdir(parents=True)
    (folder / "good.cif").write_text(ROCK_SALT_CIF)
    (folder / "POSCAR").write_text(to_poscar(salt(60)))
    (folder / "bare.cif").write_text(ROCK_SALT_CIF.split("loop_\n_atom_site")[0])
    (folder / "torn.json").write_text(json.dumps(to_pymatgen(salt(50)))[:200])
    (folder / "empty.cif").write_text("")
    (folder / "again" / "good.cif").write_text(ROCK_SALT_CIF.replace("5.64", "5.99"))
    matsift("ingest", study, "--set", _FOLDER).done()
    good = rows_of(database, "SELECT external_id FROM matsift.source_entry WHERE structure_id IS NOT NULL ORDER BY 1")
    assert good == [("POSCAR",), ("good",)]
    remedy = "mend the file or take it out of the source"
    said = failures(database)
    assert said["folder: files:bare.cif"] == f"files:bare.cif: the structure has no atoms; {remedy}"
    assert said["folder: files:empty.cif"] == f"files:empty.cif: the file is empty; {remedy}"
    assert said["folder: files:torn.json"].startswith("files:torn.json: it is not valid JSON (Expecting")
    assert said["folder: files:torn.json"].endswith(remedy)
    assert "the id 'good' was read before with other content" in said.pop("files:good.cif")
    assert len(said) == 3


_BAD_ROWS: list[tuple[str, dict[str, Any], str]] = [
    ("text", {"k": "soft"}, "column K: 'soft' is not a number; mend the cell or leave it empty"),
    ("nan", {"k": "NaN"}, "column K: 'NaN' is not a finite number; mend the cell or leave it empty"),
    ("endless", {"k": "1e999"}, "column K: '1e999' is not a finite number; mend the cell or leave it empty"),
    ("comma", {"k": "24,5"}, "column K: '24,5' is not a number; mend the cell or leave it empty"),
]


def test_bad_rows_beside_good_ones(database: str, tmp_path: Path) -> None:
    rows = [
        *good_rows(3),
        *(row(key, salt(20 + i), g=5, **cells) for i, (key, cells, _) in enumerate(_BAD_ROWS)),
        row("good-1", salt(99), 55, 5),
        row("soft", salt(31), -3, 5),
        row("hard", salt(32), 600, 800),
        {"id": "shapeless", "structure": "{}", "K": 3, "G": 3},
        {"id": "void", "structure": "", "K": 3, "G": 3},
        {"id": "", "structure": "", "K": 3, "G": 3},
    ]
    study = write_study(tmp_path, rows)
    assert "11 entries" in matsift("ingest", study).done()
    said = failures(database)
    for i, (key, _, words) in enumerate(_BAD_ROWS):
        assert said.pop(f"shelf: shelf.csv:row {4 + i} ({key})") == f"shelf.csv:row {4 + i} ({key}), {words}"
    assert "the id 'good-1' was read before" in said.pop("shelf.csv:row 8 (good-1)")
    remedy = "; mend the row or take it out of the table"
    assert said.pop("shelf: shelf.csv:row 11 (shapeless)").endswith(f"the JSON holds no structure{remedy}")
    assert said.pop("shelf: shelf.csv:row 12 (void)").endswith(f"the column 'structure' is empty{remedy}")
    assert said.pop("shelf.csv:row 13").endswith("the id column 'id' is empty; mend the row and give it an id")
    assert not said
    rejected = """
        SELECT e.external_id, p.name, v.rule, v.value_seen FROM matsift.label_verdict v
        JOIN matsift.label l ON l.id = v.label_id JOIN matsift.property p ON p.id = l.property_id
        JOIN matsift.source_entry e ON e.id = l.source_entry_id WHERE v.verdict = 'rejected' ORDER BY 1, 2
    """
    assert rows_of(database, rejected) == [
        ("hard", "g_vrh", "modulus_out_of_range", 800.0),
        ("hard", "k_vrh", "modulus_out_of_range", 600.0),
        ("soft", "g_vrh", "negative_modulus", -3.0),
        ("soft", "k_vrh", "negative_modulus", -3.0),
    ]
    accepted = "SELECT count(*) FROM matsift.label_verdict WHERE verdict = 'accepted'"
    assert rows_of(database, accepted) == [(3 * 2 + len(_BAD_ROWS),)]  # a bad K does not spoil the G beside it


def test_a_missing_and_a_broken_source_do_not_keep_a_good_one_out(database: str, tmp_path: Path) -> None:
    study = write_study(tmp_path)
    (tmp_path / "salt.cif").write_text(ROCK_SALT_CIF)
    (tmp_path / "torn.zip").write_bytes(b"PK\x03\x04 and no more")
    sources = ('name="lost",path="nowhere"', 'name="torn",path="torn.zip"', 'name="good",path="salt.cif"')
    listed = ",".join(f'{{kind="files",{source}}}' for source in sources)
    ended = matsift("ingest", study, "--set", f"sources=[{listed}]")
    assert ended.sentence == f"{tmp_path}/nowhere: there is no such file; correct the path in the study"
    assert f"{tmp_path}/torn.zip: it is no whole zip archive" in ended.err
    assert rows_of(database, "SELECT external_id FROM matsift.source_entry") == [("salt",)]


def test_a_corrected_mapping_brings_the_labels(database: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, good_rows(3))
    wrong = _LABELS.format(column="K", name="k_vrh", unit="kbar")
    matsift("ingest", study, "--set", wrong).done()
    matsift("ingest", study).done()
    current = """
        SELECT DISTINCT ON (l.structure_id) l.value FROM matsift.label l JOIN matsift.property p ON p.id = l.property_id
        WHERE p.name = 'k_vrh' ORDER BY l.structure_id, l.revision DESC
    """
    assert sorted(rows_of(database, current)) == [(20.0,), (20.5,), (21.0,)]
    assert failures(database) == {}


def test_a_source_that_changes_and_changes_back(database: str, tmp_path: Path) -> None:
    rows = good_rows(4)
    study = write_study(tmp_path, rows)
    matsift("ingest", study).done()
    changed = [row("good-0", salt(0, "Li"), 99, 10), *rows[2:], row("late", salt(70, "K"), 30, 3)]
    write_table(tmp_path / "shelf.csv", changed)
    assert "2 entries" in matsift("ingest", study).done()
    states = """
        SELECT external_id, count(*), bool_and(withdrawn_at IS NOT NULL) FROM matsift.source_entry GROUP BY 1 ORDER BY 1
    """
    assert rows_of(database, states) == [
        ("good-0", 2, False),
        ("good-1", 1, True),
        ("good-2", 1, False),
        ("good-3", 1, False),
        ("late", 1, False),
    ]
    write_table(tmp_path / "shelf.csv", rows)
    matsift("ingest", study).done()
    assert [gone for _, _, gone in rows_of(database, states)] == [False, False, False, False, True]
    n_run = rows_of(database, "SELECT count(*) FROM matsift.run")
    assert matsift("ingest", study).done() == "0 entries and 0 verdicts are new\n"
    assert rows_of(database, "SELECT count(*) FROM matsift.run") == n_run


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("nonsense", "'nonsense' is not of the form key=value; write for example"),
        ("sources.5.path=x", "needs a number from 0 to 0 at '5'"),
        ("campaign.round=1", "unknown key 'campaign.round'"),
        ('descriptors.sets=["soap"]', "there is no descriptor set 'soap'; use one of"),
        ('learner.settings={members="many"}', "the setting 'members' of the learner 'lightgbm_ensemble' is 'many'"),
        ("learner.settings=3", "learner.settings: 3 is refused: input should be a valid dictionary"),
        ("learner.ablation={S=[]}", "learner.ablation.S names no descriptor set"),
        ('study.name="my study"', "study.name: 'my study' is refused: string should match pattern"),
        ('candidates.elements=["Sodium"]', "'Sodium' is no element symbol"),
        ('sampling.element="Xx"', "'Xx' is no element symbol"),
        ("sampling.thresholds={kvrh=3}", "there is no property 'kvrh'"),
        ('campaign.strategies=["random","random"]', "campaign.strategies names 'random' twice"),
        ('campaign.strategies=["fastest"]', "there is no kind 'fastest'; use one of exploration, random"),
        ('campaign.strategies=[{kind="upper_confidence_bound",kappa=-1}]', "kappa: -1 is refused"),
        ('sources.0.kind="web"', "sources.0: there is no kind 'web'; use one of files, table"),
        (_LABELS.format(column="K", name="k_vrh", unit="parsec"), "into which 'parsec' cannot be converted; use GPa"),
        (_LABELS.format(column="K", name="hardness", unit="GPa"), "there is no property 'hardness'; use one of k_vrh"),
    ],
)
def test_a_faulty_study_is_one_sentence(tmp_path: Path, override: str, words: str) -> None:
    sentence = matsift("ingest", write_study(tmp_path), "--set", override).sentence
    assert words in sentence
    assert "at least 1 item" not in sentence  # the echo of a fault within the list


def test_names_that_stand_twice_are_refused(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    twice = "[{kind='bundled',name='x'},{kind='files',name='x',path='y'}]"
    assert "sources names 'x' twice" in matsift("ingest", study, "--set", f"sources={twice}").sentence
    twice = "[{name='c',kind='converged'},{name='c',kind='n_site_below',value=5}]"
    assert "screening names 'c' twice" in matsift("ingest", study, "--set", f"screening={twice}").sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "there is no such file"), (b"\xff\xfe", "it is not UTF-8 text"), (b"a =", "it is not valid TOML")],
    ids=["missing", "binary", "no-toml"],
)
def test_an_unreadable_study(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "study.toml"
    if content is not None:
        path.write_bytes(content)
    assert matsift("run", path).sentence.startswith(f"{path}: {words}")
    assert matsift("run", tmp_path).sentence.startswith(f"{tmp_path}: it cannot be read (Is a directory)")


def test_a_column_that_does_not_exist(database: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, good_rows(2))
    ended = matsift("ingest", study, "--set", 'sources.0.id_column="key"')
    has = "name one of its columns in the study: G, K, id, structure"
    assert ended.sentence == f"{tmp_path}/shelf.csv: it has no column 'key'; {has}"
    assert rows_of(database, "SELECT count(*) FROM matsift.source_snapshot") == [(0,)]
