"""Measured patterns and the answers to them: each written once, by content hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Floats, Ids


@dataclass(frozen=True)
class GroupRow:
    """One space group of an answer: see the table `pattern_space_group`."""

    space_group_number: int
    rank: int
    probability: float
    network_probability: float | None
    member_probabilities: Sequence[float]
    search_score: float | None
    in_set: bool


@dataclass(frozen=True)
class PhaseRow:
    """One stored structure that fits: see the table `pattern_phase`."""

    structure_id: int
    fit: Literal["alone", "mixture"]
    rank: int
    score: float
    share: float
    zero_shift_deg: float
    cell_scale: float


@dataclass(frozen=True)
class Answer:
    """An answer to a measured pattern: see the table `pattern_identification`.

    `index` is the descriptor set of the searched profiles, the hash of their structures and their number; `volume` the
    volume of the primitive cell with its lower and upper quartile, angstrom3. None where there is none.
    """

    content_hash: str
    model_id: int | None
    index: tuple[int, str, int] | None
    settings: Mapping[str, Any]
    peaks: Mapping[str, Sequence[float]]
    is_sure: bool
    reason: str
    volume: tuple[float, float, float] | None
    groups: Sequence[GroupRow]
    phases: Sequence[PhaseRow]


def pattern_hash(wavelength_angstrom: float, two_theta_deg: Floats, intensity: Floats) -> str:
    """Return the SHA-256 that names a measured pattern: its wavelength, angles and intensities, not its name."""
    content = hashlib.sha256(np.float64(wavelength_angstrom).tobytes())
    for column in (two_theta_deg, intensity):
        content.update(np.ascontiguousarray(column, dtype="<f8").tobytes())
    return content.hexdigest()


def find_pattern(session: Session, content_hash: str) -> int | None:
    """Return the id of a measured pattern, None where it is new."""
    query = text("SELECT id FROM matsift.measured_pattern WHERE content_hash = :hash")
    return session.execute(query, {"hash": content_hash}).scalar_one_or_none()


def write_pattern(
    session: Session, run_id: int, *, name: str, wavelength_angstrom: float, two_theta_deg: Floats, intensity: Floats
) -> int:
    """Return the id of a measured pattern, written where it is new; flushed, not committed."""
    key = pattern_hash(wavelength_angstrom, two_theta_deg, intensity)
    insert = text("""
        INSERT INTO matsift.measured_pattern (content_hash, name, wavelength_angstrom, two_theta_deg, intensity, run_id)
        VALUES (:hash, :name, :wavelength, :angles, :intensity, :run_id) ON CONFLICT (content_hash) DO NOTHING
    """)
    values = {
        "hash": key,
        "name": name,
        "wavelength": float(wavelength_angstrom),
        "angles": np.asarray(two_theta_deg, dtype=np.float64).tolist(),
        "intensity": np.asarray(intensity, dtype=np.float64).tolist(),
        "run_id": run_id,
    }
    session.execute(insert, values)
    found = find_pattern(session, key)
    assert found is not None
    return found


def find_answer(session: Session, content_hash: str) -> int | None:
    """Return the id of an answer, None where it was not given yet."""
    query = text("SELECT id FROM matsift.pattern_identification WHERE content_hash = :hash")
    return session.execute(query, {"hash": content_hash}).scalar_one_or_none()


def write_answer(session: Session, run_id: int, pattern_id: int, answer: Answer) -> int:
    """Return the id of an answer, written with its groups and phases where it is new; flushed, not committed."""
    insert = text("""
        INSERT INTO matsift.pattern_identification (content_hash, measured_pattern_id, model_version_id,
            descriptor_set_id, index_hash, n_indexed, settings, peaks, is_sure, reason, volume, volume_lower,
            volume_upper, run_id)
        VALUES (:hash, :pattern_id, :model_id, :set_id, :index_hash, :n_indexed, CAST(:settings AS jsonb),
            CAST(:peaks AS jsonb), :is_sure, :reason, :volume, :lower, :upper, :run_id)
        ON CONFLICT (content_hash) DO NOTHING RETURNING id
    """)
    values = {
        "hash": answer.content_hash,
        "pattern_id": pattern_id,
        "model_id": answer.model_id,
        **dict(zip(("set_id", "index_hash", "n_indexed"), answer.index or (None,) * 3, strict=True)),
        "settings": json.dumps(dict(answer.settings)),
        "peaks": json.dumps({name: list(column) for name, column in answer.peaks.items()}),
        "is_sure": answer.is_sure,
        "reason": answer.reason,
        **dict(zip(("volume", "lower", "upper"), answer.volume or (None,) * 3, strict=True)),
        "run_id": run_id,
    }
    new = session.execute(insert, values).scalar_one_or_none()
    if new is None:
        known = find_answer(session, answer.content_hash)
        assert known is not None
        return known
    groups = [{**vars(row), "member_probabilities": list(row.member_probabilities)} for row in answer.groups]
    _write_rows(session, "pattern_space_group", groups, new, run_id)
    _write_rows(session, "pattern_phase", [vars(row) for row in answer.phases], new, run_id)
    return int(new)


def _write_rows(
    session: Session, table: str, rows: Sequence[Mapping[str, Any]], identification_id: int, run_id: int
) -> None:
    if not rows:
        return
    names = ["identification_id", "run_id", *rows[0]]
    values = ", ".join(f":{name}" for name in names)
    insert = text(f"INSERT INTO matsift.{table} ({', '.join(names)}) VALUES ({values})")  # noqa: S608  columns of ours
    own = {"identification_id": identification_id, "run_id": run_id}
    session.execute(insert, [{**own, **row} for row in rows])


def latest_group_model(session: Session, study: str | None = None) -> tuple[int, str] | None:
    """Return the id of the ensemble that identifies patterns and its study; None where none is trained.

    It is the newest one, of a study if one is named.
    """
    query = text("""
        SELECT m.id, coalesce(r.study, '') FROM matsift.model_version m
        JOIN matsift.property p ON p.id = m.property_id JOIN matsift.run r ON r.id = m.run_id
        WHERE p.name = 'space_group_number' AND m.purpose = 'ensemble'
          AND (CAST(:study AS text) IS NULL OR r.study = :study)
        ORDER BY m.id DESC LIMIT 1
    """)
    found = session.execute(query, {"study": study}).one_or_none()
    return None if found is None else (int(found[0]), str(found[1]))


@dataclass(frozen=True)
class PhaseFacts:
    """What is told of a structure that fits: its content hash, formula, symmetry, and (source, entry) that state it."""

    structure_hash: str
    formula: str
    space_group_number: int | None
    space_group_symbol: str | None
    entries: tuple[tuple[str, str], ...]


def phase_facts(session: Session, structure_ids: Ids) -> dict[int, PhaseFacts]:
    """Return structure id -> what is told of it."""
    query = text("""
        SELECT s.id, s.content_hash, s.reduced_formula, s.space_group_number, s.space_group_symbol,
               ARRAY(SELECT ARRAY[o.name, e.external_id] FROM matsift.source_entry e
                     JOIN matsift.source o ON o.id = e.source_id
                     WHERE e.structure_id = s.id AND e.withdrawn_at IS NULL
                     ORDER BY o.name COLLATE "C", e.external_id COLLATE "C")
        FROM matsift.structure s WHERE s.id = ANY(CAST(:ids AS int8[]))
    """)
    rows = session.execute(query, {"ids": [int(key) for key in structure_ids]})
    return {
        key: PhaseFacts(digest, formula, number, symbol, tuple((source, entry) for source, entry in entries))
        for key, digest, formula, number, symbol, entries in rows
    }
