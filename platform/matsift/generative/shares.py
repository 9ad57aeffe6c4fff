"""How many of the compositions of a maker are valid, unique and new: beside chance, and beside the known formulas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.generative.formulas import Compositions
from matsift.generative.sampling import CHUNK, Maker, SizeLimits, sample_chunks, shuffled_maker, uniform_maker
from matsift.generative.validity import ValidityRules, validity


@dataclass(frozen=True)
class Shares:
    """Shares, each of all `n_made` compositions of a maker that are counted; NaN if there are none.

    Parameters
    ----------
    maker
        Who made them: "gan", "uniform", "shuffled", "known".
    n_drawn, n_made
        Compositions drawn, and those of them within the limits of size: of these are the shares.
    charge_neutral, valid
        A choice of oxidation states is neutral; and keeps Pauling's order (`matsift.generative.validity`).
    valid_without_metals
        Valid among those that are not metals alone, of which charges decide nothing.
    unique
        Different reduced formulas.
    new
        Not among the known formulas, repetitions counted.
    valid_unique_new
        Different reduced formulas that are valid and not among the known.
    """

    maker: str
    n_drawn: int
    n_made: int
    charge_neutral: float
    valid: float
    valid_without_metals: float
    unique: float
    new: float
    valid_unique_new: float

    def as_dict(self) -> dict[str, float]:
        """Return the shares and the two numbers by name, as they are stored with a generator."""
        return {name: value for name, value in asdict(self).items() if name != "maker"}


def shares(
    maker: str,
    drawn: Compositions,
    known: Compositions,
    limits: SizeLimits | None = None,
    rules: ValidityRules | None = None,
) -> Shares:
    """Return the shares of what a maker has drawn, against known formulas (reduced here).

    For the known formulas themselves give them as both: their `new` is 0.
    """
    limits = limits or SizeLimits()
    made = drawn.select(limits.within(drawn)).reduced()
    distinct = made.unique()
    place = made.position_in(distinct)
    verdicts = validity(distinct, rules)
    new = ~distinct.is_in(known.reduced())
    n = len(made)

    def share(of_distinct: NDArray[np.bool_]) -> float:
        return float(of_distinct[place].mean()) if n else float("nan")

    others = ~verdicts.alloy[place]
    return Shares(
        maker,
        len(drawn),
        n,
        share(verdicts.charge_neutral),
        share(verdicts.valid),
        float(verdicts.valid[place][others].mean()) if others.any() else float("nan"),
        len(distinct) / n if n else float("nan"),
        share(new),
        float((verdicts.valid & new).sum() / n) if n else float("nan"),
    )


def shares_of(
    makers: Mapping[str, Maker],
    known: Compositions,
    n: int,
    seed: int,
    limits: SizeLimits | None = None,
    rules: ValidityRules | None = None,
) -> list[Shares]:
    """Return the shares of n compositions of each maker, of the two kinds of chance, and of the known formulas."""
    limits = limits or SizeLimits()
    elements = np.flatnonzero((known.counts > 0).any(axis=0)) + 1
    chance = {"shuffled": shuffled_maker(known, limits)}
    if limits.most_elements and limits.most_count:
        chance["uniform"] = uniform_maker(elements, limits)
    found = [
        shares(name, Compositions.concatenated(sample_chunks(maker, n, seed, chunk=CHUNK)), known, limits, rules)
        for name, maker in {**makers, **chance}.items()
    ]
    return [*found, shares("known", known, known, limits, rules)]
