"""What cards and the word on limits need, made of seeded numbers for the candidates of a sample report."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from tests.factories.crystals import rock_salt

from matsift.diffraction.expected import expected_pattern
from matsift.reports.data import RankingReport
from matsift.reports.desk import (
    AcquisitionStep,
    AcquisitionStory,
    CandidateDetail,
    CitedSource,
    Desk,
    LearnedFrom,
    Neighbour,
    PropertyChain,
    TrainingElements,
)
from matsift.reports.limits import elements_of

NEVER_SEEN = "Tl"


def with_desk(report: RankingReport, n_detail: int = 20) -> RankingReport:
    """Return the report with details of its first candidates; the first lies far from training, Tl was never in it."""
    rows = report.ranking.ranked
    hashes = [row.candidate.structure_hash for row in rows]
    formulae = [row.candidate.formula for row in (*rows, *report.ranking.excluded)]
    counts = Counter(s for formula in formulae for s in elements_of(formula) if s != NEVER_SEEN)
    return replace(
        report,
        desk=Desk(
            details=tuple(_detail(n, key, hashes, formulae) for n, key in enumerate(hashes[:n_detail])),
            chains=tuple(PropertyChain(p.name, _STEPS) for p in report.properties),
            cited=(
                CitedSource("bundled", "Prototypes of 29 kinds.", "2026.3", "CC BY 4.0"),
                CitedSource("elastic", "Elastic tensors.", "1", "CC BY 4.0"),
            ),
            training=tuple(TrainingElements(p.name, 840, dict(counts)) for p in report.properties),
            oracles=("chgnet-0.3.0-finite-strain", "pbe-dft"),
        ),
    )


def _detail(n: int, key: str, hashes: list[str], formulae: list[str]) -> CandidateDetail:
    crystal = rock_salt(edge_angstrom=5.2 + 0.05 * n)
    others = [k for k in range(6) if k != n][:5]
    near = tuple(
        Neighbour(hashes[k], formulae[k], "Fm-3m (225)", 0.2 + 0.11 * i, "bundled: prototype-0001")
        for i, k in enumerate(others)
    )
    learned = tuple(replace(one, structure_hash="0" * 64, told=f"{30 + i}.0 GPa") for i, one in enumerate(near))
    return CandidateDetail(
        key,
        crystal,
        expected_pattern(crystal),
        similar=near,
        learned_from=(LearnedFrom("k_vrh", learned, 0.1 if n == 0 else 0.9),),
        stories=(_STORY,) if n % 4 == 0 else (),
    )


_STEPS = (
    ("model", "3f2a9c41d0b7 lightgbm_ensemble (ensemble), seed 42, trained 2026-03-02 09:04 UTC, code 0.1.0 [run 3]"),
    ("snapshot", "91c0b7a2f4de: 840 labels by model_3, 588 train, 84 validation, 168 test [run 3]"),
    ("labels", "chgnet-0.3.0-finite-strain from bundled [run 1]"),
    ("descriptors", "mp@1, magpie@1, voronoi@1 [run 2]"),
)
_DAY = datetime(2026, 3, 1, 8, tzinfo=UTC)
_STORY = AcquisitionStory(
    strategy="exploration",
    property_name="k_vrh",
    unit="GPa",
    round_number=3,
    rank=2,
    n_candidate=398,
    mean=41.23,
    spread=8.04,
    steps=(
        AcquisitionStep(_DAY, "proposed"),
        AcquisitionStep(_DAY.replace(minute=5), "claimed", "worker-1"),
        AcquisitionStep(_DAY.replace(minute=20), "labelled", "worker-1"),
    ),
    value=float(np.float64(38.1)),
)
