"""The latent space as the search sees it: what decodes, what a composition is like, where the search begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError

Floats = NDArray[np.float64]
Latents = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Decoded:
    """What n latent vectors decode to.

    Parameters
    ----------
    formulas
        (n,) reduced formula, None where a vector does not decode.
    reasons
        (n,) why not, None where it does.
    """

    formulas: tuple[str | None, ...]
    reasons: tuple[str | None, ...]

    @property
    def decodes(self) -> NDArray[np.bool_]:
        """(n,) whether a vector decodes."""
        return np.array([formula is not None for formula in self.formulas], dtype=bool)


@dataclass(frozen=True)
class LatentSpace:
    """A decoder, and what else is known of compositions.

    Parameters
    ----------
    decode
        (n, d) float32 latent vectors -> `Decoded`.
    describe
        Formulas -> (n, n_column) descriptors; only an ensemble needs them.
    accepts
        Formulas -> (n,) whether chemistry permits them; None: all.
    confidence
        (n, d) latent vectors -> (n,) probability that they decode; only a search that weighs it needs it.
    confidence_slopes
        (n, d) latent vectors -> (n,) logarithm of that probability and its (n, d) gradient, by which climbs in the box
        go towards what decodes; None: they regard the property alone.
    """

    decode: Callable[[Latents], Decoded]
    describe: Callable[[Sequence[str]], Floats] | None = None
    accepts: Callable[[Sequence[str]], NDArray[np.bool_]] | None = None
    confidence: Callable[[Latents], Floats] | None = None
    confidence_slopes: Callable[[Latents], tuple[Floats, Floats]] | None = None


@dataclass(frozen=True, eq=False)
class Start:
    """What is known before the first suggestion.

    Parameters
    ----------
    latents
        (n, d) float32 latent vectors of labelled compositions; their extent is the box of the search.
    values
        (n,) labels, in the unit of the property.
    formulas
        (n,) their formulas.
    population
        (m, d) latent vectors of known compositions, labelled or not, from which proposals may set out; the labelled
        ones where left out.

    Raises
    ------
    UserInputError
        If there are fewer than two, shapes disagree, or a number is not finite.
    """

    latents: Latents
    values: Floats
    formulas: tuple[str, ...]
    population: Latents = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    def __post_init__(self) -> None:
        """Check that all arrays speak of the same compositions, and bring the latent vectors to float32."""
        latents = np.ascontiguousarray(self.latents, dtype=np.float32)
        values = np.ascontiguousarray(self.values, dtype=np.float64)
        if latents.ndim != 2 or len(latents) < 2 or values.shape != (len(latents),):
            raise UserInputError(
                f"a search needs at least two labelled latent vectors; there are {latents.shape} and {values.shape}"
            )
        if len(self.formulas) != len(latents):
            raise UserInputError(f"{len(latents)} latent vectors have {len(self.formulas)} formulas")
        population = np.ascontiguousarray(self.population, dtype=np.float32)
        population = population if population.size else latents
        if population.shape[1:] != latents.shape[1:]:
            raise UserInputError(f"the population has {population.shape[1]} dimensions, the start {latents.shape[1]}")
        if not (np.isfinite(latents).all() and np.isfinite(values).all() and np.isfinite(population).all()):
            raise UserInputError("a search needs finite latent vectors and labels")
        for name, value in (("latents", latents), ("values", values), ("population", population)):
            object.__setattr__(self, name, value)

    @property
    def bounds(self) -> Floats:
        """(d, 2) smallest and largest value along each direction."""
        return np.stack([self.latents.min(axis=0), self.latents.max(axis=0)], axis=1).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Suggestion:
    """One point that the search asks for; a fact once it is stored.

    Parameters
    ----------
    round_number, number
        Of the round, and of the suggestion in the whole search; both from 1.
    latent
        (d,) float32.
    worth
        Value of the acquisition function, large is good whatever the goal.
    mean, spread
        What the surrogate predicts, in the unit of the property.
    formula, reason
        What the point decodes to, or why it does not.
    """

    round_number: int
    number: int
    latent: Latents
    worth: float
    mean: float
    spread: float
    formula: str | None
    reason: str | None

    @property
    def decodes(self) -> bool:
        """Whether there is a composition to label."""
        return self.formula is not None


@dataclass(frozen=True, eq=False)
class Proposals:
    """Latent vectors that a round may choose from: (n, d) float32, what each decodes to, and how surely, (n,)."""

    latents: Latents
    decoded: Decoded
    confidence: Floats

    def __len__(self) -> int:
        return len(self.latents)

    def take(self, rows: NDArray[np.int64]) -> Proposals:
        """Return some of them."""
        formulas, reasons = self.decoded.formulas, self.decoded.reasons
        chosen = Decoded(tuple(formulas[i] for i in rows), tuple(reasons[i] for i in rows))
        return Proposals(self.latents[rows], chosen, self.confidence[rows])
