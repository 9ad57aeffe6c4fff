"""The second half of a large database: two ensembles, predictions of everything, a screen, campaigns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from benchmarks.queries.structures import PROPERTIES, SEED, SETS, STUDY, stiffness
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.descriptors.registry import descriptor_set
from matsift.records import FailureRecord, LabelRecord
from matsift.screening.criteria import paper_criteria
from matsift_flows.workspace import Workspace
from matsift_schema.store import acquisitions, campaigns, datasets, groups, labels, models, predictions, screening
from matsift_schema.store.descriptors import find_descriptor_set
from matsift_schema.store.failures import latest_failure_ids, write_failures
from matsift_schema.store.reports import write_report
from matsift_schema.store.structures import load_structures

RULES = hashlib.sha256(b"rules of a benchmark").hexdigest()[:16]
ELEMENT = "Na"
N_MEMBER = 20
N_ROUND = 3
BATCH = 20
_CHUNK = 20_000
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


@dataclass(frozen=True)
class Trained:
    """What stands behind the predictions of one property."""

    property_name: str
    snapshot_id: int
    label_ids: NDArray[np.int64]
    truth: NDArray[np.float64]
    roles: NDArray[np.str_]


def digest(*what: object) -> str:
    """Return a SHA-256 that names something made up."""
    return hashlib.sha256(" ".join(map(str, what)).encode()).hexdigest()


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


def model(session: Session, run_id: int, trained: Trained, number: int, strategy: str) -> int:
    """Return an ensemble with its evaluation on the test rows, as the training flow writes it."""
    sets = [find_descriptor_set(session, name, descriptor_set(name).version) for name in SETS]
    columns = [column for name in SETS for column in descriptor_set(name).columns]
    record = models.ModelRecord(
        content_hash=digest("model", trained.property_name, number, strategy),
        learner="lightgbm_ensemble",
        purpose="ensemble",
        settings={"members": N_MEMBER},
        seed=SEED,
        snapshot_id=trained.snapshot_id,
        property_name=trained.property_name,
        column_names=columns,
        calibration={},
        artifact_sha256=digest("artifact"),
        artifact_uri="file:///artifact",
        code_version="0",
        descriptor_set_ids=[key for key in sets if key is not None],
    )
    key = models.write_model(session, run_id, record)
    test = trained.roles == "test"
    said = trained.truth[test] * np.random.default_rng((SEED, number)).lognormal(0.0, 0.2, test.sum())
    error = np.abs(said - trained.truth[test])
    metrics = {"mae": float(error.mean()), "rmse": float(np.sqrt((error**2).mean())), "r2": 0.8}
    models.write_evaluations(session, run_id, key, subset="test", metrics=metrics, n_row=int(test.sum()))
    models.write_held_out(
        session,
        run_id,
        key,
        label_ids=trained.label_ids[test],
        mean=said,
        spread=0.1 * said,
        lower=0.8 * said,
        upper=1.2 * said,
    )
    gains = np.full(len(columns), 1.0 / len(columns))
    of_sets = [key for key, name in zip(sets, SETS, strict=True) for _ in descriptor_set(name).columns]
    models.write_importances(session, run_id, key, columns=columns, gain_fractions=gains, set_ids=of_sets)
    return key


def predict(workspace: Workspace, run_id: int, model_id: int, ids: NDArray[np.int64]) -> None:
    """Write what a model says of structures: the stiffness of their elements, with a scatter of its own."""
    with workspace.sessions.begin() as session:
        ids = np.sort(predictions.structures_without_prediction(session, model_id, ids))
    for start in range(0, len(ids), _CHUNK):
        with workspace.sessions.begin() as session:
            said = _members(session, model_id, ids[start : start + _CHUNK])
            mean, spread = said.mean(axis=0), said.std(axis=0)
            predictions.write_predictions(
                session,
                run_id,
                model_id,
                structure_ids=ids[start : start + _CHUNK],
                mean=mean,
                spread=spread,
                lower=mean - 2.0 * spread,
                upper=mean + 2.0 * spread,
                coverage=0.9,
                members=said,
            )


def _members(session: Session, model_id: int, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n_member, n) predictions of structures, in the order of the ids."""
    query = text("""
        SELECT array_to_string(s.species, ' ')
        FROM unnest(CAST(:ids AS int8[])) WITH ORDINALITY AS i (id, position) JOIN matsift.structure s USING (id)
        ORDER BY i.position
    """)
    species = session.scalars(query, {"ids": ids.tolist()}).all()
    stiff = np.array([stiffness(symbols.split()) for symbols in species])
    rng = np.random.default_rng((SEED, model_id, int(ids[0])))
    of_structure = stiff * rng.lognormal(0.0, 0.15, len(ids))
    return np.asarray(of_structure * rng.lognormal(0.0, 0.1, (N_MEMBER, len(ids))), dtype=np.float64)


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


def campaign(
    workspace: Workspace, run_id: int, trained: Trained, strategy: str, pool: NDArray[np.int64], first_model: int
) -> None:
    """Write a campaign of some rounds: each scores what is left and acquires a batch, of which a few fail."""
    with workspace.sessions.begin() as session:
        record = campaigns.CampaignRecord(
            digest("campaign", trained.property_name, strategy),
            f"{STUDY} {trained.property_name} {strategy}",
            STUDY,
            trained.property_name,
            strategy,
            BATCH,
            N_ROUND,
            SEED,
            "chgnet",
            {},
        )
        campaign_id = campaigns.write_campaign(session, run_id, record)
    for number in range(N_ROUND + 1):
        with workspace.sessions.begin() as session:
            model_id = model(session, run_id, trained, number, strategy) if number else first_model
            gone = campaigns.acquired_structures(session, campaign_id)
            left = pool[~np.isin(pool, list(gone))]
        if number:
            predict(workspace, run_id, model_id, left)
        with workspace.sessions.begin() as session:
            _score(session, run_id, campaign_id, number, model_id, left, strategy)
            if number < N_ROUND:
                _label(session, run_id, campaign_id, trained.property_name)


def _score(
    session: Session,
    run_id: int,
    campaign_id: int,
    number: int,
    model_id: int,
    left: NDArray[np.int64],
    strategy: str,
) -> None:
    said = predictions.load_predictions(session, model_id, left)
    scores = said.spread if strategy == "exploration" else np.random.default_rng((SEED, number)).random(len(said))
    round_id = campaigns.write_round(
        session,
        run_id,
        campaign_id,
        number=number,
        model_id=model_id,
        structure_ids=said.structure_ids,
        mean=said.mean,
        spread=said.spread,
        scores=scores,
        order=np.argsort(-scores, kind="stable"),
    )
    if number < N_ROUND:
        campaigns.propose_acquisitions(session, run_id, round_id, BATCH)


def _label(session: Session, run_id: int, campaign_id: int, property_name: str) -> None:
    """Settle what was proposed: three of four are labelled, the others fail."""
    claimed = acquisitions.claim_acquisitions(session, campaign_id, worker="oracle", limit=BATCH, lease_s=60.0)
    for i, row in enumerate(claimed):
        if i % 4 == 3:
            failure = FailureRecord(
                "label",
                row.structure_hash,
                "OracleError",
                "it did not converge",
                9.0,
                property_name,
                row.structure_hash,
            )
            write_failures(session, run_id, [failure])
            failure_id = latest_failure_ids(session, "label", property_name, [row.structure_id])[row.structure_id]
            acquisitions.settle_failed(session, row.id, worker="oracle", failure_id=failure_id)
        else:
            record = LabelRecord(property_name, 40.0 + i, "oracle", "oracle:made-up")
            labels.write_labels(session, run_id, [(row.structure_hash, record, None)])
            label_id = labels.label_id(session, row.structure_id, property_name, "oracle")
            assert label_id is not None
            acquisitions.settle_labelled(session, row.id, worker="oracle", label_id=label_id)
