"""The lattice constants of one set beside those of another, and of the literature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from benchmarks.repro_000.data import load
from benchmarks.repro_001.real_data import data_folder
from benchmarks.repro_001.tables import markdown

from matsift.bond_valence.dataset import Reference
from matsift.bond_valence.decorations import formula
from matsift.bond_valence.literature import literature_spinels

_Known = Mapping[tuple[str, str], Reference]


def compared(home: Path) -> list[str]:
    """Return a table of the bundled oxides against literature, and published data where these are at hand."""
    ours = _by_name(oxide.reference for oxide in load("bundled", home))
    others = {"literature": _by_name(literature_spinels())}
    if data_folder().is_dir():
        published = load("materials_project", home)
        for title, start in (("Materials Project (PBE)", "mp_36737"), ("perov_5", "perov_5")):
            others[title] = _by_name(oxide.reference for oxide in published if oxide.name.startswith(start))
    rows = [
        _row(prototype, title, ours, theirs)
        for title, theirs in others.items()
        for prototype in ("perovskite", "spinel")
        if any(key in ours and key[0] == prototype for key in theirs)
    ]
    header = ("", "against", "n", "a / theirs: mean", "std", "range", "u - theirs: mean", "std")
    return markdown(header, rows)


def _row(prototype: str, title: str, ours: _Known, theirs: _Known) -> tuple[str, ...]:
    shared = [key for key in ours if key in theirs and key[0] == prototype]
    ratio = np.array([ours[key].lattice_constant / theirs[key].lattice_constant for key in shared])
    cells = (
        f"{ratio.mean() - 1:+.2%}",
        f"{ratio.std():.2%}",
        f"{ratio.min() - 1:+.1%} to {ratio.max() - 1:+.1%}",
    )
    apart = np.array([(ours[k].oxygen_parameter or np.nan) - (theirs[k].oxygen_parameter or np.nan) for k in shared])
    of_u = (f"{apart.mean():+.4f}", f"{apart.std():.4f}") if prototype == "spinel" else ("", "")
    return (prototype, title, str(len(shared)), *cells, *of_u)


def _by_name(references: Iterable[Reference]) -> _Known:
    return {(reference.pair.prototype, formula(reference.pair)): reference for reference in references}
