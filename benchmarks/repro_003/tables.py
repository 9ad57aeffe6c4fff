"""The tables of the reproduction as Markdown, the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from benchmarks.repro_001.tables import markdown
from benchmarks.repro_003 import paper
from benchmarks.repro_003.found import Found
from benchmarks.repro_003.learners import BY_KEY, TITLES
from benchmarks.repro_003.rows import PROPERTIES, VINTAGES, Rows

from matsift.errors import UserInputError
from matsift.learners.comparison import best_counts, difference
from matsift.learners.element_shift import ElementCoverage, coverages
from matsift.learners.left_out_elements import PAPER_SHARE, LeftOutElements, elements_to_leave_out
from matsift.learners.repeated_folds import OutOfFold

_SYMBOL = {"k_vrh": "K", "g_vrh": "G"}


def rows_kept(rows: Rows) -> list[str]:
    """Return how many rows each step left, and which labels they have."""
    said = [f"{int((rows.vintages == i).sum())} of {name}" for i, name in enumerate(VINTAGES)]
    spread = ", ".join(
        f"{_SYMBOL[name]} {rows.moduli[name].mean():.1f} (standard deviation {rows.moduli[name].std():.1f})"
        for name in PROPERTIES
    )
    return [
        *markdown(("step", f"rows (paper: {paper.N_ROW})"), [(step, str(left)) for step, left in rows.steps]),
        f"Labels by vintage: {'; '.join(said)}. GPa: {spread}.",
        "",
    ]


def table_2(found: Found) -> list[str]:
    """Return R2 and RMSE in cross validation, the paper's in brackets."""
    n_repeat = len(next(iter(found.folds["k_vrh"].values())).mean)
    lines = []
    for key in found.folds["k_vrh"]:
        cells = []
        for i, name in enumerate(PROPERTIES):
            own = found.folds[name][key]
            theirs = paper.TABLE_2.get(key, ())[2 * i : 2 * i + 2]
            metrics, spread = own.metrics(), own.summary()["rmse"][1]
            for measure, digits, place in (("r2", 3, 0), ("rmse", 1, 1)):
                beside = f" ({theirs[place]:.{digits}f})" if theirs else ""
                around = f" ± {spread:.1f}" if measure == "rmse" and spread is not None else ""
                cells.append(f"{metrics[measure]:.{digits}f}{around}{beside}")
            cells.append(f"{metrics['mae']:.1f}")
        lines.append((TITLES[key], *cells))
    header = ("", *(f"{_SYMBOL[n]}: {m}" for n in PROPERTIES for m in ("R2 (paper)", "RMSE, GPa (paper)", "MAE, GPa")))
    said = (
        f"Outputs of {n_repeat} repeats averaged, ± the standard deviation over them."
        if n_repeat > 1
        else "One repeat of five folds (paper: five)."
    )
    return [*markdown(header, lines), said, ""]


def differences(found: Found, rows: Rows) -> list[str]:
    """Return by how much RMSEs differ on the same rows, and whether that is more than chance."""
    pairs = (
        *(("fusion", branch) for branch in BY_KEY["fusion"].branches),
        ("cnn_2d", "cnn_3d"),
        ("tied", "cnn_2d"),
        ("lgbm", "fusion"),
        ("lgbm_density", "cnn_2d"),
        ("lgbm_both", "lgbm"),
    )
    lines = []
    for first, second in pairs:
        cells = []
        for name in PROPERTIES:
            if {first, second} <= found.folds[name].keys():
                one = difference(found.folds[name], first, second, groups=rows.formulae)
                verdict = "" if one.is_real else ", undecided"
                cells.append(f"{one.difference:+.1f} ({one.lower:+.1f} to {one.upper:+.1f}){verdict}")
        if cells:
            lines.append((f"{TITLES[first]} - {TITLES[second]}", *cells))
    return markdown(("RMSE, GPa (95 % of a bootstrap over formulae)", "K", "G"), lines) if lines else []


def table_1(found: Found, rows: Rows) -> list[str]:
    """Return the sizes of the sets without an element, and what the paper's rule gives here."""
    sets = next(iter(found.elements["k_vrh"].values())).sets
    lines = [
        (
            one.element,
            f"{one.n_train} / {one.n_test}",
            f"{paper.N_ROW - paper.ELEMENTS[one.element]} / {paper.ELEMENTS[one.element]}"
            if one.element in paper.ELEMENTS
            else "",
        )
        for one in sets
    ]
    by_rule = elements_to_leave_out(rows.elements, PAPER_SHARE)
    said = (
        f"The paper's rule, more than {paper.THRESHOLD} of {paper.N_ROW} rows ({PAPER_SHARE:.1%}), gives here: "
        f"{', '.join(by_rule) or 'no element'}. The paper's eleven elements are left out, and those."
    )
    return [*markdown(("element", "train / test", "paper"), lines), said, ""]


def table_3(found: Found, name: str) -> list[str]:
    """Return R2 / RMSE of each element left out, the paper's in brackets; the best of a line is bold."""
    learners = found.elements[name]
    scores = {key: own.scores() for key, own in learners.items()}
    lines = []
    for element in next(iter(learners.values())).elements:
        best = max(learners, key=lambda key: scores[key][element].get("r2", -np.inf))
        cells = []
        for key in learners:
            own = scores[key][element]
            theirs = _theirs(element, name, key)
            text = f"{own.get('r2', np.nan):.2f} / {own['rmse']:.1f}"
            cells.append((f"**{text}**" if key == best else text) + theirs)
        lines.append((element, *cells))
    return markdown((f"{_SYMBOL[name]}", *(TITLES[key] for key in learners)), lines)


def _theirs(element: str, name: str, key: str) -> str:
    if element not in paper.TABLE_3 or key not in paper.LEARNERS_3:
        return ""
    r2, rmse = paper.TABLE_3[element][name][paper.LEARNERS_3.index(key)]
    return f" ({r2:.2f} / {rmse:.1f})"


def best_of(found: Found) -> list[str]:
    """Return how often each learner is best by R2, among all and among those of the paper's table."""
    both = [found.elements[name] for name in PROPERTIES]
    in_paper = [{k: own for k, own in of.items() if k in paper.LEARNERS_3} for of in both]
    among, all_of = best_counts(in_paper), best_counts(both)
    of_paper = dict(zip(paper.LEARNERS_3, (5, 6, 4, 5, 2), strict=True))
    lines = [
        (TITLES[key], str(n), str(among.get(key, "")), str(of_paper.get(key, "")))
        for key, n in sorted(all_of.items(), key=lambda pair: -pair[1])
    ]
    header = ("best of the sets, K and G", "among all", "among the paper's", "the paper (CGCNN: 2)")
    return markdown(header, lines)


def coverage(found: Found, wanted: float = 0.9) -> list[str]:
    """Return what intervals hold of an element that was not trained on, means over the elements."""
    lines = []
    for name in PROPERTIES:
        for key, left_out in found.elements[name].items():
            told = _told(left_out, found.folds[name][key], wanted)
            if told:
                lines.append((_SYMBOL[name], TITLES[key], *told))
    header = (
        "",
        f"wanted {wanted:.0%}",
        "plain: held (worst element)",
        "width, GPa",
        "from other elements: held (worst)",
        "width, GPa",
        "with guarantee: held",
        "width, GPa",
    )
    return markdown(header, lines)


def _told(left_out: LeftOutElements, said: OutOfFold, wanted: float) -> tuple[str, ...]:
    try:
        found = coverages(left_out, said, wanted)
    except UserInputError:
        return ()
    cells = []
    for kind in ("plain", "shifted", "guaranteed"):
        held = _values(found, kind)
        if not len(held):
            cells += ["too few", ""]
            continue
        worst = f" ({held.min():.0%})" if kind != "guaranteed" else ""
        cells += [f"{held.mean():.0%}{worst}", f"{_values(found, f'{kind}_width').mean():.0f}"]
    return tuple(cells)


def _values(found: Sequence[ElementCoverage], name: str) -> np.ndarray:
    return np.array([value for one in found if (value := getattr(one, name)) is not None])


def mixed(of: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return how well the rows of an element are mixed with all others, by representation."""
    names = list(of)
    lines = [(element, *(f"{of[name][element]:.2f}" for name in names)) for element in of[names[0]]]
    return markdown(("mixed with the training rows: 0 apart, 1 as if dealt", *names), lines)


def costs(found: Found) -> list[str]:
    """Return what the trainings took."""
    lines = []
    for key, title in TITLES.items():
        results = [r for job, r in found.results.items() if job.learner == key]
        if not results:
            continue
        is_network = "epochs" in results[0]
        lines.append(
            (
                title,
                str(len(results)),
                f"{sum(r['cpu_seconds'] for r in results) / 60:.1f}",
                f"{np.mean([r['epochs'] for r in results]):.0f}" if is_network else "",
                f"{np.mean([r['samples_per_second'] for r in results]):.0f}" if is_network else "",
                f"{np.mean([r['waiting'] for r in results]):.1%}" if is_network else "",
                f"{max(r['peak_gib'] for r in results):.2f}",
            )
        )
    header = ("", "trainings", "core minutes", "epochs", "samples/s", "waited for inputs", "memory, GiB")
    return markdown(header, lines)
