"""The electron density of a GPAW restart file: ``python gpaw_process.py FILE.gpw OUT.npz``.

The system's Python runs this file by its path (Debian's GPAW lives there, matsift does not), so it imports nothing of
matsift. It prints one line of JSON: what it found, or why it found nothing.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

#: Points of the density for each point of the wave functions, along each axis.
REFINEMENT = 2


def main() -> None:
    """Write the density, e/angstrom3, and the atoms; print the rest."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is not an answer
    try:
        answer = read(sys.argv[1], sys.argv[2])
    except ImportError as error:
        answer = {"error": "no gpaw", "message": str(error)}
    except Exception as error:  # noqa: BLE001  every failure is an answer, whatever GPAW raises
        answer = {"error": type(error).__name__, "message": " ".join(str(error).split())}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def read(path: str, out: str) -> dict[str, Any]:
    """Write density, cell, positions and atomic numbers to an NPZ file; return how the density was computed."""
    import gpaw  # noqa: PLC0415  what is missing is an answer, not a crash
    import numpy as np  # noqa: PLC0415  the same

    calculator = gpaw.GPAW(path, txt=None)
    atoms = calculator.get_atoms()
    if not atoms.pbc.all():
        return {"error": "NotPeriodic", "message": "it is not periodic in three directions"}
    density = calculator.get_all_electron_density(gridrefinement=REFINEMENT)
    np.savez(
        out,
        density=np.asarray(density, dtype=np.float64),
        cell=atoms.cell.array,
        positions=atoms.positions,
        numbers=atoms.numbers,
    )
    is_polarised = calculator.get_number_of_spins() > 1
    return {
        "version": gpaw.__version__,
        "xc": str(calculator.get_xc_functional()),
        "n_unpaired": float(calculator.get_magnetic_moment()) if is_polarised else None,
    }


if __name__ == "__main__":
    main()
