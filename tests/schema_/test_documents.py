"""The pages for people agree with the code: docs/schema.md is up to date, every query of docs/sql.md gives rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.factories import analyst, pipeline

from matsift.descriptors.registry import descriptor_set
from matsift.records import LabelRecord
from matsift_schema import document, document_queries
from matsift_schema.engine import make_engine
from matsift_schema.store.labels import write_labels
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.tables import metadata

DOCS = Path(__file__).parents[2] / "docs"
QUERIES = dict(
    zip(
        re.findall(r"^## (\d+)\. ", (DOCS / "sql.md").read_text(encoding="utf-8"), re.MULTILINE),
        re.findall(r"```sql\n(.*?)```", (DOCS / "sql.md").read_text(encoding="utf-8"), re.DOTALL),
        strict=True,
    )
)
#: Page and number of a query -> the query, of the pages beside docs/sql.md.
OTHER_QUERIES = {
    f"{page.name} {number}": query
    for page in sorted(DOCS.glob("*.md"))
    if page.name != "sql.md"
    for number, query in enumerate(re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
}


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Iterator[Engine]:
    """An engine on a database with a small study; the queries run as an analyst would run them."""
    own = make_engine(module_database_url)
    with Session(own) as session, session.begin():
        write_oxides(session, analyst.fill(session))
    yield own
    own.dispose()


def write_oxides(session: Session, study: pipeline.Study) -> None:
    """Give two structures the screening factors behind their relaxations."""
    hashes = structure_hashes(session, study.structure_ids[:2].tolist())
    origin = f"oracle:{pipeline.RELAXED_BY}"
    label = LabelRecord("screening_factor", 0.66, pipeline.RELAXED_BY, origin)
    write_labels(session, study.run, [(key, label, None) for key in hashes])


def test_there_are_twenty_five_queries() -> None:
    assert list(QUERIES) == [str(i) for i in range(1, 26)]


@pytest.mark.parametrize("number", QUERIES)
def test_query_gives_rows_to_an_analyst(filled: Engine, number: str) -> None:
    with filled.connect() as connection:
        connection.execute(text("SET ROLE matsift_analyst"))
        rows = connection.exec_driver_sql(QUERIES[number]).all()
    assert rows


@pytest.mark.parametrize("where", OTHER_QUERIES)
def test_queries_of_other_pages_can_be_asked_by_an_analyst(filled: Engine, where: str) -> None:
    with filled.connect() as connection:
        connection.execute(text("SET ROLE matsift_analyst"))
        connection.exec_driver_sql(OTHER_QUERIES[where].replace("%", "%%")).all()


def test_outputs_are_written_below_the_queries_and_replaced(database_url: str, filled: Engine, tmp_path: Path) -> None:
    page = tmp_path / "sql.md"
    page.write_text("# Page\n\n```sql\nSELECT 1 AS one, ARRAY['a', 'b'] AS many, '%' AS sign;\n```\n\nMore.\n")
    for _ in range(2):
        document_queries.main([database_url, str(page)])
    answer = "one | many | sign\n----+------+-----\n1   | a, b | %\n"
    assert page.read_text().endswith(f"sign;\n```\n\n```text\n{answer}```\n\nMore.\n")
    with filled.connect() as connection:
        whole = document_queries.with_outputs((DOCS / "sql.md").read_text(encoding="utf-8"), connection)
    assert whole.count("```text") == len(QUERIES)


def test_schema_page_is_up_to_date() -> None:
    written = (DOCS / "schema.md").read_text(encoding="utf-8")
    assert written == document.render(), "write it anew: python -m matsift_schema.document"


def test_schema_page_shows_every_table() -> None:
    assert sorted(n for names in document.AGGREGATES.values() for n in names) == sorted(
        table.name for table in metadata.tables.values()
    )


def test_schema_page_shows_every_function(filled: Engine) -> None:
    with filled.connect() as connection:
        names = connection.scalars(
            text("SELECT oid::regproc::text FROM pg_proc WHERE pronamespace = 'analysis'::regnamespace ORDER BY 1")
        ).all()
        comments = connection.scalars(
            text("SELECT obj_description(oid, 'pg_proc') FROM pg_proc WHERE pronamespace = 'analysis'::regnamespace")
        ).all()
    page = document.render()
    assert re.findall(r"^### (analysis\..*)$", page, re.MULTILINE) == list(names)
    assert all(comment in page for comment in comments)


def test_main_writes_the_page(tmp_path: Path) -> None:
    document.main([str(tmp_path / "schema.md")])
    assert (tmp_path / "schema.md").read_text(encoding="utf-8") == document.render()


def test_the_view_of_mp_has_the_columns_of_the_set(filled: Engine) -> None:
    with filled.connect() as connection:
        result = connection.execute(text("SELECT * FROM analysis.descriptor_mp"))
        named = [name for name in list(result.keys()) if name not in {"structure_hash", "formula", "version", "run_id"}]
        [first, *_] = result.mappings().all()
    assert tuple(named) == descriptor_set("mp").columns == pipeline.MP_COLUMNS
    assert first["n_site"] == 2
    assert first["band_gap_ev"] is None
    assert first["volume_angstrom3"] == pytest.approx(44.8, rel=1e-6)


def test_the_view_of_bond_valence_has_the_columns_of_the_set(filled: Engine) -> None:
    with filled.connect() as connection:
        result = connection.execute(text("SELECT * FROM analysis.bond_valence"))
        of_structure = {"structure_hash", "formula", "space_group_symbol", "version", "run_id"}
        named = [name for name in list(result.keys()) if name not in of_structure]
        rows = result.mappings().all()
    assert tuple(named) == descriptor_set("bond_valence").columns
    assert [(row["gii_cations_vu"], row["anion_deviation_mean_vu"]) for row in rows] == [
        (pytest.approx(0.07, rel=1e-6), None)
    ] * 2


def test_long_descriptor_view_agrees_with_the_named_columns(filled: Engine) -> None:
    query = text("""
        SELECT count(*), count(*) FILTER (WHERE v.value IS NULL) FROM analysis.descriptor_value v
        JOIN analysis.descriptor_mp m USING (structure_hash)
        WHERE v.descriptor_set = 'mp' AND v.column_name <> 'density_g_per_cm3' OR v.value = m.density_g_per_cm3
    """)
    with filled.connect() as connection:
        assert connection.execute(query).one() == (36, 6)
