"""Barriers against measurements: ``python -m benchmarks.mobility`` prints how far they tell lithium conductors apart.

The measured conductivities at room temperature are those of OBELiX (Therrien et al., Digital Discovery, 2025), which
lie with their crystals in MATSIFT_DATA. Only ordered crystals have site energies; a partly occupied site is where a
good conductor keeps its ions, so the best of them are missing here.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import os
import sys
import tarfile
import warnings
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from matsift.crystal import Crystal
from matsift.errors import MatsiftError
from matsift.execution.killable import KillablePool
from matsift.study.mobility import BARRIERS, MobilitySettings
from matsift_adapters.oracles.percolation import INITIALIZER, TARGET, method_of, payload_of

ARCHIVE = "structures/obelix_li_conductors.tar.gz"
_TABLE, _CRYSTALS = "data/downloads/all.csv", "data/downloads/all_cifs.zip"
_GOOD, _POOR = 1e-6, 1e-8  # S/cm
_LIMIT = 1.0  # eV, that of the criterion in studies/na_electrolytes.toml


@dataclass(frozen=True)
class Conductor:
    """A crystal with its measured conductivity in S/cm at room temperature; one known only as a bound has that."""

    name: str
    formula: str
    conductivity: float
    crystal: Crystal


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison; return 0, or 2 where the data are not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mobility", description=__doc__)
    parser.add_argument("--limit", type=int, help="crystals to take, for trying")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    path = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / ARCHIVE
    if not path.exists():
        print(f"{path}: there is no such file; name the folder of the data in MATSIFT_DATA", file=sys.stderr)
        return 2
    print("\n".join(compare(ordered_conductors(path)[: options.limit], options.workers)))
    return 0


def ordered_conductors(path: Path) -> list[Conductor]:
    """Return the ordered crystals of the set that hold lithium and can be read, by name."""
    with tarfile.open(path) as archive:
        table, crystals = (_member(archive, name) for name in (_TABLE, _CRYSTALS))
    files = zipfile.ZipFile(io.BytesIO(crystals))
    by_name = {Path(name).stem: name for name in files.namelist() if name.endswith(".cif")}
    found = []
    for row in csv.DictReader(io.StringIO(table.decode("utf-8"))):
        if (name := row["ID"]) in by_name:
            crystal = _read(files.read(by_name[name]).decode("utf-8", errors="replace"))
            if crystal is not None and crystal.is_ordered and "Li" in crystal.species:
                measured = float(row["Ionic conductivity (S cm-1)"].lstrip("<"))
                found.append(Conductor(name, row["Reduced Composition"], measured, crystal))
    return sorted(found, key=lambda c: c.name)


def compare(conductors: list[Conductor], n_worker: int) -> list[str]:
    """Return the report: a row a crystal, best conductor first, and the rank correlations."""
    asked = MobilitySettings(ion="Li", encut=10.0)
    barriers, refused = np.full((len(conductors), 3), np.nan), Counter[str]()
    with KillablePool(TARGET, n_worker=n_worker, time_limit_s=600.0, initializer=INITIALIZER) as pool:
        items = [(i, payload_of(asked, c.crystal)) for i, c in enumerate(conductors)]
        for outcome in pool.run(items):
            if outcome.ok:
                barriers[int(str(outcome.key))] = [outcome.value.get(name, math.inf) for name in BARRIERS]
            else:
                refused[str(outcome.message).split(" among ")[0]] += 1
    measured = np.array([c.conductivity for c in conductors])
    known = ~np.isnan(barriers[:, 0])
    lines = [f"{len(conductors)} ordered lithium conductors, {method_of(asked)}", ""]
    for i in sorted(np.flatnonzero(known), key=lambda i: -measured[i]):
        numbers = "  ".join(f"{b:6.2f}" for b in barriers[i])
        lines.append(f"{conductors[i].formula:<18} {measured[i]:9.1e} S/cm   {numbers} eV in 1D, 2D, 3D")
    lines += ["", *(f"refused: {count} {reason}" for reason, count in refused.most_common()), ""]
    good, poor = known & (measured >= _GOOD), known & (measured < _POOR)
    for n, column in enumerate(barriers.T, start=1):
        rank = spearmanr(column[known], measured[known]).statistic
        lines.append(
            f"{n}D: rank correlation of barrier and conductivity {rank:.2f} over {known.sum()}; median "
            f"{np.median(column[good]):.2f} eV for {good.sum()} above {_GOOD:g} S/cm, {np.median(column[poor]):.2f} eV "
            f"for {poor.sum()} below {_POOR:g} S/cm; {(column[good] <= _LIMIT).sum()} and "
            f"{(column[poor] <= _LIMIT).sum()} of them lie below {_LIMIT:g} eV"
        )
    return lines


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _read(text: str) -> Crystal | None:
    from pymatgen.io.cif import CifParser  # noqa: PLC0415  pymatgen takes a second to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Crystal.from_pymatgen(CifParser(io.StringIO(text)).parse_structures(primitive=True)[0])
        except (ValueError, KeyError, MatsiftError):  # what cannot be read is none of this benchmark's business
            return None


if __name__ == "__main__":
    sys.exit(main())
