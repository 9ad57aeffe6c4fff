"""Sources, their entries, and the structures that they describe."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    Base,
    identity,
    json_object,
    not_empty,
    one_of,
    reference,
    run_reference,
    sha256_hex,
    timestamp,
)

_CRYSTAL_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")


class Source(Base):
    """Where entries come from: a folder, an archive, a table, a service."""

    __tablename__ = "source"
    __table_args__ = (
        UniqueConstraint("name"),
        not_empty("name"),
        not_empty("kind"),
        CheckConstraint("kind = lower(kind)", name="kind_is_lower_case"),
        {"comment": "Where entries come from."},
    )

    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(comment="name, the same in every study")
    kind: Mapped[str] = mapped_column(comment="kind of adapter that reads it, for example files or bundled")
    description: Mapped[str] = mapped_column(server_default=text("''"), comment="one sentence on what it holds")
    licence: Mapped[str] = mapped_column(comment="licence of the whole, for example CC-BY-4.0; entries may differ")


class SourceSnapshot(Base):
    """One state of a source that was ingested to its end."""

    __tablename__ = "source_snapshot"
    __table_args__ = (
        Index(None, "source_id", "content_hash"),
        sha256_hex("content_hash"),
        CheckConstraint("n_entry >= 0 AND n_failure >= 0 AND n_failure <= n_entry", name="counts_agree"),
        Index(None, "run_id"),
        {"comment": "One state of a source that was ingested to its end."},
    )

    id: Mapped[int] = identity()
    source_id: Mapped[int] = reference("source.id", "the source")
    version: Mapped[str] = mapped_column(comment="version as the source states it")
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of what the source held")
    n_entry: Mapped[int] = mapped_column(comment="entries that the source held")
    n_failure: Mapped[int] = mapped_column(comment="entries of these that gave no structure")
    run_id: Mapped[int] = run_reference()
    taken_at: Mapped[datetime] = timestamp("when ingestion ended")
    n_stated: Mapped[int | None] = mapped_column(
        comment="the source's own count of what was asked for; NULL = it gives none"
    )
    n_new: Mapped[int | None] = mapped_column(
        comment="entries under an id that the source had not stated before; NULL = stored before this was counted"
    )
    n_changed: Mapped[int | None] = mapped_column(
        comment="entries with other content than before, or stated again; NULL = stored before this was counted"
    )
    n_unchanged: Mapped[int | None] = mapped_column(comment="entries as before; NULL = stored before this was counted")
    n_withdrawn: Mapped[int | None] = mapped_column(
        comment="entries no longer stated; NULL = stored before this was counted"
    )


class Structure(Base):
    """One crystal; its identity is its content hash."""

    __tablename__ = "structure"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        CheckConstraint("cardinality(lattice) = 9", name="lattice_is_3_by_3"),
        CheckConstraint(
            "cardinality(frac_coords) = 3 * cardinality(species) AND cardinality(occupancies) = cardinality(species)"
            " AND cardinality(site_index) = cardinality(species)",
            name="arrays_agree",
        ),
        CheckConstraint("n_site > 0 AND n_site <= cardinality(species)", name="has_sites"),
        CheckConstraint("n_element > 0 AND n_element = cardinality(elements)", name="has_elements"),
        CheckConstraint("space_group_number BETWEEN 1 AND 230", name="space_group_number_exists"),
        one_of("crystal_system", *_CRYSTAL_SYSTEMS),
        CheckConstraint("volume_angstrom3 > 0 AND volume_angstrom3 < 'Infinity'", name="volume_is_positive"),
        CheckConstraint("density_g_per_cm3 > 0 AND density_g_per_cm3 < 'Infinity'", name="density_is_positive"),
        Index(None, "elements", postgresql_using="gin"),
        Index(None, "reduced_formula"),
        Index(None, "chemical_system"),
        Index(None, "run_id"),
        {"comment": "One crystal as flat arrays of virtual atoms: a shared site is one virtual atom a species."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(
        comment="SHA-256 of lattice and contents, rounded to 5 decimals, for any order of the sites"
    )
    lattice: Mapped[list[float]] = mapped_column(comment="3 lattice vectors, row after row, angstrom")
    species: Mapped[list[str]] = mapped_column(comment="element symbol of each virtual atom")
    frac_coords: Mapped[list[float]] = mapped_column(comment="fractional coordinates, atom after atom, no unit")
    occupancies: Mapped[list[float]] = mapped_column(comment="occupancy of each virtual atom, fraction of 1")
    site_index: Mapped[list[int]] = mapped_column(comment="site that each virtual atom stands on, from 0")
    n_site: Mapped[int] = mapped_column(comment="sites in the cell, count")
    n_element: Mapped[int] = mapped_column(comment="different elements, count")
    formula: Mapped[str] = mapped_column(comment="formula of the whole cell")
    reduced_formula: Mapped[str] = mapped_column(comment="reduced formula, for example NaCl")
    anonymous_formula: Mapped[str] = mapped_column(comment="formula with letters for elements, for example AB2")
    chemical_system: Mapped[str] = mapped_column(comment="sorted element symbols joined by hyphens")
    elements: Mapped[list[str]] = mapped_column(comment="sorted element symbols; ask with @> ARRAY['Na']")
    space_group_number: Mapped[int | None] = mapped_column(
        SmallInteger, comment="international number 1 to 230 at 0.01 angstrom; NULL = spglib found none"
    )
    space_group_symbol: Mapped[str | None] = mapped_column(comment="short international symbol; NULL = none found")
    crystal_system: Mapped[str | None] = mapped_column(comment="one of seven, lower case; NULL = none found")
    volume_angstrom3: Mapped[float] = mapped_column(comment="cell volume, cubic angstrom")
    density_g_per_cm3: Mapped[float] = mapped_column(comment="mass density, g/cm3")
    is_ordered: Mapped[bool] = mapped_column(comment="every site holds one fully occupied species")
    holds: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'::text[]"), comment="named reservations that the first source had; empty = none"
    )
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class SourceEntry(Base):
    """One state of one entry of a source; other content under the same id is another row."""

    __tablename__ = "source_entry"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id", "content_hash"),
        sha256_hex("content_hash"),
        not_empty("external_id"),
        CheckConstraint("canonical_number >= 0", name="canonical_number_is_not_negative"),
        CheckConstraint("withdrawn_at >= created_at", name="withdrawn_after_created"),
        Index(
            "ix_source_entry__current",
            "source_id",
            "external_id",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        # Whether a source describes a structure, asked for every label.
        Index(None, "structure_id", "source_id"),
        Index(None, "run_id"),
        {"comment": "One state of one entry of a source; the one that is not withdrawn is current."},
    )

    id: Mapped[int] = identity()
    source_id: Mapped[int] = reference("source.id", "the source")
    external_id: Mapped[str] = mapped_column(comment="id as the source writes it")
    canonical_number: Mapped[int | None] = mapped_column(
        BigInteger, comment="the same id as a number, where forms differ (mp-8039 = mp-lxf); NULL = none"
    )
    version: Mapped[str] = mapped_column(comment="version of the source that first stated this content")
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of structure, labels, payload, licence and address")
    structure_id: Mapped[int | None] = reference("structure.id", "its structure; NULL = it could not be read")
    licence: Mapped[str] = mapped_column(comment="licence of this entry")
    url: Mapped[str | None] = mapped_column(comment="address for people; NULL = none")
    payload: Mapped[dict[str, Any]] = json_object("what the source said beyond structure and labels")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()
    withdrawn_at: Mapped[datetime | None] = mapped_column(
        comment="when its source no longer stated it, or stated something else; NULL = it is current"
    )
    revision: Mapped[str | None] = mapped_column(
        comment="mark of what was read: the source's own, or a hash of the file; NULL = it is read anew each time"
    )
    withdrawn_reason: Mapped[str | None] = mapped_column(
        comment="why it is withdrawn: not_stated, superseded, or the source's own word; NULL = it is current"
    )


class Element(Base):
    """The chemical elements, filled by the migration."""

    __tablename__ = "element"
    __table_args__ = (
        UniqueConstraint("atomic_number"),
        CheckConstraint("atomic_number BETWEEN 1 AND 118", name="atomic_number_exists"),
        CheckConstraint("group_number BETWEEN 1 AND 18", name="group_number_exists"),
        CheckConstraint("period BETWEEN 1 AND 7", name="period_exists"),
        CheckConstraint("atomic_mass_u > 0", name="mass_is_positive"),
        {"comment": "The chemical elements."},
    )

    symbol: Mapped[str] = mapped_column(primary_key=True, comment="element symbol")
    atomic_number: Mapped[int] = mapped_column(SmallInteger, comment="protons, count")
    name: Mapped[str] = mapped_column(comment="English name")
    group_number: Mapped[int] = mapped_column(SmallInteger, comment="group 1 to 18; f-block elements stand in group 3")
    period: Mapped[int] = mapped_column(SmallInteger, comment="period 1 to 7")
    atomic_mass_u: Mapped[float] = mapped_column(comment="standard atomic mass, unified atomic mass unit")
    is_noble_gas: Mapped[bool] = mapped_column(comment="group 18")
    is_radioactive: Mapped[bool] = mapped_column(comment="no stable isotope, or only nominally (Bi is not counted)")
