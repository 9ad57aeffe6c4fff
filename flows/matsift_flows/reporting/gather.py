"""The whole ranking report of a study, read from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from matsift.reports.bond_valence import LatticeErrors
from matsift.reports.data import (
    Candidate,
    FailureCount,
    QualityRow,
    Ranking,
    RankingReport,
    ReportProperty,
    SummaryNumber,
)
from matsift.reports.mobility import MobilityAxis
from matsift.reports.objectives import ObjectiveRanking
from matsift.screening.criteria import Percolates
from matsift.study.settings import Study
from matsift_adapters.oracles.percolation import method_of
from matsift_flows.campaigns import Campaign
from matsift_flows.derived_models import DerivedModel
from matsift_flows.reporting import curves, models
from matsift_flows.reporting import derived as derivations
from matsift_flows.reporting.calibration import calibrations
from matsift_flows.reporting.desk import desk
from matsift_flows.reporting.footer import footer
from matsift_flows.reporting.quality import label_quality
from matsift_flows.reporting.ranked import ranked
from matsift_flows.screen import Screening
from matsift_flows.train import StudyModel
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import Snapshot
from matsift_schema.store.failures import failure_counts
from matsift_schema.store.screening import criterion_counts

_PACKAGES = ("chgnet", "lightgbm", "matminer", "numpy", "pymatgen", "scikit-learn", "scipy", "spglib", "torch")

_COUNTS_AS_PATH = 1.0  # eV; of bond valence site energies, see docs/softbv.md


def gather(
    workspace: Workspace,
    study: Study,
    screening: Screening,
    trained: Sequence[StudyModel],
    campaigns: Sequence[Campaign],
    final: Mapping[str, int],
    derived: Sequence[DerivedModel] = (),
    objectives: ObjectiveRanking | None = None,
) -> RankingReport:
    """Return the report of a study on what the database holds now.

    Parameters
    ----------
    workspace, study
        Where, and of which study.
    screening
        Its screen.
    trained
        The models that were trained before any acquisition.
    campaigns
        Its campaigns.
    final
        Property -> id of the model whose predictions are ranked.
    derived
        What follows from these predictions; it is ranked and shown beside them.
    objectives
        The ranking by several objectives; None where the study asks for none.
    """
    shown = {model.property_name: model.id for model in derived} | dict(final)
    with workspace.sessions.begin() as session:
        metrics = models.load_metrics(session, trained)
        errors = derivations.lattice_errors(session, study, derived)
        candidates, ranking = ranked(session, study, screening, shown, campaigns)
        return RankingReport(
            study=study.name,
            title=study.study.title,
            generated_at=datetime.now(UTC),
            properties=tuple(ReportProperty.of(name) for name in shown),
            ranking=ranking,
            provenance=footer(session, study, trained, shown),
            paper=study.study.paper,
            summary=_summary(study, trained, candidates, ranking, errors),
            distributions=models.distributions(study, trained),
            ablation=models.ablation(trained, metrics),
            importances=models.importances(session, trained),
            sampling=models.sampling(study, trained, metrics),
            pool_spreads=curves.pool_spreads(session, study, campaigns),
            parities=derivations.parities(session, derived) + models.parities(session, study, trained),
            learning_curves=curves.learning_curves(session, study, campaigns),
            calibrations=calibrations(session, study, campaigns),
            evaluations=derivations.evaluations(session, derived) + models.evaluations(trained, metrics),
            quality=_quality(session, study, screening),
            failures=tuple(FailureCount(f.stage, f.error_class, f.count, f.example) for f in failure_counts(session)),
            mobility=_mobility(study),
            lattice_errors=errors,
            objectives=objectives,
            desk=desk(session, study, ranking, shown, campaigns),
            numbers_figures=not derived,  # the numbers are those of the paper on moduli
        )


def _summary(
    study: Study,
    trained: Sequence[StudyModel],
    candidates: Sequence[Candidate],
    ranking: Ranking,
    errors: LatticeErrors | None,
) -> tuple[SummaryNumber, ...]:
    snapshots = {
        m.wanted.specification.property_name: m.wanted.snapshot for m in trained if m.wanted.role == "ensemble"
    }
    first = snapshots[study.labels.properties[0]]
    what = f"with {', '.join(study.candidates.elements)}" if study.candidates.elements else "of any elements"
    if study.derived_properties:
        last = derivations.summary(errors)
        labels = SummaryNumber("reference oxides", str(len(first)), _in_roles(first))
    else:
        states, element = Counter(candidate.state for candidate in candidates), study.sampling.element
        n_element = sum(element in elements for elements in first.elements)
        labels = SummaryNumber("labels before the campaigns", str(len(first)), f"{n_element} with {element}")
        last = SummaryNumber(
            "labelled by the campaigns", str(states["labelled"]), f"{states['acquired']} failed or open"
        )
    return (
        labels,
        SummaryNumber("candidates", str(len(candidates)), f"{what}, not labelled by a source"),
        SummaryNumber("ranked", str(len(ranking.ranked)), f"{len(ranking.excluded)} left out by a criterion"),
        last,
    )


def _in_roles(snapshot: Snapshot) -> str:
    counts = Counter(snapshot.roles.tolist())
    return f"{counts['train']} train, {counts['validation']} calibrate, {counts['test']} test"


def _mobility(study: Study) -> MobilityAxis | None:
    """Return what the mobility columns mean: a path counts up to the barrier of the criterion, if there is one."""
    asked = study.mobility
    if asked is None:
        return None
    limits = [criterion.barrier for criterion in study.screening if isinstance(criterion, Percolates)]
    ion = asked.full_ion.replace("1", "")
    return MobilityAxis(ion, min(limits, default=_COUNTS_AS_PATH), asked.encut, method_of(asked))


def _quality(session: Session, study: Study, screening: Screening) -> tuple[QualityRow, ...]:
    """Return the labels that each rule rejected, then what each criterion said."""
    criteria = criterion_counts(session, screening.screen_id)
    n_labelled = len(screening.structures) - len(screening.candidate_ids)
    stage = f"screen of {len(screening.structures)} structures ({n_labelled} of them labelled, copies or references)"
    seen = (QualityRow(stage, c.criterion, c.passed, c.failed, c.unknown) for c in criteria)
    return (*label_quality(session, study), *seen)
