"""Cards of model versions, gathered from the rows of the database and written beside the report of a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from matsift.errors import UserInputError
from matsift.reports.model_card import LabelRange, ModelCard, SubsetMetrics
from matsift.reports.model_card_page import card_html, card_markdown
from matsift.units import property_definition
from matsift_flows.reporting.keeping import folder_of
from matsift_flows.workspace import Workspace
from matsift_schema.store import model_cards as store
from matsift_schema.store.datasets import Snapshot, load_snapshot
from matsift_schema.store.models import load_evaluations, load_importances, load_model

#: Folder of the cards inside that of a report.
FOLDER = "models"

_WORST = 10
_IMPORTANCES = 10
_DIGITS = 12


def card_of(workspace: Workspace, model: str) -> ModelCard:
    """Return the card of a model version, named by its content hash or the beginning of it.

    Raises
    ------
    UserInputError
        If no model version, or more than one, is called so.
    """
    with workspace.sessions.begin() as session:
        return _card(session, find_model(session, model))


def cards_of(workspace: Workspace, study: str) -> list[ModelCard]:
    """Return the cards of all model versions that a study trained or that its campaigns and predictions rest on.

    They stand in the order in which they were trained; a study that has none gives none.
    """
    with workspace.sessions.begin() as session:
        return [_card(session, key) for key in store.study_models(session, study)]


def ranking_cards(workspace: Workspace, study: str) -> list[ModelCard]:
    """Return the cards of the models behind what a study says now, one a property where it predicts candidates."""
    with workspace.sessions.begin() as session:
        return [_card(session, key) for key in store.ranking_models(session, study)]


def keep_cards(workspace: Workspace, study: str, model_ids: Sequence[int] | None = None) -> None:
    """Write the cards that are missing beside the report of a study: of some models, or of those behind what it says.

    What a card tells does not change with time, so one that lies there is not drawn again.

    Raises
    ------
    UserInputError
        If the folder cannot be written to.
    """
    folder = folder_of(workspace, study) / FOLDER
    with workspace.sessions.begin() as session:
        ids = store.ranking_models(session, study) if model_ids is None else list(dict.fromkeys(model_ids))
        missing = [key for key in ids if not _page(folder, load_model(session, key).content_hash).exists()]
        cards = [_card(session, key) for key in missing]
    write_cards(cards, folder)


def find_model(session: Session, wanted: str) -> int:
    """Return the id of the model version whose content hash begins so.

    Raises
    ------
    UserInputError
        If there is none, or more than one.
    """
    found = store.find_models(session, wanted) if wanted else []
    if not found:
        raise UserInputError(
            f"no model version has a hash that begins with {wanted!r}; TABLE analysis.model lists them"
        )
    if len(found) > 1:
        raise UserInputError(f"more than one model version has a hash that begins with {wanted!r}; give more of it")
    return found[0][0]


def write_cards(cards: Sequence[ModelCard], folder: Path) -> list[Path]:
    """Write cards as ``HASH.md`` and ``HASH.html`` (first 12 digits) into a folder, made if need be; return the paths.

    Raises
    ------
    UserInputError
        If the folder cannot be written to.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for card in cards:
            page = _page(folder, card.content_hash)
            for path, text in ((page.with_suffix(".md"), card_markdown(card)), (page, card_html(card))):
                aside = path.with_suffix(f"{path.suffix}.part")
                aside.write_text(text, encoding="utf-8")
                written.append(aside.replace(path))
    except OSError as error:
        message = f"{folder}: the cards cannot be written here ({error.strerror or error}); choose another folder"
        raise UserInputError(message) from error
    return written


def _page(folder: Path, content_hash: str) -> Path:
    return folder / f"{content_hash[:_DIGITS]}.html"


def _card(session: Session, model_id: int) -> ModelCard:
    model = load_model(session, model_id)
    snapshot = load_snapshot(session, model.snapshot_id)
    origin = store.model_origin(session, model_id)
    sets, packages = store.model_descriptor_sets(session, model_id)
    about = property_definition(model.property_name)
    return ModelCard(
        content_hash=model.content_hash,
        learner=model.learner,
        purpose=model.purpose,
        property_name=model.property_name,
        unit=about.unit,
        definition=about.definition,
        settings=model.settings,
        seed=model.seed,
        study=origin.study,
        trained_at=origin.trained_at,
        code_version=model.code_version,
        environment_hash=origin.environment_hash,
        packages=packages,
        snapshot_hash=snapshot.content_hash,
        strategy=snapshot.strategy,
        split_settings=snapshot.settings,
        split_seed=snapshot.seed,
        roles=dict(Counter(snapshot.roles.tolist())),
        label_range=_label_range(snapshot),
        origins=tuple(store.label_origins(session, snapshot.id)),
        descriptor_sets=tuple(sets),
        elements=_elements(snapshot),
        calibration=model.calibration,
        metrics=_metrics(session, model_id),
        worst=tuple(store.largest_errors(session, model_id, _WORST)),
        artifact_sha256=model.artifact_sha256,
        importances=tuple((column, share) for _, column, _, share in load_importances(session, model_id, _IMPORTANCES)),
    )


def _label_range(snapshot: Snapshot) -> LabelRange | None:
    learned = snapshot.values[snapshot.roles == "train"]
    return LabelRange(float(learned.min()), float(np.median(learned)), float(learned.max())) if len(learned) else None


def _elements(snapshot: Snapshot) -> dict[str, int]:
    """Return element -> labels that train and hold it."""
    trains = (snapshot.roles == "train").tolist()
    rows = zip(snapshot.elements, trains, strict=True)
    return dict(Counter(symbol for symbols, is_train in rows if is_train for symbol in symbols))


def _metrics(session: Session, model_id: int) -> tuple[SubsetMetrics, ...]:
    found: dict[tuple[str, int], dict[str, float | None]] = {}
    for row in load_evaluations(session, [model_id]):
        value = row.value if np.isfinite(row.value) else None
        found.setdefault((row.subset, row.n_row), {})[row.metric] = value
    return tuple(SubsetMetrics(subset, n_row, values) for (subset, n_row), values in found.items())
