"""Calculators of ASE as engines: which one a name stands for, and what it is called in a method."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import PropertyNotImplementedError
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.errors import OracleError
from matsift_adapters.oracles import potential, tasks
from matsift_adapters.oracles.bond_valence import BondValence
from matsift_adapters.oracles.engine import Engine, Evaluated

_EMT = "ase.calculators.emt:EMT"


def label(payload: tuple[Mapping[str, Any], Crystal]) -> dict[str, Any]:
    """Return what the task of the settings says of a crystal.

    Parameters
    ----------
    payload
        The settings of `matsift.study.oracles.AseOracle` as a dict, and the crystal.

    Raises
    ------
    OracleError
        If the crystal has no answer, or the calculator is not what it is called.
    """
    settings, crystal = payload
    tasks.refuse_disorder(crystal, settings["calculator"])
    engine = ase_engine(settings["calculator"], settings["settings"], crystal.species)
    return tasks.label(crystal, engine, settings)


def initialize_worker() -> None:
    """Silence the libraries; a calculator loads its model with the first structure."""
    warnings.filterwarnings("ignore")


def ase_engine(name: str, settings: Mapping[str, Any], species: tuple[str, ...]) -> Engine:
    """Return the engine of a name and its keyword arguments.

    The name is ``chgnet``, ``emt``, ``bond_valence`` or ``package.module:Class``.

    Raises
    ------
    OracleError
        If there is no such class, or it refuses the settings.
    """
    if name == "chgnet":
        potential.initialize_worker()
        return potential.Potential(species)
    module, _, attribute = (_EMT if name == "emt" else name).partition(":")
    try:
        if name == "bond_valence":
            return BondValence(species, **settings)
        return AseEngine(species, getattr(importlib.import_module(module), attribute)(**settings))
    except (ImportError, AttributeError) as error:
        raise OracleError(f"there is no ASE calculator {name!r} to import: {error}") from None
    except (TypeError, ValueError) as error:
        raise OracleError(f"the ASE calculator {name!r} refuses its settings: {error}") from None


class AseEngine:
    """A calculator of ASE for one list of species; a stress that it does not know is NaN."""

    has_exact_stress = True

    def __init__(self, species: tuple[str, ...], calculator: Any) -> None:
        self.species = species
        self.n_evaluation = 0
        self._calculator = calculator

    def evaluate(self, cells: NDArray[np.float64], positions: NDArray[np.float64]) -> Evaluated:
        """Return energies (m,) eV, forces (m, n, 3) eV/angstrom and stresses (m, 3, 3) GPa, tension positive.

        Raises
        ------
        OracleError
            If the calculator breaks down, or gives no finite energy or force.
        """
        answers = [self._evaluate(cell, xyz) for cell, xyz in zip(cells, positions, strict=True)]
        self.n_evaluation += len(answers)
        energies, forces, stresses = (np.array(column, dtype=np.float64) for column in zip(*answers, strict=True))
        if not (np.isfinite(energies).all() and np.isfinite(forces).all()):
            raise OracleError("the calculator gave an energy or force that is not a finite number")
        return energies, forces, stresses

    def _evaluate(self, cell: NDArray[np.float64], xyz: NDArray[np.float64]) -> tuple[float, Any, Any]:
        atoms = Atoms(self.species, cell=cell, positions=xyz, pbc=True, calculator=self._calculator)
        try:
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
            try:
                stress = atoms.get_stress(voigt=False) / units.GPa
            except PropertyNotImplementedError:
                stress = np.full((3, 3), np.nan)
        except Exception as error:  # a calculator from outside may raise anything; it is this structure's failure
            lines = str(error).splitlines() or [type(error).__name__]
            raise OracleError(f"the calculator could not evaluate the cell: {lines[0]}") from error
        return float(energy), forces, stress


def code_of(name: str) -> str:
    """Return the code and version behind a calculator's name, as a method names it."""
    if name == "chgnet":
        return f"chgnet-{potential.MODEL_VERSION}"
    if name == "emt":
        return f"emt-ase-{version('ase')}"
    if name == "bond_valence":
        return "bond-valence"
    module, _, attribute = name.partition(":")
    package = module.partition(".")[0]
    try:
        return f"{attribute.lower()}-{version(packages_distributions().get(package, [package])[0])}"
    except PackageNotFoundError:
        return attribute.lower()
