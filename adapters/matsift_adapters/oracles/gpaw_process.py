"""GPAW behind a pipe: cells come in as lines of JSON, energies, forces, stresses, bands and densities go out.

The system's Python runs this file by its path (Debian's GPAW lives there, matsift does not), so it imports nothing of
matsift. The first line holds the parameters, each further one a cell; the answer to each is one line.
The process ends when its input does, also in the middle of a calculation.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import sys
import threading
import time
from typing import Any, TextIO


def main() -> None:
    """Answer lines until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is not an answer
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=read, args=(lines,), daemon=True).start()
    start = json.loads(lines.get())
    try:
        model = Model(start)
        answer: dict[str, Any] = {"versions": model.versions}
    except ImportError as error:
        answer = {"error": "no gpaw", "message": str(error)}
    tell(answers, answer)
    while "error" not in answer:
        request = json.loads(lines.get())
        try:
            tell(answers, model.evaluate(request))
        except Exception as error:  # noqa: BLE001  every failure of one cell is an answer, whatever GPAW raises
            tell(answers, {"error": type(error).__name__, "message": str(error)})


def read(lines: queue.Queue[str]) -> None:
    """Pass lines on; the end of the input, which the death of the other side is too, ends the process."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def tell(answers: TextIO, answer: dict[str, Any]) -> None:
    """Write one line and see that it leaves."""
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


class Model:
    """GPAW with one set of parameters; k-points are those of the first cell."""

    def __init__(self, start: dict[str, Any]) -> None:
        import ase  # noqa: PLC0415  what is missing is an answer, not a crash
        import gpaw  # noqa: PLC0415  the same
        import numpy as np  # noqa: PLC0415  the same

        self.parameters = start["parameters"]
        self.versions = {"gpaw": gpaw.__version__, "ase": ase.__version__, "numpy": np.__version__}
        self.kpoints: list[int] = []

    def evaluate(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return energy (eV), forces (eV/angstrom), stress (eV/cubic angstrom, six components) and how they came."""
        from ase import Atoms  # noqa: PLC0415  the same
        from ase.calculators.calculator import kptdensity2monkhorstpack  # noqa: PLC0415  the same
        from gpaw import GPAW, PW, FermiDirac  # noqa: PLC0415  the same

        started = time.monotonic()
        atoms = Atoms(request["species"], cell=request["cell"], positions=request["positions"], pbc=True)
        if not self.kpoints:
            density = self.parameters["kpoint_density"]
            self.kpoints = [int(k) for k in kptdensity2monkhorstpack(atoms, density, even=False)]
        empty = request.get("empty_bands", 0)
        wanted: dict[str, Any] = {"nbands": -empty} if empty else {}
        atoms.calc = GPAW(
            mode=PW(self.parameters["cutoff_ev"]),
            xc=self.parameters["xc"],
            kpts={"size": self.kpoints, "gamma": True},
            occupations=FermiDirac(self.parameters["smearing_ev"]),
            convergence=self.parameters["convergence"] | ({"bands": -(empty // 2)} if empty else {}),
            maxiter=150,
            txt=None,
            **wanted,
        )
        answer = {"energy": float(atoms.get_potential_energy()), "forces": atoms.get_forces().tolist()}
        answer["stress"] = atoms.get_stress().tolist() if request["stress"] else None
        calculator = atoms.calc
        answer["how"] = {
            "kpoints": self.kpoints,
            "n_irreducible_kpoint": len(calculator.get_ibz_k_points()),
            "n_iteration": int(calculator.get_number_of_iterations()),
            "setups": {s.symbol: {"name": s.type, "fingerprint": s.fingerprint} for s in calculator.setups},
            "seconds": round(time.monotonic() - started, 2),
        }
        if empty:
            answer["bands"] = bands(calculator)
        if request.get("density"):
            answer["density"] = densities(calculator)
        return answer


def bands(calculator: Any) -> dict[str, Any]:
    """Return the eigenvalues (eV) at the irreducible k-points, those, and how many electrons the bands hold."""
    kpoints = calculator.get_ibz_k_points()
    return {
        "eigenvalues": [calculator.get_eigenvalues(kpt=k).tolist() for k in range(len(kpoints))],
        "kpoints": kpoints.tolist(),
        "n_electron": float(calculator.get_number_of_electrons()),
    }


def densities(calculator: Any) -> dict[str, Any]:
    """Return the electron densities of a converged calculation (electrons a cubic angstrom), as bytes in base64.

    `all` and `valence` hold the true density near the nuclei, with and without the core states, on a grid twice as
    fine as that of the wave functions; `pseudo` is smooth there and misses what the compensation charges hold.
    """
    found = {
        "all": calculator.get_all_electron_density(gridrefinement=2),
        "valence": calculator.get_all_electron_density(gridrefinement=2, skip_core=True),
        "pseudo": calculator.get_pseudo_density(),
    }
    return {
        name: {"shape": list(rho.shape), "float32": base64.b64encode(rho.astype("<f4").tobytes()).decode("ascii")}
        for name, rho in found.items()
    }


main()
