"""One round of a search: a surrogate of all that is registered, and the next point by the acquisition function."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.generative.search.acquisition import Utility
from matsift.generative.search.gaussian_process import matern52, squared_distances
from matsift.generative.search.maximizer import DecodingWeight, best_points
from matsift.generative.search.proposals import near_known
from matsift.generative.search.settings import LatentSearchSettings
from matsift.generative.search.space import Decoded, Latents, LatentSpace, Proposals, Start, Suggestion
from matsift.generative.search.surrogates import EnsembleSurrogate, ProcessSurrogate, Projection, Surrogate

Floats = NDArray[np.float64]

#: Of the box, the best points are decoded this many at a time until one may be suggested, and no more than so often.
_CHECKED, _TIMES = 256, 20
#: Proposals near known vectors are drawn anew this often where too few of them may be suggested.
_DRAWS = 5
#: Streams of random numbers of a search, each with its own number beside the seed.
_BOX, _MANIFOLD, _ENSEMBLE = 1, 2, 3


@dataclass(frozen=True, eq=False)
class Registered:
    """What a round starts from, of labels of which large ones are good.

    Parameters
    ----------
    latents, values
        (n, d) points and their (n,) labels, those that did not decode among them where the settings register them.
    formulas
        (n,) None for those.
    known
        Formulas of the start, and those that earlier rounds asked for.
    """

    latents: Latents
    values: Floats
    formulas: tuple[str | None, ...]
    known: AbstractSet[str]

    @property
    def is_labelled(self) -> NDArray[np.bool_]:
        """(n,) whether there is a composition."""
        return np.array([formula is not None for formula in self.formulas], dtype=bool)


@dataclass(frozen=True, eq=False)
class Choice:
    """The next point: a single proposal, its worth, and what the surrogate says (large values good)."""

    proposal: Proposals
    worth: float
    mean: float
    spread: float


class Round(Protocol):
    """A round that is being asked."""

    def choose(self, number: int) -> Choice | None:
        """Return the point that suggestion `number` asks for; None where there is nothing left to suggest."""
        ...

    def took(self, suggestion: Suggestion) -> None:
        """Hear what became of a suggestion of this round."""
        ...


def open_round(
    settings: LatentSearchSettings, space: LatentSpace, start: Start, registered: Registered, seed: int, number: int
) -> Round:
    """Return round `number` (from 1) of a search; it depends on its arguments alone."""
    surrogate: Surrogate
    if settings.surrogate == "ensemble":
        labelled = registered.is_labelled
        formulas = [formula for formula in registered.formulas if formula is not None]
        member_seed = int(np.random.SeedSequence([seed, _ENSEMBLE, number]).generate_state(1)[0]) >> 1
        surrogate = EnsembleSurrogate(
            formulas, registered.values[labelled], space.describe, settings.ensemble, member_seed
        )
    else:
        projection = Projection.of(start.latents, settings.process.components)
        surrogate = ProcessSurrogate(registered.latents, registered.values, projection, settings.process)
    judge = Judge(settings, space, registered)
    if settings.proposals == "box":
        assert isinstance(surrogate, ProcessSurrogate)
        return _BoxRound(judge, surrogate, start, seed)
    return _ManifoldRound(judge, surrogate, start, seed, number)


class Judge:
    """Which proposals may be suggested, and what they are worth beside those of the same batch."""

    def __init__(self, settings: LatentSearchSettings, space: LatentSpace, registered: Registered) -> None:
        self.settings, self.space, self.registered = settings, space, registered
        self.taken = set(registered.known)
        self._batch: list[Latents] = []
        best = float(registered.values[registered.is_labelled].max())
        self.utility = Utility(settings.acquisition, settings.kappa, best, settings.xi)
        self.invalid_value = settings.invalid_value * (1.0 if settings.goal == "maximize" else -1.0)
        self.floor = float(self.utility.value(self.invalid_value, 0.0))
        self._length = _typical_distance(registered.latents[registered.is_labelled]) if settings.diversity else 1.0

    @property
    def is_plain(self) -> bool:
        """Whether anything may be suggested, at the worth that the acquisition function gives it."""
        chosen = self.settings
        restricted = chosen.only_decodable or chosen.only_new or chosen.only_acceptable
        return not (restricted or chosen.decode_weight or chosen.diversity)

    def proposals(self, latents: Latents) -> Proposals:
        """Return (n, d) vectors with what they decode to, and how surely where that is regarded."""
        sure = np.ones(len(latents))
        if self.settings.decode_weight:
            if self.space.confidence is None:
                raise UserInputError(
                    "this search weighs the probability of decoding; give the space a `confidence`, "
                    "or set decode_weight = 0"
                )
            sure = self.space.confidence(latents)
        return Proposals(latents, self.space.decode(latents), sure)

    def permitted(self, proposals: Proposals) -> NDArray[np.bool_]:
        """Return (n,) whether each may be suggested; of equal compositions all may, as long as none was taken."""
        settings, formulas = self.settings, proposals.decoded.formulas
        permitted = np.ones(len(proposals), dtype=bool)
        if settings.only_decodable:
            permitted &= proposals.decoded.decodes
        if settings.only_new:
            permitted &= np.array([formula not in self.taken for formula in formulas], dtype=bool)
        if settings.only_acceptable and self.space.accepts is not None:
            rows = np.flatnonzero(permitted & proposals.decoded.decodes)
            permitted &= ~proposals.decoded.decodes
            permitted[rows] = self.space.accepts([str(formulas[i]) for i in rows])
        return permitted

    def worth(self, proposals: Proposals, mean: Floats, spread: Floats) -> Floats:
        """Return (n,) worths, by the probability of decoding and marked down near points of the same batch.

        With P the confidence of the decoder to the power of `decode_weight`, a point is worth
        P worth + (1 - P) worth of a point that does not decode, the certain invalid value.
        """
        worth = self.utility.value(mean, spread)
        if self.settings.decode_weight:
            odds = proposals.confidence**self.settings.decode_weight
            worth = np.where(np.isfinite(worth), self.floor + odds * (worth - self.floor), worth)
        if self.settings.diversity and self._batch:
            near = matern52(
                squared_distances(proposals.latents.astype(np.float64), np.array(self._batch, dtype=np.float64)),
                self._length,
            )
            kept = np.prod(1.0 - self.settings.diversity * near, axis=1)
            lowest = float(worth[np.isfinite(worth)].min(initial=np.inf))
            worth = np.where(np.isfinite(worth), lowest + kept * (worth - lowest), worth)
        return worth

    def took(self, suggestion: Suggestion) -> None:
        """Remember a suggestion of this round."""
        self._batch.append(suggestion.latent)
        if suggestion.formula is not None:
            self.taken.add(suggestion.formula)


class _BoxRound:
    """Suggestions from the whole box, one by one, each by a new maximisation."""

    def __init__(self, judge: Judge, surrogate: ProcessSurrogate, start: Start, seed: int) -> None:
        self._judge, self._surrogate, self._seed = judge, surrogate, seed
        down = surrogate.projection.down(start.latents)
        self._bounds = np.stack([down.min(axis=0), down.max(axis=0)], axis=1)
        self._decoding = self._weighed()

    def _weighed(self) -> DecodingWeight | None:
        judge, projection = self._judge, self._surrogate.projection
        slopes = judge.space.confidence_slopes
        if not judge.settings.decode_weight or slopes is None:
            return None

        def of_coordinates(points: Floats) -> tuple[Floats, Floats]:
            log_probability, slope = slopes(np.ascontiguousarray(projection.up(points), dtype=np.float32))
            return log_probability, slope if projection.is_whole else slope @ projection.axes.T

        return DecodingWeight(of_coordinates, judge.settings.decode_weight, judge.floor)

    def choose(self, number: int) -> Choice | None:
        rng = np.random.default_rng([self._seed, _BOX, number])
        judge, surrogate = self._judge, self._surrogate
        points, _ = best_points(surrogate.process, judge.utility, self._bounds, judge.settings.box, rng, self._decoding)
        latents = np.ascontiguousarray(surrogate.projection.up(points), dtype=np.float32)
        size = 1 if judge.is_plain else _CHECKED
        for at in range(0, min(len(latents), _TIMES * size), size):
            part = latents[at : at + size]
            proposals = judge.proposals(part)
            permitted = judge.permitted(proposals)
            if permitted.any():
                return _best(proposals, permitted, judge, surrogate)
        first = judge.proposals(latents[:1])
        return _best(first, np.ones(1, dtype=bool), judge, surrogate)

    def took(self, suggestion: Suggestion) -> None:
        self._judge.took(suggestion)
        _learn(suggestion, self._judge, self._surrogate)


class _ManifoldRound:
    """Suggestions out of proposals near known latent vectors, drawn, decoded and judged once a round."""

    def __init__(self, judge: Judge, surrogate: Surrogate, start: Start, seed: int, number: int) -> None:
        self._judge, self._surrogate = judge, surrogate
        settings, registered = judge.settings, judge.registered
        labelled = np.flatnonzero(registered.is_labelled)
        order = labelled[np.argsort(-registered.values[labelled], kind="stable")]
        best = registered.latents[order[: settings.manifold.n_best]]
        drawn: list[Proposals] = []
        for draw in range(_DRAWS):
            rng = np.random.default_rng([seed, _MANIFOLD, number, draw])
            latents = near_known(best, start.population, settings.manifold, rng)
            proposals = judge.proposals(latents)
            drawn.append(proposals.take(_first_of_each(proposals, judge.permitted(proposals))))
            if sum(len(part) for part in drawn) >= 2 * settings.n_decoded:
                break
        self._pool = _joined(drawn)
        self._left = np.zeros(len(self._pool), dtype=bool)
        self._left[_first_of_each(self._pool, np.ones(len(self._pool), dtype=bool))] = True
        self._said: tuple[Floats, Floats] | None = None

    def choose(self, number: int) -> Choice | None:  # noqa: ARG002  proposals were drawn with the round
        if not self._left.any():
            return None
        if self._said is None:
            self._said = self._surrogate.predict(self._pool)
        return _best(self._pool, self._left, self._judge, self._surrogate, self._said)

    def took(self, suggestion: Suggestion) -> None:
        self._judge.took(suggestion)
        self._left &= (self._pool.latents != suggestion.latent).any(axis=1)
        if _learn(suggestion, self._judge, self._surrogate):
            self._said = None


def _best(
    proposals: Proposals,
    permitted: NDArray[np.bool_],
    judge: Judge,
    surrogate: Surrogate,
    said: tuple[Floats, Floats] | None = None,
) -> Choice:
    """Return the most worth of the permitted; the first of equals."""
    mean, spread = surrogate.predict(proposals) if said is None else said
    worth = np.where(permitted, judge.worth(proposals, mean, spread), -np.inf)
    at = int(worth.argmax()) if np.isfinite(worth).any() else int(permitted.argmax())
    return Choice(proposals.take(np.array([at])), float(worth[at]), float(mean[at]), float(spread[at]))


def _learn(suggestion: Suggestion, judge: Judge, surrogate: Surrogate) -> bool:
    """Register what does not decode, or believe the mean of what does, as the settings say; return whether so."""
    settings = judge.settings
    if not suggestion.decodes and settings.invalid == "register":
        surrogate.learn(suggestion.latent, judge.invalid_value)
        return True
    if suggestion.decodes and settings.believe:
        surrogate.believe(suggestion.latent)
        return True
    return False


def _first_of_each(proposals: Proposals, permitted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the rows of the permitted, of each composition the first; all of those that do not decode."""
    seen: set[str] = set()
    rows: list[int] = []
    for i in np.flatnonzero(permitted):
        formula = proposals.decoded.formulas[i]
        if formula is None or formula not in seen:
            rows.append(int(i))
        if formula is not None:
            seen.add(formula)
    return np.array(rows, dtype=np.int64)


def _joined(parts: Sequence[Proposals]) -> Proposals:
    return Proposals(
        np.concatenate([part.latents for part in parts]),
        Decoded(
            tuple(formula for part in parts for formula in part.decoded.formulas),
            tuple(reason for part in parts for reason in part.decoded.reasons),
        ),
        np.concatenate([part.confidence for part in parts]),
    )


def _typical_distance(latents: Latents) -> float:
    """Return the median distance of known vectors to their nearest neighbour; 1 where all are one point."""
    points = latents[:1000].astype(np.float64)
    squared = squared_distances(points, points)
    squared[squared == 0.0] = np.inf
    nearest = np.sqrt(squared.min(axis=1))
    finite = nearest[np.isfinite(nearest)]
    return float(np.median(finite)) if finite.size else 1.0
