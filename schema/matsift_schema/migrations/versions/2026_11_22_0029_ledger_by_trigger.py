"""Only the trigger writes the ledger of acquisitions: it does with its owner's rights, so that nobody else needs any.

WHY: whoever claims had to be let write `acquisition_event`, and could have told there what never happened.

Revision ID: 0029
Revises: 0028
Create Date: 2026-11-22
"""

from __future__ import annotations

from alembic import op

from matsift_schema.migrations.helpers import drop_functions, drop_views

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_FUNCTION = "ALTER FUNCTION matsift.record_acquisition_event()"


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    op.execute(f"{_FUNCTION} SECURITY DEFINER SET search_path = pg_catalog, pg_temp")


def downgrade() -> None:
    """Take back."""
    drop_functions()
    drop_views()
    op.execute(f"{_FUNCTION} SECURITY INVOKER RESET search_path")
