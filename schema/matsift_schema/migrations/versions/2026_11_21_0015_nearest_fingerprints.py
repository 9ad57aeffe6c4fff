"""The nearest fingerprints are found by an index.

WHY: analysis.similar_to orders by distance in 290 dimensions; without an index it reads every fingerprint there is.
The column holds vectors of many sets, so the index takes those of 290 values; another set of that many may exist, its
vectors are then in the index and every search looks past them.

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift_schema.migrations.helpers import drop_functions, drop_views

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_INDEX = "ix_descriptor__fingerprint"


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_index(
        _INDEX,
        "descriptor",
        [sa.literal_column("(vector::vector(290))").label("fingerprint")],
        schema="matsift",
        postgresql_using="hnsw",
        postgresql_ops={"fingerprint": "vector_l2_ops"},
        postgresql_where=sa.text("vector_dims(vector) = 290"),
    )


def downgrade() -> None:
    """Take back."""
    drop_views()
    drop_functions()
    op.drop_index(_INDEX, table_name="descriptor", schema="matsift")
