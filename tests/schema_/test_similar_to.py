"""analysis.similar_to: the nearest by fingerprint, by way of the index, for analysts who may read no fingerprint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.factories.crystals import many, shared_site
from tests.factories.entries import entry, ingest
from tests.factories.runs import run_id
from tests.postgres import PostgresServer

from matsift.descriptors.fingerprint import FINGERPRINT
from matsift.records import FailureRecord
from matsift_schema import engine
from matsift_schema.store import descriptors
from matsift_schema.store.failures import write_failures
from matsift_schema.store.structures import load_structures
from matsift_schema.tables.descriptors import N_FINGERPRINT

N = 2000
COLUMNS = (
    "lattice, species, frac_coords, occupancies, site_index, n_site, n_element, formula, reduced_formula, "
    "anonymous_formula, chemical_system, elements, space_group_number, space_group_symbol, crystal_system, "
    "volume_angstrom3, density_g_per_cm3, is_ordered, holds, run_id"
)
COPIES = (
    f"""
    INSERT INTO matsift.structure (content_hash, {COLUMNS})
    SELECT encode(sha256(i::text::bytea), 'hex'), {COLUMNS}
    FROM matsift.structure, generate_series(2, :n) AS i WHERE reduced_formula = 'NaCl'
    """,
    """
    INSERT INTO matsift.source_entry (source_id, external_id, version, content_hash, structure_id, licence, run_id)
    SELECT e.source_id, left(s.content_hash, 8), '1', s.content_hash, s.id, 'CC0', s.run_id
    FROM matsift.source_entry e, matsift.structure s WHERE e.external_id = 'salt' AND s.reduced_formula = 'NaCl'
    """,
    "UPDATE matsift.source_entry SET withdrawn_at = clock_timestamp() WHERE external_id = 'salt'",
)
INDEX = "ix_descriptor__fingerprint"
NEAREST = """
    SELECT structure_id FROM matsift.descriptor
    WHERE vector_dims(vector) = 290 AND descriptor_set_id = {set_id}
    ORDER BY (vector::vector(290)) <-> (SELECT vector FROM matsift.descriptor
                                        WHERE (structure_id, descriptor_set_id) = ({structure_id}, {set_id}))
    LIMIT 10
"""


@dataclass(frozen=True)
class Shelf:
    """An analyst's engine on a database of N structures with fingerprints, one without, and what was written."""

    engine: Engine
    hashes: list[str]
    values: NDArray[np.float64]
    ids: NDArray[np.int64]
    set_id: int
    lonely: str

    def nearest(self, i: int, k: int) -> list[str]:
        """Return the hashes of the k structures nearest to one, by all distances."""
        order = np.argsort(np.linalg.norm(self.values - self.values[i], axis=1))
        return [self.hashes[j] for j in order if j != i][:k]


@pytest.fixture(scope="module")
def shelf(module_database_url: str) -> Iterator[Shelf]:
    own = engine.make_engine(module_database_url)
    rng = np.random.default_rng(0)
    families = rng.normal(size=(40, N_FINGERPRINT))
    values = families[rng.integers(0, 40, N)] + 0.3 * rng.normal(size=(N, N_FINGERPRINT))
    with Session(own) as session, session.begin():
        run = run_id(session)
        ingest(session, run, [entry("disordered", shared_site()), entry("salt")])
        for statement in COPIES:
            session.execute(text(statement), {"n": N})
        everything = load_structures(session)
        is_copy = np.array([formula == "NaCl" for formula in everything.reduced_formulae])
        ids, [lonely] = everything.ids[is_copy], np.array(everything.hashes)[~is_copy]
        other = pipeline.descriptor_set(session, "mp")
        descriptors.write_descriptors(session, run, other, ids, values=rng.normal(size=(N, 6)), seconds=np.zeros(N))
        set_id = pipeline.write_fingerprints(session, run, ids, values)
        failure = FailureRecord(
            "descriptor", lonely, "DescriptorError", "the structure is disordered", 0.1, "fingerprint@1", lonely
        )
        write_failures(session, run, [failure])
        hashes = [str(value) for value in np.array(everything.hashes)[is_copy]]
        session.execute(text("ANALYZE matsift.descriptor"))
    yield Shelf(own, hashes, values.astype(np.float32).astype(float), ids, set_id, lonely)
    own.dispose()


@pytest.fixture
def analyst(shelf: Shelf) -> Iterator[Connection]:
    with shelf.engine.connect() as connection:
        connection.execute(text("SET ROLE matsift_analyst"))
        yield connection


def similar(connection: Connection, structure: str | None, k: int | None = 10) -> list[Any]:
    query = text("SELECT * FROM analysis.similar_to(:structure, :k)")
    return list(connection.execute(query, {"structure": structure, "k": k}))


def test_the_index_is_for_the_set() -> None:
    assert len(FINGERPRINT.columns) == N_FINGERPRINT


@pytest.mark.parametrize("i", range(0, N, N // 8))
def test_an_analyst_finds_the_nearest_in_order_with_what_it_takes_to_look_them_up(
    shelf: Shelf, analyst: Connection, i: int
) -> None:
    rows = similar(analyst, shelf.hashes[i])
    assert [row.rank for row in rows] == list(range(1, 11))
    assert len({row.structure_hash for row in rows} & set(shelf.nearest(i, 10))) >= 9
    there = [shelf.hashes.index(row.structure_hash) for row in rows]
    expected = np.linalg.norm(shelf.values[there] - shelf.values[i], axis=1)
    np.testing.assert_allclose([row.distance for row in rows], expected, rtol=1e-5)
    assert sorted(expected) == list(expected)
    assert {(row.formula, row.space_group_symbol, row.n_site) for row in rows} == {("NaCl", "Fm-3m", 2)}
    assert [row.sources for row in rows] == [[f"shelf: {row.structure_hash[:8]}"] for row in rows]


@pytest.mark.parametrize("k", [1, 40, 1000])
def test_as_many_come_as_are_asked_for(shelf: Shelf, analyst: Connection, k: int) -> None:
    rows = similar(analyst, shelf.hashes[7], k)
    assert len(rows) == len({row.structure_hash for row in rows}) == k
    assert shelf.hashes[7] not in {row.structure_hash for row in rows}


def test_ten_come_unless_told_and_the_beginning_of_a_hash_is_enough(shelf: Shelf, analyst: Connection) -> None:
    query = text("SELECT structure_hash FROM analysis.similar_to(:beginning)")
    found = list(analyst.scalars(query, {"beginning": shelf.hashes[3][:12]}))
    assert found == [row.structure_hash for row in similar(analyst, shelf.hashes[3])]
    assert len(found) == 10


@pytest.mark.parametrize(
    ("structure", "k", "sentence"),
    [
        ("0" * 64, 10, f"there is no structure whose hash begins with {'0' * 64}"),
        ("NaCl", 10, "similar_to takes the structure_hash of a structure, or at least its first 6 digits, not 'NaCl'"),
        ("abc", 10, "similar_to takes the structure_hash of a structure, or at least its first 6 digits, not 'abc'"),
        (None, 10, "similar_to takes the structure_hash of a structure, or at least its first 6 digits, not NULL"),
        ("0" * 64, 0, "k is the number of structures to show, 1 to 1000, not 0"),
        ("0" * 64, 1001, "k is the number of structures to show, 1 to 1000, not 1001"),
        ("0" * 64, None, "k is the number of structures to show, 1 to 1000, not NULL"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    analyst: Connection, structure: str | None, k: int | None, sentence: str
) -> None:
    assert refusal(analyst, structure, k) == sentence


def refusal(connection: Connection, structure: str | None, k: int | None = 10) -> str:
    with pytest.raises(DBAPIError) as refused:
        similar(connection, structure, k)
    assert isinstance(refused.value.orig, psycopg.Error)
    return str(refused.value.orig.diag.message_primary)


def test_a_structure_without_fingerprint_says_why(shelf: Shelf, analyst: Connection) -> None:
    expected = f"the structure {shelf.lonely[:12]} (K0.5Na0.5Cl1) has no fingerprint: the structure is disordered"
    assert refusal(analyst, shelf.lonely) == expected


def test_where_nothing_was_computed_the_remedy_is_named(session: Session) -> None:
    ingest(session, run_id(session), [entry()])
    [structure] = load_structures(session).hashes
    assert refusal(session.connection(), structure) == (
        f"the structure {structure[:12]} (NaCl) has no fingerprint; "
        "run a study that holds it, with similarity = true in [descriptors]"
    )


def test_a_beginning_that_several_share_is_refused(session: Session) -> None:
    ingest(session, run_id(session), [entry()])
    for digit in "12":
        session.execute(
            text(
                f"INSERT INTO matsift.structure (content_hash, {COLUMNS}) "
                f"SELECT repeat('f', 63) || '{digit}', {COLUMNS} FROM matsift.structure LIMIT 1"
            )
        )
    sentence = "more than one structure has a hash that begins with ffffff; write more of it"
    assert refusal(session.connection(), "ffffff") == sentence


def test_only_the_newest_version_counts(session: Session) -> None:
    run = run_id(session)
    ingest(session, run, [entry(f"s-{i}", c) for i, c in enumerate(many(4))])
    everything = load_structures(session)
    ids, structures = everything.ids, everything.hashes
    values = np.arange(4)[:, None] * np.ones((4, N_FINGERPRINT))
    pipeline.write_fingerprints(session, run, ids, values)
    session.execute(
        text(
            "INSERT INTO matsift.descriptor_set (name, version, column_names, n_column, description)"
            " SELECT name, 'next', column_names, n_column, description FROM matsift.descriptor_set"
            " WHERE name = 'fingerprint'"
        )
    )
    newer = descriptors.find_descriptor_set(session, "fingerprint", "next")
    assert newer is not None
    descriptors.write_descriptors(session, run, newer, ids[:3], values=values[:3] ** 2, seconds=np.zeros(3))
    rows = similar(session.connection(), structures[0])
    assert [(row.structure_hash, round(row.distance**2 / N_FINGERPRINT)) for row in rows] == [
        (structures[1], 1),
        (structures[2], 16),
    ]
    assert "has no fingerprint" in refusal(session.connection(), structures[3])


def test_the_planner_takes_the_index(shelf: Shelf) -> None:
    query = NEAREST.format(set_id=shelf.set_id, structure_id=shelf.ids[0])
    with shelf.engine.connect() as connection:
        assert connection.scalar(text("SHOW enable_seqscan")) == "on"
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {query}")))
    assert f"Index Scan using {INDEX}" in plan


def test_the_function_takes_the_index(shelf: Shelf) -> None:
    uses = text(f"SELECT pg_stat_force_next_flush(), idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '{INDEX}'")
    with shelf.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(uses)
        before = connection.execute(uses).one().idx_scan
        for i in range(8):
            similar(connection, shelf.hashes[i])
        connection.execute(uses)
        assert connection.execute(uses).one().idx_scan == before + 8


@pytest.mark.parametrize("is_same", [False, True], ids=["like any", "all the one that is asked for"])
def test_vectors_of_another_set_with_as_many_values_are_looked_past(shelf: Shelf, is_same: bool) -> None:
    with Session(shelf.engine) as session:
        rival = descriptors.ensure_descriptor_set(
            session, name="rival", version="1", columns=FINGERPRINT.columns, description="x", package_versions={}
        )
        close = np.repeat(shelf.values[:1], N, axis=0) if is_same else shelf.values[::-1]
        run = run_id(session)
        descriptors.write_descriptors(session, run, rival, shelf.ids, values=close, seconds=np.zeros(N))
        found = {row.structure_hash for row in similar(session.connection(), shelf.hashes[0])}
        session.rollback()
    assert len(found & set(shelf.nearest(0, 10))) >= 9


def test_the_function_opens_no_other_way_in(shelf: Shelf, analyst: Connection) -> None:
    settings = analyst.scalar(text("SELECT proconfig FROM pg_proc WHERE proname = 'similar_to'"))
    assert settings is not None
    assert "search_path=pg_catalog, public, pg_temp" in settings
    with pytest.raises(DBAPIError, match="permission denied"):
        analyst.execute(text("SELECT vector FROM matsift.descriptor"))
    analyst.rollback()
    with shelf.engine.connect() as connection:
        rights = text("SELECT has_function_privilege('public', 'analysis.similar_to(text, integer)', 'EXECUTE')")
        assert connection.scalar(rights) is False


def test_an_owner_who_is_no_superuser_can_renew_it(postgres_server: PostgresServer) -> None:
    name = postgres_server.create_database()
    with psycopg.connect(postgres_server.url(name), autocommit=True) as admin:
        admin.execute("CREATE EXTENSION vector")
        admin.execute("CREATE ROLE plain_owner LOGIN CREATEROLE")
        admin.execute("GRANT matsift_analyst, matsift_worker TO plain_owner WITH ADMIN OPTION")
        admin.execute(f"ALTER DATABASE {name} OWNER TO plain_owner")
    url = postgres_server.url(name, "plain_owner")
    engine.upgrade(url)
    with psycopg.connect(url) as owner:
        owner.execute("COMMENT ON SCHEMA analysis IS 'older (0000)'")
    engine.upgrade(url)
    engine.require_ready(url)
    with psycopg.connect(url) as owner, pytest.raises(psycopg.errors.RaiseException, match="there is no structure"):
        owner.execute("SELECT * FROM analysis.similar_to('ffffff')")
    postgres_server.drop_database(name)
