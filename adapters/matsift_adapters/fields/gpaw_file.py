"""The density of all electrons of a GPAW restart file (.gpw), which GPAW itself reads in the system's Python."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.density.grid import DensityGrid
from matsift.errors import BadStructureError, FieldError
from matsift.execution.killable import ONE_THREAD
from matsift.study.oracles import GpawOracle
from matsift_adapters.fields.read_field import ReadField, check_points, checked_density

#: Wall-clock limit of one file.
SECONDS_A_FILE = 600.0

_SCRIPT = Path(__file__).with_name("gpaw_process.py")
_REMEDY = "install it with `apt-get install gpaw gpaw-data` (Debian), or export the density as a cube file"


def read_gpw(path: Path, method: str | None = None, python: str | None = None) -> ReadField:
    """Return the density of all electrons, checked against those of the neutral atoms.

    Parameters
    ----------
    path
        The restart file; the wave functions need not be in it.
    method
        How it was made; by default version and functional, for example ``gpaw-22.8.0-pbe-all-electron``.
    python
        Interpreter that can import gpaw; by default that of the GPAW oracle.

    Raises
    ------
    FieldError
        If GPAW is not installed, cannot read the file within `SECONDS_A_FILE`, or the density is not of the electrons
        of its atoms.
    """
    with TemporaryDirectory(prefix="matsift-gpw-") as folder:
        out = Path(folder) / "density.npz"
        said = _asked(path, out, python or GpawOracle().python)
        with np.load(out, allow_pickle=False) as found:
            density, cell, positions, numbers = (found[name] for name in ("density", "cell", "positions", "numbers"))
    check_points(path.name, density.shape)
    try:
        symbols = [ELEMENT_SYMBOLS[number - 1] for number in numbers]
        crystal = Crystal.ordered(cell, symbols, np.linalg.solve(cell.T, positions.T).T)
        crystal.check()
    except (BadStructureError, np.linalg.LinAlgError) as error:
        raise FieldError(f"{path.name}: {error}") from error
    how = method or f"gpaw-{said['version']}-{said['xc'].lower()}-all-electron"
    grid = DensityGrid(density, crystal.lattice)
    return checked_density(path.name, crystal, how, grid, electrons="all", n_unpaired=said["n_unpaired"])


def _asked(path: Path, out: Path, python: str) -> dict[str, Any]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [python, "-I", "-W", "ignore", str(_SCRIPT), str(path.resolve()), str(out)]
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**kept, **ONE_THREAD, "MPLBACKEND": "agg"},
            timeout=SECONDS_A_FILE,
            check=False,
        )
    except OSError as error:
        raise FieldError(f"{path.name}: GPAW reads it, and {python} cannot be run; {_REMEDY}") from error
    except subprocess.TimeoutExpired as error:
        raise FieldError(f"{path.name}: GPAW did not read it within {SECONDS_A_FILE:g} s") from error
    try:
        said: dict[str, Any] = json.loads(ended.stdout)
    except json.JSONDecodeError as error:
        raise FieldError(f"{path.name}: GPAW died over it with exit code {ended.returncode}") from error
    if said.get("error") == "no gpaw":
        raise FieldError(f"{path.name}: GPAW reads it, and {python} has none; {_REMEDY}")
    if "error" in said:
        raise FieldError(f"{path.name}: GPAW cannot give its density ({said['error']}: {said['message']})")
    return said
