"""The declarative base: naming convention, types of annotations, and the columns and checks that tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

#: PostgreSQL schema of the tables; analysts read the views of `ANALYSIS` instead.
SCHEMA = "matsift"
ANALYSIS = "analysis"

# A double underscore between table and column: `a.b_c` and `a_b.c` would clash otherwise.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s__%(column_0_N_name)s",
    "uq": "uq_%(table_name)s__%(column_0_N_name)s",
    "ck": "ck_%(table_name)s__%(constraint_name)s",
    "fk": "fk_%(table_name)s__%(column_0_N_name)s__%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(schema=SCHEMA, naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads a plain dict
        bool: Boolean(),
        int: Integer(),
        float: Double(),
        str: Text(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[str]: ARRAY(Text()),
        list[float]: ARRAY(Double()),
        list[int]: ARRAY(Integer()),
    }


def identity() -> MappedColumn[int]:
    """Return a surrogate key that only the database hands out; nothing but joins may depend on its order."""
    return mapped_column(BigInteger, Identity(always=True), primary_key=True, comment="surrogate key, for joins only")


def reference(target: str, comment: str, **options: Any) -> MappedColumn[Any]:
    """Return a foreign key to ``table.column`` of our schema."""
    return mapped_column(BigInteger, ForeignKey(f"{SCHEMA}.{target}"), comment=comment, **options)


def run_reference() -> MappedColumn[int]:
    """Return the column that names the run behind a row."""
    return reference("run.id", "run that wrote this row")


def timestamp(comment: str = "when the row was written") -> MappedColumn[datetime]:
    """Return a time stamp that the database fills."""
    return mapped_column(server_default=text("clock_timestamp()"), comment=comment)


def json_object(comment: str) -> MappedColumn[dict[str, Any]]:
    """Return a jsonb column that is ``{}`` unless said otherwise."""
    return mapped_column(server_default=text("'{}'::jsonb"), comment=comment)


def sha256_hex(column: str) -> CheckConstraint:
    """Return the check that a column holds a SHA-256 in lower-case hexadecimal digits."""
    # `~ '^[0-9a-f]{64}$'` says the same and takes ten times as long: 8 microseconds a row.
    return CheckConstraint(f"length({column}) = 64 AND {column} !~ '[^0-9a-f]'", name=f"{column}_is_sha256")


def finite(column: str) -> CheckConstraint:
    """Return the check that a float column is neither NaN (which PostgreSQL sorts above infinity) nor infinite."""
    return CheckConstraint(f"{column} > '-Infinity' AND {column} < 'Infinity'", name=f"{column}_is_finite")


def one_of(column: str, *values: str) -> CheckConstraint:
    """Return the check that a text column holds one of the values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


def not_empty(column: str) -> CheckConstraint:
    """Return the check that a text column is not the empty text."""
    return CheckConstraint(f"{column} <> ''", name=f"{column}_is_not_empty")
