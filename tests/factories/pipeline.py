"""A small study in the database, from entries to acquisitions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session
from tests.factories import diffraction, fields, generation, rankings
from tests.factories.crystals import many
from tests.factories.entries import SOURCE, broken_entry, entry, ingest, label
from tests.factories.runs import run_id

from matsift.crystal import Crystal
from matsift.descriptors.bond_valence import BOND_VALENCE
from matsift.descriptors.fingerprint import FINGERPRINT
from matsift.records import WithdrawnRecord
from matsift.study.mobility import BARRIERS
from matsift_schema.store import (
    bond_valence,
    campaigns,
    datasets,
    descriptors,
    groups,
    labels,
    models,
    plans,
    predictions,
    screening,
)
from matsift_schema.store.reports import write_report
from matsift_schema.store.settling import write_result
from matsift_schema.store.structures import load_structures
from matsift_schema.store.syncs import SyncCounts, withdraw, write_source_snapshot

RULES = "0123456789abcdef"
METHOD = "pbe-dft"
RELAXED_BY = "bond-valence-covalent-2"
PERCOLATION_METHOD = "bvse-bvlain-0.25.1-Na1+-0a1b2c3d"
ORACLE_METHOD = "chgnet-0.3.0-finite-strain"
MP_COLUMNS = ("volume_angstrom3", "density_g_per_cm3", "band_gap_ev", "n_site", "n_element", "crystal_system_number")


def digest(name: str) -> str:
    """Return a SHA-256 of a name."""
    return hashlib.sha256(name.encode()).hexdigest()


@dataclass
class Study:
    """Ids of the rows of a small study."""

    run: int
    structure_ids: NDArray[np.int64]
    label_ids: NDArray[np.int64]
    set_id: int
    snapshot: int
    model: int
    screen: int
    campaign: int
    round: int


def labelled_entries(n: int, crystals: list[Crystal] | None = None) -> list[Any]:
    """Return n entries, each with K and G."""
    chosen = many(n) if crystals is None else crystals
    return [
        entry(f"s-{i}", c, url=f"https://shelf.test/s-{i}", labels=(label(value=20.0 + i), label("g_vrh", 10.0 + i)))
        for i, c in enumerate(chosen)
    ]


def descriptor_set(session: Session, name: str = "mp") -> int:
    """Return the id of a descriptor set; that of mp has its real columns."""
    columns = {"mp": MP_COLUMNS}
    return descriptors.ensure_descriptor_set(
        session,
        name=name,
        version="1",
        columns=columns.get(name, (f"{name}_a", f"{name}_b")),
        description="columns for tests",
        package_versions={"numpy": "2"},
    )


def write_bond_valence(session: Session, run: int, structure_ids: NDArray[np.int64]) -> int:
    """Return the id of the descriptor set by which structures are now well bonded, their oxygen unknown."""
    set_id = descriptors.ensure_descriptor_set(
        session,
        name=BOND_VALENCE.name,
        version=BOND_VALENCE.version,
        columns=BOND_VALENCE.columns,
        description=BOND_VALENCE.description,
        package_versions={},
    )
    n = len(structure_ids)
    values = np.tile([0.07, 0.05, 0.01, -0.06, 0.08, np.nan], (n, 1))
    descriptors.write_descriptors(session, run, set_id, structure_ids, values=values, seconds=np.zeros(n))
    return set_id


def write_fingerprints(
    session: Session, run: int, structure_ids: NDArray[np.int64], values: NDArray[np.float64]
) -> int:
    """Return the id of the descriptor set in which structures now have these values (n, 290)."""
    set_id = descriptors.ensure_descriptor_set(
        session,
        name=FINGERPRINT.name,
        version=FINGERPRINT.version,
        columns=FINGERPRINT.columns,
        description=FINGERPRINT.description,
        package_versions={},
    )
    seconds = np.zeros(len(structure_ids))
    descriptors.write_descriptors(session, run, set_id, structure_ids, values=values, seconds=seconds)
    return set_id


def model_record(snapshot_id: int, set_id: int, **rest: Any) -> models.ModelRecord:
    """Return a trained model."""
    values: dict[str, Any] = {
        "content_hash": digest(f"model {snapshot_id} {sorted(rest.items(), key=str)}"),
        "learner": "lightgbm_ensemble",
        "purpose": "ensemble",
        "settings": {"members": 2},
        "seed": 1,
        "snapshot_id": snapshot_id,
        "property_name": "k_vrh",
        "column_names": ["volume_angstrom3"],
        "calibration": {"quantile": 1.5},
        "artifact_sha256": digest("artifact"),
        "artifact_uri": "file:///artifacts/aa",
        "code_version": "0.1.0",
        "descriptor_set_ids": [set_id],
    }
    return models.ModelRecord(**{**values, **rest})


def snapshot(session: Session, run: int, label_ids: NDArray[np.int64], **rest: Any) -> int:
    """Return the id of a snapshot whose last label is for testing and the one before for validation."""
    roles = ["train"] * (len(label_ids) - 2) + ["validation", "test"]
    values: dict[str, Any] = {
        "property_name": "k_vrh",
        "strategy": "model_3",
        "settings": {"threshold": 350.0},
        "seed": 1,
        "label_ids": label_ids,
        "roles": roles,
    }
    return datasets.write_snapshot(session, run, rest.pop("content_hash", digest("snapshot")), **{**values, **rest})


def predict(session: Session, run: int, model: int, structure_ids: NDArray[np.int64]) -> int:
    """Return how many predictions were written: mean 100, 101, ... with a spread of 1, 2, ..."""
    n = len(structure_ids)
    mean = 100.0 + np.arange(n)
    members = np.vstack([mean - 1.0, mean + 1.0])
    return predictions.write_predictions(
        session,
        run,
        model,
        structure_ids=structure_ids,
        mean=mean,
        spread=1.0 + np.arange(n),
        lower=mean - 5.0,
        upper=mean + 5.0,
        coverage=0.9,
        members=members,
    )


def small_study(session: Session, n: int = 6, *, is_diffracted: bool = True) -> Study:
    """Return a study whose every table has rows: n structures with labels, all predicted, screened and scored."""
    run = run_id(session, "study")
    ingest(session, run, [*labelled_entries(n), broken_entry(), entry("s-gone", many(n)[0])])
    withdraw(session, SOURCE.name, [WithdrawnRecord("s-gone", "deprecated")])
    write_source_snapshot(
        session, run, SOURCE.name, version="1", content_hash=digest("shelf"), counts=SyncCounts(new=n + 1, failed=1)
    )
    table = labels.label_table(session, ["k_vrh", "g_vrh"])
    rejected = np.arange(len(table)) == 0
    labels.write_verdicts(
        session,
        run,
        RULES,
        table.label_ids,
        accepted=~rejected,
        rules=["negative_modulus" if bad else None for bad in rejected],
        values_seen=np.where(rejected, -1.0, np.nan),
    )
    ids = load_structures(session).ids
    group(session, run, ids)
    set_id = descriptor_set(session)
    values = np.tile([44.8, 2.2, np.nan, 2.0, 2.0, 7.0], (n, 1))
    descriptors.write_descriptors(session, run, set_id, ids, values=values, seconds=np.full(n, 0.01))
    k = labels.label_table(session, ["k_vrh"])
    snapshot_id = snapshot(session, run, k.label_ids)
    model = models.write_model(session, run, model_record(snapshot_id, set_id))
    models.write_evaluations(
        session,
        run,
        model,
        subset="test",
        metrics={"r2": 0.95, "mae": 3.0, "rmse": 4.0, "interval_coverage": 0.9},
        n_row=1,
    )
    models.write_held_out(
        session, run, model, label_ids=k.label_ids[-1:], mean=[30.0], spread=[1.0], lower=[25.0], upper=[35.0]
    )
    models.write_importances(session, run, model, columns=["volume_angstrom3"], gain_fractions=[1.0], set_ids=[set_id])
    predict(session, run, model, ids)
    screen = screening.write_screen(
        session,
        run,
        name="na",
        study="shelf_study",
        criteria=[
            {"name": "cell_size", "kind": "n_site_below"},
            {"name": "gap", "kind": "minimum", "property": "band_gap"},
        ],
        content_hash=digest("screen"),
    )
    for criterion, outcome in (("cell_size", "passed"), ("gap", "unknown")):
        screening.write_outcomes(
            session,
            run,
            screen,
            criterion=criterion,
            structure_ids=ids,
            outcomes=[outcome] * n,
            values_seen=[2.0 if outcome == "passed" else np.nan] * n,
            details=[None] * n,
        )
    campaign = campaigns.write_campaign(session, run, campaign_record())
    plan = plans.write_plan(session, run, campaign, n_round=2, stop={"budget": 3})
    round_id = campaigns.write_round(
        session,
        run,
        campaign,
        number=0,
        model_id=model,
        structure_ids=ids,
        mean=100.0 + np.arange(n),
        spread=1.0 + np.arange(n),
        scores=1.0 + np.arange(n),
        order=np.arange(n)[::-1],
    )
    campaigns.propose_acquisitions(session, run, round_id, 3)
    plans.write_stop(session, run, round_id, plan, rule="budget", value_seen=3.0, rule_limit=3.0)
    write_result(session, run, int(ids[0]), ORACLE_METHOD, detail={"strain": 0.01}, worker="anna", seconds=1.5)
    barriers = dict(zip(BARRIERS, (0.4, 0.5, None), strict=True))
    write_result(session, run, int(ids[0]), PERCOLATION_METHOD, detail={"dimension": 2, **barriers}, worker="anna")
    write_report(session, run, study="shelf_study", content_hash=digest("report"), uri="file:///report.html")
    relax(session, run, ids[:2])
    write_bond_valence(session, run, ids[:2])
    fields.write_fields(session, run, ids)
    generation.generate(session, run, model, ids)
    rankings.rank(session, run, screen, model, ids)
    if is_diffracted:
        diffraction.diffract(session, run, ids)
    return Study(run, ids, k.label_ids, set_id, snapshot_id, model, screen, campaign, round_id)


def group(session: Session, run: int, structure_ids: NDArray[np.int64]) -> int:
    """Return the id of a rule under which the first two structures are one crystal and the others are alone."""
    rule = groups.ensure_rule(
        session, run, name="structure_matcher-1", settings={"scale": True}, content_hash=digest("rule")
    )
    first, second, *others = structure_ids.tolist()
    rows = [(first, first, None), (second, first, 0.01), *((key, key, None) for key in others)]
    groups.write_members(session, run, rule, rows)
    return rule


def relax(session: Session, run: int, structure_ids: NDArray[np.int64]) -> int:
    """Return the id of a variant of the force field with which each structure was relaxed twice, once in vain."""
    variant = bond_valence.ensure_variant(
        session, run, method=RELAXED_BY, settings={"coulomb_weight": 2.0}, content_hash=digest("variant")
    )
    n = len(structure_ids)
    nothing = np.full(n, np.nan)
    for factor, errors, problem in ((0.65, np.full(n, -0.02), None), (0.75, nothing, "it did not come to rest")):
        rows = bond_valence.Relaxations(
            structure_ids,
            ["perovskite"] * n,
            np.full(n, 0.1),
            np.full(n, factor),
            errors,
            4.0 * (1.0 + errors),
            nothing,
            nothing,
            0.1 + errors,
            [problem] * n,
        )
        bond_valence.write_relaxations(session, run, variant, rows)
    return variant


def campaign_record(**rest: Any) -> campaigns.CampaignRecord:
    """Return a campaign of exploration for K."""
    values: dict[str, Any] = {
        "content_hash": digest(f"campaign {sorted(rest.items(), key=str)}"),
        "name": "k_vrh by exploration",
        "study": "shelf_study",
        "property_name": "k_vrh",
        "strategy": "exploration",
        "strategy_kind": rest.get("strategy", "exploration"),
        "batch_size": 3,
        "seed": 1,
        "oracle": "chgnet",
        "oracle_method": ORACLE_METHOD,
        "settings": {},
    }
    return campaigns.CampaignRecord(**{**values, **rest})
