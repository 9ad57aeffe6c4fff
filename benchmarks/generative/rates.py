"""Seconds of the processor for each kernel of generative design, beside what is wanted and beside other codes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from benchmarks.generative.attention import attention
from benchmarks.generative.samples import drawn, known
from scipy.stats import wasserstein_distance
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from matsift.generative.earth_mover import KnownCompositions, distance_matrix
from matsift.generative.formulas import Compositions
from matsift.generative.pettifor import POSITION
from matsift.generative.search.gaussian_process import GaussianProcess, fit
from matsift.generative.templates import TemplatePool
from matsift.generative.validity import validity

_LEAST_SECONDS = 0.5
_BY_SCIPY, _BY_SMACT = 300, 300
_LATENT = 128
_POINTS = 500


@dataclass(frozen=True)
class Rate:
    """One line: what was done, how often a second of one core, what is wanted, what another code does, agreement."""

    what: str
    per_second: float
    wanted: float | None
    other: str
    agreement: str

    @property
    def line(self) -> str:
        """The line as Markdown."""
        wanted = "" if self.wanted is None else f"{self.wanted:,.0f}"
        return f"| {self.what} | {_rounded(self.per_second)} | {wanted} | {self.other} | {self.agreement} |"


def table(n: int, seed: int) -> Iterator[str]:
    """Yield the lines of the table, each as soon as it is measured."""
    yield "| what | a second, one core | wanted | another code | agreement |"
    yield "|---|---|---|---|---|"
    name, formulas = known(n, seed)
    for rate in rates(name, formulas, drawn(n, seed), seed):
        yield rate.line


def rates(name: str, formulas: Compositions, random: Compositions, seed: int) -> Iterator[Rate]:
    """Yield the rates with known formulas, which have a name, and random compositions."""
    some = formulas.select(np.random.default_rng(seed).permutation(len(formulas))[:2000])
    yield _distances(name, some)
    nearest = KnownCompositions(formulas)
    yield _rate(f"nearest of {len(nearest):,} {name}", random, nearest.nearest)
    pool = TemplatePool(formulas)
    yield _rate(f"5 templates of {len(pool):,} {name}", some, lambda part: pool.find(part, k=5))
    yield _validity("validity of random compositions", random)
    yield _validity(f"validity of {name}", some)
    yield from _process(seed)
    yield _attention(name, some)


def _attention(name: str, some: Compositions) -> Rate:
    quick, arrays, apart = attention(some)
    what = f"Roost's messages of {name}, with derivatives"
    return Rate(what, quick, None, f"ours on arrays of all pairs {_rounded(arrays)}", f"largest difference {apart:.0e}")


def _distances(name: str, some: Compositions) -> Rate:
    seconds = _seconds(lambda: distance_matrix(some, some))
    few = some.select(slice(0, 2 * _BY_SCIPY))
    weights, places = few.fractions(), POSITION.astype(float)
    began = time.process_time()
    theirs = [wasserstein_distance(places, places, *weights[i : i + 2]) for i in range(0, len(few) - 1, 2)]
    other = len(theirs) / (time.process_time() - began)
    ours = [distance_matrix(few.select(slice(i, i + 1)), few.select(slice(i + 1, i + 2)))[0, 0]
            for i in range(0, len(few) - 1, 2)]  # fmt: skip
    apart = float(np.abs(np.array(theirs) - ours).max())
    return Rate(
        f"earth mover's distances of {name}",
        len(some) ** 2 / seconds,
        1e6,
        f"scipy {_rounded(other)}",
        f"largest difference {apart:.0e}",
    )


def _validity(what: str, some: Compositions) -> Rate:
    seconds = _seconds(lambda: validity(some))
    few = some.select(slice(0, _BY_SMACT))
    verdict, other = _by_smact(few)
    agreement = float((validity(few).valid == verdict).mean())
    return Rate(what, len(some) / seconds, 2e4, f"smact {_rounded(other)}", f"{agreement:.1%} of {len(few)} verdicts")


def _by_smact(few: Compositions) -> tuple[np.ndarray, float]:
    from smact.screening import smact_validity  # noqa: PLC0415  a development dependency, slow to import

    formulas = few.reduced().formulas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        smact_validity(formulas[0], oxidation_states_set="smact14", include_alloys=False)
        began = time.process_time()
        said = [smact_validity(f, oxidation_states_set="smact14", include_alloys=False) for f in formulas]
    return np.array(said), len(few) / (time.process_time() - began)


def _process(seed: int) -> Iterator[Rate]:
    points, labels = _labelled(seed)
    process = fit(points, labels)
    theirs, seconds = _by_sklearn(points, labels)
    rng = np.random.default_rng(seed + 1)
    asked = rng.normal(size=(50, _LATENT))
    apart = float(np.abs(process.predict(asked)[0] - theirs.predict(asked)).max())
    yield Rate(
        f"fits of a Gaussian process, {_POINTS} points of {_LATENT} numbers",
        1 / fit_seconds(seed),
        1,
        f"scikit-learn, 5 restarts, {_rounded(1 / seconds)}",
        f"means differ by {apart:.0e}",
    )
    more = iter(rng.normal(size=(100_000, _LATENT)))
    grown: list[GaussianProcess] = [process]

    def another() -> None:
        if len(grown[0]) >= 2 * _POINTS:
            grown[0] = GaussianProcess(points, labels, process.length_scale)
        grown[0].append(next(more), 0.0)

    yield Rate(f"points taken in, {_POINTS} to {2 * _POINTS} points", 1 / _seconds(another), None, "", "")


def fit_seconds(seed: int = 0) -> float:
    """Return CPU seconds of a fit of the search's Gaussian process, the search for its length scale within."""
    points, labels = _labelled(seed)
    return _seconds(lambda: fit(points, labels))


def _labelled(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(_POINTS, _LATENT))
    return points, np.sin(points[:, 0]) + 0.1 * rng.normal(size=_POINTS)


def _by_sklearn(points: np.ndarray, labels: np.ndarray) -> tuple[GaussianProcessRegressor, float]:
    theirs = GaussianProcessRegressor(
        Matern(nu=2.5), alpha=1e-6, normalize_y=True, n_restarts_optimizer=5, random_state=0
    )
    began = time.process_time()
    theirs.fit(points, labels)
    return theirs, time.process_time() - began


def _rate(what: str, some: Compositions, ask: Callable[[Compositions], object]) -> Rate:
    return Rate(what, len(some) / _seconds(lambda: ask(some)), None, "", "")


def _seconds(do: Callable[[], object]) -> float:
    """Return CPU seconds of doing it once: the mean of as many turns, after a first one, as fill a measurable time."""
    do()
    turns, began = 0, time.process_time()
    while (spent := time.process_time() - began) < _LEAST_SECONDS:
        do()
        turns += 1
    return spent / turns


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
