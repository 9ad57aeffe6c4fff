"""The data sets that matsift computes itself: what is planned, where its journal lies, how it is packed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from matsift.candidates.oxides import plan_oxides
from matsift.candidates.plan import Candidate, plan_candidates
from matsift.errors import UserInputError
from matsift_adapters.data import DATASET, OXIDES
from matsift_adapters.data.oxide_packing import pack_oxides
from matsift_adapters.data.packing import pack
from matsift_adapters.oracles.chgnet import METHOD, METHOD_IN_SYMMETRY


@dataclass(frozen=True)
class Recipe:
    """How a data set is made.

    Parameters
    ----------
    method
        What the rows of its journal and its labels name as their method.
    journal
        Name of the journal in the working folder.
    plan
        Candidates of a seed, in the order in which to compute them.
    pack
        Writes the packed file of candidates and journal rows, and returns its counts of rows by role.
    """

    method: str
    journal: str
    plan: Callable[[int], Sequence[Candidate]]
    pack: Callable[[Sequence[Candidate], Iterable[dict[str, Any]], Path, int], dict[str, int]]


def recipe(dataset: str) -> Recipe:
    """Return the recipe of a data set.

    Raises
    ------
    UserInputError
        If there is none of this name.
    """
    if dataset not in RECIPES:
        raise UserInputError(f"there is no data set {dataset!r} to build; use one of {', '.join(RECIPES)}")
    return RECIPES[dataset]


def _pack_prototypes(
    candidates: Sequence[Candidate], rows: Iterable[dict[str, Any]], out: Path, seed: int
) -> dict[str, int]:
    return pack(candidates, rows, out, seed=seed, method=METHOD)


def _pack_oxides(
    candidates: Sequence[Candidate], rows: Iterable[dict[str, Any]], out: Path, _seed: int
) -> dict[str, int]:
    return pack_oxides(candidates, rows, out, method=METHOD_IN_SYMMETRY)


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        DATASET: Recipe(METHOD, "journal.jsonl", plan_candidates, _pack_prototypes),
        OXIDES: Recipe(METHOD_IN_SYMMETRY, "oxides.jsonl", plan_oxides, _pack_oxides),
    }
)
