"""Suggestions of latent searches: one a row, as they are asked, and all of a campaign to go on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.copying import incoming, select_binary

_COLUMNS = {
    "campaign_round_id": "int8",
    "number": "int4",
    "latent": "float4[]",
    "score": "float8",
    "mean": "float8",
    "spread": "float8",
    "decodes": "bool",
    "formula": "text",
    "value": "float8",
    "reason": "text",
}
_INSERT = text(f"""
    INSERT INTO matsift.suggestion ({", ".join(_COLUMNS)}, run_id)
    SELECT {", ".join(_COLUMNS)}, :run_id FROM incoming ORDER BY campaign_round_id, number
""")  # noqa: S608  constants
_SELECT = """
    SELECT r.number, u.number, u.latent, u.score, u.mean, u.spread, u.decodes, u.formula, u.value, u.reason
    FROM matsift.suggestion u JOIN matsift.campaign_round r ON r.id = u.campaign_round_id
    WHERE r.campaign_id = %(campaign_id)s ORDER BY r.number, u.number
"""


@dataclass(frozen=True, eq=False)
class SuggestionRow:
    """One point of the latent space that a search asked for, and what became of it.

    `latent` (n_latent,) float32, as it is stored: a search that is to be continued exactly asks for float32 points.
    `score`, `mean` and `spread` are None where there are none; `value` is in the property's unit, None with a `reason`.
    """

    round_number: int
    number: int
    latent: NDArray[np.float32]
    score: float | None
    mean: float | None
    spread: float | None
    decodes: bool
    formula: str | None
    value: float | None
    reason: str | None


def write_suggestions(session: Session, run_id: int, round_id: int, rows: list[SuggestionRow]) -> None:
    """Write suggestions of one round; flushed, not committed."""
    values = (
        (
            round_id,
            row.number,
            np.asarray(row.latent, dtype=np.float32).tolist(),
            *(None if number is None else float(number) for number in (row.score, row.mean, row.spread)),
            bool(row.decodes),
            row.formula,
            None if row.value is None else float(row.value),
            row.reason,
        )
        for row in rows
    )
    with incoming(session, _COLUMNS, values):
        session.execute(_INSERT, {"run_id": run_id})


def load_suggestions(session: Session, campaign_id: int) -> list[SuggestionRow]:
    """Return all suggestions of a campaign, in the order in which they were asked."""
    rows: list[tuple[Any, ...]] = select_binary(session, _SELECT, {"campaign_id": campaign_id})
    return [
        SuggestionRow(number, place, np.array(latent, dtype=np.float32), *rest) for number, place, latent, *rest in rows
    ]
