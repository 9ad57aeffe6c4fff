"""What was proposed, as people read it: rows of `analysis.generated_composition` and `analysis.suggestion`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


def studies_with_proposals(session: Session) -> list[str]:
    """Return the names of the studies that proposed compositions, sorted."""
    query = text('SELECT study FROM matsift.generation GROUP BY study ORDER BY study COLLATE "C"')
    return [str(name) for name in session.scalars(query)]


def compositions_of(session: Session, study: str, *, origin: str | None = None) -> list[dict[str, Any]]:
    """Return the kept compositions of a study by batch, the newest first, and rank, with crystals and hand-offs.

    `hand_offs` lists what oracles were asked of the crystals of a composition, None where they were asked nothing.
    """
    query = text("""
        SELECT c.formula, c.origin, c.rank, c.property_name, c.unit, c.mean, c.lower, c.upper, c.coverage, c.verdicts,
               c.nearest_formula, c.nearest_distance, c.campaign, c.batch_hash, c.structure_hash, s.space_group_symbol,
               s.template_formula, s.template_distance, s.outcome, s.reason, s.formation_energy_ev,
               s.energy_above_hull_ev, h.hand_offs
        FROM analysis.generated_composition c
        JOIN matsift.generation b ON b.content_hash = c.batch_hash
        LEFT JOIN LATERAL (
            SELECT * FROM analysis.generated_structure a WHERE a.formula = c.formula
            ORDER BY a.structure_hash IS NOT DISTINCT FROM c.structure_hash DESC, a.template_distance, a.assignment,
                     a.attempt DESC LIMIT 1) AS s ON true
        LEFT JOIN LATERAL (
            SELECT jsonb_agg(to_jsonb(asked) - 'id' ORDER BY asked.id) AS hand_offs FROM (
                SELECT DISTINCT ON (a.structure_id, a.oracle_method, p.name) a.id, k.oracle,
                       a.oracle_method AS method, p.name AS property_name, p.unit, a.status, l.value, a.reason
                FROM matsift.generated_structure g
                JOIN matsift.acquisition a ON a.structure_id = g.structure_id
                JOIN matsift.campaign k ON k.id = a.campaign_id AND k.study = c.study
                JOIN matsift.property p ON p.id = k.property_id
                LEFT JOIN matsift.label l ON l.id = a.label_id
                WHERE g.formula = c.formula AND g.outcome = 'relaxed'
                ORDER BY a.structure_id, a.oracle_method, p.name, a.id DESC) AS asked) AS h ON true
        WHERE c.study = :study AND (CAST(:origin AS text) IS NULL OR c.origin = :origin)
        ORDER BY b.id DESC, c.rank
    """)
    return [dict(row) for row in session.execute(query, {"study": study, "origin": origin}).mappings()]


def suggestions_of(session: Session, study: str) -> list[dict[str, Any]]:
    """Return the suggestions of the searches of a study, search by search, in the order in which they were asked."""
    query = text("""
        SELECT strategy AS search, campaign_hash, property_name, unit, round, number, score, mean, spread, decodes,
               formula, value, reason
        FROM analysis.suggestion WHERE study = :study ORDER BY strategy COLLATE "C", campaign_hash, number
    """)
    return [dict(row) for row in session.execute(query, {"study": study}).mappings()]
