"""Text that people write: studies, tables of structures and labels, forms that come back, formulae."""

from __future__ import annotations

import csv
import io
import json
import math
import string
from pathlib import Path
from random import Random

from benchmarks.fuzz.mutation import WORDS
from benchmarks.fuzz.parser import Parser, Read, check_items, check_sentence, of_json, of_text
from tests.factories.crystals import shared_site
from tests.factories.hostile import STUDY
from tests.factories.structure_files import ROCK_SALT_CIF, rock_salt

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.errors import MatsiftError
from matsift.formulae import formulae
from matsift.study.handoff import ManualOracle
from matsift.study.loading import load_mirror, load_study
from matsift.study.sources import TableSource
from matsift_adapters.oracles.handoff import read_table
from matsift_adapters.oracles.manual import header, short_id
from matsift_adapters.sources import open_source
from matsift_adapters.sources.cif_symbols import formula_amounts
from matsift_adapters.sources.cod_rules import amounts
from matsift_adapters.sources.pymatgen_json import to_pymatgen

_FORM = ManualOracle(method="lab", properties=("k_vrh", "g_vrh"))
_HASHES = (rock_salt().content_hash, shared_site().content_hash)
_FORMULAE = ("Na4 Cl4", "Ca3 (P O4)2", "C2 H2 Cu O5", "Fe2+ O2-", "Na0.5 K0.5 Cl", "- H2 O -", "(Li, Na) Cl", "D2 O")


def parsers() -> list[Parser]:
    """Return the parsers of text that people write."""
    root = Path(__file__).parents[2]
    studies = [STUDY.encode(), *(path.read_bytes() for path in sorted((root / "studies").glob("*.toml")))]
    return [
        of_text("study", studies, _read_study),
        of_text("table-csv", [_csv()], _table("csv")),
        of_json("table-json", [_records(), {"columns": ["id"], "data": [["a"]]}], _table("json")),
        of_text("table-jsonl", ["\n".join(map(json.dumps, _records())).encode()], _table("jsonl")),
        of_text("form", [_form(",").encode(), _form(";").encode()], _read_form),
        Parser("formula", _formula, [text.encode() for text in _FORMULAE], _read_formula),
    ]


def _read_study(content: bytes, folder: Path) -> str | None:
    path = folder / "study.toml"
    path.write_bytes(content)
    try:
        load_mirror(path)
    except MatsiftError as error:
        check_sentence(str(error)[:4000])
    load_study(path)
    return None


def _records() -> list[dict[str, object]]:
    salt = to_pymatgen(rock_salt())
    return [
        {"id": "a", "structure": salt, "K": 24.5, "note": {"by": "x"}},
        {"id": "b", "structure": json.dumps(to_pymatgen(shared_site())), "K": "31", "note": None},
        {"id": 3, "structure": ROCK_SALT_CIF, "K": None, "note": [1, 2]},
    ]


def _csv() -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "structure", "K", "note"])
    writer.writeheader()
    writer.writerows({**row, "structure": _cell(row["structure"])} for row in _records())
    return text.getvalue().encode()


def _cell(structure: object) -> str:
    return structure if isinstance(structure, str) else json.dumps(structure)


def _table(ending: str) -> Read:
    label = {"column": "K", "property": "k_vrh", "method": "pbe"}
    said = {
        "kind": "table",
        "name": "t",
        "path": f"t.{ending}",
        "id_column": "id",
        "structure": {"column": "structure"},
    }
    settings = TableSource.model_validate({**said, "labels": [label], "payload": ["note"]})

    def read(content: bytes, folder: Path) -> str | None:
        (folder / settings.path).write_bytes(content)
        return check_items(open_source(settings, folder, n_worker=0).iterate())

    return read


def _form(delimiter: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(header(_FORM))
    writer.writerow([short_id(_HASHES[0]), "NaCl", "24.5", "14.1", "", "by hand"])
    writer.writerow([short_id(_HASHES[1]), "NaKCl2", "", "", "it broke", ""])
    return text.getvalue()


def _read_form(content: bytes, folder: Path) -> str | None:
    path = folder / "results.csv"
    path.write_bytes(content)
    found = read_table(_FORM, path, _HASHES)
    for told in found.complaints:
        check_sentence(told)
    for row in found.rows:
        values = getattr(row.returned, "values", {})
        assert all(math.isfinite(value) for value in values.values()), "a value is not finite"
    return None if found.rows else "complaint"


def _formula(rng: Random) -> bytes:
    """Return a formula of elements, numbers, brackets and charges, or of what none holds."""
    parts = []
    for _ in range(rng.randrange(1, 8)):
        symbol = rng.choice(ELEMENT_SYMBOLS) if rng.random() < 0.9 else rng.choice(string.printable)
        number = rng.choice(
            ("", "", "2", "0.5", "0", "1e5", "9" * 400, ".", "1..2", "٣", "nan", "-1", "+", "3-", "(2)")
        )
        parts.append(symbol + number + rng.choice(("", " ", " ", "-", ",", "(", ")", "[", "]", "·", "*")))
    text = "".join(parts).encode()
    return text + rng.choice(WORDS) if rng.random() < 0.15 else text


def _read_formula(content: bytes, _: Path) -> str | None:
    text = content.decode("utf-8", "replace")
    found = [amounts(text), formula_amounts(text)]
    for each in found:
        if each is None:
            continue
        assert all(math.isfinite(amount) and amount >= 0 for amount in each.values()), f"{each} is no composition"
        if set(each) <= set(ELEMENT_SYMBOLS) and all(each.values()):
            assert math.isfinite(formulae(each).mass_u), "the mass is not finite"
    return None if any(found) else "no formula"
