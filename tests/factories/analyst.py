"""A database with a small study, and the login of an analyst who may read its views and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psycopg
from psycopg import sql
from sqlalchemy import func, update
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.postgres import PostgresServer

from matsift.records import FailureRecord
from matsift_schema import engine
from matsift_schema.store import models
from matsift_schema.store.failures import write_failures
from matsift_schema.tables.descriptors import N_FINGERPRINT
from matsift_schema.tables.provenance import Run

LOGIN, PASSWORD = "ada", "correct-horse"


def fill(session: Session) -> pipeline.Study:
    """Return a small study with fingerprints, a failure and a second property that is predicted."""
    study = pipeline.small_study(session)
    fingerprints = np.random.default_rng(0).normal(size=(len(study.structure_ids), N_FINGERPRINT))
    pipeline.write_fingerprints(session, study.run, study.structure_ids, fingerprints)
    write_failures(session, study.run, [FailureRecord("descriptor", "x", "TimeLimitExceeded", "too long", 60.0)])
    shear = models.write_model(
        session, study.run, pipeline.model_record(study.snapshot, study.set_id, property_name="g_vrh")
    )
    pipeline.predict(session, study.run, shear, study.structure_ids)
    session.execute(update(Run).where(Run.id == study.run).values(status="completed", ended_at=func.now()))
    return study


@contextmanager
def analyst_of_small_study(server: PostgresServer) -> Iterator[str]:
    """Give the address, over TCP with a password, at which an analyst reads a small study."""
    name = server.create_database()
    url = server.url(name)
    engine.upgrade(url)  # not a copy: rights on a database are not copied with its template
    own = engine.make_engine(url)
    with Session(own) as session, session.begin():
        fill(session)
    own.dispose()
    with psycopg.connect(url, autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [LOGIN]).fetchone():
            statement = "CREATE ROLE {} LOGIN PASSWORD {} IN ROLE matsift_analyst"
            admin.execute(sql.SQL(statement).format(sql.Identifier(LOGIN), sql.Literal(PASSWORD)))
    yield server.tcp_url(name, LOGIN, PASSWORD)
    server.drop_database(name)
