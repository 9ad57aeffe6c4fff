"""A report of a study of generative design, made of numbers that look like some: candidates, crystals, two searches."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from tests.factories.report import sample_provenance

from matsift.crystal import Crystal
from matsift.reports.data import (
    CandidateLabel,
    CriterionSeen,
    FailureCount,
    PropertyPrediction,
    QualityRow,
    ReportProperty,
    SourceLink,
    SummaryNumber,
)
from matsift.reports.generative import (
    CompositionMap,
    FunnelStep,
    GeneratedCandidate,
    GenerativeReport,
    GeneratorLine,
    HandOff,
    NearestKnown,
    SearchCourse,
    ShareLine,
    TemplateSeen,
)

HALIDES = ("NaCl", "KCl", "RbCl", "CsCl", "LiF", "NaF", "KF", "RbF", "KBr", "KI", "LiCl", "NaBr")
UNMADE = ("SrYF5", "RbSr2ClF4", "AlSeCl")
N_SUGGESTION = 120
_STRUCTURE_LABELS = (("energy_above_hull", 0.012), ("formation_energy_per_atom", -2.1))


def rock_salt(metal: str, halogen: str, edge: float = 5.64) -> Crystal:
    """Return rock salt in its primitive cell: one formula unit."""
    lattice = edge / 2 * np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    return Crystal.ordered(lattice, [metal, halogen], np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]))


def sample_generative_report(n: int = len(HALIDES)) -> GenerativeReport:
    """Return a report with every section filled: `n` relaxed candidates (of which a dozen differ) and three refused."""
    rng = np.random.default_rng(9)
    made = tuple(_made(place, HALIDES[place % len(HALIDES)], rng) for place in range(n))
    refused = tuple(
        GeneratedCandidate(formula, "gan", "refused", "no stored structure has these amounts", (_gap(6.5 - place),))
        for place, formula in enumerate(UNMADE)
    )
    return GenerativeReport(
        study="sample",
        title="Wide-gap compositions",
        generated_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        provenance=sample_provenance(),
        target=ReportProperty.of("band_gap"),
        threshold=6.0,
        paper="Xin et al., J. Phys. Chem. C 125, 16118 (2021)",
        caveat="Gaps are those of PBE, which are too small.",
        summary=(SummaryNumber("candidates with a structure", str(n), "of 200 000 sampled"),),
        candidates=(*made, *refused),
        funnel=(
            FunnelStep("sampled", 200_000),
            FunnelStep("valid", 60_000, "neutral and balanced"),
            FunnelStep("predicted beyond 6 eV", 40),
            FunnelStep("relaxed", n),
        ),
        searches=tuple(_course(name, shift, rng) for name, shift in (("UCB, kappa 10", 1.0), ("UCB, kappa 100", 0.0))),
        map=CompositionMap(
            rng.normal(size=(90, 2)),
            ("first labels",) * 60 + ("search",) * 20 + ("candidates",) * 10,
            tuple(f"Na{i}Cl" for i in range(90)),
        ),
        shares=(
            ShareLine("GAN samples", 200_000, 0.72, 0.95, 0.8, 0.55),
            ShareLine("random compositions", 200_000, 0.08, 0.999, 0.999, 0.08),
            ShareLine("known formulas", 62_383, 0.66, 1.0, 0.0, 0.0),
        ),
        generators=(
            GeneratorLine("Autoencoder", "composition_autoencoder", "a" * 64, 49_906, 0, {"exact_round_trip": 0.934}),
            GeneratorLine("GAN", "composition_gan", "b" * 64, 62_383, 0, {"valid": 0.72, "unique": 0.95}),
        ),
        quality=(QualityRow("labels of band_gap", "negative_gap", 900, 3),),
        failures=(FailureCount("relax", "OracleError", 2, "CsF5: forces did not fall below the limit"),),
    )


_HANDED_ON = {
    0: HandOff("gpaw", "done", CandidateLabel("band_gap", "eV", 5.1, "PBE")),
    1: HandOff("gpaw", "failed", reason="the self-consistent cycle of GPAW did not converge"),
}


def _made(place: int, formula: str, rng: np.random.Generator) -> GeneratedCandidate:
    metal = formula[:2] if formula[1].islower() else formula[:1]
    halogen = formula.removeprefix(metal)
    crystal = rock_salt(metal, halogen, 4.2 + 0.2 * (place % 12))
    stable = place % 5 != 4
    labels = tuple(
        CandidateLabel(name, "eV/atom", value + 0.01 * place, "chgnet 0.3.0") for name, value in _STRUCTURE_LABELS
    )
    return GeneratedCandidate(
        formula=formula,
        origin=("gan", "latent_search", "rules")[place % 3],
        status="relaxed",
        predictions=(_gap(8.5 - 0.2 * (place % 12) + 0.05 * rng.normal()),),
        verdicts=(
            CriterionSeen("charge_neutral", "passed"),
            CriterionSeen("electronegativity_balanced", "passed"),
            CriterionSeen("mechanically_stable", "passed" if stable else "failed"),
        ),
        nearest=NearestKnown("NaCl", 0.0) if formula == "NaCl" else NearestKnown("NaCl", 0.5 + 0.1 * (place % 12)),
        template=TemplateSeen(
            "MgO", "Fm-3m", 3.5, SourceLink("bundled", f"b-{place}", "https://example.org/mgo", "CC BY 4.0")
        ),
        structure_hash=crystal.content_hash if place < len(HALIDES) else f"{place:064x}",
        space_group="Fm-3m",
        crystal=crystal,
        labels=labels,
        missing_phases=("YF3",) if place == 3 else (),
        hand_off=_HANDED_ON.get(place),
        rank=place + 1,
    )


def _gap(mean: float) -> PropertyPrediction:
    return PropertyPrediction("band_gap", "eV", mean, 0.3, mean - 0.8, mean + 0.8, 0.9)


def _course(name: str, shift: float, rng: np.random.Generator) -> SearchCourse:
    decodes = rng.random(N_SUGGESTION) < 0.6
    values = np.where(decodes, 3.0 + shift + 0.02 * np.arange(N_SUGGESTION) + rng.normal(size=N_SUGGESTION), np.nan)
    formulas = tuple(f"Na{i % 50 + 1}Cl" if there else None for i, there in enumerate(decodes.tolist()))
    return SearchCourse(name, values, decodes, 1 + np.arange(N_SUGGESTION) // 20, formulas, rng.uniform(0, 3, 30))
