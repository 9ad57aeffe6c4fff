"""An equation of state and the electron density at its minimum, by GPAW, of a cubic crystal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from matsift.crystal import Crystal
from matsift_adapters.oracles import tasks
from matsift_adapters.oracles.gpaw import GpawEngine


def label(payload: tuple[Mapping[str, Any], Crystal]) -> dict[str, Any]:
    """Return what the oracle's equation of state says of a crystal, and under "densities" the densities at its minimum.

    Parameters
    ----------
    payload
        The settings of `matsift.study.oracles.GpawOracle` (task `equation_of_state`) as a dict, and the crystal.

    Returns
    -------
    dict
        As `gpaw.label`, with "densities": name -> (a, b, c) float32, electrons a cubic angstrom, of the primitive cell
        in detail["relaxed"], by the axes and from the origin of that cell.

    Raises
    ------
    OracleError
        If the crystal has no answer.
    """
    settings, crystal = payload
    tasks.refuse_disorder(crystal, "GPAW")
    tasks.refuse_large(crystal, settings["max_atoms"])
    with GpawEngine(crystal.species, settings) as engine:
        found = tasks.label(crystal, engine, settings)
        relaxed = found["detail"]["relaxed"]
        cell = np.array(relaxed["lattice"])
        found["densities"] = engine.densities(cell, np.array(relaxed["frac_coords"]) @ cell)
        found["detail"] |= {"versions": engine.versions, "parameters": engine.parameters, **engine.how}
    return found
