"""Screening: what every criterion of a study says of every structure with its elements."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.bond_valence.decorations import STARTING_LATTICE
from matsift.descriptors.registry import descriptor_set
from matsift.screening.criteria import FAILED, Criterion, evaluate, funnel, overall
from matsift.screening.table import CriterionOutcome, ScreeningTable
from matsift.study.settings import Study
from matsift_adapters.oracles.percolation import method_of
from matsift_flows.facts import FACTS, known_properties
from matsift_flows.orchestration import inner_flow
from matsift_flows.snapshots import held_back_structures
from matsift_flows.workspace import Workspace
from matsift_schema.store import screening as store
from matsift_schema.store.descriptors import STAGE, failure_detail, find_descriptor_set, has_descriptors
from matsift_schema.store.failures import failed_structures
from matsift_schema.store.labels import label_table
from matsift_schema.store.mobility import known_barriers
from matsift_schema.store.structures import StructureTable, load_structures


@dataclass(frozen=True, eq=False)
class Screening:
    """The structures that a study screens, ordered by content hash, and which of them are candidates.

    `is_candidate` marks those without a label of a target from a source (in a replay those whose label is held back)
    and without an excluded hold; `eligible` marks those of them that no criterion failed.
    """

    screen_id: int
    structures: StructureTable
    is_candidate: NDArray[np.bool_]
    eligible: NDArray[np.bool_]

    @property
    def candidate_ids(self) -> NDArray[np.int64]:
        """Database ids of all candidates, in the order of their content hashes."""
        return self.structures.ids[self.is_candidate]

    @property
    def eligible_ids(self) -> NDArray[np.int64]:
        """Database ids of the candidates that no criterion failed, in the order of their content hashes."""
        return self.structures.ids[self.eligible]


@inner_flow("screen")
def screen(workspace: Workspace, study: Study) -> Screening:
    """Evaluate the criteria of a study and write the outcomes that are new."""
    structures, outcomes, is_candidate = look(workspace, study, study.screening)
    content_hash = _content_hash(study, structures, outcomes)
    with workspace.sessions.begin() as session:
        screen_id = store.find_screen(session, content_hash)
    if screen_id is None:
        screen_id = _write(workspace, study, structures, outcomes, content_hash)
        _tell(workspace, outcomes, len(structures))
    eligible = is_candidate & (overall(outcomes, len(structures)) != FAILED)
    return Screening(screen_id, structures, is_candidate, eligible)


def look(
    workspace: Workspace, study: Study, criteria: Sequence[Criterion]
) -> tuple[StructureTable, list[CriterionOutcome], NDArray[np.bool_]]:
    """Return the structures that a study screens, what criteria say of them, which are candidates; writes nothing."""
    with workspace.sessions.begin() as session:
        sources = study.structure_sources
        structures = load_structures(session, elements=study.candidates.elements, sources=sources)
        outcomes = evaluate(criteria, _table(session, study, structures))
        labelled = _labelled(session, study, structures.ids)
        if study.campaign.held_back is not None:
            labelled = ~np.isin(structures.ids, list(held_back_structures(session, study)))
    unwanted = frozenset(study.candidates.exclude_holds)
    held = np.array([not unwanted.isdisjoint(holds) for holds in structures.holds], dtype=bool)
    return structures, outcomes, ~labelled & ~held & ~_stands_in(structures, labelled)


def _stands_in(structures: StructureTable, labelled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which structures are but a guess at one that is labelled: same formula and symmetry, lattice by radii."""
    kinds = list(zip(structures.reduced_formulae, structures.space_group_numbers.tolist(), strict=True))
    known = {kinds[i] for i in np.flatnonzero(labelled)}
    return np.array(
        [STARTING_LATTICE in holds and kind in known for holds, kind in zip(structures.holds, kinds, strict=True)],
        dtype=bool,
    )


def _table(session: Session, study: Study, structures: StructureTable) -> ScreeningTable:
    ids = structures.ids
    has, failed = {}, {}
    for name in study.descriptors.sets:
        version = descriptor_set(name).version
        set_id = find_descriptor_set(session, name, version)
        has[name] = np.zeros(len(ids), bool) if set_id is None else has_descriptors(session, [set_id], ids)
        failures = failed_structures(session, STAGE, failure_detail(name, version))
        failed[name] = np.isin(ids, list(failures))
    asked = {criterion.property for criterion in study.screening if hasattr(criterion, "property")}
    properties = known_properties(session, study, ids, (*FACTS, *sorted(asked - set(FACTS))))
    if study.mobility is not None:
        properties |= known_barriers(session, method_of(study.mobility), ids)
    unconverged = np.isin(ids, list(failed_structures(session, "relax") | failed_structures(session, "label")))
    has_energy = ~np.isnan(properties["energy_per_atom"])
    converged = [False if bad else (True if good else None) for bad, good in zip(unconverged, has_energy, strict=True)]
    return ScreeningTable(
        structures.elements, structures.reduced_formulae, structures.n_site, properties, has, failed, converged
    )


def _labelled(session: Session, study: Study, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    labels = label_table(session, study.labels.properties, methods=study.labels.methods, structure_ids=ids)
    origins = study.label_origins
    known = [key for key, origin in zip(labels.structure_ids, labels.origins, strict=True) if origin in origins]
    return np.isin(ids, known)


def _content_hash(study: Study, structures: StructureTable, outcomes: list[CriterionOutcome]) -> str:
    criteria = [criterion.model_dump(mode="json") for criterion in study.screening]
    said = [[o.criterion, o.outcome.tolist(), [float(v).hex() for v in o.value_seen]] for o in outcomes]
    text = json.dumps([study.name, criteria, list(structures.hashes), said], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(
    workspace: Workspace,
    study: Study,
    structures: StructureTable,
    outcomes: list[CriterionOutcome],
    content_hash: str,
) -> int:
    with (
        workspace.run("screen", study.name, {"screen": content_hash}) as run,
        workspace.sessions.begin() as session,
    ):
        screen_id = store.write_screen(
            session,
            run.id(session),
            name=study.name,
            study=study.name,
            criteria=[criterion.model_dump(mode="json") for criterion in study.screening],
            content_hash=content_hash,
        )
        for outcome in outcomes:
            store.write_outcomes(
                session,
                run.id(session),
                screen_id,
                criterion=outcome.criterion,
                structure_ids=structures.ids,
                outcomes=outcome.outcome,
                values_seen=outcome.value_seen,
                details=outcome.detail,
            )
        return screen_id


def _tell(workspace: Workspace, outcomes: list[CriterionOutcome], n: int) -> None:
    workspace.reporter.say(f"  screen: {n} structures")
    for name, failed, unknown, left in funnel(outcomes, n):
        workspace.reporter.say(f"    {name:<38} {failed:>5} fail  {unknown:>5} unknown  {left:>5} left")
