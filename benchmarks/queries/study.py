"""The second half of a large database: two ensembles, predictions of everything, a screen, campaigns."""

from __future__ import annotations

import hashlib

import numpy as np
from benchmarks.queries.campaign import campaign
from benchmarks.queries.models import Trained, digest, model, predict
from benchmarks.queries.structures import PROPERTIES, SEED, STUDY
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.screening.criteria import paper_criteria
from matsift_flows.workspace import Workspace
from matsift_schema.store import datasets, groups, labels, screening
from matsift_schema.store.reports import write_report
from matsift_schema.store.structures import load_structures

RULES = hashlib.sha256(b"rules of a benchmark").hexdigest()[:16]
ELEMENT = "Na"
_REJECTED = 0.15
#: Shares of the candidates that each criterion of the paper fails and cannot decide, about as in na_electrolytes.
_SHARES = {
    "no_noble_gas": (0.0, 0.0),
    "structural_descriptor": (0.01, 0.02),
    "band_gap": (0.3, 0.3),
    "formation_energy": (0.08, 0.09),
    "energy_above_hull": (0.22, 0.09),
    "small_cell": (0.0, 0.0),
    "lowest_polymorph": (0.36, 0.14),
    "no_electrochemically_active_element": (0.28, 0.0),
    "converged": (0.09, 0.0),
}


def fill(workspace: Workspace) -> bool:
    """Write the study and return whether anything was missing; a filling that was interrupted goes on."""
    with workspace.run("study", STUDY, {}) as run:
        with workspace.sessions.begin() as session:
            if session.scalar(text("SELECT count(*) FROM matsift.study_report")):
                return False
            run_id = run.id(session)
            judge(session, run_id)
            trained = [snapshot(session, run_id, name) for name in PROPERTIES]
            first = {t.property_name: model(session, run_id, t, 0, "all") for t in trained}
            everything = np.array(session.scalars(text("SELECT id FROM matsift.structure ORDER BY id")).all())
            pool = load_structures(session, elements=[ELEMENT]).ids
        for model_id in first.values():
            predict(workspace, run_id, model_id, everything)
        with workspace.sessions.begin() as session:
            screen(session, run_id, pool)
            group(session, run_id, pool)
        for t in trained:
            for strategy in ("exploration", "random"):
                campaign(workspace, run_id, t, strategy, pool, first[t.property_name])
        with workspace.sessions.begin() as session:
            write_report(session, run_id, study=STUDY, content_hash=digest("report"), uri="file:///report.html")
    return True


def judge(session: Session, run_id: int) -> None:
    """Accept most labels."""
    table = labels.label_table(session, PROPERTIES)
    rejected = np.random.default_rng(SEED).random(len(table)) < _REJECTED
    names = ("negative_modulus", "reuss_exceeds_voigt", "has_hold", "contains_radioactive")
    labels.write_verdicts(
        session,
        run_id,
        RULES,
        table.label_ids,
        accepted=~rejected,
        rules=[names[i % len(names)] if bad else None for i, bad in enumerate(rejected)],
        values_seen=np.where(rejected, table.values, np.nan),
    )


def snapshot(session: Session, run_id: int, property_name: str) -> Trained:
    """Return the snapshot of the accepted labels of a property."""
    table = labels.label_table(session, [property_name], rule_set=RULES)
    accepted = np.array([verdict == "accepted" for verdict in table.verdicts], dtype=bool)
    ids, truth = table.label_ids[accepted], table.values[accepted]
    roles = np.random.default_rng(SEED).choice(["train", "validation", "test"], len(ids), p=[0.7, 0.1, 0.2])
    key = datasets.write_snapshot(
        session,
        run_id,
        digest("snapshot", property_name),
        property_name=property_name,
        strategy="model_3",
        settings={},
        seed=SEED,
        label_ids=ids,
        roles=roles,
    )
    return Trained(property_name, key, ids, truth, roles)


def screen(session: Session, run_id: int, pool: NDArray[np.int64]) -> int:
    """Return the screen of the pool by the nine criteria of the paper."""
    criteria = [criterion.model_dump(mode="json") for criterion in paper_criteria()]
    screen_id = screening.write_screen(
        session, run_id, name=STUDY, study=STUDY, criteria=criteria, content_hash=digest("screen")
    )
    rng = np.random.default_rng(SEED)
    for criterion in criteria:
        failed, unknown = _SHARES[criterion["name"]]
        outcomes = rng.choice(["failed", "unknown", "passed"], len(pool), p=[failed, unknown, 1.0 - failed - unknown])
        screening.write_outcomes(
            session,
            run_id,
            screen_id,
            criterion=criterion["name"],
            structure_ids=pool,
            outcomes=outcomes,
            values_seen=np.where(outcomes == "unknown", np.nan, rng.random(len(pool))),
            details=[None] * len(pool),
        )
    return screen_id


def group(session: Session, run_id: int, pool: NDArray[np.int64]) -> int:
    """Give each of the pool a group, every twentieth that of the one before it; return how many have one."""
    rule_id = groups.ensure_rule(session, run_id, name="made-up", settings={}, content_hash=digest("grouping rule"))
    rows = [(int(key), int(pool[i - 1]) if i % 20 == 19 else int(key), 0.01) for i, key in enumerate(pool)]
    return groups.write_members(session, run_id, rule_id, rows)
