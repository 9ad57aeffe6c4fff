"""Volumetric fields: charge densities and electron localisation functions on grids.

WHY: a network reads densities of 60 x 60 x 60 numbers, a megabyte each, by the thousand and by random access. That is
no work for a row, so the row says what the grid is and where its values lie in the artifact store. The grid has a cell
of its own, because a computation relaxes the lattice of the structure that it starts from.

Revision ID: 0023
Revises: 0022
Create Date: 2026-11-21
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from matsift_schema.migrations.helpers import drop_functions, drop_views, forbid_change

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TABLE = "volumetric_field"
_KEY, _TEXT = sa.BigInteger(), sa.Text()
_FLOAT: sa.Double[float] = sa.Double()
_CHECKS = {
    "kind_is_known": "kind IN ('dft_charge', 'elf', 'promolecule')",
    "method_is_not_empty": "method <> ''",
    "electrons_is_known": "electrons IN ('all', 'valence')",
    "shape_is_three_counts": "cardinality(shape) = 3 AND 0 < ALL (shape)",
    "cell_is_3_by_3": "cardinality(cell) = 9 AND '-Infinity' < ALL (cell) AND 'Infinity' > ALL (cell)",
    "densities_have_electrons": "(kind = 'elf') = (electrons IS NULL) AND (kind = 'elf') = (n_electron IS NULL)",
    "n_electron_is_positive": "n_electron > 0 AND n_electron < 'Infinity'",
    "n_electron_expected_is_positive": "n_electron_expected > 0 AND n_electron_expected < 'Infinity'",
    "n_unpaired_is_finite": "n_unpaired > '-Infinity' AND n_unpaired < 'Infinity'",
    "artifact_sha256_is_sha256": "length(artifact_sha256) = 64 AND artifact_sha256 !~ '[^0-9a-f]'",
    "artifact_uri_is_not_empty": "artifact_uri <> ''",
}
_REFERENCES = {"structure_id": "structure", "source_entry_id": "source_entry", "run_id": "run"}


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    op.create_table(
        _TABLE,
        sa.Column("id", _KEY, sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"),
        *_columns(),
        *(sa.CheckConstraint(check, name=op.f(f"ck_{_TABLE}__{said}")) for said, check in _CHECKS.items()),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"matsift.{referred}.id"], name=op.f(f"fk_{_TABLE}__{column}__{referred}")
            )
            for column, referred in _REFERENCES.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.UniqueConstraint("structure_id", "kind", "method", name=op.f(f"uq_{_TABLE}__structure_id_kind_method")),
        schema="matsift",
        comment="A charge density or electron localisation function on a grid; the values are an artifact.",
    )
    for columns in (["kind", "method"], ["source_entry_id"], ["run_id"]):
        op.create_index(op.f(f"ix_{_TABLE}__{'_'.join(columns)}"), _TABLE, columns, unique=False, schema="matsift")
    forbid_change(_TABLE)


def downgrade() -> None:
    """Take back."""
    drop_functions()
    drop_views()
    op.drop_table(_TABLE, schema="matsift")


def _columns() -> tuple[sa.Column[Any], ...]:
    return (
        _column("structure_id", _KEY, "the structure"),
        _column(
            "kind", _TEXT, "dft_charge, elf (electron localisation function) or promolecule (superposed neutral atoms)"
        ),
        _column("method", _TEXT, "how it was made, for example promolecule-it92 or vasp-chgcar"),
        _column("electrons", _TEXT, "all or valence: which the density counts; NULL = elf", nullable=True),
        _column("shape", sa.ARRAY(sa.Integer()), "points along a, b and c, count"),
        _column(
            "cell",
            sa.ARRAY(_FLOAT),
            "cell of the grid, rows a, b, c, angstrom; a computation may have relaxed that of the structure",
        ),
        _column("n_electron", _FLOAT, "integral over the cell, electrons; NULL = elf", nullable=True),
        _column(
            "n_electron_expected",
            _FLOAT,
            "electrons that the cell holds by another count than the grid's; NULL = not known",
            nullable=True,
        ),
        _column(
            "n_unpaired",
            _FLOAT,
            "integral of the spin density over the cell, electrons; NULL = without spin",
            nullable=True,
        ),
        _column("artifact_sha256", _TEXT, "SHA-256 of the compressed grid: float32, e/angstrom3; elf: 1"),
        _column("artifact_uri", _TEXT, "where the grid lay when it was stored"),
        _column("source_entry_id", _KEY, "entry that it came with; NULL = computed here", nullable=True),
        _column("run_id", _KEY, "run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
    )


def _column(name: str, kind: TypeEngine[Any], comment: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, comment=comment)
