"""A report of a study of charge densities, made of numbers that look like some: two properties, seven learners."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from tests.factories.report import sample_provenance

from matsift.learners.comparison import difference, standings
from matsift.learners.element_shift import coverages
from matsift.learners.left_out_elements import ElementSet, LeftOutElements
from matsift.learners.repeated_folds import OutOfFold
from matsift.reports.data import FailureCount, QualityRow, SummaryNumber
from matsift.reports.densities import DensityReport, DensitySlice, Embedded, PropertyComparison

LEARNERS = {
    "RF + Magpie": ("random_forest", 20.0),
    "CNN + Magpie": ("magpie_cnn", 24.0),
    "3D CNN + density": ("density_cnn_3d", 30.0),
    "2D CNN + density": ("density_cnn_2d", 26.0),
    "Fusion": ("density_fusion", 22.0),
    "LightGBM + Magpie": ("lightgbm_ensemble", 17.0),
    "LightGBM + Magpie, density": ("lightgbm_ensemble", 15.0),
}
N_CRYSTAL = 60
_ELEMENTS = ("Na", "F", "Al", "Ca", "O")


def sample_density_report() -> DensityReport:
    """Return a report with every section filled."""
    rng = np.random.default_rng(8)
    formulae = tuple(f"Na{i % 3 + 1}Cl{i}" for i in range(N_CRYSTAL))
    properties = tuple(_compared(name, scale, formulae, rng) for name, scale in (("k_vrh", 1.0), ("g_vrh", 0.5)))
    y = next(iter(properties[0].said.values())).y
    return DensityReport(
        study="sample",
        title="Elastic moduli from charge densities",
        generated_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        provenance=sample_provenance(),
        paper="Zhao et al., J. Phys. Chem. C 124, 17262 (2020)",
        coverage=0.8,
        kinds={name: kind for name, (kind, _) in LEARNERS.items()},
        summary=(SummaryNumber("cubic crystals", str(N_CRYSTAL), "7 learners"),),
        properties=properties,
        slices=tuple(_slice(edge, formula) for edge, formula in ((5.6, "NaCl"), (4.2, "MgO"), (3.57, "C"))),
        embedded=Embedded(
            {"composition (Magpie)": rng.normal(size=(N_CRYSTAL, 2)), "density": rng.normal(size=(N_CRYSTAL, 2))},
            "k_vrh",
            "GPa",
            y,
            formulae,
            {"Na": {"composition (Magpie)": 0.4, "density": 0.7}},
        ),
        quality=(QualityRow("labels of k_vrh", "negative_modulus", N_CRYSTAL, 3),),
        failures=(FailureCount("field", "BadStructureError", 1, "Es has no X-ray form factor"),),
    )


def _compared(name: str, scale: float, formulae: tuple[str, ...], rng: np.random.Generator) -> PropertyComparison:
    y = scale * np.exp(rng.normal(4.5, 0.6, N_CRYSTAL))
    folds = np.arange(N_CRYSTAL)[None] % 5
    spread = np.full((1, N_CRYSTAL), 5.0 * scale)
    said = {
        learner: OutOfFold(y, folds, (y + scale * error * rng.normal(size=N_CRYSTAL))[None], spread)
        for learner, (_, error) in LEARNERS.items()
    }
    lines = standings(said)
    best = min(lines, key=lambda line: line.averaged["rmse"]).learner
    left_out = {} if name != "k_vrh" else {
        learner: _left_out(y, 1.5 * error, rng) for learner, (_, error) in LEARNERS.items()
    }  # fmt: skip
    return PropertyComparison(
        property_name=name,
        unit="GPa",
        formulae=formulae,
        said=said,
        standings=lines,
        fold_deviations={learner: {"rmse": 3.0 * scale} for learner in said},
        interval_coverages=dict.fromkeys(said, 0.82),
        differences=tuple(
            difference(said, best, other, groups=formulae, n_draw=200) for other in said if other != best
        ),
        left_out=left_out,
        coverages={learner: coverages(own, said[learner], 0.8) for learner, own in left_out.items()},
    )


def _left_out(y: np.ndarray, error: float, rng: np.random.Generator) -> LeftOutElements:
    sets = tuple(ElementSet(symbol, np.arange(N_CRYSTAL) % 5 == place) for place, symbol in enumerate(_ELEMENTS))
    mean, spread = np.full((2, len(sets), N_CRYSTAL), np.nan)
    for row, found in enumerate(sets):
        mean[row, found.test] = y[found.test] + error * rng.normal(size=found.n_test)
        spread[row, found.test] = 5.0
    return LeftOutElements(y, sets, mean, spread)


def _slice(edge: float, formula: str) -> DensitySlice:
    x, y = np.meshgrid(np.arange(60) / 60, np.arange(60) / 60, indexing="ij")
    values = 0.02 + 40.0 * np.exp(6 * (np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y) - 2))
    return DensitySlice(formula, "Fm-3m", values, (edge, edge), 112.0)
