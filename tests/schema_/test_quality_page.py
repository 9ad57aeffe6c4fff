"""docs/quality.md agrees with the code: every rule and hold is explained, none is invented, every query gives rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.factories.crystals import rock_salt
from tests.factories.entries import entry, ingest
from tests.factories.runs import run_id

from matsift.screening.quality import NOT_FINITE, QualityRule
from matsift.screening.structure_quality import STRUCTURE_RULES
from matsift_schema.engine import make_engine

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
RULES = {get_args(rule.model_fields["kind"].annotation)[0] for rule in get_args(get_args(QualityRule)[0])}
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("adapters/matsift_adapters/sources", "platform/matsift/screening")
    for path in sorted((ROOT / folder).glob("*.py"))
)


def first_cells(section: str) -> set[str]:
    """Return the names in the first cells of a section's tables."""
    cells = re.findall(r"^\| (`[^|]+`) \|", SECTIONS[section], re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Iterator[Engine]:
    """An engine on a small study with a structure that is held."""
    own = make_engine(module_database_url)
    with Session(own) as session, session.begin():
        pipeline.small_study(session)
        ingest(session, run_id(session), [entry("s-held", rock_salt("K"), holds=("sites_too_close",))])
    yield own
    own.dispose()


def test_every_rule_for_labels_is_explained_and_none_is_invented() -> None:
    assert first_cells("Rules for labels") == RULES
    assert f"`{NOT_FINITE}`" in SECTIONS["Rules for labels"]


def test_every_hold_is_explained() -> None:
    attached = set(re.findall(r"(?:holds|doubts)\.(?:add|append)\(\"(\w+)\"\)", SOURCES)) | set(STRUCTURE_RULES)
    assert len(attached) > 15
    assert attached - first_cells("Holds") == set()


def test_no_hold_is_invented() -> None:
    written = set(re.findall(r"\"(\w+)\"", SOURCES)) | set(STRUCTURE_RULES)
    assert first_cells("Holds") - written == set()


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_query_gives_rows_to_an_analyst(filled: Engine, query: str) -> None:
    with filled.connect() as connection:
        connection.execute(text("SET ROLE matsift_analyst"))
        assert connection.exec_driver_sql(query).all()
