"""What a model card says, section by section, in sentences and small tables: the same for Markdown and HTML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matsift.reports.model_card import FEW_LABELS, ModelCard
from matsift.reports.notation import headed, in_unit, moment, number, percent, quantity, score, significant, symbol
from matsift.reports.small_tables import Column, Table

#: So many test labels or fewer leave an error uncertain by a tenth of itself and more.
_FEW_TEST_ROWS = 50
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PURPOSES = {
    "ensemble": "Candidates are predicted by it, with calibrated intervals.",
    "derived": "Its numbers follow from what another model predicts, which its settings name.",
    "baseline": "It was trained to hold other models against; matsift ranks nothing by it.",
    "ablation": "It was trained to see what some descriptors are worth; matsift ranks nothing by it.",
}
_ROLES = {"train": "learned from", "validation": "calibrate the intervals", "test": "held out"}
_METRICS = {
    "r2": "R²",
    "mae": "mean absolute error",
    "rmse": "root mean square error",
    "bias": "mean of predicted minus true",
    "interval_coverage": "share inside the interval",
    "mean_interval_width": "mean width of the interval",
    "mean_spread": "mean spread",
    "spread_error_spearman": "rank correlation of spread and error",
}
_IN_UNIT = frozenset({"mae", "rmse", "bias", "mean_interval_width", "mean_spread"})


@dataclass(frozen=True)
class CardSection:
    """A part of a card: plain sentences, then tables of plain text."""

    key: str
    title: str
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def card_title(card: ModelCard) -> str:
    """Return the title of a card."""
    return f"{symbol(card.property_name)} by {card.learner}, {card.content_hash[:12]}"


def card_sections(card: ModelCard) -> tuple[CardSection, ...]:
    """Return the sections of a card in their order."""
    return (_what(card), _data(card), _split(card), _quality(card), _errors(card), _elements(card), *_rest(card))


def _what(card: ModelCard) -> CardSection:
    predicts = f"It predicts the {card.definition} ({card.property_name}"
    notes = (
        f"{predicts}{', ' + card.unit if card.unit != '1' else ''}). {_PURPOSES.get(card.purpose, '')}".strip(),
        _trained(card),
    )
    return CardSection("model", "The model", notes)


def _trained(card: ModelCard) -> str:
    by = f"by the study {card.study}" if card.study else "outside a study"
    return f"Trained {moment(card.trained_at)} {by}, with the seed {card.seed}. Its full hash is {card.content_hash}."


def _data(card: ModelCard) -> CardSection:
    n_label = sum(card.roles.values())
    notes = [f"The snapshot {card.snapshot_hash[:12]} holds {number(n_label, 0)} labels."]
    if card.label_range is not None:
        ends = (quantity(v, card.unit) for v in (card.label_range.lowest, card.label_range.highest))
        middle = in_unit(quantity(card.label_range.median, card.unit), card.unit)
        notes.append(f"Those learned from lie between {' and '.join(ends)}, half of them below {middle}.")
    licences = ", ".join(card.licences)
    if licences:
        notes.append(f"Licence of the labels: {licences}. Who passes the model on names the sources.")
    elif card.origins:
        notes.append("All labels were computed here; no licence of a source binds them.")
    origins = Table(
        "Labels",
        (Column("Origin"), Column("Method"), Column("Licence"), Column("Labels", numeric=True)),
        tuple((o.origin, o.method, o.licence or "–", number(o.n_label, 0)) for o in card.origins),
    )
    sets = Table(
        "Descriptor sets",
        (Column("Set"), Column("Version"), Column("Columns", numeric=True)),
        tuple((s.name, s.version, number(s.n_column, 0)) for s in card.descriptor_sets),
    )
    return CardSection("data", "What it learned from", tuple(notes), tuple(t for t in (origins, sets) if t.rows))


def _split(card: ModelCard) -> CardSection:
    roles = tuple((role, words, number(card.roles[role], 0)) for role, words in _ROLES.items() if card.roles.get(role))
    table = Table("Roles", (Column("Role"), Column("What they do"), Column("Labels", numeric=True)), roles)
    note = f"Roles were given by the strategy {card.strategy}, with the seed {card.split_seed}."
    return CardSection("split", "The split", (note,), (table, _pairs("Settings of the split", card.split_settings)))


def _quality(card: ModelCard) -> CardSection:
    notes = []
    if "coverage" in card.calibration:
        n_row = card.calibration.get("n_calibration")
        seen = f" on {number(n_row, 0)} labels" if isinstance(n_row, int) else ""
        notes.append(
            f"Its intervals are calibrated{seen} to hold {percent(card.calibration['coverage'])} of the true values."
        )
    if not card.metrics:
        return CardSection("quality", "How good it is", (*notes, "It was not evaluated."))
    metrics = dict.fromkeys(name for subset in card.metrics for name in subset.values)
    columns = (Column("Metric"), *(Column(s.subset, numeric=True) for s in card.metrics))
    rows: list[tuple[str, ...]] = [("rows", *(number(s.n_row, 0) for s in card.metrics))]
    for name in sorted(metrics, key=_place):
        values = (_metric(s.values.get(name), name, card.unit) for s in card.metrics)
        rows.append((_metric_name(name, card.unit), *values))
    return CardSection(
        "quality",
        "How good it is",
        tuple(notes),
        (Table("On labels that it did not learn from", columns, tuple(rows)),),
    )


def _place(metric: str) -> tuple[int, str]:
    known = list(_METRICS)
    return (known.index(metric), "") if metric in _METRICS else (len(known), metric)


def _metric_name(name: str, unit: str) -> str:
    words = _METRICS.get(name, name.replace("_", " "))
    return headed(words, unit) if name in _IN_UNIT else words


def _metric(value: float | None, name: str, unit: str) -> str:
    if name in _IN_UNIT:
        return quantity(value, unit, more=1)
    if name == "interval_coverage":
        return percent(value, 1)
    return score(value) if name == "r2" else significant(value, 3)


def _errors(card: ModelCard) -> CardSection:
    if not card.worst:
        return CardSection("errors", "Where it is most wrong", ("No held-out label has a predicted number beside it.",))
    columns = (
        Column("Formula"),
        Column("Structure"),
        *(Column(headed(name, card.unit), numeric=True) for name in ("True", "Predicted", "Lower", "Upper", "Error")),
        Column("Inside"),
    )
    rows = tuple(
        (
            w.formula,
            w.structure_hash[:12],
            *(quantity(v, card.unit) for v in (w.truth, w.mean, w.lower, w.upper, w.error)),
            _inside(w.truth, w.lower, w.upper),
        )
        for w in card.worst
    )
    title = f"The {len(rows)} largest errors on held-out labels"
    return CardSection("errors", "Where it is most wrong", (), (Table(title, columns, rows, wide=True),))


def _inside(truth: float, lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return "–"
    return "yes" if lower <= truth <= upper else "no"


def _elements(card: ModelCard) -> CardSection:
    seen = sorted(card.elements.items(), key=lambda item: (-item[1], item[0]))
    counts = ", ".join(f"{element} {number(n, 0)}" for element, n in seen) or "none"
    notes = [f"{len(seen)} elements occur in labels that it learned from, with their number of labels: {counts}."]
    if card.rare_elements:
        notes.append(f"Fewer than {FEW_LABELS} labels: {', '.join(card.rare_elements)}.")
    notes.append(f"Never seen: {', '.join(card.unseen_elements) or 'none'}.")
    return CardSection("elements", "Elements covered, and not", tuple(notes))


def _rest(card: ModelCard) -> tuple[CardSection, ...]:
    versions = {"matsift": card.code_version, **card.packages, "stored model": card.artifact_sha256}
    shares = tuple((name, percent(share, 1)) for name, share in card.importances)
    important = Table("Columns by their share of the gain", (Column("Column"), Column("Share", numeric=True)), shares)
    return (
        *([CardSection("importances", "What it looks at", (), (important,))] if shares else []),
        CardSection("limits", "What it cannot tell you", limits(card)),
        CardSection(
            "again",
            "How to make it again",
            _again(card),
            (_pairs("Settings of the learner", card.settings), _pairs("Versions", versions)),
        ),
    )


def limits(card: ModelCard) -> tuple[str, ...]:
    """Return what somebody who uses the model has to know, in sentences."""
    said = []
    methods = ", ".join(dict.fromkeys(o.method for o in card.origins))
    if methods:
        said.append(f"Its labels are those of {methods}: what that method has wrong, the model has wrong too.")
    if card.unseen_elements:
        said.append(
            f"Of crystals with one of the {len(card.unseen_elements)} elements that it never saw it knows nothing; "
            "its numbers there are guesses, and its intervals promise nothing."
        )
    if card.label_range is not None:
        said.append("Values beyond the smallest and the largest label that it learned from are extrapolated.")
    if "coverage" in card.calibration:
        said.append(
            "The coverage of its intervals holds for structures drawn like those that calibrate it; candidates chosen "
            "because they are extreme are not."
        )
    test = next((s for s in card.metrics if s.subset == "test"), None)
    if test is not None:
        said += _limits_of_test(card, test.n_row, test.values)
    return tuple(said)


def _limits_of_test(card: ModelCard, n_row: int, values: Mapping[str, float | None]) -> list[str]:
    said = []
    if n_row <= _FEW_TEST_ROWS:
        said.append(f"Only {n_row} labels test it, so its errors are themselves uncertain.")
    covered, nominal = values.get("interval_coverage"), card.calibration.get("coverage")
    if covered is not None and isinstance(nominal, float):
        deviation = math.sqrt(nominal * (1 - nominal) / n_row)
        if covered < nominal - 2 * deviation:
            said.append(
                f"Its intervals held only {percent(covered, 1)} of the test labels, {percent(nominal)} were due."
            )
    r2 = values.get("r2")
    if r2 is not None and r2 <= 0:
        said.append("On the test labels it is no better than their mean.")
    return said


def _again(card: ModelCard) -> tuple[str, ...]:
    study = f"the study {card.study}" if card.study else "its study"
    same = (
        f"Run {study} with matsift {card.code_version} and the packages below on the same sources: where the snapshot "
        f"has the hash {card.snapshot_hash[:12]}, the model has the hash {card.content_hash[:12]}, and on one machine "
        "it predicts the same to the last bit."
    )
    return (
        same,
        f"As it is stored: matsift.open().model('{card.content_hash[:12]}').predict(structures) in Python.",
        f"All packages that were installed are named by the hash {card.environment_hash[:12]}.",
    )


def _pairs(title: str, values: Mapping[str, Any]) -> Table:
    rows = tuple((name, _plain(value)) for name, value in values.items() if value is not None)
    return Table(title, (Column("Name"), Column("Value")), rows or (("–", "–"),))


def _plain(value: object) -> str:
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return value[:12]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
