"""A realistic ranking report made of seeded numbers: the shape and the size of a finished first campaign."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
from tests.factories.calibration import arm_calibration

from matsift.reports.comparisons import AblationRow, ImportanceRow, SamplingRow
from matsift.reports.data import (
    Candidate,
    CandidateLabel,
    CriterionSeen,
    DescriptorSetRow,
    Distribution,
    EvaluationRow,
    FailureCount,
    LearningCurve,
    LearningPoint,
    ModelRow,
    Outcome,
    Parity,
    PoolSpread,
    PropertyPrediction,
    Provenance,
    QualityRow,
    RankingReport,
    RankingSettings,
    ReportProperty,
    RunRow,
    SnapshotRow,
    SourceLink,
    SummaryNumber,
)
from matsift.reports.ranking import rank

GENERATED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PROPERTIES = ("k_vrh", "g_vrh")
_FORMULAE = [
    "NaCl",
    "NaBr",
    "NaI",
    "NaF",
    "Na2O",
    "Na2S",
    "Na2Se",
    "Na2Te",
    "Na3OCl",
    "Na3OBr",
    "Na3SCl",
    "Na3SeBr",
    "NaAlO2",
    "NaGaO2",
    "NaInS2",
    "NaYO2",
    "NaScO2",
    "NaBF4",
    "Na3PS4",
    "Na3SbS4",
    "Na2MgCl4",
    "NaMgF3",
    "NaZnF3",
    "NaCaF3",
    "Na2SiO3",
    "NaAlSi3O8",
    "NaTaO3",
    "NaPO3",
    "Na4SiO4",
    "Na5AlO4",
    "NaBH4",
    "NaLaS2",
    "NaErSe2",
    "NaHoO2",
    "Na2ZrO3",
    "NaHf2(PO4)3",
    "NaSr2Sb(AsO4)2",
    "Na3AlF6",
    "Na2ZnGeO4",
    "NaTlO2",
]
_GROUPS = ("Fm-3m", "Pm-3m", "R-3m", "P6_3/mmc", "Pnma", "I4_1/amd", "P2_1/c")
_CRITERIA = (
    ("no_inert_gas", "", ""),
    ("structural_descriptor", "", ""),
    ("band_gap", "eV", "at least 0.1"),
    ("formation_energy", "eV/atom", "at most 0"),
    ("energy_above_hull", "eV/atom", "at most 0.1"),
    ("fewer_than_50_atoms", "atoms", "below 50"),
    ("lowest_polymorph", "eV/atom", ""),
    ("no_active_element", "", ""),
    ("oracle_converged", "", ""),
)
_IMPORTANT = (
    ("max packing efficiency", "voronoi"),
    ("density", "mp"),
    ("MagpieData mean GSvolume_pa", "magpie"),
    ("nsites", "mp"),
    ("mean neighbor distance variation", "voronoi"),
    ("MagpieData avg_dev CovalentRadius", "magpie"),
    ("mean local difference in Electronegativity", "voronoi"),
    ("volume", "mp"),
)


def sample_report(n_candidate: int = 60, seed: int = 7) -> RankingReport:
    """Return a full report: every section has data."""
    rng = np.random.default_rng(seed)
    labels = {"k_vrh": rng.gamma(2.2, 34, 840), "g_vrh": rng.gamma(1.9, 20, 840)}
    return RankingReport(
        study="na_electrolytes",
        title="Na solid electrolytes: elastic moduli",
        description="Which Na compounds that nobody has computed are stiff enough to hold back dendrites?",
        generated_at=GENERATED_AT,
        paper="Jo, Choi, Kim, Min (001)",
        properties=tuple(ReportProperty.of(name) for name in PROPERTIES),
        ranking=rank(
            [sample_candidate(rng, n) for n in range(n_candidate)], RankingSettings("k_vrh", "maximize", "lower")
        ),
        provenance=sample_provenance(),
        summary=(
            SummaryNumber("Structures in the pool", "412", "Na compounds without a label"),
            SummaryNumber("Accepted labels", "840", "131 with Na"),
            SummaryNumber("Test R² of K_VRH", "0.921", "168 held-out structures"),
            SummaryNumber("Test MAE of K_VRH / GPa", "8.4", "random forest: 10.9"),
            SummaryNumber("Coverage of the 90 % interval", "91 %", "on the test set"),
        ),
        distributions=tuple(
            Distribution(name, "GPa", values, "Na", values[:131] * 0.6) for name, values in labels.items()
        ),
        ablation=_ablation(),
        importances=tuple(_importances(rng)),
        sampling=_sampling(),
        pool_spreads=tuple(
            PoolSpread(name, "GPa", rng.gamma(2, scale, 412), threshold)
            for name, scale, threshold in (("k_vrh", 2.0, 10.0), ("g_vrh", 1.3, 6.0))
        ),
        parities=tuple(_parity(rng, name, values[:168]) for name, values in labels.items()),
        learning_curves=tuple(_curve(name, arm) for name in PROPERTIES for arm in ("exploration", "random")),
        calibrations=tuple(arm_calibration(name, arm) for name in PROPERTIES for arm in ("exploration", "random")),
        evaluations=_evaluations(),
        quality=(
            QualityRow("labels of k_vrh", "modulus_out_of_range", 931, 22),
            QualityRow("labels of k_vrh", "reuss_exceeds_voigt", 920, 11),
            QualityRow("labels of k_vrh", "not_born_stable", 840, 80),
            QualityRow("screening criteria", "band_gap", 0, 0, 412),
            QualityRow("screening criteria", "formation_energy", 371, 41),
        ),
        failures=(
            FailureCount("descriptor", "DescriptorError", 7, "voronoi: a site has no neighbour within 12 angstrom"),
            FailureCount("label", "TimeLimitExceeded", 3, "stopped after 120 s"),
        ),
    )


def empty_report() -> RankingReport:
    """Return the report of a study that has no data at all yet."""
    return RankingReport(
        study="new_study",
        title="A study that has just begun",
        generated_at=GENERATED_AT,
        properties=(ReportProperty.of("k_vrh"),),
        ranking=rank([], RankingSettings("k_vrh")),
        provenance=Provenance(code_version="0.1.0", dataset_version="none"),
    )


def sample_candidate(rng: np.random.Generator, number: int) -> Candidate:
    """Return candidate `number`: one in six fails a criterion, one in eight is labelled, most lack a band gap."""
    formula = _FORMULAE[number % len(_FORMULAE)]
    k = float(rng.gamma(4, 16))
    predictions = (sample_prediction("k_vrh", k, rng), sample_prediction("g_vrh", k * rng.uniform(0.4, 0.7), rng))
    labelled, failing = number % 8 == 3, number % 6 == 5
    return Candidate(
        structure_hash=sha256(f"{number} {formula}".encode()).hexdigest(),
        formula=formula,
        space_group=_GROUPS[number % len(_GROUPS)],
        predictions=predictions,
        criteria=tuple(_criterion(rng, name, unit, detail, failing=failing) for name, unit, detail in _CRITERIA),
        sources=(
            SourceLink("bundled", f"prototype-{number:04d}", None, "CC BY 4.0"),
            *([SourceLink("mp", f"mp-{8000 + number}", f"https://example.org/mp-{8000 + number}")] * (number % 3 == 0)),
        ),
        labels=tuple(
            CandidateLabel(
                p.property_name, "GPa", p.mean + float(rng.normal(0, p.spread)), "chgnet-0.3.0-finite-strain"
            )
            for p in predictions
        )
        if labelled
        else (),
        state="labelled" if labelled else "acquired" if number % 8 == 5 else "candidate",
    )


def sample_prediction(name: str, mean: float, rng: np.random.Generator) -> PropertyPrediction:
    """Return a prediction with a 90 % interval of 1.6 spreads to either side."""
    spread = float(rng.gamma(2, 2))
    return PropertyPrediction(name, "GPa", mean, spread, mean - 1.6 * spread - 2, mean + 1.6 * spread + 2, 0.9)


def sample_provenance() -> Provenance:
    """Return a footer with every kind of row."""
    started = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    return Provenance(
        code_version="0.1.0+g39bb0b1",
        dataset_version="bundled 2026.3 (sha256 5d1f0c)",
        environment_hash=sha256(b"environment").hexdigest(),
        runs=tuple(
            RunRow(n, flow, "completed", started, started.replace(minute=4 * n), "0.1.0+g39bb0b1")
            for n, flow in enumerate(("ingest", "featurize", "train", "predict", "screen", "acquire", "label"), start=1)
        ),
        snapshots=tuple(
            SnapshotRow(sha256(f"{name} snapshot".encode()).hexdigest(), name, "model_3", 840) for name in PROPERTIES
        ),
        models=tuple(
            ModelRow(
                sha256(f"{name} model".encode()).hexdigest(),
                "lightgbm_ensemble",
                "ensemble",
                name,
                42,
                sha256(f"{name} snapshot".encode()).hexdigest(),
            )
            for name in PROPERTIES
        ),
        descriptor_sets=(
            DescriptorSetRow("mp", "1", 6),
            DescriptorSetRow("magpie", "1", 145),
            DescriptorSetRow("voronoi", "1", 126),
        ),
        packages={"numpy": "2.3.5", "lightgbm": "4.6.0", "chgnet": "0.4.2"},
    )


def with_formula(report: RankingReport, formula: str) -> RankingReport:
    """Return the report with the formula of its first candidate replaced."""
    first, *rest = report.ranking.ranked
    renamed = replace(first, candidate=replace(first.candidate, formula=formula))
    return replace(report, ranking=replace(report.ranking, ranked=(renamed, *rest)))


def _criterion(rng: np.random.Generator, name: str, unit: str, detail: str, *, failing: bool) -> CriterionSeen:
    if name == "band_gap":
        known = rng.random() < 0.3
        return CriterionSeen(name, "passed" if known else "unknown", 4.2 if known else None, unit, detail)
    outcome: Outcome = "failed" if failing and name in {"formation_energy", "energy_above_hull"} else "passed"
    value = {"eV/atom": 0.137 if outcome == "failed" else -1.874, "atoms": 12.0}.get(unit)
    return CriterionSeen(name, outcome, value, unit, detail)


def _ablation() -> tuple[AblationRow, ...]:
    scores = {"All": (0.921, 0.84, 277), "C + S": (0.915, 0.82, 271), "C": (0.884, 0.78, 145), "S": (0.861, 0.74, 126)}
    return tuple(
        AblationRow(groups, name, "GPa", n, k if name == "k_vrh" else g, 100 * (1 - k) + 1 + (name == "g_vrh"), 168)
        for name in PROPERTIES
        for groups, (k, g, n) in scores.items()
    )


def _importances(rng: np.random.Generator) -> list[ImportanceRow]:
    gains = np.sort(rng.dirichlet(np.full(25, 0.8)))[::-1] * 0.8
    rows = []
    for name in PROPERTIES:
        for place, gain in enumerate(gains, start=1):
            column, group = _IMPORTANT[place % len(_IMPORTANT)]
            rows.append(ImportanceRow(name, place, column, group, float(gain)))
    return rows


def _sampling() -> tuple[SamplingRow, ...]:
    return tuple(
        SamplingRow(
            strategy, name, "GPa", subset, 672, 168 if subset == "all" else 26, r2 - shift, mae + 20 * shift, 2.5
        )
        for name, shift in (("k_vrh", 0.0), ("g_vrh", 0.08))
        for strategy, r2, mae in (("Model 1", 0.88, 10.2), ("Model 2", 0.91, 9.0), ("Model 3", 0.92, 8.4))
        for subset in ("all", "with Na")
    )


def _parity(rng: np.random.Generator, name: str, true: np.ndarray) -> Parity:
    spread = rng.gamma(2, 2.5, true.size)
    subset = tuple("with Na" if n % 6 == 0 else "without Na" for n in range(true.size))
    return Parity(name, "GPa", "test set", true, true + rng.normal(0, 1, true.size) * spread, spread, subset)


def _curve(name: str, arm: str) -> LearningCurve:
    fall = 0.09 if arm == "exploration" else 0.04
    points = tuple(
        LearningPoint(n, 500 + 5 * n, 4.0 * np.exp(-fall * n), 9.0 * np.exp(-fall * n / 2), 0.9 + fall * n / 12, 8.0)
        for n in range(9)
    )
    return LearningCurve("na-exploration", name, "GPa", arm, points)


def _evaluations() -> tuple[EvaluationRow, ...]:
    return tuple(
        row
        for name in PROPERTIES
        for row in (
            EvaluationRow("lightgbm_ensemble", name, "GPa", "test", 168, 0.921, 8.4, 13.0, 0.911, 38.2, 0.48),
            EvaluationRow("random_forest", name, "GPa", "test", 168, 0.889, 10.9, 15.7),
            EvaluationRow("ridge", name, "GPa", "test", 168, 0.842, 14.1, 19.2),
        )
    )
