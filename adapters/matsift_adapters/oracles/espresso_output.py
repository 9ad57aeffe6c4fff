"""What pw.x prints: how the run ended, its energies, atoms and cutoffs, of any version since 5."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RULE = re.compile(r"^ *%{20,}\s*$", flags=re.MULTILINE)
_ERROR = re.compile(r"Error in routine|\berror #")  # requests to cite a paper stand between the same rules
_ATOM = re.compile(r"^\s*\d+\s+([A-Z][a-z]?)[^\s]*\s+tau\(", flags=re.MULTILINE)
_TOO_LONG = "Maximum CPU time exceeded"
_STUCK = ("history already reset at previous step: stopping", "bfgs failed after")


@dataclass(frozen=True)
class PwOutput:
    """What the output of pw.x says.

    Parameters
    ----------
    version
        Of pw.x; None if this is no output of it.
    done
        Whether the run came to its own end.
    energy_ry
        The last total energy of a converged cycle, with exact exchange where there is some.
    electrons_converged
        Whether the last cycle converged; None if there was none.
    cell_or_atoms_moved, relaxed
        Whether it is a relaxation, and whether that converged.
    species
        Element symbols in the order of the input.
    error
        What it stopped with.
    """

    version: str | None
    done: bool
    energy_ry: float | None
    electrons_converged: bool | None
    cell_or_atoms_moved: bool
    relaxed: bool
    species: tuple[str, ...]
    cutoff_ry: float | None
    density_cutoff_ry: float | None
    pressure_gpa: float | None
    error: str | None


def read_output(text: str) -> PwOutput:
    """Return what the output of pw.x says; what it does not reach is None."""
    version = re.search(r"Program PWSCF\s+v\.?(\S+)", text)
    n_atom = _number(r"number of atoms/cell\s*=\s*([0-9]{1,9})\b", text)
    pressures = re.findall(r"\(kbar\)\s*P=\s*(-?\d+\.\d+)", text)
    energies = re.findall(r"^!{1,2}\s*total energy\s*=\s*(-?\d+\.\d+)\s*Ry", text, flags=re.MULTILINE)
    moved = "Geometry Optimization" in text or "Entering Dynamics" in text
    ended = "End of BFGS Geometry Optimization" in text and "maximum number of steps has been reached" not in text
    return PwOutput(
        version[1] if version else None,
        "JOB DONE" in text,
        float(energies[-1]) if energies else None,
        _electrons_converged(text),
        moved,
        moved and ended and not any(sign in text for sign in _STUCK),
        tuple(_ATOM.findall(text)[: int(n_atom or 0)]),
        _number(r"kinetic-energy cutoff\s*=\s*(\d+\.\d+)", text),
        _number(r"charge density cutoff\s*=\s*(\d+\.\d+)", text),
        float(pressures[-1]) / 10 if pressures else None,
        error_of(text),
    )


def error_of(text: str) -> str | None:
    """Return what pw.x stopped with, on one line, from its output or from a file CRASH; None if it did not."""
    if _TOO_LONG in text:
        return "it ran out of its time limit (max_seconds)"
    between = [" ".join(block.split()) for block in _RULE.split(text)[1::2]]
    return next((block for block in between if _ERROR.search(block)), None)


def _electrons_converged(text: str) -> bool | None:
    yes, no = text.rfind("convergence has been achieved"), text.rfind("convergence NOT achieved")
    return None if yes == no else yes > no


def _number(pattern: str, text: str) -> float | None:
    found = re.search(pattern, text)
    return float(found[1]) if found else None
