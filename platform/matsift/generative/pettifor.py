"""The modified Pettifor scale: elements in an order in which neighbours replace each other in crystals.

Glawe, Sanna, Gross, Marques, New J. Phys. 18, 093011 (2016), "The optimal one dimensional periodic table". Positions
count from 0, as in ElMD (Hargreaves et al., Chem. Mater. 32, 10610 (2020)), whose distances are taken on this scale.
"""

from __future__ import annotations

import numpy as np

from matsift.crystal import ELEMENT_SYMBOLS

#: The 103 elements from helium to hydrogen, in the order of the scale.
SCALE = tuple(
    "He Ne Ar Kr Xe Rn Fr Cs Rb K Na Li Ra Ba Sr Ca Eu Yb Lu Tm Y Er Ho Dy Tb Gd Sm Pm Nd Pr Ce La Ac Th Pa U Np Pu Am "
    "Cm Bk Cf Es Fm Md No Lr Sc Zr Hf Ti Ta Nb V Cr Mo W Re Tc Os Ru Ir Rh Pt Pd Au Ag Cu Ni Co Fe Mn Mg Zn Cd Hg Be "
    "Al Ga In Tl Pb Sn Ge Si B C N P As Sb Bi Po Te Se S O At I Br Cl F H".split()
)

#: Number of elements on the scale, hydrogen to lawrencium.
N_ELEMENT = len(SCALE)

#: (103,) position on the scale of the element of atomic number i + 1.
POSITION = np.array([SCALE.index(symbol) for symbol in ELEMENT_SYMBOLS[:N_ELEMENT]], dtype=np.int64)


def position(symbol: str) -> int:
    """Return the place of an element on the scale, 0 (helium) to 102 (hydrogen).

    Raises
    ------
    KeyError
        If the scale does not hold it: elements heavier than lawrencium.
    """
    try:
        return SCALE.index(symbol)
    except ValueError:
        raise KeyError(f"the modified Pettifor scale does not hold {symbol}") from None
