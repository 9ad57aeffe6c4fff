"""Where a mobile ion can go: its bond-valence site energies by bvlain, and the barriers at which they percolate.

The map is bvlain's (Dembitskiy, https://github.com/dembart/BVlain; potentials of Adams, softBV: Chen, Wong & Adams,
Acta Cryst. B 75, 18 (2019)); the barriers are read off it by `matsift.bond_valence.percolation`.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.errors import OracleError
from matsift.study.mobility import BARRIERS, MobilitySettings
from matsift_adapters.oracles.card import method_name

if TYPE_CHECKING:
    from pymatgen.core import Structure

ORIGIN = "oracle:bvlain"
TARGET = "matsift_adapters.oracles.percolation:label_percolation"
INITIALIZER = "matsift_adapters.oracles.percolation:initialize_worker"

#: Rises when the code behind the barriers gives other numbers for the same settings.
_SCHEME = 1
_CUTOFF_ANGSTROM = 10.0  # bvlain's own: of neighbours, and of how many the nearest count at most
_NEIGHBOURS = 100
_MOST_POINTS = 200_000  # bvlain holds some fourteen numbers a pair of point and neighbour at once: 2.3 GB
_NO_NUMBER = ("top", "time_limit_s")


def method_of(settings: MobilitySettings) -> str:
    """Return the method of the labels: bvlain and its version, the ion, a hash of all that changes the number."""
    counted = settings.model_dump(mode="json", exclude=set(_NO_NUMBER)) | {
        "ion": settings.full_ion,
        "cutoff": _CUTOFF_ANGSTROM,
        "neighbours": _NEIGHBOURS,
        "scheme": _SCHEME,
    }
    return method_name(f"bvse-bvlain-{version('bvlain')}", settings.full_ion, counted)


def payload_of(settings: MobilitySettings, crystal: Crystal) -> tuple[dict[str, Any], Crystal]:
    """Return what `label_percolation` takes for a crystal."""
    return settings.model_dump(mode="json"), crystal


def initialize_worker() -> None:
    """Load what the first structure would wait for."""
    warnings.filterwarnings("ignore")
    import bvlain  # noqa: F401, PLC0415  pandas, pymatgen and ASE behind it take two seconds

    from matsift.bond_valence.percolation import percolation_barriers  # noqa: PLC0415  it loads the compiler

    percolation_barriers(np.zeros((2, 2, 2)))


def label_percolation(payload: tuple[Mapping[str, Any], Crystal]) -> dict[str, Any]:
    """Return the barriers of a crystal: those below the cutoff by the name of their property, and a `detail`.

    Raises
    ------
    OracleError
        If the crystal is disordered, does not hold the ion, has no oxidation states, or bvlain lacks parameters.
    """
    from matsift.bond_valence.percolation import percolation_barriers  # noqa: PLC0415  it loads the compiler

    asked, crystal = MobilitySettings(**payload[0]), payload[1]
    energies, detail = site_energies(crystal, asked)
    barriers = percolation_barriers(energies, cutoff=asked.encut)
    found = dict(zip(BARRIERS, (barriers.one, barriers.two, barriers.three), strict=True))
    told = {name: round(value, 6) if math.isfinite(value) else None for name, value in found.items()}
    return {name: value for name, value in told.items() if value is not None} | {
        "detail": detail | told | {"dimension": barriers.dimension, "encut_ev": asked.encut}
    }


def site_energies(crystal: Crystal, asked: MobilitySettings) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the energies of the ion in eV at the points of a grid over the reduced cell, and how they came about.

    The framework is all other elements where they are; the ions of its own kind are taken out. The last point of an
    axis is not the first again.

    Raises
    ------
    OracleError
        As `label_percolation`.
    """
    if not crystal.is_ordered:
        raise OracleError("the crystal is disordered, and the site energies of bvlain are those of ordered ones")
    if asked.element not in crystal.species:
        raise OracleError(f"the crystal holds no {asked.element}")
    if set(crystal.species) == {asked.element}:
        raise OracleError(f"the crystal holds nothing but {asked.element}, so there is no framework")
    structure = crystal.to_pymatgen().get_reduced_structure("LLL")  # bvlain's images and grid suit blunt cells
    n_point = math.prod(int(length // asked.resolution) for length in structure.lattice.abc)
    if not 0 < n_point <= _MOST_POINTS:
        raise OracleError(
            f"a grid of {asked.resolution:g} angstrom has {n_point} points in this cell, and {_MOST_POINTS} are the "
            "most that bvlain's memory is given; set another mobility.resolution"
        )
    decorated, by = decorate(structure)
    states = {str(site.specie) for site in decorated}
    charges = {site.specie.oxi_state for site in decorated if site.specie.symbol == asked.element}
    if charges != {asked.charge}:
        raise OracleError(f"its {asked.element} is not {asked.full_ion} ({', '.join(sorted(states))})")
    detail = {"oxidation_states": sorted(states), "oxidation_states_by": by, "versions": _versions()}
    return _distribution(decorated, asked, sorted(states)), detail


def decorate(structure: Structure) -> tuple[Structure, str]:
    """Return a structure with whole oxidation states on its sites, and by what: bond valences or composition.

    Raises
    ------
    OracleError
        If neither finds any.
    """
    from pymatgen.analysis.bond_valence import BVAnalyzer  # noqa: PLC0415  pymatgen takes a second to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            analyzer = BVAnalyzer(forbidden_species=["O-", "P3-"])  # type: ignore[no-untyped-call]
            return analyzer.get_oxi_state_decorated_structure(structure), "sites"
        except (ValueError, IndexError, KeyError, ZeroDivisionError):  # its words for: no valences fit these bonds
            guesses = structure.composition.oxi_state_guesses()
    if not guesses or not all(float(state).is_integer() and state for state in guesses[0].values()):
        raise OracleError("no oxidation states: neither the bonds nor the composition has any that balance")
    guessed = structure.copy()
    guessed.add_oxidation_state_by_element({symbol: int(state) for symbol, state in guesses[0].items()})
    return guessed, "composition"


def _distribution(structure: Structure, asked: MobilitySettings, states: list[str]) -> NDArray[np.float64]:
    from bvlain import Lain  # noqa: PLC0415  pandas, pymatgen and ASE behind it take two seconds

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        calculator = Lain(verbose=False)
        calculator.read_structure(structure, oxi_check=False)
        try:
            energies = calculator.bvse_distribution(
                mobile_ion=asked.full_ion,
                r_cut=_CUTOFF_ANGSTROM,
                resolution=asked.resolution,
                k=_NEIGHBOURS,
                f=asked.screening_factor,
                use_softbv_covalent_radii=asked.radii == "softbv",
            )
        except KeyError:
            raise OracleError(f"bvlain has no parameters of {asked.full_ion} among {', '.join(states)}") from None
    energies = np.asarray(energies, dtype=np.float64)
    inner = energies[tuple(slice(0, max(n - 1, 1)) for n in energies.shape)]  # bvlain's axes end where they begin
    if np.isnan(inner).any():
        raise OracleError("bvlain gave a site energy that is not a number")
    return inner


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("bvlain", "pymatgen", "scipy", "numpy")}
