"""`matsift why` as a person reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_flows.cli.chain import chain_lines

ROW: dict[str, Any] = {
    "formula": "Na3OCl",
    "property_name": "g_vrh",
    "unit": "GPa",
    "mean": 29.77,
    "spread": 3.527,
    "lower": 10.29,
    "upper": 49.25,
    "coverage": 0.9,
    "prediction_run_id": 76,
    "model_hash": "4e5db8a76136b34a",
    "learner": "lightgbm_ensemble",
    "purpose": "ensemble",
    "seed": 1,
    "model_trained_at": datetime(2026, 11, 21, 0, 35, 44, tzinfo=UTC),
    "model_code_version": "0.1.0",
    "artifact_uri": "file:///data/a7.model",
    "model_run_id": 75,
    "snapshot_hash": "3c1ffe31c9a778e3",
    "sampling_strategy": "model_3",
    "n_label": 216,
    "n_train": 159,
    "n_validation": 16,
    "n_test": 41,
    "label_methods": ["chgnet-0.3.0-finite-strain"],
    "label_origins": ["oracle:chgnet", "source:prototypes"],
    "label_run_ids": [60, 1, 33],
    "snapshot_run_id": 74,
    "descriptor_sets": ["mp@1", "voronoi@1"],
    "descriptor_run_ids": [3, None],
    "source_entries": ["prototypes: msp-000017 (version 2026.11, CC-BY-4.0)"],
    "source_run_ids": [1],
    "own_labels": [],
}


def test_the_chain_leads_from_the_prediction_to_the_source_entry() -> None:
    earlier = {**ROW, "mean": 25.3, "model_hash": "5985b3b203419643", "n_label": 206}
    bulk = {**ROW, "property_name": "k_vrh", "own_labels": ["k_vrh = 61.343 GPa (m, oracle:chgnet)"]}
    assert chain_lines("8684b2", [ROW, earlier, bulk])[:14] == [
        "Na3OCl, structure 8684b2",
        "  source entry prototypes: msp-000017 (version 2026.11, CC-BY-4.0) [run 1]",
        "",
        "G_VRH: 29.8 GPa (90 % interval 10.3 to 49.2), spread 3.5 GPa [run 76]",
        "  model        4e5db8a76136 lightgbm_ensemble (ensemble), seed 1, trained 2026-11-21 00:35 UTC, code",
        "               0.1.0 [run 75]",
        "  artifact     file:///data/a7.model",
        "  snapshot     3c1ffe31c9a7: 216 labels by model_3, 159 train, 16 validation, 41 test [run 74]",
        "  labels       chgnet-0.3.0-finite-strain from oracle:chgnet, source:prototypes [runs 1, 33, 60]",
        "  descriptors  mp@1, voronoi@1 [run 3]",
        "  own label    none",
        "  other models 25.3 GPa (90 % interval 10.3 to 49.2), by 5985b3b20341 on 206 labels",
        "",
        "K_VRH: 29.8 GPa (90 % interval 10.3 to 49.2), spread 3.5 GPa [run 76]",
    ]


def test_a_structure_that_no_model_looked_at_is_said_to_have_no_prediction() -> None:
    assert chain_lines("abc", []) == ["structure abc", "  no model has predicted it"]


def test_what_is_printed_is_what_the_view_has(session: Session) -> None:
    columns = session.execute(text("SELECT * FROM analysis.provenance")).keys()
    assert set(ROW) - set(columns) == set()
