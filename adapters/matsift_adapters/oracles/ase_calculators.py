"""Calculators of ASE by name: how one is made, and what it is called in a method."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import TYPE_CHECKING, Any

from matsift.errors import OracleError
from matsift_adapters.oracles.potential import MODEL_VERSION, Potential, PotentialCalculator

if TYPE_CHECKING:
    from ase import Atoms


def calculator(name: str, settings: Mapping[str, Any], atoms: Atoms) -> Any:
    """Return a calculator for some atoms.

    Parameters
    ----------
    name
        ``chgnet``, ``emt`` or ``package.module:Class``.
    settings
        Keyword arguments of the class.

    Raises
    ------
    OracleError
        If there is no such class, or it refuses the settings.
    """
    if name == "chgnet":
        return PotentialCalculator(Potential(tuple(atoms.get_chemical_symbols())))
    module, _, attribute = ("ase.calculators.emt:EMT" if name == "emt" else name).partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)(**settings)
    except (ImportError, AttributeError) as error:
        raise OracleError(f"there is no ASE calculator {name!r} to import: {error}") from None
    except (TypeError, ValueError) as error:
        raise OracleError(f"the ASE calculator {name!r} refuses its settings: {error}") from None


def code_of(name: str) -> str:
    """Return the code and version behind a calculator's name, as a method names it."""
    if name == "chgnet":
        return f"chgnet-{MODEL_VERSION}"
    if name == "emt":
        return f"emt-ase-{version('ase')}"
    module, _, attribute = name.partition(":")
    return f"{attribute.lower()}-{_version(module.partition('.')[0])}"


def _version(package: str) -> str:
    distributions = packages_distributions().get(package, [package])
    try:
        return f"{package}-{version(distributions[0])}"
    except PackageNotFoundError:
        return package
