"""Lattice constants and oxygen parameters of spinels from the literature, at room temperature.

From the reviews of Hill, Craig and Gibbs (Phys. Chem. Minerals 4, 317 (1979)), O'Neill and Navrotsky (Am. Mineral. 68,
181 (1983)) and Sickafus, Wills and Grimes (J. Am. Ceram. Soc. 82, 3279 (1999)), which collect single measurements and
differ among each other by about 0.01 angstrom in a and 0.002 in u. They were set down without the pages of the reviews
at hand, so no row is good to more than that; a test holds every one against a computed structure. Only
compounds that are normal, or nearly so.
"""

from __future__ import annotations

from functools import cache

from matsift.bond_valence.dataset import Reference
from matsift.bond_valence.ion_pairs import IonPair
from matsift.bond_valence.parameters import ion

#: A and its charge, B and its charge, a in angstrom, u with the origin on the inversion centre.
_TABLE = """\
Mg 2 Al 3 8.081 0.2624
Mn 2 Al 3 8.205 0.2650
Fe 2 Al 3 8.149 0.2650
Co 2 Al 3 8.104 0.2640
Zn 2 Al 3 8.086 0.2636
Mg 2 Cr 3 8.333 0.2612
Mn 2 Cr 3 8.437 0.2641
Fe 2 Cr 3 8.379 0.2613
Co 2 Cr 3 8.333 0.2614
Ni 2 Cr 3 8.320 0.2600
Zn 2 Cr 3 8.327 0.2616
Cd 2 Cr 3 8.600 0.2670
Zn 2 Fe 3 8.441 0.2604
Cd 2 Fe 3 8.702 0.2675
Mn 2 Fe 3 8.511 0.2616
Mg 2 V 3 8.413 0.2610
Mn 2 V 3 8.522 0.2638
Fe 2 V 3 8.453 0.2620
Co 2 V 3 8.407 0.2600
Zn 2 V 3 8.410 0.2604
Cd 2 V 3 8.695 0.2670
Zn 2 Ga 3 8.334 0.2617
Cd 2 Ga 3 8.602 0.2680
Mg 2 Rh 3 8.530 0.2600
Co 2 Rh 3 8.495 0.2600
Zn 2 Rh 3 8.489 0.2600
Cd 2 Rh 3 8.781 0.2670
Ge 4 Mg 2 8.249 0.2508
Ge 4 Fe 2 8.411 0.2500
Ge 4 Co 2 8.318 0.2508
Ge 4 Ni 2 8.221 0.2506
Si 4 Mg 2 8.065 0.2441
Si 4 Fe 2 8.235 0.2418
Si 4 Co 2 8.138 0.2424
Si 4 Ni 2 8.044 0.2440
Mo 6 Na 1 9.108 0.2370
W 6 Na 1 9.133 0.2366
Mo 6 Ag 1 9.313 0.2350
"""


@cache
def literature_spinels() -> tuple[Reference, ...]:
    """Return the spinels as references: ions, lattice constant (angstrom), oxygen parameter in origin choice 2."""
    found = []
    for line in _TABLE.splitlines():
        a, a_charge, b, b_charge, lattice, oxygen = line.split()
        pair = IonPair("spinel", ion(a, int(a_charge)), ion(b, int(b_charge)))
        found.append(Reference(pair, float(lattice), float(oxygen)))
    return tuple(found)
