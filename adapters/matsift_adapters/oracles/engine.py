"""What computes energies, forces and stresses of cells, whatever stands behind it, and its face for ASE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np
from ase import units
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

from matsift.elasticity.moduli import VOIGT_PAIRS

if TYPE_CHECKING:
    from ase import Atoms

#: Energies (m,) eV, forces (m, n, 3) eV/angstrom, stresses (m, 3, 3) GPa, tension positive.
Evaluated = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class Engine(Protocol):
    """Energies, forces and stresses of cells of one list of species; it counts its evaluations.

    `has_exact_stress` says whether the stress is the derivative of the energies: with a basis set that changes with the
    cell it is not, so a cell at no stress is not the one of lowest energy.
    """

    species: tuple[str, ...]
    n_evaluation: int
    has_exact_stress: bool

    def evaluate(self, cells: NDArray[np.float64], positions: NDArray[np.float64]) -> Evaluated:
        """Return what is known of cells (m, 3, 3) with atoms at (m, n, 3), angstrom.

        Raises
        ------
        OracleError
            If a cell has no answer.
        """
        ...


@dataclass(frozen=True, eq=False)
class Bands:
    """The Kohn-Sham eigenvalues of one cell without spin, and what the same self-consistent cycle gave besides.

    Parameters
    ----------
    energy, largest_force
        Of the cell, eV and eV/angstrom.
    eigenvalues
        (n_k, n_band) eV, ascending at each k-point.
    kpoints
        (n_k, 3) in units of the reciprocal lattice vectors.
    n_electron
        Electrons that the bands hold, two each.
    """

    energy: float
    largest_force: float
    eigenvalues: NDArray[np.float64]
    kpoints: NDArray[np.float64]
    n_electron: float

    @property
    def occupations(self) -> NDArray[np.float64]:
        """(n_k, n_band) from 0 to 1: at each k-point the lowest bands filled, as an insulator has them at 0 K."""
        filled = np.clip(self.n_electron / 2 - np.arange(self.eigenvalues.shape[1]), 0.0, 1.0)
        return np.broadcast_to(filled, self.eigenvalues.shape)


@runtime_checkable
class BandEngine(Engine, Protocol):
    """An engine with electrons."""

    def bands(self, cell: NDArray[np.float64], positions: NDArray[np.float64], empty_bands: int) -> Bands:
        """Return the eigenvalues of a cell (3, 3) with atoms at (n, 3), angstrom; of the empty bands so many.

        Raises
        ------
        OracleError
            If the cell has no answer.
        """
        ...


class EngineCalculator(Calculator):  # type: ignore[misc]  # ase is untyped
    """An engine as an ASE calculator, for ASE's optimisers."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces", "stress"]

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Fill `results` for ASE: eV, eV/angstrom, eV/cubic angstrom."""
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        energies, forces, stresses = self.engine.evaluate(
            np.asarray(self.atoms.cell.array)[None], np.asarray(self.atoms.positions)[None]
        )
        s = stresses[0] * units.GPa
        self.results = {
            "energy": float(energies[0]),
            "free_energy": float(energies[0]),
            "forces": forces[0],
            "stress": np.array([s[pair] for pair in VOIGT_PAIRS]),
        }
