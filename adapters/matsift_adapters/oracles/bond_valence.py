"""The soft bond-valence force field as an engine: oxides of general cells relax and are strained with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray

from matsift.bond_valence.charges import NoValencesError, assign_valences
from matsift.bond_valence.energy import evaluate
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.parameters import NoIonParametersError
from matsift.crystal import Crystal
from matsift.errors import BadStructureError, OracleError, UserInputError
from matsift_adapters.oracles.engine import Evaluated


class BondValence:
    """The force field for one list of species; it tells their oxidation states from the first cell that it sees.

    Parameters
    ----------
    screening_factor
        The force field's screening factor.
    variant
        Fields of `matsift.bond_valence.pair_energy.Variant`.

    Raises
    ------
    OracleError
        If there is no such variant.
    """

    has_exact_stress = True

    def __init__(self, species: tuple[str, ...], screening_factor: float, **variant: Any) -> None:
        self.species = species
        self.n_evaluation = 0
        self._screening_factor = float(screening_factor)
        if not self._screening_factor > 0:
            raise OracleError(f"a screening factor of {screening_factor:g} screens nothing; use a positive number")
        try:
            self._variant = Variant(**variant)
        except UserInputError as error:
            raise OracleError(str(error)) from None

    @property
    def species(self) -> tuple[str, ...]:
        """Element symbols of the atoms, in their order."""
        return self._species

    @species.setter
    def species(self, species: tuple[str, ...]) -> None:
        self._species = tuple(species)
        self._valences: NDArray[np.int64] | None = None

    def evaluate(self, cells: NDArray[np.float64], positions: NDArray[np.float64]) -> Evaluated:
        """Return energies (m,) eV, forces (m, n, 3) eV/angstrom and stresses (m, 3, 3) GPa, tension positive.

        Raises
        ------
        OracleError
            If the species are no oxide with known oxidation states and parameters, or two atoms meet.
        """
        crystals = [
            Crystal.ordered(cell, list(self.species), xyz @ np.linalg.inv(cell))
            for cell, xyz in zip(cells, positions, strict=True)
        ]
        try:
            if self._valences is None:
                self._valences = assign_valences(crystals[0])
            found = evaluate(crystals, [self._valences] * len(crystals), self._screening_factor, self._variant)
        except (NoValencesError, NoIonParametersError, BadStructureError) as error:
            raise OracleError(str(error)) from None
        self.n_evaluation += len(crystals)
        return found.energies, np.array(found.forces), found.stresses / units.GPa
