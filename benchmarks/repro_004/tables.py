"""The tables of the reproduction as Markdown, the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from benchmarks.repro_001.tables import markdown
from benchmarks.repro_004 import paper
from benchmarks.repro_004.found import COMPARED, Found
from benchmarks.repro_004.learners import BY_KEY
from benchmarks.repro_004.searches import STEP
from benchmarks.repro_004.setup import ORACLE
from benchmarks.repro_004.strategies import OWN, PAPER, STRATEGIES, Strategy, by_kappa, climbing
from numpy.typing import NDArray

_MAKERS = {
    "gan": "GAN",
    "shuffled": "chance, elements and counts as often as known",
    "uniform": "chance, all alike",
    "known": "known formulas",
}
_LINES = tuple(paper.TABLE_1)
_STEPS = (100, 200, 300, 500, 700, 1000)


def rows(found: Found) -> list[str]:
    """Return how many formulas there are, and what the autoencoder makes of those held out."""
    made = found.made["autoencoder"]
    lines = [
        ("formulas to train the autoencoder", str(made["n_train"]), "66,324"),
        ("held out, counts to 20", str(made["held_out"]["n"]), ""),
        ("of these, given back exactly", f"{made['held_out']['exact']:.3f}", f"wanted {paper.ROUND_TRIP}"),
        ("the same, counts to 8", f"{made['held_out_8']['exact']:.3f}", ""),
        ("random points of the box of their latent vectors that decode", f"{made['box_decodes']:.3f}", ""),
        ("encoded, decoded a second", f"{made['encoded_a_second']:.0f}, {made['decoded_a_second']:.0f}", ""),
    ]
    return markdown(("autoencoder", "ours", "paper"), lines)


def table_1(found: Found) -> list[str]:
    """Return Table 1: each line by the paper, then by each property model."""
    lines: list[tuple[str, ...]] = []
    for line in _LINES:
        theirs = paper.TABLE_1[line]
        lines.append(
            (
                line,
                "paper",
                str(theirs.n),
                f"{theirs.r2[0]:.3f} ± {theirs.r2[1]:.3f}",
                f"{theirs.r2_test[0]:.3f} ± {theirs.r2_test[1]:.3f}",
                f"{theirs.mae:.3f}",
                f"{theirs.rmse:.3f}",
                str(theirs.n_candidate),
                f"{theirs.recovery:.1f}",
                "",
            )
        )
        lines += [_scores(found, line, key, "") for key in found.learners]
        if line.endswith("AL"):
            experiment = line.removesuffix(" AL")
            lines.append(_scores(found, f"{experiment} {OWN.key}", ORACLE.key, f"{experiment} {OWN.key}"))
    header = ("", "model (repeats)", "rows", "R2", "R2, 500", "MAE", "RMSE", "above 6 eV", "recovery %", "precision %")
    return markdown(header, lines)


def _scores(found: Found, line: str, key: str, title: str) -> tuple[str, ...]:
    n = found.of(line, key, "n")
    return (
        title,
        f"{BY_KEY[key].title} ({len(n)})",
        f"{n.mean():.0f}",
        *(_spread(found.of(line, key, name)) for name in ("r2", "r2_test", "mae", "rmse")),
        _spread(found.of(line, key, "n_chosen"), 0),
        _spread(100 * found.of(line, key, "recovery"), 1),
        _spread(100 * found.of(line, key, "precision"), 1),
    )


def candidates(found: Found) -> list[str]:
    """Return how many samples of the GAN each filter leaves."""
    made = found.made["candidates"]
    theirs = {"drawn": f"{paper.N_SAMPLED:,}", "valid": f"{paper.N_VALID:,}"}
    return markdown(
        ("compositions", "ours", "paper"),
        [(name, f"{count:,}", theirs.get(name, "")) for name, count in made["funnel"].items()],
    )


def shares(found: Found) -> list[str]:
    """Return what share of compositions is valid, unique and new: the GAN's, by chance, and the formulas it learned."""
    of = found.made["candidates"]["shares"]
    names = [name for name in next(iter(of.values())) if not name.startswith("n_")]
    lines = [
        (_MAKERS[maker], str(share["n_made"]), *(f"{share[name]:.1%}" for name in names)) for maker, share in of.items()
    ]
    return markdown(("made by", "within the sizes", *(name.replace("_", " ") for name in names)), lines)


def kappas(found: Found, of: tuple[float, ...]) -> list[str]:
    """Return the control experiments: new compositions at or above 6 eV by the number of suggestions."""
    steps = [step for step in _STEPS if step <= found.budget] or [STEP]
    lines = []
    for control, kappa in product((by_kappa, climbing), of):
        result = found.one(COMPARED, control(kappa).key)
        wide = [str(result["wide_by"][min(step // STEP, len(result["wide_by"])) - 1]) for step in steps]
        lines.append(
            (control(kappa).title, *wide, str(result["n_decoded"]), str(result["n_new"]), f"{result['best']:.2f}")
        )
    return markdown(("", *(f"by {step}" for step in steps), "decoded", "new", "best, eV"), lines)


def compared(found: Found) -> list[str]:
    """Return what strategies find from the same start with the same number of suggestions, and what it is worth."""
    lines = []
    for one in (None, *STRATEGIES):
        line = f"{COMPARED} BS" if one is None else f"{COMPARED} {one.key}"
        recovery = _spread(100 * found.of(line, ORACLE.key, "recovery"), 1)
        if one is None:
            lines.append(("start alone", *[""] * 8, f"{found.initial_mean[COMPARED]:.2f}", recovery))
            continue
        new, wide = (found.course(COMPARED, one.key, name) for name in ("n_new", "n_wide"))
        valid = found.course(COMPARED, one.key, "n_wide_valid")
        lines.append(
            (
                one.title,
                _spread(found.course(COMPARED, one.key, "n_decoded"), 0),
                _spread(new, 0),
                _spread(wide, 0),
                _spread(100 * _over(wide, new), 1),
                _spread(valid, 0),
                _spread(100 * _over(valid, new), 1),
                _spread(found.course(COMPARED, one.key, "n_wide_novel"), 0),
                _spread(found.course(COMPARED, one.key, "best"), 2),
                _spread(found.course(COMPARED, one.key, "mean_gap"), 2),
                recovery,
            )
        )
    header = (
        f"{found.budget} suggestions",
        "decoded",
        "new labels",
        "above 6 eV",
        "% of labels",
        "valid as well",
        "% of labels",
        "and novel",
        "best, eV",
        "mean, eV",
        "recovery %",
    )
    return markdown(header, lines)


def named(found: Found) -> list[str]:
    """Return what each line's models say of the material that the paper names first."""
    of = found.made["candidates"]["sryf5"]
    lines = []
    for line in _LINES:
        theirs = f"{paper.SRYF5[line]:.2f}" if line in paper.SRYF5 else "not chosen"
        lines.append((line, theirs, *(_spread(found.of(line, key, "sryf5"), 2) for key in found.learners)))
    where = "is among the samples" if of["sampled"] else "is not among the samples"
    known = "is" if of["known"] else "is not"
    text = (
        f"SrYF5 {where} of the GAN; it {known} among the known formulas that the GAN learned from. Gap by density "
        f"functional theory in the paper: {paper.SRYF5_DFT} eV."
    )
    return [text, "", *markdown(("", "paper, eV", *(BY_KEY[key].title for key in found.learners)), lines)]


def narrow(found: Found) -> list[str]:
    """Return how soon the fourth experiment, from gaps below 3 eV, reaches 6 eV."""
    result = next(result for search, result in found.searches.items() if search.experiment == "exp4")
    first = result["first_wide"]
    said = f"suggestion {first} is the first at" if first else f"none of {result['n']} suggestions is at"
    return [f"From gaps below {paper.NARROW_GAP:g} eV: {said} 6 eV (paper: within {paper.SOON} iterations).", ""]


def costs(found: Found) -> list[str]:
    """Return the seconds of processor that each part took, all of it over two cores."""
    parts = {name: (1, result["cpu_seconds"]) for name, result in found.made.items()}
    parts["searches"] = (len(found.searches), sum(r["cpu_seconds"] for r in found.searches.values()))
    for line, learner in found.fits:
        if line == f"{COMPARED} {PAPER.key}":  # the trainings of the third experiment's own line
            continue
        title = f"{BY_KEY[learner].title}, {'first experiment' if line == 'exp1' else 'others'}"
        n, seconds = parts.get(title, (0, 0.0))
        of = found.fits[line, learner]
        parts[title] = (n + len(of), seconds + sum(r["cpu_seconds"] for r in of))
    total = sum(seconds for _, seconds in parts.values())
    lines = [(name, str(n), f"{seconds / n:.0f}", f"{seconds / 60:.1f}") for name, (n, seconds) in parts.items()]
    header = ("", "times", "s of processor each", "min in all")
    return [*markdown(header, lines), f"On two free cores: about {total / 120:.0f} min.", ""]


def best_kappa(found: Found, of: tuple[float, ...]) -> str:
    """Return which kappa finds most, in a sentence."""

    def best(control: Callable[[float], Strategy]) -> float:
        return max(of, key=lambda kappa: float(found.one(COMPARED, control(kappa).key)["n_wide"]))

    return (
        f"Most at kappa = {best(by_kappa):g}, with climbs at {best(climbing):g} (paper: {paper.BEST_KAPPA:g}; "
        f"it gathers rows with {paper.KAPPA:g})."
    )


def _over(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return a / np.maximum(b, 1)


def _spread(values: NDArray[np.float64], digits: int = 3) -> str:
    known = values[np.isfinite(values)]
    if not len(known):
        return "none"
    own = f"{known.mean():.{digits}f}"
    return f"{own} ± {known.std(ddof=1):.{digits}f}" if len(known) > 1 else own
