"""What a generative study does once its property model is trained: networks, proposals, crystals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matsift.errors import UserInputError
from matsift.study.generative import GenerativeSettings
from matsift.study.ranking import RankingSettings
from matsift.study.settings import Study
from matsift_flows.featurize import featurize
from matsift_flows.generative.crystals import make_crystals
from matsift_flows.generative.drawing import draw
from matsift_flows.generative.known import StudyFormulas, study_formulas
from matsift_flows.generative.networks import StoredGenerator, generators
from matsift_flows.generative.property_model import PropertyModel, property_model
from matsift_flows.generative.searching import Searched, search
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.train import StudyModel
from matsift_flows.workspace import Workspace
from matsift_schema.store.generation import CompositionRow, load_compositions


@dataclass(frozen=True, eq=False)
class Generated:
    """What a study proposed: its networks, batches and searches, and the formulas that crystals were made for."""

    formulas: StudyFormulas
    model: PropertyModel
    generators: tuple[StoredGenerator, ...]
    batch_ids: tuple[int, ...]
    searches: tuple[Searched, ...]
    chosen: tuple[CompositionRow, ...]


@inner_flow("generate")
def generate(workspace: Workspace, study: Study, trained: Sequence[StudyModel], base_dir: Path) -> Generated:
    """Carry a generative study from its property model to crystals with descriptors.

    Raises
    ------
    UserInputError
        If the study has no table [generative], there is too little to learn from, or a training fails.
    """
    settings = study.generative
    if settings is None:
        raise UserInputError(f"the study {study.name} has no table [generative]; add one, or run it as another study")
    model = property_model(workspace, study, trained)
    formulas = study_formulas(workspace, study, settings, base_dir)
    networks = invoke(generators, workspace, study, settings, formulas)
    batches: list[int] = []
    searches: list[Searched] = []
    if gan := networks.get("composition_gan"):
        batches.append(invoke(draw, workspace, study, settings, formulas, gan, model))
    if autoencoder := networks.get("composition_autoencoder"):
        searches = invoke(search, workspace, study, settings, formulas, autoencoder, model)
        batches += [one.batch_id for one in searches]
    chosen = chosen_compositions(workspace, study, settings, batches, model)
    new = invoke(make_crystals, workspace, study, settings, [row.formula for row in chosen])
    if new:
        invoke(featurize, workspace, study)
    return Generated(formulas, model, tuple(networks.values()), tuple(batches), tuple(searches), tuple(chosen))


def chosen_compositions(
    workspace: Workspace, study: Study, settings: GenerativeSettings, batches: Sequence[int], model: PropertyModel
) -> list[CompositionRow]:
    """Return the compositions that get crystals: the best of all batches by the ranking, each formula once."""
    with workspace.sessions.begin() as session:
        rows = load_compositions(session, batches, model.id)
    first: dict[str, CompositionRow] = {}
    for row in rows:
        first.setdefault(row.formula, row)
    ordered = sorted(first.values(), key=lambda row: (_worth(study.ranking, row), row.formula))
    return ordered[: settings.structures.top]


def _worth(ranking: RankingSettings, row: CompositionRow) -> float:
    value = {"mean": row.mean, "lower": row.lower, "upper": row.upper}[ranking.by]
    return -value if ranking.goal == "maximize" else value
