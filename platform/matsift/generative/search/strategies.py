"""Searches by name: the paper's, its variants, and what is tried beside it."""

from __future__ import annotations

from typing import Any

from matsift.errors import UserInputError
from matsift.generative.search.settings import LatentSearchSettings

#: What every search beyond the paper's shares: only what decodes, is new, and permitted by chemistry is asked for.
_CHECKED: dict[str, Any] = {
    "invalid": "ignore",
    "only_decodable": True,
    "only_new": True,
    "only_acceptable": True,
}

_TABLES: dict[str, dict[str, Any]] = {
    "paper": {},
    "paper_climbs": {"box": {"n_climb": 10}},
    "paper_text": {"invalid": "ignore"},
    "paper_improvement": {"acquisition": "expected_improvement"},
    "paper_checked": {**_CHECKED},
    "paper_weighted": {"decode_weight": 1.0},
    "components": {**_CHECKED, "process": {"components": 16, "refit": "round"}, "kappa": 2.0},
    "manifold_process": {
        **_CHECKED,
        "proposals": "manifold",
        "process": {"refit": "round", "components": 16},
        "kappa": 2.0,
        "believe": True,
    },
    "manifold_ensemble": {
        **_CHECKED,
        "surrogate": "ensemble",
        "proposals": "manifold",
        "manifold": {"from_best": 0.8, "n_best": 30},
        "kappa": 0.5,
        "diversity": 0.3,
    },
}


def known_searches() -> tuple[str, ...]:
    """Return the names of the searches that `named_search` knows."""
    return tuple(_TABLES)


def named_search(name: str, **changes: Any) -> LatentSearchSettings:
    """Return the settings of a search, with some of them changed.

    `paper`: what the paper's code does, kappa 100. `paper_climbs`: the maximiser of its package to the letter, whose
    climbs give one point many times (see `BoxSettings`). `paper_text`: what the paper's text says, points that do not
    decode are not registered. `paper_improvement`: expected improvement. `paper_checked`: the paper's process and box,
    but the maximiser passes over what does not decode, is known, or breaks the rules of chemistry. `paper_weighted`:
    the probability of decoding in the acquisition. `components`: 16 principal components in place of 128 dimensions.
    `manifold_process`: the same process, proposals near known latent vectors, batches by GP-BUCB. `manifold_ensemble`:
    a calibrated ensemble of composition descriptors, the same proposals, batches spread by local penalties.

    A table among the changes (`process={...}`) changes its keys and leaves the others.

    Raises
    ------
    UserInputError
        If there is no such search.
    """
    if name not in _TABLES:
        raise UserInputError(f"there is no latent search {name!r}; use one of {', '.join(_TABLES)}")
    table = dict(_TABLES[name])
    for key, change in changes.items():
        table[key] = {**table.get(key, {}), **change} if isinstance(change, dict) else change
    return LatentSearchSettings.model_validate(table)
