"""The tables of the reproduction as Markdown, the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from benchmarks.repro_000 import paper
from benchmarks.repro_000.checks import Check
from benchmarks.repro_000.regression import LENGTHS, NOISE_VARIANCES
from benchmarks.repro_000.rows import PARTS, Samples
from benchmarks.repro_000.structure_test import WAYS
from benchmarks.repro_001.tables import markdown

_ORDER = ("rmse_test", "r2_test", "rmse_train", "r2_train")


def sizes(samples: Samples) -> list[str]:
    """Return what the set holds, the paper's counts beside it."""
    exact = samples.exact()
    rows = []
    for part in PARTS:
        chosen = (samples.prototypes == part) | (part == "both")
        n = int(chosen.sum())
        if not n:
            continue
        of_rows = chosen[samples.oxide_of_row]
        roots = exact[chosen & np.isfinite(exact)]
        spread = f"{roots.mean():.3f} ({roots.std():.3f}), {roots.min():.2f} to {roots.max():.2f}"
        shift = samples.site_shift[of_rows]
        rows.append(
            (
                part,
                f"{n} ({paper.N_REFERENCE[part]})",
                f"{int(of_rows.sum())} of {n * samples.n_row // len(samples.oxides)}",
                f"{spread}, {n - len(roots)} without",
                f"{np.median(shift):.4f}, {(shift < 0.01).mean():.1%}" if part == "spinel" else "",
            )
        )
    header = (
        "",
        "oxides (paper)",
        "usable rows",
        "root of Er = 0: mean (std), range",
        "site shift: median, below 0.01",
    )
    return markdown(header, rows)


def table_1(part: str, of: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the errors of the regressors on a part."""
    rows = []
    for regressor, found in of.items():
        theirs = paper.TABLE_1.get(regressor, {}).get(part, ())
        cells = []
        for i, measure in enumerate(_ORDER):
            ours = found["summary"][measure]
            digits = 4 if measure.startswith("rmse") else 2
            cells.append(f"{ours['median']:.{digits}f}" + (f" ({theirs[i]:g})" if i < len(theirs) else ""))
            if i == 0:
                cells.append(f"{ours['min']:.3f} to {ours['max']:.3g}")
        rows.append((regressor, *cells, f"{found['seconds']:.0f}"))
    header = ("", "RMSE test (paper)", "its range", "R2 test (paper)", "RMSE train (paper)", "R2 train (paper)", "s")
    return markdown(header, rows)


def gpr_statistics(of: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return all statistics of the two Gaussian processes, as the text of the paper gives them."""
    rows = []
    for regressor in ("GPR-NN l=7", "GPR-NN l=200"):
        for measure in _ORDER:
            found = of[regressor]["summary"][measure]
            cells = [f"{found[name]:.4f}" for name in ("mean", "min", "max", "std", "median")]
            rows.append((regressor, measure.replace("_", " "), *cells))
    return markdown(("", "", "mean", "min", "max", "std", "median"), rows)


def table_2(of: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """Return the lattice errors of relaxed structures."""
    rows = []
    for name in ("auto", *WAYS):
        cells = []
        for part in PARTS:
            found, theirs = of[name].get(part), paper.TABLE_2[name][part]
            cells.append(
                "" if found is None else f"{found['mae']:.4f} / {found['std']:.4f} ({theirs[0]:g} / {theirs[1]:g})"
            )
        both = of[name]["both"]
        rows.append((name, *cells, f"{both['largest']:.3f}", str(both["missing"]), f"{both['instability']:.3f}"))
    header = ("", *(f"{part}: MAE / STD (paper)" for part in PARTS), "largest, both", "without", "median GII, v.u.")
    return markdown(header, rows)


def left_out(of: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the errors of screening factors and lattices of oxides that the model has not seen."""
    rows = [
        (
            name,
            f"{found['sf_mae']:.4f}",
            *(f"{found[part]['mae']:.4f} / {found[part]['std']:.4f}" if part in found else "" for part in PARTS),
            f"{found['coverage']:.0%}" if "coverage" in found else "",
        )
        for name, found in of.items()
    ]
    header = ("", "mean abs error of the root", *(f"{part}: MAE / STD of Er" for part in PARTS), "coverage of 90 %")
    return markdown(header, rows)


def importance(of: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the columns in the order of their components' standard deviation."""
    rows = []
    for regressor, found in of.items():
        told = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
        rows.append((regressor, told, f"most {paper.MOST_IMPORTANT}; least {paper.LEAST_IMPORTANT[regressor]}"))
    return markdown(("", "standard deviation of each component", "paper"), rows)


def coupling(of: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """Return the errors as coordinates are added."""
    rows = [
        (n, *(f"{found[measure][name]:.4f}" for measure in ("rmse_train", "rmse_test") for name in ("median", "std")))
        for n, found in of.items()
    ]
    return markdown(("N", "RMSE train, median", "std", "RMSE test, median", "std"), rows)


def scan(of: Mapping[str, Any]) -> list[str]:
    """Return the median test error over length and noise variance."""
    rows = [
        (f"l = {length:g}", *(f"{value:.4f}" for value in values))
        for length, values in zip(LENGTHS, of["test"], strict=True)
    ]
    chosen = f"Chosen by mean + standard deviation of the test error: l = {of['chosen'][0]:g}, s = {of['chosen'][1]:g}."
    return [*markdown(("", *(f"s = {noise:g}" for noise in NOISE_VARIANCES)), rows), chosen, ""]


def checks(found: Sequence[Check]) -> list[str]:
    """Return the wanted beside the measured."""
    rows = [(one.says, one.wanted, one.measured, "met" if one.met else "NOT MET") for one in found]
    return markdown(("", "wanted", "measured", ""), rows)


def unseen(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the oxides kept from training, predicted and computed."""
    header = ("", "predicted screening factor", "root", "predicted a, angstrom", "reference a", "error")
    return markdown(header, rows)
