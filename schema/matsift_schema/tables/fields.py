"""Volumetric fields of structures: charge densities and what else is known on a grid."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, Double, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    Base,
    finite,
    identity,
    not_empty,
    one_of,
    reference,
    run_reference,
    sha256_hex,
    timestamp,
)

_A_COUNT = "{0} > 0 AND {0} < 'Infinity'"


class VolumetricField(Base):
    """One field of one structure on a grid; its values lie in the artifact store."""

    __tablename__ = "volumetric_field"
    __table_args__ = (
        UniqueConstraint("structure_id", "kind", "method"),
        one_of("kind", "dft_charge", "elf", "promolecule"),
        not_empty("method"),
        one_of("electrons", "all", "valence"),
        CheckConstraint("cardinality(shape) = 3 AND 0 < ALL (shape)", name="shape_is_three_counts"),
        CheckConstraint(
            "cardinality(cell) = 9 AND '-Infinity' < ALL (cell) AND 'Infinity' > ALL (cell)", name="cell_is_3_by_3"
        ),
        CheckConstraint(
            "(kind = 'elf') = (electrons IS NULL) AND (kind = 'elf') = (n_electron IS NULL)",
            name="densities_have_electrons",
        ),
        CheckConstraint(_A_COUNT.format("n_electron"), name="n_electron_is_positive"),
        CheckConstraint(_A_COUNT.format("n_electron_expected"), name="n_electron_expected_is_positive"),
        finite("n_unpaired"),
        sha256_hex("artifact_sha256"),
        not_empty("artifact_uri"),
        Index(None, "kind", "method"),
        Index(None, "source_entry_id"),
        Index(None, "run_id"),
        {"comment": "A charge density or electron localisation function on a grid; the values are an artifact."},
    )

    id: Mapped[int] = identity()
    structure_id: Mapped[int] = reference("structure.id", "the structure")
    kind: Mapped[str] = mapped_column(
        comment="dft_charge, elf (electron localisation function) or promolecule (superposed neutral atoms)"
    )
    method: Mapped[str] = mapped_column(comment="how it was made, for example promolecule-it92 or vasp-chgcar")
    electrons: Mapped[str | None] = mapped_column(comment="all or valence: which the density counts; NULL = elf")
    shape: Mapped[list[int]] = mapped_column(ARRAY(Integer), comment="points along a, b and c, count")
    cell: Mapped[list[float]] = mapped_column(
        ARRAY(Double),
        comment="cell of the grid, rows a, b, c, angstrom; a computation may have relaxed that of the structure",
    )
    n_electron: Mapped[float | None] = mapped_column(comment="integral over the cell, electrons; NULL = elf")
    n_electron_expected: Mapped[float | None] = mapped_column(
        comment="electrons that the cell holds by another count than the grid's; NULL = not known"
    )
    n_unpaired: Mapped[float | None] = mapped_column(
        comment="integral of the spin density over the cell, electrons; NULL = without spin"
    )
    artifact_sha256: Mapped[str] = mapped_column(comment="SHA-256 of the compressed grid: float32, e/angstrom3; elf: 1")
    artifact_uri: Mapped[str] = mapped_column(comment="where the grid lay when it was stored")
    source_entry_id: Mapped[int | None] = reference(
        "source_entry.id", "entry that it came with; NULL = computed here", nullable=True
    )
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()
