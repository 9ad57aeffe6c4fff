"""Isotypic copies of training crystals: other elements of the same groups of the periodic table, other cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from benchmarks.repro_002.task import Items

from matsift.crystal import Crystal
from matsift.diffraction.augmentation import scaled_by_volume, with_swapped_elements
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.leakage import leaks_into
from matsift.diffraction.sparse import SparseProfiles


def with_copies(
    items: Items, crystals: Sequence[Crystal], held_out: Sequence[Items], *, n_copy: int, seed: int
) -> Items:
    """Return training items and copies of them, without those that leak into items that are asked about.

    Parameters
    ----------
    items, crystals
        n items and their crystals.
    held_out
        What no copy may leak into (the five-bin rule).
    n_copy
        Copies of each crystal: elements swapped in its cell, volume scaled by exp(N(0, 0.1)).
    seed
        Of the copies.
    """
    parts = [items, *(_copies(items, crystals, held_out, np.random.default_rng([seed, i])) for i in range(n_copy))]
    return Items(
        np.concatenate([part.rows for part in parts]),
        SparseProfiles.concatenate(part.profiles for part in parts),
        np.concatenate([part.groups for part in parts]),
        np.concatenate([part.volumes for part in parts]),
        np.concatenate([part.classes for part in parts]),
    )


def _copies(items: Items, crystals: Sequence[Crystal], held_out: Sequence[Items], rng: np.random.Generator) -> Items:
    """Return one copy of each item, as far as it has a profile and leaks into nothing."""
    swapped = [replace(with_swapped_elements(crystal, rng), lattice=crystal.lattice) for crystal in crystals]
    made = [scaled_by_volume(crystal, rng) for crystal in swapped]
    growth = np.array([copy.volume / crystal.volume for copy, crystal in zip(made, crystals, strict=True)])
    profiles, failures = ideal_profiles(made)
    kept = np.ones(len(made), dtype=bool)
    kept[list(failures)] = False
    for asked in held_out:
        kept &= ~leaks_into(profiles, items.classes, asked.profiles, asked.classes)
    return Items(
        items.rows[kept],
        profiles.take(kept),
        items.groups[kept],
        (items.volumes * growth)[kept],
        items.classes[kept],
    )
