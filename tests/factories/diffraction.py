"""Profiles, a space group model and an identified pattern, for a small study in the database."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.diffraction.sparse import SparseProfiles
from matsift.records import LabelRecord
from matsift_schema.store import datasets, descriptors, labels, models, patterns, space_groups, symmetry
from matsift_schema.store import diffraction as profiles
from matsift_schema.store.lookups import structure_hashes

METHOD = "spglib-symprec-0.01"
ORIGIN = "oracle:spglib@2"


def digest(name: str) -> str:
    """Return a SHA-256 of a name."""
    return hashlib.sha256(f"diffraction {name}".encode()).hexdigest()


def profile_set(session: Session) -> int:
    """Return the id of the descriptor set of profiles."""
    return descriptors.ensure_descriptor_set(
        session,
        name="diffraction",
        version="1",
        columns=("bin", "intensity"),
        description="profiles for tests",
        package_versions={},
    )


def write_profiles(session: Session, run: int, structure_ids: NDArray[np.int64]) -> int:
    """Return the id of the set in which structure i now has two lines, in the bins i and 5000 + i."""
    set_id = profile_set(session)
    n = len(structure_ids)
    lines = SparseProfiles.from_lists([[i, 5000 + i] for i in range(n)], [[1.0, 0.25]] * n)
    profiles.write_profiles(session, run, set_id, structure_ids, lines, seconds=np.full(n, 0.001))
    return set_id


def write_symmetry(session: Session, run: int, structure_ids: NDArray[np.int64]) -> labels.LabelColumns:
    """Return the labels by which the structures are now 225, 225, ... with primitive cells of 40 angstrom3."""
    rows = [
        (key, LabelRecord(name, value, METHOD, ORIGIN), None)
        for key in structure_hashes(session, structure_ids.tolist())
        for name, value in (("space_group_number", 225.0), ("primitive_cell_volume", 40.0))
    ]
    labels.write_labels(session, run, rows)
    types = ["225: 4 m-3m | 4 m-3m"] * len(structure_ids)
    symmetry.write_structure_types(session, run, METHOD, structure_ids, types)
    return labels.label_table(session, ["space_group_number"])


def said(label_ids: NDArray[np.int64]) -> space_groups.HeldOutGroups:
    """Return what two networks say: the first structure is 225, which is true, and all others are 221."""
    n = len(label_ids)
    is_first = np.arange(n) == 0
    predicted = np.where(is_first, 225, 221)
    return space_groups.HeldOutGroups(
        label_ids=label_ids,
        predicted=predicted,
        probability=np.full(n, 0.7),
        true_probability=np.where(is_first, 0.7, 0.2),
        true_rank=np.where(is_first, 1, 2),
        member_predicted=np.stack([predicted, np.full(n, 225)], axis=1),
        member_probabilities=np.tile([0.8, 0.6], (n, 1)),
        in_set=np.ones(n, dtype=bool),
        set_size=np.full(n, 2),
        relation=["same" if first else "subgroup" for first in is_first],
        volume=np.tile([41.0, 39.0, 44.0], (n, 1)),
    )


def answer(set_id: int, model_id: int, structure_ids: NDArray[np.int64]) -> patterns.Answer:
    """Return an answer to a pattern: 225 before 221, and the first structure alone."""
    return patterns.Answer(
        content_hash=digest("answer"),
        model_id=model_id,
        index=(set_id, digest("index"), len(structure_ids)),
        settings={"n_phase": 20},
        peaks={"two_theta_deg": [27.4, 31.7], "q": [0.31, 0.35], "intensity": [0.13, 1.0], "fwhm_deg": [0.1, 0.1]},
        is_sure=False,
        reason="two space groups are left",
        volume=(45.0, 44.0, 46.0),
        groups=(
            patterns.GroupRow(225, 1, 0.8, 0.7, (0.9, 0.5), 0.97, in_set=True),
            patterns.GroupRow(221, 2, 0.2, None, (), None, in_set=True),
        ),
        phases=(
            patterns.PhaseRow(int(structure_ids[0]), "alone", 1, 0.97, 0.9, 0.02, 1.001),
            patterns.PhaseRow(int(structure_ids[0]), "mixture", 1, 0.97, 0.9, 0.02, 1.001),
        ),
    )


def diffract(session: Session, run: int, structure_ids: NDArray[np.int64]) -> int:
    """Return the id of a space group model that was held against two structures and asked for one pattern."""
    set_id = write_profiles(session, run, structure_ids)
    table = write_symmetry(session, run, structure_ids)
    snapshot_id = datasets.write_snapshot(
        session,
        run,
        digest("snapshot"),
        property_name="space_group_number",
        strategy="diffraction",
        settings={"range": "all", "groups": [221, 225]},
        seed=1,
        label_ids=table.label_ids,
        roles=["train"] * (len(table) - 2) + ["test"] * 2,
        folds=[None] * (len(table) - 2) + [1, 2],
    )
    record = models.ModelRecord(
        content_hash=digest("model"),
        learner="spg_vol_net",
        purpose="ensemble",
        settings={"width": 4, "members": 2},
        seed=1,
        snapshot_id=snapshot_id,
        property_name="space_group_number",
        column_names=["bin", "intensity"],
        calibration={"temperature": 1.2},
        artifact_sha256=digest("artifact"),
        artifact_uri="file:///artifacts/spg",
        code_version="0.1.0",
        descriptor_set_ids=[set_id],
    )
    model = models.write_model(session, run, record)
    models.write_evaluations(session, run, model, subset="validation", metrics={"macro_recall": 0.5}, n_row=2)
    space_groups.write_held_out_groups(session, run, model, said(table.label_ids[-2:]))
    pattern = patterns.write_pattern(
        session, run, name="salt", wavelength_angstrom=1.5406, two_theta_deg=[27.4, 31.7], intensity=[13.0, 100.0]
    )
    patterns.write_answer(session, run, pattern, answer(set_id, model, structure_ids))
    return model
