"""Texts that mean harm, in every text that a database takes: they come back the same, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.fuzz.packages import made_package, signed
from benchmarks.fuzz.zipped import members_of
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories.crystals import rock_salt
from tests.factories.entries import entry, ingest, label
from tests.factories.runs import run_id
from tests.flows.test_packages import with_column

from matsift.errors import PackageError
from matsift.records import FailureRecord
from matsift.sentences import bearable
from matsift_adapters.settings import Settings
from matsift_flows.exporting.arrival import import_package
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace

#: SQL, a format, control characters, letters from right to left, and a name out of a folder.
HOSTILE = (
    "'; DROP TABLE matsift.structure; --",
    '"; DELETE FROM matsift.source_entry; --',
    "$$; SELECT pg_sleep(60); $$ %s %(x)s {} :name \\",
    "\x01\x1b[2J\x7f\u202e\u2028\ufeff",
    "../../etc/passwd",
)


def stored(session: Session, column: str, table: str = "source_entry") -> Any:
    """Return the only value of a column."""
    return session.execute(text(f"SELECT {column} FROM matsift.{table}")).scalar_one()


@pytest.mark.parametrize("told", HOSTILE, ids=["quote", "double quote", "dollar", "control", "path"])
def test_a_text_comes_back_the_same_from_every_field_of_an_entry(session: Session, told: str) -> None:
    one = entry(
        told,
        version=told,
        licence=told,
        url=told,
        payload={told: told, "list": [told, {"deep": told}]},
        labels=(label(method=told, origin=f"source:{told}"),),
        failures=(FailureRecord("label_value", told, "BadLabelError", told, detail=told),),
        holds=(told,),
        revision=told,
    )
    ingest(session, run_id(session), [one])
    for column in ("external_id", "version", "licence", "url", "revision"):
        assert stored(session, column) == told, column
    assert stored(session, "payload") == one.payload
    assert stored(session, "holds", "structure") == [told]
    assert stored(session, "method", "label") == told
    assert stored(session, "origin", "label") == f"source:{told}"
    assert stored(session, "subject", "failure") == f"shelf: {told}"
    assert stored(session, "detail", "failure") == told
    assert stored(session, "message", "failure") == bearable(told)
    assert session.execute(text("SELECT count(*) FROM matsift.structure")).scalar_one() == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("holds", ["\x00"]),
        ("formula", "nul\x00inside"),
        ("n_site", 2**40),
        ("space_group_number", -1),
        ("volume_angstrom3", float("nan")),
        ("volume_angstrom3", -1.0),
        ("species", ["Na"]),
        ("frac_coords", [0.0]),
        ("site_index", [-1] * 2),
        ("lattice", None),
        ("content_hash", "'; DROP TABLE matsift.structure; --"),
        ("formula", None),
    ],
)
def test_a_package_with_a_strange_row_is_taken_in_or_refused_in_one_sentence(
    new_url: Callable[[], str], tmp_path: Path, column: str, value: object
) -> None:
    members = members_of(made_package([rock_salt()]))
    members["tables/structure.parquet"] = with_column(members["tables/structure.parquet"], column, value)
    path = tmp_path / "p.zip"
    path.write_bytes(signed(members, only="tables/structure.parquet"))
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(new_url()), workers=1)
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        with pytest.raises(PackageError) as caught:
            import_package(workspace, path)
        assert "\n" not in str(caught.value)
        with workspace.sessions() as session:
            assert session.execute(text("SELECT count(*) FROM matsift.structure")).scalar_one() == 0
