"""Sources, entries, structures and elements.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_views, forbid_change, frozen_rows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "element",
        sa.Column("symbol", sa.Text(), nullable=False, comment="element symbol"),
        sa.Column("atomic_number", sa.SmallInteger(), nullable=False, comment="protons, count"),
        sa.Column("name", sa.Text(), nullable=False, comment="English name"),
        sa.Column(
            "group_number",
            sa.SmallInteger(),
            nullable=False,
            comment="group 1 to 18; f-block elements stand in group 3",
        ),
        sa.Column("period", sa.SmallInteger(), nullable=False, comment="period 1 to 7"),
        sa.Column(
            "atomic_mass_u", sa.Double(), nullable=False, comment="standard atomic mass, unified atomic mass unit"
        ),
        sa.Column("is_noble_gas", sa.Boolean(), nullable=False, comment="group 18"),
        sa.Column(
            "is_radioactive",
            sa.Boolean(),
            nullable=False,
            comment="no stable isotope, or only nominally (Bi is not counted)",
        ),
        sa.CheckConstraint("atomic_mass_u > 0", name=op.f("ck_element__mass_is_positive")),
        sa.CheckConstraint("atomic_number BETWEEN 1 AND 118", name=op.f("ck_element__atomic_number_exists")),
        sa.CheckConstraint("group_number BETWEEN 1 AND 18", name=op.f("ck_element__group_number_exists")),
        sa.CheckConstraint("period BETWEEN 1 AND 7", name=op.f("ck_element__period_exists")),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_element")),
        sa.UniqueConstraint("atomic_number", name=op.f("uq_element__atomic_number")),
        schema="matsift",
        comment="The chemical elements.",
    )
    op.create_table(
        "source",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="name, the same in every study"),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="kind of adapter that reads it, for example files or bundled"
        ),
        sa.Column(
            "description",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="one sentence on what it holds",
        ),
        sa.Column(
            "licence",
            sa.Text(),
            nullable=False,
            comment="licence of the whole, for example CC-BY-4.0; entries may differ",
        ),
        sa.CheckConstraint("kind <> ''", name=op.f("ck_source__kind_is_not_empty")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_source__name_is_not_empty")),
        sa.CheckConstraint("kind = lower(kind)", name=op.f("ck_source__kind_is_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("name", name=op.f("uq_source__name")),
        schema="matsift",
        comment="Where entries come from.",
    )
    op.create_table(
        "source_snapshot",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("source_id", sa.BigInteger(), nullable=False, comment="the source"),
        sa.Column("version", sa.Text(), nullable=False, comment="version as the source states it"),
        sa.Column("content_hash", sa.Text(), nullable=False, comment="SHA-256 of what the source held"),
        sa.Column("n_entry", sa.Integer(), nullable=False, comment="entries that the source held"),
        sa.Column("n_failure", sa.Integer(), nullable=False, comment="entries of these that gave no structure"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "taken_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when ingestion ended",
        ),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_source_snapshot__content_hash_is_sha256")),
        sa.CheckConstraint(
            "n_entry >= 0 AND n_failure >= 0 AND n_failure <= n_entry", name=op.f("ck_source_snapshot__counts_agree")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_source_snapshot__run_id__run")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["matsift.source.id"], name=op.f("fk_source_snapshot__source_id__source")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_snapshot")),
        sa.UniqueConstraint("source_id", "content_hash", name=op.f("uq_source_snapshot__source_id_content_hash")),
        schema="matsift",
        comment="One state of a source that was ingested to its end.",
    )
    op.create_index(op.f("ix_source_snapshot__run_id"), "source_snapshot", ["run_id"], unique=False, schema="matsift")
    op.create_table(
        "structure",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column(
            "content_hash",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of lattice and contents, rounded to 5 decimals, for any order of the sites",
        ),
        sa.Column(
            "lattice", sa.ARRAY(sa.Double()), nullable=False, comment="3 lattice vectors, row after row, angstrom"
        ),
        sa.Column("species", sa.ARRAY(sa.Text()), nullable=False, comment="element symbol of each virtual atom"),
        sa.Column(
            "frac_coords",
            sa.ARRAY(sa.Double()),
            nullable=False,
            comment="fractional coordinates, atom after atom, no unit",
        ),
        sa.Column(
            "occupancies",
            sa.ARRAY(sa.Double()),
            nullable=False,
            comment="occupancy of each virtual atom, fraction of 1",
        ),
        sa.Column(
            "site_index",
            sa.ARRAY(sa.Integer()),
            nullable=False,
            comment="site that each virtual atom stands on, from 0",
        ),
        sa.Column("n_site", sa.Integer(), nullable=False, comment="sites in the cell, count"),
        sa.Column("n_element", sa.Integer(), nullable=False, comment="different elements, count"),
        sa.Column("formula", sa.Text(), nullable=False, comment="formula of the whole cell"),
        sa.Column("reduced_formula", sa.Text(), nullable=False, comment="reduced formula, for example NaCl"),
        sa.Column(
            "anonymous_formula", sa.Text(), nullable=False, comment="formula with letters for elements, for example AB2"
        ),
        sa.Column("chemical_system", sa.Text(), nullable=False, comment="sorted element symbols joined by hyphens"),
        sa.Column(
            "elements", sa.ARRAY(sa.Text()), nullable=False, comment="sorted element symbols; ask with @> ARRAY['Na']"
        ),
        sa.Column(
            "space_group_number",
            sa.SmallInteger(),
            nullable=True,
            comment="international number 1 to 230 at 0.01 angstrom; NULL = spglib found none",
        ),
        sa.Column(
            "space_group_symbol", sa.Text(), nullable=True, comment="short international symbol; NULL = none found"
        ),
        sa.Column("crystal_system", sa.Text(), nullable=True, comment="one of seven, lower case; NULL = none found"),
        sa.Column("volume_angstrom3", sa.Double(), nullable=False, comment="cell volume, cubic angstrom"),
        sa.Column("density_g_per_cm3", sa.Double(), nullable=False, comment="mass density, g/cm3"),
        sa.Column("is_ordered", sa.Boolean(), nullable=False, comment="every site holds one fully occupied species"),
        sa.Column(
            "holds",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
            comment="named reservations that the first source had; empty = none",
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_structure__content_hash_is_sha256")),
        sa.CheckConstraint(
            "crystal_system IN ('triclinic', 'monoclinic', 'orthorhombic', 'tetragonal', 'trigonal', 'hexagonal',"
            " 'cubic')",
            name=op.f("ck_structure__crystal_system_is_known"),
        ),
        sa.CheckConstraint(
            "density_g_per_cm3 > 0 AND density_g_per_cm3 < 'Infinity'", name=op.f("ck_structure__density_is_positive")
        ),
        sa.CheckConstraint(
            "volume_angstrom3 > 0 AND volume_angstrom3 < 'Infinity'", name=op.f("ck_structure__volume_is_positive")
        ),
        sa.CheckConstraint(
            "cardinality(frac_coords) = 3 * cardinality(species) AND cardinality(occupancies) = cardinality(species)"
            " AND cardinality(site_index) = cardinality(species)",
            name=op.f("ck_structure__arrays_agree"),
        ),
        sa.CheckConstraint("cardinality(lattice) = 9", name=op.f("ck_structure__lattice_is_3_by_3")),
        sa.CheckConstraint(
            "n_element > 0 AND n_element = cardinality(elements)", name=op.f("ck_structure__has_elements")
        ),
        sa.CheckConstraint("n_site > 0 AND n_site <= cardinality(species)", name=op.f("ck_structure__has_sites")),
        sa.CheckConstraint(
            "space_group_number BETWEEN 1 AND 230", name=op.f("ck_structure__space_group_number_exists")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_structure__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_structure")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_structure__content_hash")),
        schema="matsift",
        comment="One crystal as flat arrays of virtual atoms: a shared site is one virtual atom a species.",
    )
    op.create_index(
        op.f("ix_structure__chemical_system"), "structure", ["chemical_system"], unique=False, schema="matsift"
    )
    op.create_index(
        op.f("ix_structure__elements"),
        "structure",
        ["elements"],
        unique=False,
        schema="matsift",
        postgresql_using="gin",
    )
    op.create_index(
        op.f("ix_structure__reduced_formula"), "structure", ["reduced_formula"], unique=False, schema="matsift"
    )
    op.create_index(op.f("ix_structure__run_id"), "structure", ["run_id"], unique=False, schema="matsift")
    op.create_table(
        "source_entry",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("source_id", sa.BigInteger(), nullable=False, comment="the source"),
        sa.Column("external_id", sa.Text(), nullable=False, comment="id as the source writes it"),
        sa.Column(
            "canonical_number",
            sa.BigInteger(),
            nullable=True,
            comment="the same id as a number, where forms differ (mp-8039 = mp-lxf); NULL = none",
        ),
        sa.Column("version", sa.Text(), nullable=False, comment="version of the source that first stated this content"),
        sa.Column(
            "content_hash",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of structure, labels, payload, licence and address",
        ),
        sa.Column("structure_id", sa.BigInteger(), nullable=True, comment="its structure; NULL = it could not be read"),
        sa.Column("licence", sa.Text(), nullable=False, comment="licence of this entry"),
        sa.Column("url", sa.Text(), nullable=True, comment="address for people; NULL = none"),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="what the source said beyond structure and labels",
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.Column(
            "withdrawn_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the source no longer stated it; NULL = it still does",
        ),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_source_entry__content_hash_is_sha256")),
        sa.CheckConstraint("external_id <> ''", name=op.f("ck_source_entry__external_id_is_not_empty")),
        sa.CheckConstraint("canonical_number >= 0", name=op.f("ck_source_entry__canonical_number_is_not_negative")),
        sa.CheckConstraint("withdrawn_at >= created_at", name=op.f("ck_source_entry__withdrawn_after_created")),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_source_entry__run_id__run")),
        sa.ForeignKeyConstraint(["source_id"], ["matsift.source.id"], name=op.f("fk_source_entry__source_id__source")),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_source_entry__structure_id__structure")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_entry")),
        sa.UniqueConstraint(
            "source_id", "external_id", "content_hash", name=op.f("uq_source_entry__source_id_external_id_content_hash")
        ),
        schema="matsift",
        comment="One state of one entry of a source; the newest one not withdrawn is current.",
    )
    op.create_index(op.f("ix_source_entry__run_id"), "source_entry", ["run_id"], unique=False, schema="matsift")
    op.create_index(
        op.f("ix_source_entry__structure_id"), "source_entry", ["structure_id"], unique=False, schema="matsift"
    )
    _fill_element()
    forbid_change("source", except_columns=("description", "licence"))
    forbid_change("source_snapshot")
    forbid_change("structure")
    forbid_change("source_entry", except_columns=("withdrawn_at",))
    forbid_change("element")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("source_entry", schema="matsift")
    op.drop_table("structure", schema="matsift")
    op.drop_table("source_snapshot", schema="matsift")
    op.drop_table("source", schema="matsift")
    op.drop_table("element", schema="matsift")


def _fill_element() -> None:
    insert = sa.text(
        "INSERT INTO matsift.element VALUES (:symbol, CAST(:atomic_number AS smallint), :name,"
        " CAST(:group_number AS smallint), CAST(:period AS smallint), CAST(:atomic_mass_u AS float8),"
        " CAST(:is_noble_gas AS boolean), CAST(:is_radioactive AS boolean))"
    )
    op.get_bind().execute(insert, frozen_rows("element.csv"))
