"""Table 2: strained samples relaxed at a predicted screening factor, and how far from the reference they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.repro_000.regression import Bench, scores
from benchmarks.repro_000.rows import PARTS, Samples
from numpy.typing import NDArray

from matsift.bond_valence.dataset import STRAINS
from matsift.bond_valence.relaxation import instability, relax
from matsift.bond_valence.screening_factor import automatic_screening_factor
from matsift.learners import registry
from matsift.learners.group_splits import GroupedData, model_of_split
from matsift.learners.left_out_groups import leave_one_group_out
from matsift.learners.paper_regressors import PAPER_REGRESSORS, ROOT_REGRESSOR

Array = NDArray[np.float64]

#: Regressors whose screening factors relax structures in the paper.
WAYS = ("linear", "NN1", "GPR-NN l=7")


@dataclass(frozen=True, eq=False)
class Ends:
    """Where m oxides end from 2 strains, (m, 2): lattice error and instability index, NaN where they do not end."""

    lattice_error: Array
    instability: Array

    def row(self, chosen: NDArray[np.bool_]) -> dict[str, float]:
        """Return mean absolute, standard and largest error of the chosen oxides, and how many samples have none."""
        errors = self.lattice_error[chosen]
        known = errors[np.isfinite(errors)]
        return {
            "mae": float(np.abs(known).mean()),
            "std": float(known.std()),
            "largest": float(np.abs(known).max()),
            "missing": int(np.isnan(errors).sum()),
            "instability": float(np.nanmedian(self.instability[chosen])),
        }


def relaxed_at(samples: Samples, factors: Array) -> Ends:
    """Return where the strained samples end at screening factors (m,), or (m, 2) one a strain."""
    factors = np.broadcast_to(factors.T, (len(STRAINS), len(samples.oxides))).T
    error, index = np.full(factors.shape, np.nan), np.full(factors.shape, np.nan)
    for rows, table in samples.tables():
        lattice, u = samples.lattice_constants[rows], samples.oxygen_parameters[rows]
        for k, strain in enumerate(STRAINS):
            found = relax(table, factors[rows, k], lattice * (1 + strain), u)
            error[rows, k] = found.lattice_constant / lattice - 1
            index[rows, k] = instability(table, found.lattice_constant, found.oxygen_parameter)
    return Ends(error, index)


def automatic(samples: Samples) -> Array:
    """Return (m, 2) the screening factor without pressure of each strained sample, NaN where there is none."""
    factors = np.full((len(samples.oxides), len(STRAINS)), np.nan)
    for rows, table in samples.tables():
        lattice, u = samples.lattice_constants[rows], samples.oxygen_parameters[rows]
        for k, strain in enumerate(STRAINS):
            factors[rows, k] = automatic_screening_factor(table, lattice * (1 + strain), u).screening_factor
    return factors


def reference_instability(samples: Samples) -> Array:
    """Return (m,) the instability index of the reference structures."""
    found = np.full(len(samples.oxides), np.nan)
    for rows, table in samples.tables():
        found[rows] = instability(table, samples.lattice_constants[rows], samples.oxygen_parameters[rows])
    return found


def median_instability(samples: Samples) -> float:
    """Return the median instability index of the reference structures, valence units."""
    return float(np.median(reference_instability(samples)))


def predicted(bench: Bench, regressor: str, seen: Array) -> Array:
    """Return screening factors (m,): the mean of the five models of highest test R2 of the hundred, on both kinds.

    Parameters
    ----------
    bench
        Rows, and the splits.
    regressor
        Name in the paper's tables.
    seen
        (m, 11) what the models see.
    """
    kind, settings = PAPER_REGRESSORS[regressor]
    best = scores(bench, "both", regressor)["best"]
    models = [model_of_split(kind, bench.samples.data, i, settings=settings, plan=bench.plan) for i in best]
    return np.asarray(np.mean([model.predict(seen).mean for model in models], axis=0))


def table_2(bench: Bench) -> dict[str, dict[str, dict[str, float]]]:
    """Return way -> part -> errors of the structures relaxed with its screening factors."""

    def measure() -> dict[str, Any]:
        samples = bench.samples
        factors = {"auto": automatic(samples)}
        factors |= {name: predicted(bench, name, samples.at_rest()) for name in WAYS}
        return {name: _by_part(samples, relaxed_at(samples, found)) for name, found in factors.items()}

    for name in WAYS:
        scores(bench, "both", name)
    found: dict[str, dict[str, dict[str, float]]] = bench.run("table 2", "all", measure)
    return found


def left_out(bench: Bench) -> dict[str, dict[str, Any]]:
    """Return way -> part -> errors where the screening factor of each oxide comes from a model without it.

    Learned from all rows and asked at Er = 0, as the paper does, or from one row an oxide: the root of Er = 0 itself,
    also with a length fit for so few rows.
    """

    def measure() -> dict[str, Any]:
        return {
            f"{name}, {target}": _left_out(bench, *PAPER_REGRESSORS[name], target)
            for name in WAYS
            for target in ("rows", "roots")
        }

    found: dict[str, dict[str, Any]] = dict(bench.run("left out", "all", measure))
    kind, settings = ROOT_REGRESSOR
    of_roots = bench.run(f"left out {settings}", "all", lambda: _left_out(bench, kind, settings, "roots"))
    return {**found, "GPR-NN " + ", ".join(f"{k}={v:g}" for k, v in settings.items()) + ", roots": of_roots}


def _left_out(bench: Bench, kind: str, settings: Mapping[str, Any], target: str) -> dict[str, Any]:
    samples = bench.samples
    exact = samples.exact()
    known = np.flatnonzero(np.isfinite(exact))
    if target == "rows":
        factors = _rows_left_out(samples, kind, settings)
        extra = {}
    else:
        names = samples.data.feature_names[1:]
        data = GroupedData.of(samples.descriptors[known], exact[known], known.tolist(), names)
        said = leave_one_group_out(kind, data, settings=settings, n_worker=bench.n_worker)
        factors = np.full(len(exact), np.nan)
        factors[known] = said.mean
        extra = {"coverage": said.coverage(0.9)}
    mae = float(np.nanmean(np.abs(factors - exact)))
    return {"sf_mae": mae, **extra, **_by_part(samples, relaxed_at(samples, factors))}


def _rows_left_out(samples: Samples, kind: str, settings: Mapping[str, Any]) -> Array:
    """Return (m,) factors at Er = 0 by ten models, each without a tenth of the oxides."""
    fold = np.random.default_rng(0).permutation(len(samples.oxides)) % 10
    factors = np.empty(len(samples.oxides))
    data, seen = samples.data, samples.at_rest()
    for k in range(10):
        rows = fold[samples.oxide_of_row] != k
        model = registry.fit(
            kind, data.X[rows], data.y[rows], settings=settings, seed=k, feature_names=data.feature_names
        )
        factors[fold == k] = model.predict(seen[fold == k]).mean
    return factors


def _by_part(samples: Samples, ends: Ends) -> dict[str, dict[str, float]]:
    chosen = {name: (samples.prototypes == name) | (name == "both") for name in PARTS}
    return {name: ends.row(rows) for name, rows in chosen.items() if rows.any()}
