"""What the study left in its database as Markdown tables, the paper's figures beside it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchmarks.repro_001 import paper
from benchmarks.repro_001.paper import PROPERTIES, SYMBOL
from benchmarks.repro_001.tables import markdown
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.study.settings import Study
from matsift_flows.workspace import Workspace

_STAGES = """
    SELECT flow, count(*), sum(seconds), bool_and(status = 'completed')
    FROM analysis.run WHERE study = :study GROUP BY flow ORDER BY min(run_id)
"""
_QUALITY = """
    SELECT coalesce(nullif(rule, ''), 'accepted'),
           sum(n_label) FILTER (WHERE property_name = 'k_vrh'), sum(n_label) FILTER (WHERE property_name = 'g_vrh')
    FROM analysis.data_quality WHERE is_current GROUP BY 1 ORDER BY 2 DESC NULLS LAST
"""
_FAILED = """
    SELECT s.structure_hash, s.criterion, s.outcome FROM analysis.screening s
    JOIN analysis.screening_summary c USING (screen_hash, structure_hash)
    WHERE c.study = :study AND c.is_current
"""
_MODELS = """
    SELECT DISTINCT ON (property_name, subset) property_name, learner, subset, n_evaluated, r2, mae, interval_coverage,
           mean_interval_width, spread_error_spearman, n_column
    FROM analysis.model WHERE purpose = 'ensemble' ORDER BY property_name DESC, subset, trained_at DESC
"""
_SPREAD = """
    SELECT count(*), avg((p.spread <= :low)::int), count(*) FILTER (WHERE p.mean >= :top),
           count(*) FILTER (WHERE p.mean >= :top_of_element)
    FROM analysis.prediction p
    LEFT JOIN analysis.screening_summary c ON c.structure_hash = p.structure_hash AND c.study = :study AND c.is_current
    WHERE p.property_name = :name AND (c.n_failed = 0 OR NOT :eligible)
"""
_TOP_TENTH = """
    SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY l.value),
           percentile_cont(0.9) WITHIN GROUP (ORDER BY l.value) FILTER (WHERE :element = ANY(s.elements))
    FROM analysis.label l JOIN analysis.structure s USING (structure_hash)
    WHERE l.property_name = :name AND l.verdict = 'accepted'
"""
_IMPORTANCES = """
    SELECT descriptor_set, column_name, gain_fraction FROM analysis.feature_importance
    WHERE property_name = :name AND model_hash = (
        SELECT model_hash FROM analysis.ranking_model WHERE property_name = :name ORDER BY trained_at DESC LIMIT 1)
    ORDER BY rank LIMIT 25
"""


def section(workspace: Workspace, study: Study) -> list[str]:
    """Return the tables of a finished study."""
    with workspace.sessions.begin() as session:
        return [
            *("### The study, as its database tells it", ""),
            *_stages(session, study),
            *_quality(session),
            *_funnel(session, study),
            *_models(session, study),
            *_candidates(session, study),
            *_importances(session),
        ]


def _rows(session: Session, query: str, **values: Any) -> list[Any]:
    return list(session.execute(text(query), values))


def _stages(session: Session, study: Study) -> list[str]:
    found = _rows(session, _STAGES, study=study.name)
    total = sum(float(row[2] or 0) for row in found)
    rows = [
        (flow, str(n), f"{seconds or 0:.0f}", "" if whole else "with interruptions")
        for flow, n, seconds, whole in found
    ]
    return markdown(("stage", "runs", "seconds", ""), [*rows, ("together", "", f"{total:.0f}", "")])


def _quality(session: Session) -> list[str]:
    rows = [(rule, str(k or 0), str(g or 0)) for rule, k, g in _rows(session, _QUALITY)]
    return markdown(("rule of the study that rejects first", "labels of K", "labels of G"), rows)


def _funnel(session: Session, study: Study) -> list[str]:
    outcomes: dict[str, dict[str, str]] = defaultdict(dict)
    for structure, criterion, outcome in _rows(session, _FAILED, study=study.name):
        outcomes[structure][criterion] = outcome
    left = set(outcomes)
    n = len(left) or 1
    rows = [(f"structures with {study.sampling.element}", "", "", str(len(left)), "100.0%", "6,807")]
    for criterion in study.screening:
        said = [seen.get(criterion.name) for seen in outcomes.values()]
        gone = {key for key in left if outcomes[key].get(criterion.name) == "failed"}
        left -= gone
        remark = f"{said.count('failed')} fail it, {said.count('unknown')} unknown"
        rows.append((f"`{criterion.name}`", remark, str(len(gone)), str(len(left)), f"{len(left) / n:.1%}", ""))
    rows[-1] = (*rows[-1][:5], f"2,432 ({paper.CANDIDATES[1] / paper.CANDIDATES[0]:.1%})")
    return markdown(("criterion", "by itself", "removes", "left", "share", "paper"), rows)


def _models(session: Session, study: Study) -> list[str]:
    rows = []
    for name, learner, subset, n, r2, mae, coverage, width, spearman, columns in _rows(session, _MODELS):
        if name not in PROPERTIES or r2 is None:
            continue
        theirs = f"R2 {paper.R2_MODEL_3[name][0]}, MAE {paper.MAE_MODEL_3[name]}" if subset == "test" else ""
        cells = (f"{r2:.3f}", f"{mae:.1f}", f"{coverage:.3f}", f"{width:.0f}", f"{spearman:.2f}", str(columns), theirs)
        rows.append((SYMBOL[name], learner, f"{subset} ({n})", *cells))
    header = (
        *("", "learner, 20 members", "rows", "R2", "MAE, GPa", f"coverage of {study.learner.coverage:.0%} intervals"),
        *("their width, GPa", "Spearman(STDEV, abs error)", "columns", "paper, Model 3"),
    )
    return markdown(header, rows)


def _candidates(session: Session, study: Study) -> list[str]:
    rows = []
    for name in PROPERTIES:
        low = study.campaign.low_spread.get(name, paper.LOW_SPREAD[name])
        top, own = _rows(session, _TOP_TENTH, name=name, element=study.sampling.element)[0]
        theirs = f"{paper.LOW_SPREAD_SHARE[name]:.0%}, {paper.IN_TOP_TENTH[name]} of 2,432"
        asked = {"name": name, "low": low, "top": top, "top_of_element": own, "study": study.name}
        for title, eligible in (("without a label", False), ("of them eligible", True)):
            n, share, best, best_own = _rows(session, _SPREAD, eligible=eligible, **asked)[0]
            cells = (f"{n} {title}", f"{share or 0:.1%} (<= {low:g} GPa)", f"{best} (>= {top or 0:.0f} GPa)")
            rows.append((SYMBOL[name], *cells, f"{best_own} (>= {own or 0:.0f} GPa)", theirs))
    told = (
        "The spread of the study's own learner, which is smaller than that of LightGBM alone. The paper does not say "
        f"whose top tenth it means; its counts fit that of the {study.sampling.element} compounds."
    )
    header = (
        *("", "candidates", "with low STDEV", "in the top tenth of all labels"),
        *(f"in that of the {study.sampling.element} compounds", "paper"),
    )
    return [told, "", *markdown(header, rows)]


def _importances(session: Session) -> list[str]:
    rows = []
    for name in PROPERTIES:
        leading = _rows(session, _IMPORTANCES, name=name)
        structural = sum(row[0] in ("voronoi", "packing") for row in leading)
        first = ", ".join(f"{column} ({fraction:.1%})" for _, column, fraction in leading[:8])
        rows.append((SYMBOL[name], f"{structural} of {len(leading)}", first, paper.STRUCTURAL_IN_TOP_25[name]))
    text_ = (
        "Share of the trees' gain. The paper's four most important: maximum packing efficiency, number of sites, "
        "ground-state volume per atom, volume and density."
    )
    header = ("", "structural among the 25 first", "the first eight", "paper, structural")
    return [text_, "", *markdown(header, rows)]
