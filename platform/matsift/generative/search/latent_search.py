"""A search in the latent space as a machine that is asked and told, and that its rows rebuild exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from matsift.errors import UserInputError
from matsift.generative.search.rounds import Choice, Registered, Round, open_round
from matsift.generative.search.settings import LatentSearchSettings
from matsift.generative.search.space import LatentSpace, Start, Suggestion

Floats = NDArray[np.float64]


class LatentSearch:
    """Suggestions, one at a time, in rounds.

    A round ends with its `n_decoded`-th suggestion that decodes, or its `n_suggestion`-th in all, or before that where
    no proposal is left. Labels enter the
    surrogate when the round is over, points that do not decode at once, as the paper's code does it. What is asked next
    depends on settings, space, start, seed and the rows so far, on nothing else: a search that `resume` builds from its
    rows goes on exactly as the one that was stopped.

    Parameters
    ----------
    settings
        Surrogate, acquisition, proposals, rounds.
    space
        Decoder, and what an ensemble needs.
    start
        Labelled latent vectors to begin with.
    seed
        Of all random choices.
    """

    def __init__(self, settings: LatentSearchSettings, space: LatentSpace, start: Start, seed: int) -> None:
        self.settings, self.space, self.start, self.seed = settings, space, start, seed
        self.rows: list[tuple[Suggestion, float | None]] = []
        self.round_number = 1
        self.finished = False
        self._first = self._heard = 0
        self._exhausted = False
        self._round: Round | None = None
        self._direction = 1.0 if settings.goal == "maximize" else -1.0

    @classmethod
    def resume(
        cls,
        settings: LatentSearchSettings,
        space: LatentSpace,
        start: Start,
        seed: int,
        rows: Iterable[tuple[Suggestion, float | None]],
    ) -> LatentSearch:
        """Return the search that was told these rows, in the order of their numbers.

        Raises
        ------
        UserInputError
            If the rows are not those of such a search: a number is missing, or a round does not end where it must.
        """
        search = cls(settings, space, start, seed)
        for suggestion, value in rows:
            search.tell(suggestion, value)
        return search

    @property
    def pending(self) -> tuple[Suggestion, ...]:
        """Suggestions of this round that decode and have no label yet, in order."""
        return tuple(s for s, value in self.rows[self._first :] if s.decodes and value is None)

    @property
    def must_label(self) -> bool:
        """Whether the round is over and waits for labels."""
        return self._is_over() and bool(self.pending)

    def ask(self) -> Suggestion:
        """Return the next point, decoded; asking twice returns the same.

        Linear algebra runs on one thread meanwhile: how a sum is parted among threads would show in its last digits.

        Raises
        ------
        UserInputError
            If the search is finished, or the round waits for labels.
        """
        if self.finished:
            raise UserInputError("the search is finished; give it more rounds, or a larger budget, to go on")
        if self.must_label:
            raise UserInputError(f"round {self.round_number} waits for {len(self.pending)} labels; give them first")
        with threadpool_limits(1):
            choice = self._choose()
        if choice is None and self._first < len(self.rows):
            self._exhausted = True
            self._close()
            return self.ask()
        if choice is None:
            raise UserInputError(
                f"round {self.round_number} has nothing left to suggest; propose more points, or restrict them less"
            )
        decoded = choice.proposal.decoded
        return Suggestion(
            self.round_number,
            len(self.rows) + 1,
            choice.proposal.latents[0],
            choice.worth,
            self._direction * choice.mean,
            choice.spread,
            decoded.formulas[0],
            decoded.reasons[0],
        )

    def _choose(self) -> Choice | None:
        """Return the next point of this round, which is opened, and hears its rows, where it was not yet."""
        if self._round is None:
            self._round = open_round(
                self.settings, self.space, self.start, self._registered(), self.seed, self.round_number
            )
            self._heard = self._first
        for suggestion, _ in self.rows[self._heard :]:
            self._round.took(suggestion)
        self._heard = len(self.rows)
        return self._round.choose(len(self.rows) + 1)

    def tell(self, suggestion: Suggestion, value: float | None = None) -> None:
        """Take a suggestion as made, with its label, or with None for one that `label` will bring or that has none.

        A label that is NaN stands for a composition that could not be labelled: it counts as suggested, and is not
        registered.

        Raises
        ------
        UserInputError
            If it is not the next one, or a label comes for what does not decode.
        """
        if suggestion.round_number == self.round_number + 1 and self._first < len(self.rows) and not self.pending:
            self._exhausted = True
            self._close()
        if self.finished or (suggestion.number, suggestion.round_number) != (len(self.rows) + 1, self.round_number):
            raise UserInputError(
                f"suggestion {suggestion.number} of round {suggestion.round_number} is not the next one, which is "
                f"{len(self.rows) + 1} of round {self.round_number}; tell the rows in their order, of one search"
            )
        if value is not None and not suggestion.decodes:
            raise UserInputError(f"suggestion {suggestion.number} does not decode and can have no label")
        self.rows.append((suggestion, None if value is None else float(value)))
        self._close()

    def label(self, values: Sequence[float]) -> None:
        """Give the labels of `pending`, in order; NaN where a composition could not be labelled.

        Raises
        ------
        UserInputError
            If there are not as many.
        """
        waiting = [i for i in range(self._first, len(self.rows)) if self._waits(i)]
        if len(values) != len(waiting):
            raise UserInputError(f"{len(waiting)} suggestions wait for a label, {len(values)} came")
        for i, value in zip(waiting, values, strict=True):
            self.rows[i] = (self.rows[i][0], float(value))
        self._close()

    def _waits(self, i: int) -> bool:
        suggestion, value = self.rows[i]
        return suggestion.decodes and value is None

    def _is_over(self) -> bool:
        asked = self.rows[self._first :]
        n_decoded = sum(suggestion.decodes for suggestion, _ in asked)
        return (
            self._exhausted
            or n_decoded >= self.settings.n_decoded
            or len(asked) >= self.settings.n_suggestion
            or (self.settings.budget is not None and len(self.rows) >= self.settings.budget)
        )

    def _close(self) -> None:
        """Begin the next round where this one is over and labelled, or finish."""
        if not self._is_over() or self.pending:
            return
        spent = self.settings.budget is not None and len(self.rows) >= self.settings.budget
        if spent or self.round_number >= self.settings.n_round:
            self.finished = True
            return
        self.round_number += 1
        self._first = len(self.rows)
        self._exhausted = False
        self._round = None

    def _registered(self) -> Registered:
        """Return what the present round starts from: start and earlier rounds, in order."""
        latents, values = [self.start.latents], [self._direction * self.start.values]
        formulas: list[str | None] = list(self.start.formulas)
        for suggestion, value in self.rows[: self._first]:
            if suggestion.decodes and value is not None and np.isfinite(value):
                registered = self._direction * value
            elif not suggestion.decodes and self.settings.invalid == "register":
                registered = self._direction * self.settings.invalid_value
            else:
                continue
            latents.append(suggestion.latent[None])
            values.append(np.array([registered]))
            formulas.append(suggestion.formula)
        earlier = self.rows[: self._first]
        known = {*self.start.formulas, *(s.formula for s, _ in earlier if s.formula is not None)}
        return Registered(np.concatenate(latents), np.concatenate(values), tuple(formulas), known)
