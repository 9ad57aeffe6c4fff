"""Descriptor sets and the vectors that they give."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import ARRAY, CheckConstraint, Index, SmallInteger, UniqueConstraint, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import Base, identity, json_object, not_empty, reference, run_reference, timestamp

#: Values in a vector of the set `fingerprint`: those vectors are indexed for searches by distance.
N_FINGERPRINT = 290


class DescriptorSet(Base):
    """A named, versioned list of columns and the code that computes them."""

    __tablename__ = "descriptor_set"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        not_empty("name"),
        not_empty("version"),
        CheckConstraint("n_column > 0 AND n_column = cardinality(column_names)", name="columns_are_counted"),
        {"comment": "A named, versioned list of descriptor columns; another code version is another row."},
    )

    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(comment="name, for example magpie")
    version: Mapped[str] = mapped_column(comment="version of the computation")
    column_names: Mapped[list[str]] = mapped_column(comment="names of the columns, in the order of the vector")
    n_column: Mapped[int] = mapped_column(comment="columns, count")
    description: Mapped[str] = mapped_column(comment="what the columns describe, with their units")
    package_versions: Mapped[dict[str, Any]] = json_object("versions of the packages that compute it")
    created_at: Mapped[datetime] = timestamp()


class Descriptor(Base):
    """The vector of one structure in one descriptor set."""

    __tablename__ = "descriptor"
    __table_args__ = (
        CheckConstraint("seconds >= 0 AND seconds < 'Infinity'", name="seconds_is_a_duration"),
        CheckConstraint(
            "0 <= ALL (missing_columns) AND vector_dims(vector) > ALL (missing_columns)", name="missing_columns_exist"
        ),
        Index(None, "descriptor_set_id", "structure_id"),
        Index(None, "run_id"),
        Index(
            "ix_descriptor__fingerprint",
            literal_column(f"(vector::vector({N_FINGERPRINT}))").label("fingerprint"),
            postgresql_using="hnsw",
            postgresql_ops={"fingerprint": "vector_l2_ops"},
            postgresql_where=text(f"vector_dims(vector) = {N_FINGERPRINT}"),
        ),
        {"comment": "The vector of one structure in one descriptor set, in single precision."},
    )

    structure_id: Mapped[int] = reference("structure.id", "the structure", primary_key=True)
    descriptor_set_id: Mapped[int] = reference("descriptor_set.id", "the descriptor set", primary_key=True)
    vector: Mapped[Any] = mapped_column(
        VECTOR, nullable=False, comment="values in the order of descriptor_set.column_names, units as described there"
    )
    missing_columns: Mapped[list[int]] = mapped_column(
        ARRAY(SmallInteger),
        server_default=text("'{}'::smallint[]"),
        comment="positions, from 0, of values that are unknown: they hold 0 in the vector and mean NULL",
    )
    seconds: Mapped[float] = mapped_column(comment="time that the computation took, s")
    run_id: Mapped[int] = run_reference()
