"""Any oxide at rest in the force field: cell and atoms together, by SciPy's L-BFGS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from matsift.bond_valence.energy import evaluate_pairs
from matsift.bond_valence.pair_energy import Variant, morse
from matsift.bond_valence.pairs import ChunkPairs, collect
from matsift.bond_valence.stability import cation_columns
from matsift.crystal import Crystal
from matsift.errors import MatsiftError

Array = NDArray[np.float64]

#: Largest force (eV/angstrom) and stress (eV/cubic angstrom) of a crystal at rest.
AT_REST = (1e-3, 1e-4)

_MOST_STEPS = 1000
_LARGEST_STRETCH = 3.0  # of the volume, either way


class CellRelaxationError(MatsiftError):
    """A crystal does not come to rest in the force field."""


@dataclass(frozen=True, eq=False)
class RelaxedCell:
    """A crystal at rest.

    Parameters
    ----------
    crystal
        The crystal; its atoms in the order of the one that was given.
    energy
        eV a cell.
    largest_force, largest_stress
        What is left: eV/angstrom, eV/cubic angstrom.
    n_evaluation
        Evaluations of the energy that it took.
    """

    crystal: Crystal
    energy: float
    largest_force: float
    largest_stress: float
    n_evaluation: int


def relax_cell(
    crystal: Crystal,
    valences: NDArray[np.int64],
    screening_factor: float,
    variant: Variant | None = None,
    at_rest: tuple[float, float] = AT_REST,
) -> RelaxedCell:
    """Return a crystal with cell and atoms at rest.

    The symmetry of the crystal stays, up to rounding, because forces and stress have it; a saddle of higher symmetry
    is not left.

    Parameters
    ----------
    crystal
        Any ordered oxide.
    valences
        (n_atom,) oxidation states, -2 for oxygen (`charges.assign_valences`).
    screening_factor
        Of the repulsion.
    variant
        Of the force field; the calibrated one where None.
    at_rest
        Largest force (eV/angstrom) and stress (eV/cubic angstrom) that may be left.

    Raises
    ------
    CellRelaxationError
        If the cell collapses or grows without bound, or does not converge.
    NoIonParametersError
        If a cation is not in the table.
    """
    surface = _Surface(crystal, valences, screening_factor, variant or Variant(), at_rest)
    minimize(
        surface,
        np.zeros(9 + 3 * len(crystal.species)),
        jac=True,
        method="L-BFGS-B",
        callback=surface.stop_at_rest,
        options={"maxiter": _MOST_STEPS, "ftol": 0.0, "gtol": 0.0},
    )
    force, stress = surface.left
    if force > at_rest[0] or stress > at_rest[1]:
        raise CellRelaxationError(
            f"the relaxation ended with a force of {force:.2g} eV/angstrom and a stress of {stress:.2g} eV/angstrom^3 "
            f"after {surface.n_evaluation} evaluations"
        )
    return RelaxedCell(surface.crystal, surface.energy, force, stress, surface.n_evaluation)


class _Surface:
    """The energy as a function of a deformation (9 numbers, scaled) and of the atoms' moves before it (3 n)."""

    def __init__(
        self, crystal: Crystal, valences: NDArray[np.int64], sf: float, variant: Variant, at_rest: tuple[float, float]
    ) -> None:
        self.start, self.valences, self.sf, self.variant, self.at_rest = crystal, valences, sf, variant, at_rest
        self.positions = crystal.frac_coords @ crystal.lattice
        self.scale = max(1.0, float(np.cbrt(crystal.volume))) * np.sqrt(len(crystal.species))
        self.r_cut = cation_columns(crystal, valences, ("r_cut",))[0]
        self.crystal, self.energy, self.left, self.n_evaluation = crystal, np.nan, (np.inf, np.inf), 0

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Return the energy (eV, bonds from zero at their cutoff, so that it is continuous) and its gradient."""
        deformation = np.eye(3) + x[:9].reshape(3, 3) / self.scale
        cell = self.start.lattice @ deformation
        stretch = abs(np.linalg.det(cell)) / self.start.volume
        if not 1 / _LARGEST_STRETCH < stretch < _LARGEST_STRETCH:
            raise CellRelaxationError(
                f"the cell {'grows without bound' if stretch > 1 else 'collapses'} at the screening factor {self.sf:g}"
            )
        moved = (self.positions + x[9:].reshape(-1, 3)) @ deformation
        self.crystal = Crystal.ordered(cell, list(self.start.species), moved @ np.linalg.inv(cell))
        pairs = collect([self.crystal], [self.valences], self.variant, self.sf)
        found = evaluate_pairs(pairs, np.array([self.sf]), self.variant)
        forces, stress = found.forces[0], found.stresses[0]
        self.n_evaluation += 1
        self.energy = float(found.energies[0])
        self.left = float(np.linalg.norm(forces, axis=1).max()), float(np.abs(stress).max())
        in_cell = np.linalg.solve(deformation.T, stress * self.crystal.volume) / self.scale
        gradient = np.concatenate([in_cell.ravel(), (-forces @ deformation.T).ravel()])
        return self.energy - self._beyond(pairs), gradient

    def stop_at_rest(self, _: Array) -> None:
        """End the search once nothing pulls any more."""
        if self.left[0] <= self.at_rest[0] and self.left[1] <= self.at_rest[1]:
            raise StopIteration

    def _beyond(self, pairs: ChunkPairs) -> float:
        at_cutoff, _ = morse(self.r_cut[pairs.bonds.first], *pairs.bonds.columns)
        return self.variant.morse_weight * float(at_cutoff.sum())
