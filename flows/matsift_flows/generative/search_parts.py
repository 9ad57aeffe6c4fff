"""What a latent search is built from: the space of the autoencoder, its start, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition.seeds import round_seed
from matsift.errors import UserInputError
from matsift.generative.formulas import Compositions
from matsift.generative.search.space import LatentSpace, Start, Suggestion
from matsift.generative.validity import validity
from matsift.study.generative import GenerativeSettings
from matsift.study.generative import LatentSearch as SearchSettings
from matsift.study.settings import Study
from matsift_flows.generative.drawing import filters
from matsift_flows.generative.known import StudyFormulas
from matsift_flows.generative.property_model import PropertyModel
from matsift_flows.snapshots import reduced_formulae
from matsift_flows.workspace import Workspace
from matsift_schema.store import suggestions as store

if TYPE_CHECKING:
    from matsift.generative.autoencoder import CompositionAutoencoder


@dataclass(frozen=True, eq=False)
class StartRows:
    """Labelled compositions that a search starts from: formulas, each once, and (n,) values."""

    formulas: tuple[str, ...]
    values: NDArray[np.float64]


def start_rows(workspace: Workspace, study: Study, asked: SearchSettings, model: PropertyModel) -> StartRows:
    """Return labelled compositions of the snapshot, one a formula, as many as were asked for, drawn by the seed."""
    rows = np.flatnonzero(model.snapshot.roles == "train")
    with workspace.sessions.begin() as session:
        names = reduced_formulae(session, model.snapshot.structure_ids[rows])
    best = min if study.ranking.goal == "minimize" else max
    values: dict[str, float] = {}
    for name, value in zip(names, model.snapshot.values[rows].tolist(), strict=True):
        values[name] = best(value, values.get(name, value))
    every = sorted(values)
    seed = round_seed(study.study.seed, model.property_name, "start of searches", 0)
    drawn = np.random.default_rng(seed).permutation(len(every))[: asked.initial]
    chosen = [every[i] for i in np.sort(drawn)]
    return StartRows(tuple(chosen), np.array([values[name] for name in chosen]))


def told(row: store.SuggestionRow) -> tuple[Suggestion, float | None]:
    """Return a stored suggestion as the search made it."""
    suggestion = Suggestion(
        row.round_number + 1,
        row.number,
        row.latent,
        _number(row.score),
        _number(row.mean),
        _number(row.spread),
        row.formula,
        row.reason,
    )
    return suggestion, row.value


def space_of(network: CompositionAutoencoder, settings: GenerativeSettings, model: PropertyModel) -> LatentSpace:
    """Return the space of an autoencoder: descriptors are those of the model, chemistry is that of the study."""
    from matsift.generative.search.decoder import autoencoder_space  # noqa: PLC0415  PyTorch takes seconds to import

    limits, rules = filters(settings.sampling)

    def describe(names: Sequence[str]) -> NDArray[np.float64]:
        return model.described(Compositions.from_formulas(names))

    def accepts(names: Sequence[str]) -> NDArray[np.bool_]:
        compositions = Compositions.from_formulas(names)
        return np.asarray(validity(compositions, rules).valid & limits.within(compositions), dtype=np.bool_)

    return autoencoder_space(network, describe=describe, accepts=accepts)


def start_of(network: CompositionAutoencoder, rows: StartRows, formulas: StudyFormulas) -> Start:
    """Return the start of a search, in float32; proposals may set out from every formula that was learned from.

    Raises
    ------
    UserInputError
        If fewer than two of the labelled compositions can be encoded.
    """
    compositions = Compositions.from_formulas(rows.formulas)
    usable = network.encoding.refusals(compositions) == 0
    if int(usable.sum()) < 2:
        raise UserInputError("fewer than two labelled compositions can be encoded; a search cannot start from them")
    learned = formulas.learned_compositions
    population = learned.select(network.encoding.refusals(learned) == 0)
    return Start(
        network.encode(compositions.select(usable)),
        rows.values[usable],
        tuple(name for name, is_usable in zip(rows.formulas, usable, strict=True) if is_usable),
        network.encode(population),
    )


def finite(value: float) -> float | None:
    """Return a number as it is stored: None for what is none."""
    return float(value) if np.isfinite(value) else None


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
