"""The tabular learners on the official matbench v0.1 tasks, on those of their rows that can be linked to a structure.

Official row order and folds (``KFold(5, shuffle=True, random_state=18012019)`` over all 10,987 rows), restricted to the
linked rows, which are fewer to learn from and not a random choice: the figures stand beside the leaderboard's, they are
not an entry of it. Columns of computed energies and gaps are left out, as a matbench task gives a structure alone.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from benchmarks.repro_001 import paper
from benchmarks.repro_001.from_database import features_of, ids_of_entries
from benchmarks.repro_001.jobs import Job, Rows
from benchmarks.repro_001.paper import PROPERTIES, SYMBOL
from benchmarks.repro_001.real_data import data_folder
from benchmarks.repro_001.tables import Results, markdown
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from matsift.study.settings import Study
from matsift_flows.facts import known_properties
from matsift_flows.snapshots import descriptor_set_ids
from matsift_flows.workspace import Workspace
from matsift_schema.store.descriptors import has_descriptors
from matsift_schema.store.structures import load_structures

SETS = ("mp", "packing", "magpie", "voronoi")
LEARNERS = ("lightgbm_ensemble", "blend")
_COLUMN = {"k_vrh": "log10(K_VRH)", "g_vrh": "log10(G_VRH)"}
_SURE = "label+sg"
FEWEST_ROWS = 100


def rows_of(workspace: Workspace, study: Study) -> Rows | None:
    """Return the linked rows in official order, moduli in GPa, with official folds; None where too few are there.

    `has_element` marks the rows whose link is sure: formula, space group and both moduli agree.
    """
    official = {name: _official(name) for name in PROPERTIES}
    links = {int(row["mbid_kvrh"].rsplit("-", 1)[1]) - 1: row for row in _links() if row["n_candidates"] == "1"}
    folds = np.empty(len(official["k_vrh"]), dtype=np.int64)
    for fold, (_, test) in enumerate(KFold(5, shuffle=True, random_state=18012019).split(folds)):
        folds[test] = fold
    with workspace.sessions.begin() as session:
        known = ids_of_entries(session, study.sources[0].name)
        chosen = [i for i in sorted(links) if links[i]["mp_id"] in known]
        if len(chosen) < FEWEST_ROWS:
            return None
        unique, place = np.unique([known[links[i]["mp_id"]] for i in chosen], return_inverse=True)
        features = features_of(session, unique, known_properties(session, study, unique))
        there = has_descriptors(session, descriptor_set_ids(session, SETS), unique)[place]
        described = load_structures(session, ids=unique)
    formula_of = dict(zip(described.ids.tolist(), described.reduced_formulae, strict=True))
    rows = np.array(chosen)[there]
    named = zip(features.set_of_column, features.names, strict=True)
    columns = np.array([s in SETS and column != "band_gap_ev" for s, column in named])
    return Rows(
        X=features.X[place[there]][:, columns],
        y={name: 10.0 ** official[name][rows] for name in PROPERTIES},
        has_element=np.array([links[i]["match"] == _SURE for i in rows], dtype=bool),
        formulae=tuple(formula_of[int(key)] for key in unique[place[there]]),
        set_of_column=tuple(np.array(features.set_of_column)[columns]),
        candidates=np.empty((0, int(columns.sum()))),
        fold=folds[rows],
    )


def jobs_of() -> Iterator[Job]:
    """Yield a job a fold, property and learner."""
    for name in PROPERTIES:
        for fold in range(5):
            for learner in reversed(LEARNERS):
                yield Job("matbench", name, SETS, 1, (("fold", fold), ("learner", learner)))


def section(rows: Rows, results: Results) -> list[str]:
    """Return the mean absolute errors in log10 GPa beside the leaderboard's."""
    told = (
        f"{len(rows.X):,} of the 10,987 official rows have a structure here, {int(rows.has_element.sum()):,} of them "
        "by a sure link (formula, space group and both moduli agree). Official order and folds, but these rows only, "
        "so with fewer rows to learn from than the leaderboard's models had. Mean of the five folds, log10 GPa."
    )
    table = []
    for name in PROPERTIES:
        board = ", ".join(f"{model} {error}" for model, error in paper.MATBENCH[name].items())
        for learner in LEARNERS:
            folds = [_by_fold(rows, results, name, learner, fold) for fold in range(5)]
            every, sure = (np.mean(column) for column in zip(*folds, strict=True))
            table.append(
                (SYMBOL[name], learner, f"{every:.4f}", f"{sure:.4f}", board if learner == LEARNERS[0] else "")
            )
    header = ("", "learner, target log10", "linked rows", "sure links alone", "leaderboard, all rows")
    return ["### matbench v0.1 log_kvrh and log_gvrh", "", told, "", *markdown(header, table)]


def _by_fold(rows: Rows, results: Results, name: str, learner: str, fold: int) -> tuple[float, float]:
    (errors,) = (
        np.array(measured["errors"])
        for job, measured in results.items()
        if job.kind == "matbench"
        and job.property_name == name
        and dict(job.options) == {"fold": fold, "learner": learner}
    )
    assert rows.fold is not None
    return float(errors.mean()), float(errors[rows.has_element[rows.fold == fold]].mean())


def _official(name: str) -> NDArray[np.float64]:
    path = data_folder() / f"elastic/matbench_log_{name.replace('_', '')}.composition_spacegroup.json.bz2"
    table: dict[str, Any] = json.loads(bz2.decompress(path.read_bytes()))
    column = table[_COLUMN[name]]
    return np.array([column[str(i)] for i in range(len(column))], dtype=np.float64)


def _links() -> Iterator[dict[str, str]]:
    with gzip.open(data_folder() / "elastic/matbench_to_mp_link.csv.gz", "rt") as lines:
        yield from csv.DictReader(lines)
