"""What `vasprun.xml` does not say: how a run ended, and its elastic tensor, from OUTCAR."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matsift_adapters.oracles.card import read_text

_NUMBER = re.compile(r"-?\d+\.\d{4}")
_TENSOR = "TOTAL ELASTIC MODULI (kBar)"
_ROWS = ("XX", "YY", "ZZ", "XY", "YZ", "ZX")
_TO_VOIGT = (0, 1, 2, 4, 5, 3)  # VASP's xx yy zz xy yz zx as xx yy zz yz zx xy
_KBAR_PER_GPA = 10.0

#: What VASP prints when it gives up, and what that means.
_COMPLAINTS = {
    "VERY BAD NEWS": "VASP met an internal inconsistency",
    "ZBRENT: fatal error": "the line search of the relaxation broke down",
    "EDWAV: internal error": "the orthonormalisation of the bands broke down",
    "BRMIX: very serious problems": "the mixing of the charge density broke down",
    "Sub-Space-Matrix is not hermitian in DAV": "the diagonalisation broke down",
    "LAPACK: Routine ZPOTRF failed": "the orthonormalisation of the bands broke down",
    "hard stop encountered": "STOPCAR ended the run before it was done",
    "soft stop encountered": "STOPCAR ended the run before it was done",
}


@dataclass(frozen=True)
class Outcar:
    """What an OUTCAR says.

    Parameters
    ----------
    ended
        Whether VASP wrote its closing lines.
    relaxed
        Whether a relaxation reached its required accuracy.
    n_ion, free_energy_ev
        Number of atoms; the last free energy TOTEN.
    tensor_gpa
        (6, 6) in Voigt order, if the run ends in an elastic tensor.
    complaint
        Why VASP gave up, in words.
    """

    ended: bool
    relaxed: bool
    n_ion: int | None
    free_energy_ev: float | None
    tensor_gpa: NDArray[np.float64] | None
    complaint: str | None


def read_outcar(path: Path) -> Outcar:
    """Return what an OUTCAR says, plain or compressed; what it does not reach is None.

    Raises
    ------
    EOFError, zlib.error, gzip.BadGzipFile
        If a compressed one is broken.
    """
    text = read_text(path)
    ions = re.search(r"NIONS =\s*(\d+)", text)
    energies = re.findall(r"free  energy   TOTEN  =\s*(-?\d+\.\d+)", text)
    return Outcar(
        "General timing and accounting" in text,
        "reached required accuracy" in text,
        int(ions[1]) if ions else None,
        float(energies[-1]) if energies else None,
        _tensor(text),
        complaint(text),
    )


def complaint(text: str) -> str | None:
    """Return what VASP complains of in its output, with what that means, or None."""
    for sign, meaning in _COMPLAINTS.items():
        if sign in text:
            return f"{meaning} ({sign})"
    return None


def _tensor(text: str) -> NDArray[np.float64] | None:
    _, found, behind = text.rpartition(_TENSOR)
    if not found:
        return None
    rows = []
    for name in _ROWS:
        row = re.search(rf"^\s*{name} (.*)$", behind, flags=re.MULTILINE)
        numbers = _NUMBER.findall(row[1]) if row else []
        if len(numbers) != len(_ROWS):
            return None
        rows.append([float(number) for number in numbers])
    return np.array(rows)[np.ix_(_TO_VOIGT, _TO_VOIGT)] / _KBAR_PER_GPA
