"""Descriptors of structures that need not be in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.batches import Batch, compute_many
from matsift.descriptors.registry import compute_chunk, descriptor_set, is_sparse
from matsift.errors import BadStructureError, UserInputError
from matsift.formulae import formulae
from matsift_flows.api.frames import Frame, Library, checked_library, column, is_frame, new_frame
from matsift_flows.facts import FACTS

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: A structure, or several.
Structures: TypeAlias = "Structure | Crystal | Iterable[Structure | Crystal]"

_TIME_LIMIT_S = 60.0
_CHUNK = 100


@dataclass(frozen=True, eq=False)
class Described:
    """n structures in some descriptor sets.

    `values` is (n, n_column), NaN where a value is unknown; `problems` says why a structure has none, None where it
    does.
    """

    hashes: list[str | None]
    formulae: list[str | None]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    problems: list[str | None]


def featurize(
    structures: Structures,
    sets: Sequence[str],
    *,
    facts: Frame | Mapping[str, Sequence[float]] | None = None,
    workers: int | None = None,
    frames: Library = "pandas",
) -> Frame:
    """Return the descriptors of structures, one row a structure in the order given.

    Parameters
    ----------
    structures
        Structures of pymatgen, or crystals of matsift.
    sets
        Descriptor sets, for example ``["magpie", "voronoi"]``; their columns stand side by side. A name that two sets
        share is written ``set.column``.
    facts
        Columns of a frame, or name -> values, one a structure: ``band_gap`` (eV), ``formation_energy_per_atom`` and
        ``energy_above_hull`` (eV/atom), which the sets `mp` and `mp_energy` read. What is not given is unknown.
    workers
        Processes to compute in, each structure with a time limit; in this process without a limit if None.
    frames
        ``"pandas"`` or ``"polars"``.

    Returns
    -------
    frame
        `structure_hash`, `formula`, the columns of the sets in the single precision in which the database keeps them,
        and `problem`: why a structure has no values, missing where it has.

    Raises
    ------
    UserInputError
        If a set does not exist or has no columns, or facts are not one a structure.
    """
    library = checked_library(frames)
    found = described(structures, sets, facts=facts, workers=workers)
    columns = dict(zip(found.columns, found.values.T, strict=True))
    return new_frame(
        {"structure_hash": found.hashes, "formula": found.formulae, **columns, "problem": found.problems}, library
    )


def described(
    structures: Structures,
    sets: Sequence[str],
    *,
    facts: Frame | Mapping[str, Sequence[float]] | None = None,
    workers: int | None = None,
) -> Described:
    """Return the descriptors of structures as arrays; parameters and errors are those of `featurize`."""
    names = [sets] if isinstance(sets, str) else list(dict.fromkeys(sets))
    if not names:
        raise UserInputError("name one descriptor set at least")
    for name in names:
        if is_sparse(descriptor_set(name).name):
            raise UserInputError(f"{name} gives lists, not columns; choose another descriptor set")
    given = one_or_many(structures)
    crystals, problems = _crystals(given)
    known = {key: _facts_of(facts, key, len(given)) for key in FACTS} if facts is not None else {}
    places = np.array([i for i, problem in enumerate(problems) if problem is None], dtype=np.int64)
    columns = column_names(names)
    values = np.full((len(given), len(columns)), np.nan)
    here = {key: value[places] for key, value in known.items() if value is not None}
    for keys, chunks in _computed(names, [cast("Crystal", crystals[i]) for i in places], here, workers):
        rows = places[keys]
        blocks = [chunks[name].values for name in names]
        values[rows] = np.concatenate(blocks, axis=1).astype(np.float32)
        for chunk in chunks.values():
            for position, (_, sentence) in chunk.failures.items():
                problems[int(rows[position])] = sentence
    return Described(
        [None if c is None else c.content_hash for c in crystals],
        [None if c is None else _formula(c) for c in crystals],
        columns,
        values,
        problems,
    )


def column_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of sets side by side; a name that two share is written ``set.column`` in both."""
    every = [(name, column) for name in names for column in descriptor_set(name).columns]
    counts = [column for _, column in every]
    return tuple(f"{name}.{column}" if counts.count(column) > 1 else column for name, column in every)


def one_or_many(structures: Structures) -> list[Any]:
    """Return structures as a list, a single one as a list of one."""
    if isinstance(structures, Crystal) or hasattr(structures, "lattice"):
        return [structures]
    return list(structures)


def _crystals(given: Sequence[Any]) -> tuple[list[Crystal | None], list[str | None]]:
    crystals: list[Crystal | None] = []
    problems: list[str | None] = []
    for position, structure in enumerate(given):
        if not isinstance(structure, Crystal) and not hasattr(structure, "lattice"):
            raise UserInputError(
                f"row {position} is no structure but {type(structure).__name__}; give structures of pymatgen"
            )
        try:
            crystals.append(structure if isinstance(structure, Crystal) else Crystal.from_pymatgen(structure))
            problems.append(None)
        except BadStructureError as error:
            crystals.append(None)
            problems.append(str(error))
    return crystals, problems


def _facts_of(facts: Any, name: str, n: int) -> NDArray[np.float64] | None:
    if name not in (facts.columns if is_frame(facts) else facts):
        return None
    values = np.array(column(facts, name) if is_frame(facts) else facts[name], dtype=np.float64)
    if values.shape != (n,):
        raise UserInputError(f"there are {n} structures but {len(values)} values of {name}")
    return values


def _computed(
    names: Sequence[str], crystals: Sequence[Crystal], facts: Mapping[str, NDArray[np.float64]], workers: int | None
) -> Iterable[Batch]:
    if workers is not None:
        yield from compute_many(names, crystals, facts or None, n_worker=workers, time_limit_s=_TIME_LIMIT_S)
        return
    for start in range(0, len(crystals), _CHUNK):
        part = crystals[start : start + _CHUNK]
        keys = np.arange(start, start + len(part))
        told = {name: values[keys] for name, values in facts.items()}
        yield keys, compute_chunk((names, part, told or None))


def _formula(crystal: Crystal) -> str:
    amounts = dict.fromkeys(crystal.elements, 0.0)
    for symbol, occupancy in zip(crystal.species, crystal.occupancies.tolist(), strict=True):
        amounts[symbol] += occupancy
    return formulae(amounts).reduced
