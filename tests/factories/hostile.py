"""The command line as a hostile user meets it: small studies on disk, and the command run in this process."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
from tests.factories.crystals import rock_salt, shared_site

from matsift.crystal import Crystal
from matsift_adapters.sources.pymatgen_json import to_pymatgen
from matsift_flows.cli import main

STUDY = """
[study]
name = "tiny"
title = "Rock salts"
seed = 1

[[sources]]
kind = "table"
name = "shelf"
path = "shelf.csv"
id_column = "id"
structure = { column = "structure" }
labels = [
    { column = "K", property = "k_vrh", method = "pbe" },
    { column = "G", property = "g_vrh", method = "pbe" },
]

[labels]
properties = ["k_vrh"]
[[labels.rules]]
kind = "negative_modulus"
[[labels.rules]]
kind = "modulus_out_of_range"

[descriptors]
sets = ["mp"]

[sampling]
strategy = "model_2"
validation_fraction = 0.25

[learner]
settings = { members = 2, n_estimators = 5, min_data_in_leaf = 2 }
coverage = 0.8

[candidates]
elements = ["Na"]

[campaign]
rounds = 0

[ranking]
property = "k_vrh"
"""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """What a command said and the code it ended with."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that was printed."""
        return self.out + self.err

    @property
    def sentence(self) -> str:
        """The one sentence of a command that could not do what was asked."""
        assert self.code != 0, self.said
        assert "Traceback" not in self.said, self.said
        told = [line for line in self.err.splitlines() if line.startswith("matsift: ")]
        assert len(told) == 1, self.err
        assert self.err.rstrip().endswith(told[0]), f"more follows the sentence: {self.err}"
        return told[0].removeprefix("matsift: ")

    def done(self) -> str:
        """Return what a command printed, once it is sure that it did all that was asked."""
        assert self.code == 0, self.said
        assert "Traceback" not in self.said, self.said
        return self.out


def matsift(*arguments: object) -> Ended:
    """Run the command in this process, where its imports are paid for, and return how it ended."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    argv = ["matsift", *map(str, arguments)]
    with mock.patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Ended(code, out.getvalue(), err.getvalue())


def salt(i: int, cation: str = "Na", anion: str = "Cl") -> Crystal:
    """Return the rock salt number i of these elements."""
    return rock_salt(cation, anion, 4.6 + 0.013 * i)


def disordered(i: int) -> Crystal:
    """Return a crystal number i in which sodium and potassium share a site."""
    shared = shared_site()
    return replace(shared, lattice=shared.lattice * (1 + 0.01 * i))


def row(key: str, crystal: Crystal, k: object = "", g: object = "") -> Row:
    """Return a row of a table."""
    return {"id": key, "structure": json.dumps(to_pymatgen(crystal)), "K": k, "G": g}


def good_rows(n: int = 40) -> list[Row]:
    """Return n labelled rock salts of lithium and potassium."""
    cations = ("Li", "K")
    return [row(f"good-{i}", salt(i, cations[i % 2], "Cl"), 20 + 0.5 * i, 10 + 0.3 * i) for i in range(n)]


def candidate_rows(n: int = 4) -> list[Row]:
    """Return n rock salts of sodium without a label."""
    return [row(f"candidate-{i}", salt(i)) for i in range(n)]


def write_table(path: Path, rows: Iterable[Row]) -> Path:
    """Write a CSV table and return its path."""
    listed = list(rows)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return path


def write_study(folder: Path, rows: Sequence[Row] | None = None) -> Path:
    """Write the study and its table into a folder; return the path of the study."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "shelf.csv", [*good_rows(), *candidate_rows()] if rows is None else rows)
    path = folder / "tiny.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
