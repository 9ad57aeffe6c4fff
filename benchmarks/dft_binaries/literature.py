"""What others say of the compounds of the DFT campaign: measured and calculated bulk moduli and lattice constants."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass
from pathlib import Path

from pymatgen.core import Composition, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

SPACE_GROUPS = {"rock-salt": 225, "zinc-blende": 216, "caesium-chloride": 221, "fluorite": 225, "antifluorite": 225}
ATOMS_OF_CUBIC_CELL = {"rock-salt": 8, "zinc-blende": 8, "caesium-chloride": 2, "fluorite": 12, "antifluorite": 12}

#: Formula -> lattice constant by PBE without zero-point motion (angstrom; Haas, Tran, Blaha, Phys. Rev. B 79, 085104,
#: 2009) and measured bulk modulus (GPa, as Hao et al., Phys. Rev. B 85, 014111, 2012, collect them), as transcribed in
#: the public repository statt8900/ksb_scripts, data/data_solids_wPBE.py.
SOLIDS = {
    "LiF": (4.064, 69.8),
    "LiCl": (5.147, 35.4),
    "NaF": (4.700, 51.4),
    "NaCl": (5.695, 26.6),
    "MgO": (4.255, 165.0),
    "MgS": (5.228, 80.0),
    "CaO": (4.832, 115.0),
    "TiC": (4.332, 233.0),
    "TiN": (4.247, 277.0),
    "ZrC": (4.708, 207.0),
    "ZrN": (4.594, 240.0),
    "VC": (4.154, 303.0),
    "VN": (4.116, 268.0),
    "NbC": (4.484, 300.0),
    "NbN": (4.422, 287.0),
    "CoAl": (2.851, 162.0),
    "NiAl": (2.892, 166.0),
    "BN": (3.624, 372.3),
    "BP": (4.548, 152.0),
    "BAs": (4.809, 138.0),
    "AlP": (5.504, 74.4),
    "AlAs": (5.728, 74.0),
    "GaP": (5.506, 87.4),
    "GaAs": (5.751, 75.6),
    "InP": (5.963, 71.0),
    "InAs": (6.188, 58.0),
    "SiC": (4.378, 225.0),
}

_FILE = Path("elastic/mp_binary_pbe_elasticity_2025.json.gz")
_LARGEST_PRIMITIVE_CELL = 3


@dataclass(frozen=True)
class Published:
    """An entry of the Materials Project: its id, its Hill bulk modulus by PBE (GPa)."""

    entry: str
    bulk_modulus: float


def materials_project() -> dict[tuple[str, int], Published]:
    """Return (reduced formula, space group) -> entry, of cells of two or three atoms; empty without the shared data."""
    path = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / _FILE
    if not path.exists():
        return {}
    found = {}
    for row in json.loads(gzip.decompress(path.read_bytes())):
        structure = Structure.from_dict(row["structure"])
        if len(structure.get_primitive_structure()) <= _LARGEST_PRIMITIVE_CELL:
            key = (
                Composition(row["formula"]).reduced_formula,
                SpacegroupAnalyzer(structure, 0.1).get_space_group_number(),
            )
            found[key] = Published(row["mp_id"], float(row["bulk_modulus_vrh"]))
    return found
