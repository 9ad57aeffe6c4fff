"""How `oxide_ions.csv` is written: from the tables of bvlain and pymatgen, beside constants as they were published.

bvlain's parameters are read through what it computes of a cation and an oxygen ion two angstrom apart, so that no
pickle is loaded here. Preferred coordination, cutoff, softness and block are in no package: they are kept as they
stand in the table, and so are the rows of ions that bvlain lacks.
"""

from __future__ import annotations

import csv
import io
import math
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from matsift.bond_valence.parameters import TABLE

_BOX, _BOND = 20.0, 2.0  # angstrom: an isolated pair
_ROMAN = {"III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10, "XI": 11, "XII": 12, "XIV": 14}
_PREFERRED = 6


def write_table(path: Path | None = None) -> Path:
    """Rewrite the table beside this module, or at `path`, and return where it is; needs the package bvlain."""
    target = path or Path(__file__).with_name(TABLE)
    target.write_text(renewed(Path(__file__).with_name(TABLE).read_text(encoding="utf-8")), encoding="utf-8")
    return target


def renewed(text: str) -> str:
    """Return the text of the table with all that bvlain and pymatgen know read anew."""
    rows = list(csv.DictReader(io.StringIO(text)))
    for row in rows:
        symbol, oxidation = row["symbol"], int(row["oxidation"])
        row.update(shannon(symbol, oxidation))
        if known := bvlain_parameters(symbol, oxidation):
            row.update(known, source=f"bvlain-{version('bvlain')}")
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def bvlain_parameters(symbol: str, oxidation: int) -> dict[str, str] | None:
    """Return r0, b, d0, r_min, n and r_cov of a cation beside O2- as texts, or None if bvlain lacks the ion."""
    from pymatgen.core import Lattice, Species, Structure  # noqa: PLC0415  slow to import

    pair = Structure(
        Lattice.cubic(_BOX),
        [Species(symbol, oxidation), Species("O", -2)],
        np.array([[0.0, 0.0, 0.0], [_BOND, 0.0, 0.0]]),
        coords_are_cartesian=True,
    )
    from bvlain import Lain  # noqa: PLC0415  slow to import, and only this command needs it
    from bvlain.data.covalent_radii import get_covalent_radii  # noqa: PLC0415

    lain: Any = Lain(verbose=False)
    lain.read_structure(pair, oxi_check=False)
    try:
        sums = lain.mismatch(r_cut=_BOND + 0.5)
        lain._get_params(f"{symbol}{oxidation}+", use_softbv_covalent_radii=True)  # noqa: SLF001  no public way to them
    except KeyError:
        return None
    (alpha,), (d0,), (r_min,) = (lain.atoms.get_array(name) for name in ("alpha", "d0", "r_min"))
    r0 = _BOND + math.log(sums["bvs"].iloc[0]) / alpha
    numbers = {"r0": r0, "b": 1.0 / alpha, "d0": d0, "r_min": r_min}
    return {
        **{name: f"{value:.6f}".rstrip("0") for name, value in numbers.items()},
        "n": str(int(lain.n_mi)),
        "r_cov": f"{get_covalent_radii(lain.num_mi, oxidation):g}",
    }


def shannon(symbol: str, oxidation: int) -> dict[str, str]:
    """Return Shannon's radius for six neighbours (high spin), or the number nearest to six, and that number."""
    from pymatgen.core import Species  # noqa: PLC0415  slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = Species(symbol, oxidation).data.get("Shannon radii") or {}
    known = {_ROMAN[key]: spins for key, spins in table.get(str(oxidation), {}).items() if key in _ROMAN}
    if not known:
        return {"r_shannon": "nan", "shannon_coordination": "0"}
    nearest = min(known, key=lambda number: (abs(number - _PREFERRED), number))
    spins = known[nearest]
    radius = (spins.get("High Spin") or next(iter(spins.values())))["ionic_radius"]
    return {"r_shannon": f"{radius:g}", "shannon_coordination": str(nearest)}
