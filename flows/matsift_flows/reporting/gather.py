"""The whole ranking report of a study, read from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from sqlalchemy.orm import Session

from matsift.descriptors.registry import descriptor_set
from matsift.reports.data import (
    Candidate,
    DescriptorSetRow,
    FailureCount,
    ModelRow,
    Provenance,
    QualityRow,
    Ranking,
    RankingReport,
    RankingSettings,
    ReportProperty,
    SnapshotRow,
    SummaryNumber,
)
from matsift.reports.ranking import rank
from matsift.screening.quality import rule_set_hash
from matsift.study.settings import Study
from matsift_flows.acquire import Campaign
from matsift_flows.reporting import curves, models
from matsift_flows.screen import Screening
from matsift_flows.train import StudyModel
from matsift_flows.workspace import Workspace, code_version, environment_hash
from matsift_schema.store.failures import failure_counts
from matsift_schema.store.labels import label_table
from matsift_schema.store.provenance import source_versions, study_runs
from matsift_schema.store.ranking import load_candidates
from matsift_schema.store.screening import criterion_counts

_PACKAGES = ("chgnet", "lightgbm", "matminer", "numpy", "pymatgen", "scikit-learn", "scipy", "spglib", "torch")


def gather(
    workspace: Workspace,
    study: Study,
    screening: Screening,
    trained: Sequence[StudyModel],
    campaigns: Sequence[Campaign],
    final: Mapping[str, int],
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
    """
    with workspace.sessions.begin() as session:
        metrics = models.load_metrics(session, trained)
        candidates = load_candidates(
            session,
            screening.candidate_ids,
            model_ids=final,
            screen_id=screening.screen_id,
            campaign_ids=[campaign.id for campaign in campaigns],
            label_properties=study.labels.properties,
        )
        ranking = rank(
            candidates, RankingSettings(study.ranking.property, goal=study.ranking.goal, by=study.ranking.by)
        )
        return RankingReport(
            study=study.name,
            title=study.study.title,
            generated_at=datetime.now(UTC),
            properties=tuple(ReportProperty.of(name) for name in study.labels.properties),
            ranking=ranking,
            provenance=_provenance(session, study, trained),
            paper=study.study.paper,
            summary=_summary(study, trained, candidates, ranking),
            distributions=models.distributions(study, trained),
            ablation=models.ablation(trained, metrics),
            importances=models.importances(session, trained),
            sampling=models.sampling(study, trained, metrics),
            pool_spreads=curves.pool_spreads(session, study, campaigns),
            parities=models.parities(session, study, trained),
            learning_curves=curves.learning_curves(session, study, campaigns),
            evaluations=models.evaluations(trained, metrics),
            quality=_quality(session, study, screening),
            failures=tuple(FailureCount(f.stage, f.error_class, f.count, f.example) for f in failure_counts(session)),
        )


def _summary(
    study: Study, trained: Sequence[StudyModel], candidates: Sequence[Candidate], ranking: Ranking
) -> tuple[SummaryNumber, ...]:
    snapshots = {
        m.wanted.specification.property_name: m.wanted.snapshot for m in trained if m.wanted.role == "ensemble"
    }
    first = snapshots[study.labels.properties[0]]
    element = study.sampling.element
    n_element = sum(element in elements for elements in first.elements)
    states = Counter(candidate.state for candidate in candidates)
    return (
        SummaryNumber("labels to learn from", str(len(first)), f"{n_element} with {element}"),
        SummaryNumber("candidates", str(len(candidates)), "without a label of a target from a source"),
        SummaryNumber("ranked", str(len(ranking.ranked)), f"{len(ranking.excluded)} left out by a criterion"),
        SummaryNumber("labelled by the campaigns", str(states["labelled"]), f"{states['acquired']} failed or open"),
    )


def _quality(session: Session, study: Study, screening: Screening) -> tuple[QualityRow, ...]:
    """Return the labels that each rule rejected, then what each criterion said."""
    rule_set = rule_set_hash(study.labels.rules)
    rows = []
    for name in study.labels.properties:
        labels = label_table(session, [name], rule_set=rule_set, methods=study.labels.methods)
        kept, rejected = len(labels), Counter(rule for rule in labels.rules if rule is not None)
        for rule in (rule.kind for rule in study.labels.rules):
            kept -= rejected[rule]
            rows.append(QualityRow(f"labels of {name}", rule, kept, rejected[rule]))
    criteria = criterion_counts(session, screening.screen_id)
    return (*rows, *(QualityRow("screen", c.criterion, c.passed, c.failed, c.unknown) for c in criteria))


def _provenance(session: Session, study: Study, trained: Sequence[StudyModel]) -> Provenance:
    wanted = [model.wanted for model in trained]
    snapshots = {w.snapshot.content_hash: w.snapshot for w in wanted}
    sets = [descriptor_set(name) for name in study.descriptors.sets]
    return Provenance(
        code_version=code_version(),
        dataset_version="; ".join(source_versions(session, [source.name for source in study.sources])),
        environment_hash=environment_hash(),
        runs=tuple(study_runs(session, study.name, without=("report",))),
        snapshots=tuple(SnapshotRow(s.content_hash, s.property_name, s.strategy, len(s)) for s in snapshots.values()),
        models=tuple(
            ModelRow(
                w.content_hash,
                w.specification.learner,
                w.role if w.role == "ensemble" else f"{w.role}: {w.name}",
                w.specification.property_name,
                w.specification.seed,
                w.snapshot.content_hash,
            )
            for w in wanted
        ),
        descriptor_sets=tuple(DescriptorSetRow(s.name, s.version, len(s.columns)) for s in sets),
        packages={name: version(name) for name in _PACKAGES},
    )
