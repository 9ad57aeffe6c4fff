"""No statistics of values that no query compares: the arrays of crystals, vectors, profiles, members and payloads.

WHY: ANALYZE sorts the 30,000 rows that it draws by every column, arrays too, and autovacuum calls it whenever a tenth
of a table is new. While structures are loaded it took more of the server than storing them did.

Revision ID: 0028
Revises: 0027
Create Date: 2026-11-22
"""

from __future__ import annotations

from alembic import op

from matsift_schema.migrations.helpers import drop_functions, drop_views

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_COLUMNS = {
    "structure": ("lattice", "species", "frac_coords", "occupancies", "site_index"),
    "source_entry": ("payload",),
    "descriptor": ("vector", "missing_columns"),
    "prediction": ("members",),
    "oracle_result": ("detail",),
    "diffraction_profile": ("bins", "intensities"),
    "measured_pattern": ("two_theta_deg", "intensity"),
    "pattern_space_group": ("member_probabilities",),
    "held_out_space_group": ("member_predicted", "member_probabilities"),
    "suggestion": ("latent",),
    "generated_structure": ("mapping",),
}
_BY_DEFAULT = -1


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    _set_statistics(0)


def downgrade() -> None:
    """Take back."""
    drop_functions()
    drop_views()
    _set_statistics(_BY_DEFAULT)


def _set_statistics(target: int) -> None:
    for table, columns in _COLUMNS.items():
        changes = ", ".join(f"ALTER COLUMN {column} SET STATISTICS {target}" for column in columns)
        op.execute(f"ALTER TABLE matsift.{table} {changes}")
