"""Density functional theory by GPAW: plane waves and PAW data sets, in a process of the system's Python.

GPAW: Enkovaara et al., J. Phys.: Condens. Matter 22, 253202 (2010). Cells are not spin-polarised.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.elasticity.equation_of_state import GPA_PER_EV_A3
from matsift.elasticity.moduli import VOIGT_PAIRS
from matsift.errors import OracleError, UserInputError
from matsift.execution.killable import ONE_THREAD
from matsift_adapters.oracles import tasks
from matsift_adapters.oracles.engine import Bands, Evaluated

_SCRIPT = Path(__file__).with_name("gpaw_process.py")
_INSTALL = "apt-get install gpaw gpaw-data"
_PROBE = "import gpaw, gpaw.utilities; print(gpaw.__version__)"
_PROBE_LIMIT_S = 120.0

#: Where the self-consistent cycle ends, in GPAW's units: eV, electrons and eV squared, an electron.
_CONVERGENCE = {"energy": 1e-5, "density": 1e-4, "eigenstates": 1e-6}


def label(payload: tuple[Mapping[str, Any], Crystal]) -> dict[str, Any]:
    """Return what the task of the settings says of a crystal, in a process of its own.

    Parameters
    ----------
    payload
        The settings of `matsift.study.oracles.GpawOracle` as a dict, and the crystal.

    Raises
    ------
    OracleError
        If the crystal has no answer: it is disordered or too large, GPAW has no data for an element or does not
        converge, the energies have no minimum.
    """
    settings, crystal = payload
    tasks.refuse_disorder(crystal, "GPAW")
    tasks.refuse_large(crystal, settings["max_atoms"])
    with GpawEngine(crystal.species, settings) as engine:
        found = tasks.label(crystal, engine, settings)
        found["detail"] |= {"versions": engine.versions, "parameters": engine.parameters, **engine.how}
    return found


class GpawEngine:
    """GPAW for one list of species, in a process that lives as long as this object; counts its evaluations."""

    has_exact_stress = False

    def __init__(self, species: tuple[str, ...], settings: Mapping[str, Any]) -> None:
        self.species = species
        self.n_evaluation = 0
        self.how: dict[str, Any] = {}
        names = ("xc", "cutoff_ev", "kpoint_density", "smearing_ev")
        self.parameters = {name: settings[name] for name in names} | {"convergence": _CONVERGENCE}
        self._wants_stress = settings["task"] == "elasticity"
        self._process = subprocess.Popen(
            [settings["python"], "-I", "-W", "ignore", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_environment(),
        )
        self.versions = self._ask({"parameters": self.parameters})["versions"]
        if self.versions["gpaw"] != settings["version"]:
            self.close()
            raise OracleError(_other_version(settings["python"], self.versions["gpaw"], settings["version"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def evaluate(self, cells: NDArray[np.float64], positions: NDArray[np.float64]) -> Evaluated:
        """Return energies (m,) eV, forces (m, n, 3) eV/angstrom and stresses (m, 3, 3) GPa, NaN where not asked for.

        Raises
        ------
        OracleError
            If GPAW has no data set for an element, or a cell does not converge.
        """
        answers = []
        for cell, xyz in zip(cells, positions, strict=True):
            request = {"species": self.species, "cell": cell.tolist(), "positions": xyz.tolist()}
            answer = self._ask({**request, "stress": self._wants_stress})
            self.how = answer["how"]
            self.n_evaluation += 1
            answers.append(answer)
        energies = np.array([answer["energy"] for answer in answers])
        forces = np.array([answer["forces"] for answer in answers]).reshape(positions.shape)
        unknown = [float("nan")] * 6
        stresses = np.array([_stress_gpa(answer["stress"] or unknown) for answer in answers])
        return energies, forces, stresses

    def bands(self, cell: NDArray[np.float64], positions: NDArray[np.float64], empty_bands: int) -> Bands:
        """Return the eigenvalues of a cell (3, 3) on its irreducible k-points.

        The upper half of the empty bands helps the lower half, and all below, to converge; it is not returned.

        Raises
        ------
        OracleError
            As `evaluate`.
        """
        request = {"species": self.species, "cell": cell.tolist(), "positions": positions.tolist()}
        answer = self._ask({**request, "stress": False, "empty_bands": empty_bands})
        self.how = answer["how"]
        self.n_evaluation += 1
        said = answer["bands"]
        eigenvalues = np.sort(np.array(said["eigenvalues"], dtype=np.float64), axis=1)
        return Bands(
            energy=answer["energy"],
            largest_force=float(np.linalg.norm(answer["forces"], axis=1).max()),
            eigenvalues=eigenvalues[:, : eigenvalues.shape[1] - empty_bands // 2],
            kpoints=np.array(said["kpoints"], dtype=np.float64),
            n_electron=said["n_electron"],
        )

    def densities(self, cell: NDArray[np.float64], positions: NDArray[np.float64]) -> dict[str, NDArray[np.float32]]:
        """Return the electron density of a cell (3, 3) on its grid (a, b, c), electrons a cubic angstrom.

        Returns
        -------
        dict
            "all" (with the core states), "valence" (without) and "pseudo" (GPAW's smooth one).

        Raises
        ------
        OracleError
            As `evaluate`.
        """
        request = {"species": self.species, "cell": cell.tolist(), "positions": positions.tolist()}
        answer = self._ask({**request, "stress": False, "density": True})
        self.how = answer["how"]
        self.n_evaluation += 1
        return {
            name: np.frombuffer(base64.b64decode(grid["float32"]), dtype="<f4").reshape(grid["shape"])
            for name, grid in answer["density"].items()
        }

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise OracleError(f"GPAW died with exit code {process.wait()}")
        try:
            answer: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            raise OracleError(f"GPAW answered with what is no JSON: {line[:60]!r}") from None
        if "error" in answer:
            raise OracleError(_sentence(answer))
        return answer


def _stress_gpa(voigt: Sequence[float]) -> NDArray[np.float64]:
    matrix = np.empty((3, 3))
    for value, (i, j) in zip(voigt, VOIGT_PAIRS, strict=True):
        matrix[i, j] = matrix[j, i] = value * GPA_PER_EV_A3
    return matrix


@cache
def check(python: str, version: str) -> None:
    """Raise UserInputError, with the remedy, if an interpreter does not have this version of GPAW."""
    command = [python, "-I", "-W", "ignore", "-c", _PROBE]
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, env=_environment(), timeout=_PROBE_LIMIT_S, check=False
        )
    except OSError as error:
        raise UserInputError(f"{python} cannot be run ({error.strerror}); {_remedy()}") from None
    except subprocess.TimeoutExpired:
        raise UserInputError(f"{python} does not import gpaw within {_PROBE_LIMIT_S:g} s; {_remedy()}") from None
    if found.returncode:
        raise UserInputError(f"GPAW is not installed for {python}; {_remedy()}")
    if (there := found.stdout.split()[-1]) != version:
        raise UserInputError(_other_version(python, there, version))


def _remedy() -> str:
    return f"install it with `{_INSTALL}` (Debian), or name an interpreter that has it in the oracle's `python`"


def _other_version(python: str, there: str, wanted: str) -> str:
    return f"{python} has GPAW {there}, the study asks for {wanted}: set the oracle's `version` if {there} will do"


def _environment() -> dict[str, str]:
    """Return the environment without what this interpreter was told, and with one thread."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, **ONE_THREAD, "MPLBACKEND": "agg"}


def _sentence(answer: Mapping[str, str]) -> str:
    error, message = answer["error"], " ".join(str(answer["message"]).split())
    if error == "no gpaw":
        return f"GPAW is not installed; {_remedy()}"
    if error == "FileNotFoundError":
        return f"GPAW has no data set for an element of this structure: {message}"
    if error == "KohnShamConvergenceError":
        return "the self-consistent cycle of GPAW did not converge"
    return f"GPAW stopped with {error}: {message}"
