"""${message}.

WHY: (the query that was slow, the constraint that was missing, the column that a study needs)

Rules for whoever writes this file:

- It must not hold a lock on a big table for more than a moment: new columns are nullable or have a constant default; a
  new CHECK or foreign key comes NOT VALID first and is validated by a later migration.
- The previous version of matsift must still work on the result: drop and rename in two releases.
- Nothing live is imported: no table class, no view file. What is needed is copied into `migrations/helpers.py` and frozen.
- A new table gets `forbid_change` unless its rows are meant to change; every column and table has a comment with its unit.
- After it, regenerate the catalogue snapshot (tests/schema_/test_catalogue.py says how) and docs/schema.md.
- A migration that moves data has its own test: rows before, migrate, what changed AND what did not.

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift_schema.migrations.helpers import drop_views
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Apply."""
    drop_views()
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Take back."""
    drop_views()
    ${downgrades if downgrades else "pass"}
