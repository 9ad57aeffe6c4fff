"""Relaxation of the atoms in fixed strained cells, many cells of one crystal at a time.

Cells of one crystal under small strains share their curvature almost exactly. So all of them share one inverse
Hessian, updated by BFGS from every step of every cell: what one cell learns spares the others their steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.errors import OracleError

#: (cells (m, 3, 3), positions (m, n, 3)) -> energies (m,) eV, forces (m, n, 3) eV/angstrom, stresses (m, 3, 3) GPa.
Evaluate = Callable[
    [NDArray[np.float64], NDArray[np.float64]],
    tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
]

_FIRST_CURVATURE = 10.0  # eV per square angstrom, a usual stretching stiffness; only the first step depends on it


@dataclass(frozen=True)
class Relaxed:
    """Cells after internal relaxation: positions (m, n, 3) angstrom, stresses (m, 3, 3) GPa, evaluations spent."""

    positions: NDArray[np.float64]
    stresses: NDArray[np.float64]
    energies: NDArray[np.float64]
    n_evaluation: int


def relax_positions(
    evaluate: Evaluate,
    cells: NDArray[np.float64],
    positions: NDArray[np.float64],
    *,
    largest_force: float,
    n_step: int = 60,
    largest_move: float = 0.1,
) -> Relaxed:
    """Return the cells with their atoms moved until no force exceeds a limit.

    Parameters
    ----------
    evaluate
        Energies, forces and stresses of a batch of cells.
    cells, positions
        (m, 3, 3) and (m, n, 3), angstrom.
    largest_force
        eV/angstrom; a cell is done when no component of a force is larger.
    n_step
        Steps a cell may take.
    largest_move
        angstrom; no coordinate moves further in one step.

    Raises
    ------
    OracleError
        If a cell is not done after the last step.
    """
    n_cell, n_atom = positions.shape[:2]
    positions = positions.copy()
    inverse_hessian = np.eye(3 * n_atom) / _FIRST_CURVATURE
    energies, forces, stresses = np.zeros(n_cell), np.zeros((n_cell, n_atom, 3)), np.zeros((n_cell, 3, 3))
    moves = np.zeros((n_cell, 3 * n_atom))
    active = np.arange(n_cell)
    n_evaluation = 0
    for step in range(n_step + 1):
        before = forces[active].reshape(len(active), -1)
        energies[active], forces[active], stresses[active] = evaluate(cells[active], positions[active])
        n_evaluation += len(active)
        after = forces[active].reshape(len(active), -1)
        if step > 0:
            for move, change in zip(moves[active], before - after, strict=True):
                inverse_hessian = _bfgs_update(inverse_hessian, move, change)
        active = active[np.abs(after).max(axis=1) > largest_force]
        if not len(active):
            return Relaxed(positions, stresses, energies, n_evaluation)
        moves[active] = forces[active].reshape(len(active), -1) @ inverse_hessian
        longest = np.abs(moves[active]).max(axis=1, keepdims=True)
        moves[active] *= np.minimum(1.0, largest_move / longest)
        positions[active] += moves[active].reshape(len(active), n_atom, 3)
    worst = float(np.abs(forces[active]).max())
    raise OracleError(
        f"the atoms of {len(active)} of {n_cell} strained cells did not settle within {n_step} steps: "
        f"a force of {worst:.3f} eV/angstrom is left"
    )


def _bfgs_update(
    inverse_hessian: NDArray[np.float64], move: NDArray[np.float64], change: NDArray[np.float64]
) -> NDArray[np.float64]:
    curvature = float(move @ change)
    if curvature <= 1e-8 * float(np.linalg.norm(move) * np.linalg.norm(change)):
        return inverse_hessian
    rho = 1.0 / curvature
    left = np.eye(len(move)) - rho * np.outer(move, change)
    updated: NDArray[np.float64] = left @ inverse_hessian @ left.T + rho * np.outer(move, move)
    return updated
