"""Label the compounds that the DFT campaign starts from, by the oracle of its study.

    python -m benchmarks.dft_binaries.start studies/dft_binaries.toml

What is there already is kept, so the command continues where it was interrupted.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from pymatgen.io.vasp import Poscar

from matsift.crystal import Crystal
from matsift.execution.killable import KillablePool
from matsift.study.loading import load_study
from matsift_adapters.oracles.registry import oracle

COLUMNS = ("id", "formula", "prototype", "poscar", "k_vrh_gpa", "volume_per_atom_angstrom3", "energy_per_atom_ev")


def main(study_path: Path, n_worker: int = 2) -> None:
    """Write start_labelled.csv beside start.csv."""
    study = load_study(study_path)
    asked = oracle(study.campaign.oracle)
    asked.check()
    assert asked.target is not None
    folder = study_path.parent / study.name
    wanted = _rows(folder / "start.csv")
    done = {row["id"]: row for row in _rows(folder / "start_labelled.csv")}
    missing = [row for row in wanted if row["id"] not in done]
    limit_s = study.campaign.time_limit_s
    with KillablePool(asked.target, n_worker=n_worker, time_limit_s=limit_s, initializer=asked.initializer) as pool:
        for outcome in pool.run((i, asked.payload(_crystal(row["poscar"]))) for i, row in enumerate(missing)):
            row = missing[int(str(outcome.key))]
            said = outcome.message or f"{outcome.value['k_vrh']:.1f} GPa, {outcome.seconds:.0f} s"
            print(row["id"], said, flush=True)
            if outcome.ok:
                detail = outcome.value["detail"]
                done[row["id"]] = {
                    **row,
                    "k_vrh_gpa": f"{outcome.value['k_vrh']:.6f}",
                    "volume_per_atom_angstrom3": f"{detail['volume_per_atom_angstrom3']:.6f}",
                    "energy_per_atom_ev": f"{outcome.value['energy_per_atom']:.6f}",
                }
                _write(folder / "start_labelled.csv", [done[row["id"]] for row in wanted if row["id"] in done])


def _crystal(poscar: str) -> Crystal:
    return Crystal.from_pymatgen(Poscar.from_str(poscar).structure)


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
