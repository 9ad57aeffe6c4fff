"""All stored profiles as an index, and how much its answers count beside those of an ensemble."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from matsift.descriptors.diffraction import DIFFRACTION
from matsift.diffraction.ensemble import SpaceGroupEnsemble
from matsift.diffraction.search import ProfileIndex
from matsift.diffraction.together import Evidence
from matsift.diffraction.trial_patterns import fit_evidence
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import Snapshot
from matsift_schema.store.descriptors import find_descriptor_set
from matsift_schema.store.diffraction import load_profiles
from matsift_schema.store.structures import load_crystals
from matsift_schema.store.symmetry import space_groups_now

#: Trial patterns that the weights are fitted on, at least; each crystal has as many as it takes.
_N_TRIAL = 80


@dataclass(frozen=True, eq=False)
class Searched:
    """The profiles that are searched: id of their set, SHA-256 of the structures, and the index of them."""

    set_id: int
    structures: str
    index: ProfileIndex


def searched_profiles(session: Session) -> Searched | None:
    """Return the index of all stored profiles; None where there are none."""
    set_id = find_descriptor_set(session, DIFFRACTION.name, DIFFRACTION.version)
    if set_id is None:
        return None
    stored = load_profiles(session, set_id)
    if not len(stored):
        return None
    groups = space_groups_now(session, stored.structure_ids)
    structures = hashlib.sha256("".join(stored.structure_hashes).encode())
    structures.update(groups.astype("<i8").tobytes())
    return Searched(set_id, structures.hexdigest(), ProfileIndex.build(stored.profiles, stored.structure_ids, groups))


def weighed(
    workspace: Workspace, snapshot: Snapshot, role: str, ensemble: SpaceGroupEnsemble, coverage: float, seed: int
) -> Evidence:
    """Return the weights of ensemble and search, by trial patterns of the crystals of a role in a snapshot.

    The crystals were not learned from; half of the time their own profile is missing while the others are searched.
    """
    rows = np.flatnonzero(snapshot.roles == role)
    rows = rows[: len(rows) // 2 * 2]  # an even number: no crystal is on both sides of the fit
    ids = snapshot.structure_ids[rows]
    with workspace.sessions.begin() as session:
        searched = searched_profiles(session)
        crystals = load_crystals(session, ids)
    n_round = math.ceil(_N_TRIAL / len(rows))
    return fit_evidence(
        crystals * n_round,
        np.tile(snapshot.values[rows].astype(np.int64), n_round),
        np.tile(ids, n_round),
        None if searched is None else searched.index,
        ensemble,
        np.random.default_rng(seed),
        coverage=coverage,
    )
