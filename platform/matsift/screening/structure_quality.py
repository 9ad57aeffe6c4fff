"""What makes a structure doubtful whatever its source: sites on top of each other, a density that nothing has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

if TYPE_CHECKING:
    from matsift.crystal import Crystal

#: No two nuclei of a solid are closer, in angstrom: H2 has 0.74.
CLOSEST_ANGSTROM = 0.5
#: Densities of solids, g/cm3: hydrogen frozen at 4 K has 0.09, osmium 22.6; aerogels are no crystals.
LIGHTEST_G_PER_CM3, HEAVIEST_G_PER_CM3 = 0.05, 30.0

#: The rules by the hold that they attach, in the words of the documentation.
STRUCTURE_RULES = {
    "sites_too_close": f"two sites, or a site and its own periodic image, are closer than {CLOSEST_ANGSTROM} angstrom; "
    "places that split atoms share are no exception",
    "implausible_density": f"the density lies outside {LIGHTEST_G_PER_CM3} to {HEAVIEST_G_PER_CM3:g} g/cm3",
}


def structure_holds(crystal: Crystal, density_g_per_cm3: float) -> tuple[str, ...]:
    """Return the names of the `STRUCTURE_RULES` that a crystal, which passes `Crystal.check`, breaks."""
    holds = []
    if not LIGHTEST_G_PER_CM3 <= density_g_per_cm3 <= HEAVIEST_G_PER_CM3:
        holds.append("implausible_density")
    if has_sites_within(crystal.lattice, crystal.frac_coords, crystal.site_index, CLOSEST_ANGSTROM):
        holds.append("sites_too_close")
    return tuple(holds)


@compiled
def has_sites_within(
    lattice: NDArray[np.float64], frac_coords: NDArray[np.float64], site_index: NDArray[np.int64], limit: float
) -> bool:
    """Return whether two sites, or a site and its image, are closer than a limit in angstrom.

    Parameters
    ----------
    lattice
        (3, 3), angstrom; rows are the lattice vectors, however skewed.
    frac_coords, site_index
        (n, 3) and (n,), of the virtual atoms; those of one site are not compared.
    """
    cell = _reduced(lattice)
    for vector in cell:
        if np.sqrt((vector * vector).sum()) < limit:
            return True
    to_cell = np.linalg.inv(cell)
    coords = np.ascontiguousarray(frac_coords) @ np.ascontiguousarray(lattice) @ to_cell
    reach = np.empty(3)
    for axis in range(3):  # the limit in parts of the distance between the planes of the lattice
        reach[axis] = limit * np.sqrt((to_cell[:, axis] * to_cell[:, axis]).sum())
    apart = np.empty(3)
    for i in range(len(coords)):
        for j in range(i):
            if site_index[i] == site_index[j]:
                continue
            for axis in range(3):
                apart[axis] = coords[i, axis] - coords[j, axis]
                apart[axis] -= np.round(apart[axis])
            if _is_within(cell, apart, reach, limit):
                return True
    return False


@compiled
def _is_within(cell: NDArray[np.float64], apart: NDArray[np.float64], reach: NDArray[np.float64], limit: float) -> bool:
    """Return whether any image of a difference of places, each of its parts within -0.5 to 0.5, is short."""
    low, high = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    for axis in range(3):
        low[axis] = int(np.ceil(-reach[axis] - apart[axis]))
        high[axis] = int(np.floor(reach[axis] - apart[axis]))
        if low[axis] > high[axis]:
            return False
    for a in range(low[0], high[0] + 1):
        for b in range(low[1], high[1] + 1):
            for c in range(low[2], high[2] + 1):
                square = 0.0
                for axis in range(3):
                    part = (
                        (apart[0] + a) * cell[0, axis] + (apart[1] + b) * cell[1, axis] + (apart[2] + c) * cell[2, axis]
                    )
                    square += part * part
                if square < limit * limit:
                    return True
    return False


@compiled
def _reduced(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors of the same lattice, none of which gets shorter by taking others off it."""
    cell = lattice.copy()
    for _ in range(100):
        changed = False
        for i in range(3):
            for j in range(3):
                if i == j:
                    continue
                times = np.round((cell[i] * cell[j]).sum() / (cell[j] * cell[j]).sum())
                if times != 0:
                    shorter = cell[i] - times * cell[j]
                    if (shorter * shorter).sum() < (cell[i] * cell[i]).sum() * (1 - 1e-9):
                        cell[i] = shorter
                        changed = True
        if not changed:
            break
    return cell
