"""Relaxations with the bond valence force field: which are missing, and rows in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Floats, Ids, Texts
from matsift_schema.store.copying import incoming
from matsift_schema.store.structures import STATED_NOW

#: Stage of the failures that `missing_relaxations` looks at; their detail names what was sought, and by which variant.
STAGE = "bond_valence"

_NUMBERS = ("lattice_error", "lattice_constant", "oxygen_parameter", "site_shift", "global_instability_index")
_COLUMNS = {
    "structure_id": "int8",
    "strain": "float8",
    "screening_factor": "float8",
    "prototype": "text",
    **dict.fromkeys(_NUMBERS, "float8"),
    "problem": "text",
}
_LISTED = ", ".join(_COLUMNS)
_INSERT = text(f"""
    INSERT INTO matsift.bond_valence_relaxation (variant_id, {_LISTED}, run_id)
    SELECT :variant_id, {_LISTED}, :run_id FROM incoming ORDER BY structure_id, strain, screening_factor
    ON CONFLICT (variant_id, structure_id, strain, screening_factor) DO NOTHING RETURNING structure_id
""")  # noqa: S608  constants of this module


@dataclass(frozen=True, eq=False)
class Relaxations:
    """n relaxations with one variant of the force field, ordered by structure content hash, strain and factor.

    Parameters
    ----------
    structure_ids
        (n,) database ids of the reference structures.
    prototypes
        (n,) "perovskite" or "spinel".
    strains, screening_factors
        (n,) what the lattice was scaled by before, as a fraction, and the screening factor.
    lattice_errors, lattice_constants, oxygen_parameters, site_shifts, global_instability_indices
        (n,) what came of it; angstrom, fractions and valence units; NaN where there is none.
    problems
        (n,) why a row is no sample to learn from; None where it is one.
    """

    structure_ids: NDArray[np.int64]
    prototypes: Texts
    strains: NDArray[np.float64]
    screening_factors: NDArray[np.float64]
    lattice_errors: NDArray[np.float64]
    lattice_constants: NDArray[np.float64]
    oxygen_parameters: NDArray[np.float64]
    site_shifts: NDArray[np.float64]
    global_instability_indices: NDArray[np.float64]
    problems: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.structure_ids)


def find_variant(session: Session, content_hash: str) -> int | None:
    """Return the id of a variant of the force field, None where nothing was ever relaxed with it."""
    query = text("SELECT id FROM matsift.bond_valence_variant WHERE content_hash = :content_hash")
    return session.execute(query, {"content_hash": content_hash}).scalar_one_or_none()


def ensure_variant(
    session: Session, run_id: int, *, method: str, settings: Mapping[str, Any], content_hash: str
) -> int:
    """Return the id of a variant, written where it is new; flushed, not committed."""
    insert = text("""
        INSERT INTO matsift.bond_valence_variant (method, settings, content_hash, run_id)
        VALUES (:method, CAST(:settings AS jsonb), :content_hash, :run_id) ON CONFLICT (content_hash) DO NOTHING
    """)
    values = {"method": method, "settings": json.dumps(dict(settings)), "content_hash": content_hash, "run_id": run_id}
    session.execute(insert, values)
    found = find_variant(session, content_hash)
    assert found is not None
    return found


def missing_relaxations(
    session: Session,
    variant_hash: str,
    *,
    detail: str,
    strains: Floats,
    screening_factors: Floats,
    sources: Sequence[str] = (),
    without_holds: Sequence[str] = (),
    retry_failed: bool = False,
) -> NDArray[np.int64]:
    """Return the ids of structures that lack a relaxation at some strain and factor, ordered by content hash.

    Structures with a failure of this detail are left out unless `retry_failed`. `sources` narrows the search to
    structures that one of these sources states now, `without_holds` to those with none of these reservations.
    """
    query = text(f"""
        SELECT s.id FROM matsift.structure s
        WHERE {STATED_NOW} AND NOT s.holds && CAST(:holds AS text[]) AND EXISTS (
              SELECT FROM unnest(CAST(:strains AS float8[])) AS a (strain)
              CROSS JOIN unnest(CAST(:factors AS float8[])) AS b (screening_factor)
              WHERE NOT EXISTS (
                  SELECT FROM matsift.bond_valence_relaxation r
                  JOIN matsift.bond_valence_variant v ON v.id = r.variant_id
                  WHERE (r.structure_id, r.strain, r.screening_factor) = (s.id, a.strain, b.screening_factor)
                    AND v.content_hash = :variant))
          AND (:retry OR NOT EXISTS (SELECT FROM matsift.failure f WHERE f.structure_id = s.id
                                     AND f.stage = :stage AND f.detail = :detail))
        ORDER BY s.content_hash COLLATE "C"
    """)  # noqa: S608  a constant
    rows = session.scalars(
        query,
        {
            "sources": list(sources),
            "strains": [float(value) for value in strains],
            "factors": [float(value) for value in screening_factors],
            "variant": variant_hash,
            "detail": detail,
            "holds": list(without_holds),
            "retry": retry_failed,
            "stage": STAGE,
        },
    )
    return np.array(rows.all(), dtype=np.int64)


def write_relaxations(session: Session, run_id: int, variant_id: int, rows: Relaxations) -> int:
    """Write relaxations; return how many are new. Flushed, not committed."""
    numbers = np.stack(
        [
            rows.lattice_errors,
            rows.lattice_constants,
            rows.oxygen_parameters,
            rows.site_shifts,
            rows.global_instability_indices,
        ],
        axis=1,
    )
    known = (
        (int(key), float(strain), float(factor), str(prototype), *_none_for_nan(values), problem)
        for key, strain, factor, prototype, values, problem in zip(
            rows.structure_ids,
            rows.strains,
            rows.screening_factors,
            rows.prototypes,
            numbers.tolist(),
            rows.problems,
            strict=True,
        )
    )
    with incoming(session, _COLUMNS, known):
        return len(session.execute(_INSERT, {"variant_id": variant_id, "run_id": run_id}).all())


def load_relaxations(session: Session, variant_hash: str, structure_ids: Ids | None = None) -> Relaxations:
    """Return the relaxations with a variant, of all structures or of these."""
    query = text(f"""
        SELECT r.structure_id, r.prototype, r.strain, r.screening_factor, {", ".join(f"r.{name}" for name in _NUMBERS)},
               r.problem
        FROM matsift.bond_valence_relaxation r
        JOIN matsift.bond_valence_variant v ON v.id = r.variant_id
        JOIN matsift.structure s ON s.id = r.structure_id
        WHERE v.content_hash = :variant
          AND (CAST(:ids AS int8[]) IS NULL OR r.structure_id = ANY(CAST(:ids AS int8[])))
        ORDER BY s.content_hash COLLATE "C", r.strain, r.screening_factor
    """)  # noqa: S608  constants of this module
    wanted = None if structure_ids is None else [int(key) for key in structure_ids]
    rows = session.execute(query, {"variant": variant_hash, "ids": wanted}).all()
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [()] * 10
    return Relaxations(
        structure_ids=np.array(columns[0], dtype=np.int64),
        prototypes=columns[1],
        strains=_floats(columns[2]),
        screening_factors=_floats(columns[3]),
        lattice_errors=_floats(columns[4]),
        lattice_constants=_floats(columns[5]),
        oxygen_parameters=_floats(columns[6]),
        site_shifts=_floats(columns[7]),
        global_instability_indices=_floats(columns[8]),
        problems=columns[9],
    )


def _floats(column: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(column, dtype=np.float64)


def _none_for_nan(values: Sequence[float]) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else value for value in values)
