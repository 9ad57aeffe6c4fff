"""Searches as jobs: from an experiment's start, by a strategy, labelled by the oracle, kept one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.kept_lines import KeptLines
from benchmarks.repro_004 import paper
from benchmarks.repro_004.data import Gaps
from benchmarks.repro_004.running import Result
from benchmarks.repro_004.setup import Setup
from benchmarks.repro_004.strategies import BY_KEY
from numpy.typing import NDArray

from matsift.descriptors.of_compositions import compute_compositions
from matsift.errors import UserInputError
from matsift.generative.formulas import Compositions
from matsift.generative.search.latent_search import LatentSearch
from matsift.generative.search.space import LatentSpace, Start, Suggestion
from matsift.generative.validity import validity

#: How often a course is told of.
STEP = 50


@dataclass(frozen=True)
class Search:
    """A search: the experiment whose rows it starts from, the strategy, and the seed."""

    experiment: str
    strategy: str
    seed: int = 0

    def __str__(self) -> str:
        """Return its name."""
        return f"search {self.experiment} {self.strategy} seed {self.seed}"

    def mark(self, setup: Setup) -> str:
        """Return twelve characters that tell its suggestions from others."""
        settings = BY_KEY[self.strategy].filled(budget=setup.plan.budget, small=setup.plan.small)
        parts = (str(self), settings.model_dump_json(), *map(setup.mark, ("autoencoder", "oracle", "search")))
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]

    def path(self, setup: Setup) -> Path:
        """Return where its suggestions lie."""
        return setup.home / "searches" / f"{self.mark(setup)}.jsonl"

    def key(self, setup: Setup) -> str:
        """Return its name with all that its result depends on."""
        return f"{self} {self.mark(setup)}"

    def made(self, setup: Setup) -> bool:
        """Return whether its suggestions are there."""
        return self.path(setup).exists()

    def run(self, setup: Setup) -> Result:
        """Return the course of the search, which goes on where an earlier run stopped."""
        place = self.path(setup)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()  # a search that suggests nothing has its file as well
        lines = KeptLines(place)
        settings = BY_KEY[self.strategy].filled(budget=setup.plan.budget, small=setup.plan.small)
        rows = [_read(line) for _, line in lines]
        search = LatentSearch.resume(settings, space(setup), start(setup, self.experiment), self.seed, rows)
        while not search.finished:
            try:
                suggestion = search.ask()
            except UserInputError:  # nothing near a known vector decodes, is new and balances its charges
                break
            value = None
            if suggestion.formula is not None:
                value = float(setup.label(Compositions.from_formulas([suggestion.formula]))[0])
            search.tell(suggestion, value)
            lines.keep(str(suggestion.number), _written(suggestion, value))
            rows.append((suggestion, value))
        return course(setup, self.experiment, rows)


def found(setup: Setup, job: Search) -> Gaps:
    """Return the rows that a search brings to train on: each new compound once, elements left out."""
    return new_rows(setup, job.experiment, [_read(line) for _, line in KeptLines(job.path(setup))])[0]


Row = tuple[Suggestion, float | None]


def new_rows(setup: Setup, experiment: str, rows: Sequence[Row]) -> tuple[Gaps, NDArray[np.int64]]:
    """Return the compounds, each once, that an experiment does not start from, and (n,) the number of suggestion."""
    labelled = [(s.number, s.formula, value) for s, value in rows if s.formula is not None and value is not None]
    compositions = Compositions.from_formulas([formula for _, formula, _ in labelled]).reduced()
    known = setup.data.initial[experiment].compositions.reduced()
    first = compositions.first_rows()
    kept = first[(compositions.n_element[first] > 1) & ~compositions.select(first).is_in(known)]
    numbers = np.array([number for number, _, _ in labelled], dtype=np.int64)
    return Gaps(compositions.select(kept), np.array([value for _, _, value in labelled])[kept]), numbers[kept]


def course(setup: Setup, experiment: str, rows: Sequence[Row]) -> Result:
    """Return what a search found: counts, and how they grew with the suggestions.

    A composition is wide if the oracle's gap reaches 6 eV, valid if its charges balance, novel if it is not among the
    known formulas. `wide_by` and `best_by` stand for every fiftieth suggestion.
    """
    new, numbers = new_rows(setup, experiment, rows)
    wide = new.gaps >= paper.WIDE_GAP
    valid = validity(new.compositions).valid
    novel = ~new.compositions.is_in(setup.data.known)
    values = np.array([np.nan if value is None else value for _, value in rows])
    steps = range(STEP, len(rows) + STEP, STEP)
    any_wide = np.flatnonzero(values >= paper.WIDE_GAP)
    return {
        "n": len(rows),
        "n_decoded": int(np.isfinite(values).sum()),
        "n_new": len(new),
        "n_valid": int(valid.sum()),
        "n_novel": int((valid & novel).sum()),
        "n_wide": int(wide.sum()),
        "n_wide_valid": int((wide & valid).sum()),
        "n_wide_novel": int((wide & valid & novel).sum()),
        "mean_gap": float(new.gaps.mean()) if len(new) else None,
        "best": float(new.gaps.max(initial=0.0)),
        "first_wide": int(any_wide[0]) + 1 if len(any_wide) else None,
        "wide_by": [int((wide & (numbers <= step)).sum()) for step in steps],
        "decoded_by": [int(np.isfinite(values[:step]).sum()) for step in steps],
        "best_by": [float(np.nanmax(values[:step], initial=0.0)) for step in steps],
    }


def start(setup: Setup, experiment: str) -> Start:
    """Return what a search knows before it suggests: the experiment's rows, and where known formulas lie."""
    rows = setup.data.initial[experiment]
    return Start(
        setup.encode(rows.compositions),
        rows.gaps,
        tuple(rows.compositions.formulas()),
        setup.population,
    )


def space(setup: Setup) -> LatentSpace:
    """Return the latent space of the autoencoder; chemistry accepts what balances its charges."""
    from matsift.generative.search.decoder import autoencoder_space  # noqa: PLC0415  imports torch

    return autoencoder_space(setup.autoencoder, describe=_described, accepts=_balanced)


def _described(formulas: Sequence[str]) -> NDArray[np.float64]:
    return compute_compositions(["magpie"], formulas).values


def _balanced(formulas: Sequence[str]) -> NDArray[np.bool_]:
    return validity(Compositions.from_formulas(formulas)).valid


def _written(suggestion: Suggestion, value: float | None) -> dict[str, Any]:
    of = {name: getattr(suggestion, name) for name in _NAMES}
    return {**of, "latent": [float(x) for x in suggestion.latent], "value": value}


_NAMES = ("round_number", "number", "worth", "mean", "spread", "formula", "reason")


def _read(line: dict[str, Any]) -> Row:
    latent = np.array(line["latent"], dtype=np.float32)
    return Suggestion(latent=latent, **{name: line[name] for name in _NAMES}), line["value"]
