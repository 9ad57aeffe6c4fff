"""The labelled crystals of mp_36737 with their descriptors, and their parts: start, pool, untouched test set."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.repro_001.features import features
from benchmarks.repro_001.real_data import MODULI, RealSet, data_folder
from benchmarks.repro_001.rows_kept import accepted
from benchmarks.repro_001.study_run import STUDY
from numpy.typing import NDArray

from matsift.acquisition.held_back import hold_back
from matsift.acquisition.replay_table import ReplayTable
from matsift.errors import UserInputError
from matsift.records import EntryRecord
from matsift.study.loading import load_study
from matsift.study.settings import Study
from matsift_adapters.sources.registry import open_source

TITLE = "Materials Project, labelled crystals of mp_36737"
PROPERTIES = ("g_vrh", "k_vrh")
ALKALI = ("Li", "Na", "K", "Rb", "Cs")
_IDS, _MODULI = "structures/mp_36737/material_id_hash.csv.gz", "elastic/mp_elasticity_labels.csv.gz"
_FACTS = ("band_gap", "formation_energy_per_atom", "energy_above_hull")


@dataclass(frozen=True, eq=False)
class Labelled:
    """Crystals whose two moduli pass the quality rules, in the order of their content hashes.

    `X` (n, n_column) of the sets of the study, `labels` property -> (n,) in GPa, `n_site` (n,), `formulae` and
    `elements` (n,); `n_stated` is how many crystals state both moduli.
    """

    X: NDArray[np.float64]
    labels: dict[str, NDArray[np.float64]]
    n_site: NDArray[np.int64]
    formulae: tuple[str, ...]
    elements: tuple[tuple[str, ...], ...]
    n_stated: int

    @property
    def is_alkali(self) -> NDArray[np.bool_]:
        """(n,) whether the crystal holds Li, Na, K, Rb or Cs."""
        return np.array([not set(ALKALI).isdisjoint(symbols) for symbols in self.elements], dtype=bool)


def load(home: Path, *, n_worker: int, limit: int | None = None) -> Labelled:
    """Return the crystals; what the descriptors cost is spent once and kept under `home`.

    Parameters
    ----------
    home
        Folder of the descriptors.
    n_worker
        Processes that parse and describe.
    limit
        Only the first of them, for trying.
    """
    study = _study(home, limit)
    data = _crystals(study, n_worker)
    table = features(data, cache=home / "descriptors", n_worker=n_worker)
    columns = np.array([name in study.descriptors.sets for name in table.set_of_column])
    good = accepted(data, study.labels.rules)
    rows = np.flatnonzero(good)
    formulae = data.formulae
    return Labelled(
        table.X[good][:, columns],
        {name: data.moduli[name][good] for name in PROPERTIES},
        np.array([data.crystals[i].n_site for i in rows]),
        tuple(formulae[i] for i in rows),
        tuple(tuple(data.crystals[i].elements) for i in rows),
        int(data.labelled.sum()),
    )


def split(data: Labelled, *, n_pool: int, test_share: float, seed: int) -> ReplayTable:
    """Return the parts of a replay: whole formulae test, alkali compounds come first into the pool, the rest trains.

    No formula of a test crystal stands in the other parts, and the test set is like the crystals as a whole, so that
    its error is an honest one. The start holds no alkali compound as long as the pool has room for all of them.

    Raises
    ------
    UserInputError
        If nothing is left to start from.
    """
    rng = np.random.default_rng(seed)
    names, of_row = np.unique(data.formulae, return_inverse=True)
    turn = rng.permutation(len(names))[of_row]
    order = np.argsort(turn, kind="stable")
    n_test = round(test_share * len(order))
    tested = turn <= turn[order[n_test - 1]]
    others = np.flatnonzero(~tested)
    if len(others) <= n_pool:
        raise UserInputError(f"{len(order)} labelled crystals are too few for a pool of {n_pool}; name a smaller one")
    held_back = hold_back([data.elements[i] for i in others], first=ALKALI, size=n_pool, seed=seed)
    return ReplayTable(
        data.X,
        data.labels,
        data.n_site,
        start=others[~held_back],
        pool=others[held_back],
        test=np.flatnonzero(tested),
        subsets={"alkali": data.is_alkali},
    )


def _study(home: Path, limit: int | None) -> Study:
    """Return the study of the paper's scale, its table narrowed to the rows that state moduli."""
    with gzip.open(data_folder() / _MODULI, "rt") as lines:
        stated = {row["material_id"] for row in csv.DictReader(lines)}
    with gzip.open(data_folder() / _IDS, "rt") as lines:
        kept = [line for line in lines if line.strip().rpartition(",")[2] in stated][:limit]
    home.mkdir(parents=True, exist_ok=True)
    path = (home / f"labelled_{len(kept)}.csv").resolve()
    path.write_text("".join(kept))
    folder, table = json.dumps(str(data_folder().resolve())), json.dumps(str(path))
    return load_study(STUDY, [f"sources.0.folder={folder}", f"sources.0.path={table}"])


def _crystals(study: Study, n_worker: int) -> RealSet:
    """Return crystals that state both moduli, each structure once, in the order of their content hashes."""
    entries = sorted(_entries(study, n_worker), key=lambda entry: (_hash(entry), entry.external_id))
    first = {_hash(entry): entry for entry in reversed(entries)}
    kept = [entry for entry in entries if first[_hash(entry)] is entry]
    values = {
        name: np.array([{x.property_name: x.value for x in e.labels}.get(name, np.nan) for e in kept])
        for name in (*MODULI, *_FACTS)
    }
    crystals = tuple(entry.crystal for entry in kept if entry.crystal is not None)
    facts = {name: values[name] for name in _FACTS}
    return RealSet("active", TITLE, "Na", crystals, {name: values[name] for name in MODULI}, facts)


def _entries(study: Study, n_worker: int) -> Iterator[EntryRecord]:
    for item in open_source(study.sources[0], Path(), n_worker=n_worker).iterate():
        if isinstance(item, EntryRecord) and item.crystal is not None:
            stated = {label.property_name for label in item.labels}
            if stated.issuperset(PROPERTIES):
                yield item


def _hash(entry: EntryRecord) -> str:
    return "" if entry.crystal is None else entry.crystal.content_hash
