"""A stored answer to a pattern as the record that pages and terminals tell."""

from __future__ import annotations

from collections.abc import Mapping

from matsift.diffraction.measured import ProcessedPattern
from matsift.reports.patterns import PatternAnswer, StoredPhase
from matsift_flows.diffraction.identify import Identified
from matsift_schema.store.patterns import PhaseFacts

_MOST_SOURCES = 4


def pattern_answer(
    processed: ProcessedPattern,
    identified: Identified,
    *,
    file_name: str = "",
    made_from: str = "",
    true_group: int | None = None,
) -> PatternAnswer:
    """Return what is told of a pattern.

    Parameters
    ----------
    processed
        The pattern and its lines.
    identified
        What was said of it.
    file_name
        Name of the file that it was read from.
    made_from, true_group
        Of a demonstration pattern: what it was made from, and its space group.
    """
    return PatternAnswer(
        processed=processed,
        identification=identified.identification,
        stored=stored_phases(identified.phases),
        study=identified.study,
        coverage=identified.coverage,
        n_searched=identified.n_indexed,
        made_from=made_from,
        true_group=true_group,
        file_name=file_name,
    )


def stored_phases(facts: Mapping[int, PhaseFacts]) -> dict[int, StoredPhase]:
    """Return what is told of stored structures, a few of their sources each."""
    return {
        key: StoredPhase(
            known.structure_hash,
            known.formula,
            tuple(f"{name} {entry}" for name, entry in known.entries[:_MOST_SOURCES]),
        )
        for key, known in facts.items()
    }
