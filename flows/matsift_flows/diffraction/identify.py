"""Measured patterns identified: by the networks of a study and all stored profiles, the answer kept once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sqlalchemy.orm import Session

from matsift.diffraction.ensemble import SpaceGroupEnsemble, load_ensemble
from matsift.diffraction.identify import Identification, PhaseMatch, identify
from matsift.diffraction.measured import ProcessedPattern
from matsift.diffraction.together import Evidence
from matsift.errors import UserInputError
from matsift_flows.diffraction.searching import Searched, searched_profiles
from matsift_flows.orchestration import inner_flow
from matsift_flows.workspace import Workspace, code_version
from matsift_schema.store import patterns as store
from matsift_schema.store.models import load_model
from matsift_schema.store.runs import LazyRun

_N_PHASE = 20
_COVERAGE = 0.9


@dataclass(frozen=True, eq=False)
class Identified:
    """An answer to a pattern.

    Parameters
    ----------
    identification
        What the pattern is.
    phases
        Database id -> what is told of the structures that fit.
    identification_id
        The answer's row.
    is_new
        Whether it was written just now.
    n_indexed
        Stored profiles that were searched.
    study
        Study whose networks were asked, empty where none were.
    coverage
        How often the set of likely groups holds the true one.
    """

    identification: Identification
    phases: Mapping[int, store.PhaseFacts]
    identification_id: int
    is_new: bool
    n_indexed: int
    study: str
    coverage: float


@dataclass(frozen=True, eq=False)
class _Asked:
    """The networks that are asked: id and content hash of the model, its study, itself, and its weight in an answer."""

    id: int
    content_hash: str
    study: str
    ensemble: SpaceGroupEnsemble
    evidence: Evidence | None


@inner_flow("identify")
def identify_pattern(
    workspace: Workspace,
    processed: ProcessedPattern,
    *,
    study: str | None = None,
    model_id: int | None = None,
    use_network: bool = True,
    n_phase: int = _N_PHASE,
) -> Identified:
    """Identify a measured pattern and keep it with the answer; what was answered before adds no row.

    Parameters
    ----------
    workspace
        Where the networks and profiles are.
    processed
        The pattern with its peaks.
    study, model_id
        Whose networks to ask, or which ones; by default those that were trained last.
    use_network
        Whether to ask networks at all.
    n_phase
        How many stored structures to name.

    Raises
    ------
    UserInputError
        If the study has no networks, or there is neither a network nor a stored profile.
    """
    with workspace.sessions.begin() as session:
        asked = _asked(session, workspace, study, model_id) if use_network else None
        searched = searched_profiles(session)
    found = identify(
        processed.peaks,
        None if searched is None else searched.index,
        None if asked is None else asked.ensemble,
        n_phase=n_phase,
        evidence=None if asked is None else asked.evidence,
    )
    settings: dict[str, object] = {"n_phase": n_phase, "code_version": code_version()}
    answer = _answer(processed, found, asked, searched, settings)
    with workspace.sessions.begin() as session:
        known = store.find_answer(session, answer.content_hash)
        facts = store.phase_facts(session, sorted({match.structure_id for match in (*found.phases, *found.mixture)}))
    if known is None:
        with workspace.run("identify", None, {"answer": answer.content_hash}) as run:
            identification_id = _write(workspace, run, processed, answer)
    else:
        identification_id = known
    return Identified(
        found,
        facts,
        identification_id,
        known is None,
        0 if searched is None else len(searched.index),
        "" if asked is None else asked.study,
        _COVERAGE if asked is None or asked.ensemble.certainty is None else asked.ensemble.certainty.coverage,
    )


def _asked(session: Session, workspace: Workspace, study: str | None, model_id: int | None) -> _Asked | None:
    """Return the networks to ask: those of an id, or the newest, of a study if one is named; None where none are."""
    newest = store.latest_group_model(session, study) if model_id is None else (model_id, study or "")
    if newest is None:
        if study is None:
            return None
        raise UserInputError(
            f"the study {study!r} has no networks of space groups; run its file, name another study, or ask none"
        )
    model = load_model(session, newest[0])
    ensemble = load_ensemble(workspace.artifacts.get(model.artifact_sha256))
    fitted = model.calibration.get("evidence")
    evidence = None if fitted is None else Evidence(**fitted)
    return _Asked(newest[0], model.content_hash, newest[1], ensemble, evidence)


def _answer(
    processed: ProcessedPattern,
    found: Identification,
    asked: _Asked | None,
    searched: Searched | None,
    settings: Mapping[str, object],
) -> store.Answer:
    """Return the answer as the database keeps it."""
    peaks = {
        column: np.asarray(getattr(found.peaks, column), dtype=np.float64).round(6).tolist()
        for column in ("two_theta_deg", "q", "intensity", "fwhm_deg")
    }
    wavelength = found.peaks.wavelength_angstrom
    name = [
        store.pattern_hash(wavelength, processed.pattern.two_theta_deg, processed.pattern.intensity),
        None if asked is None else asked.content_hash,
        None if asked is None or asked.evidence is None else asked.evidence.plain(),
        None if searched is None else searched.structures,
        settings,
        peaks,
    ]
    volume = found.volume
    return store.Answer(
        content_hash=hashlib.sha256(json.dumps(name, sort_keys=True).encode()).hexdigest(),
        model_id=None if asked is None else asked.id,
        index=None if searched is None else (searched.set_id, searched.structures, len(searched.index)),
        settings=settings,
        peaks=peaks,
        is_sure=found.is_sure,
        reason=found.reason,
        volume=None if volume is None else (volume.median, volume.lower_quartile, volume.upper_quartile),
        groups=[
            store.GroupRow(
                group.space_group_number,
                group.rank,
                _fraction(group.probability),
                None if group.network_probability is None else _fraction(group.network_probability),
                [_fraction(value) for value in group.member_probabilities],
                None if group.search_score is None else _fraction(group.search_score),
                group.in_set,
            )
            for group in found.groups
        ],
        phases=[*_phases(found.phases, "alone"), *_phases(found.mixture, "mixture")],
    )


def _phases(matches: tuple[PhaseMatch, ...], fit: Literal["alone", "mixture"]) -> list[store.PhaseRow]:
    """Return the structures that fit, each once: one that explains two parts of a pattern is named for the first."""
    once: dict[int, PhaseMatch] = {}
    for match in matches:
        once.setdefault(match.structure_id, match)
    return [
        store.PhaseRow(
            match.structure_id,
            fit,
            rank,
            _fraction(match.score),
            _fraction(match.share),
            float(match.zero_shift_deg),
            float(match.cell_scale),
        )
        for rank, match in enumerate(once.values(), 1)
    ]


def _fraction(value: float) -> float:
    """Return a number from 0 to 1 whose last digit may be off."""
    return min(max(float(value), 0.0), 1.0)


def _write(workspace: Workspace, run: LazyRun, processed: ProcessedPattern, answer: store.Answer) -> int:
    pattern = processed.pattern
    with workspace.sessions.begin() as session:
        run_id = run.id(session)
        pattern_id = store.write_pattern(
            session,
            run_id,
            name=pattern.name or "pattern",
            wavelength_angstrom=processed.peaks.wavelength_angstrom,
            two_theta_deg=pattern.two_theta_deg,
            intensity=pattern.intensity,
        )
        return store.write_answer(session, run_id, pattern_id, answer)
