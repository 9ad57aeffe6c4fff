"""Relaxations with the bond valence force field: which variant of it, and what it makes of strained structures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    Base,
    finite,
    identity,
    json_object,
    not_empty,
    one_of,
    reference,
    run_reference,
    sha256_hex,
    timestamp,
)


class BondValenceVariant(Base):
    """One way to weigh and cut the force field's terms, and the table of ions behind it."""

    __tablename__ = "bond_valence_variant"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        not_empty("method"),
        Index(None, "run_id"),
        {"comment": "A variant of the bond valence force field, with all that its relaxations depend on."},
    )

    id: Mapped[int] = identity()
    method: Mapped[str] = mapped_column(comment="method that its labels name")
    settings: Mapped[dict[str, Any]] = json_object("weights, radii (angstrom) and cut-offs (angstrom) of its terms")
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of method and settings")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class BondValenceRelaxation(Base):
    """Where a reference structure comes to rest that was strained and relaxed with one screening factor."""

    __tablename__ = "bond_valence_relaxation"
    __table_args__ = (
        one_of("prototype", "perovskite", "spinel"),
        CheckConstraint("strain > -1 AND strain < 'Infinity'", name="strain_leaves_a_cell"),
        CheckConstraint("screening_factor > 0 AND screening_factor < 'Infinity'", name="factor_is_positive"),
        finite("lattice_error"),
        CheckConstraint("lattice_constant > 0 AND lattice_constant < 'Infinity'", name="lattice_is_positive"),
        finite("oxygen_parameter"),
        CheckConstraint("site_shift >= 0 AND site_shift < 'Infinity'", name="shift_is_not_negative"),
        CheckConstraint(
            "global_instability_index >= 0 AND global_instability_index < 'Infinity'", name="gii_is_not_negative"
        ),
        CheckConstraint("problem IS NOT NULL OR lattice_error IS NOT NULL", name="relaxed_or_has_a_problem"),
        CheckConstraint("(lattice_error IS NULL) = (lattice_constant IS NULL)", name="error_goes_with_lattice"),
        Index(None, "structure_id"),
        Index(None, "run_id"),
        {"comment": "A reference structure, strained, then relaxed by the bond valence force field."},
    )

    variant_id: Mapped[int] = reference("bond_valence_variant.id", "the force field", primary_key=True)
    structure_id: Mapped[int] = reference("structure.id", "the reference structure", primary_key=True)
    strain: Mapped[float] = mapped_column(
        primary_key=True, comment="by which all lattice vectors were scaled before, as a fraction"
    )
    screening_factor: Mapped[float] = mapped_column(primary_key=True, comment="the screening factor, unit 1")
    prototype: Mapped[str] = mapped_column(comment="perovskite or spinel")
    lattice_error: Mapped[float | None] = mapped_column(
        comment="relaxed minus reference lattice constant, as a fraction of the reference; NULL = did not come to rest"
    )
    lattice_constant: Mapped[float | None] = mapped_column(
        comment="edge of the relaxed conventional cell, angstrom; NULL = did not come to rest"
    )
    oxygen_parameter: Mapped[float | None] = mapped_column(
        comment="relaxed oxygen parameter u of a spinel in origin choice 2, as a fraction of the edge; NULL = none"
    )
    site_shift: Mapped[float | None] = mapped_column(
        comment="mean displacement of sites from the reference, as a fraction of the cell's edges; NULL = none moved"
    )
    global_instability_index: Mapped[float | None] = mapped_column(
        comment="that of the relaxed structure over its cations, valence units; NULL = did not come to rest"
    )
    problem: Mapped[str | None] = mapped_column(
        comment="why the row does not count among the samples to learn from; NULL = it does"
    )
    run_id: Mapped[int] = run_reference()
