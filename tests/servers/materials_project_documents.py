"""Documents of the Materials Project, made and checked by emmet's own models: a small world of rock salts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from emmet.core.elasticity import ElasticityDoc
from emmet.core.mpid import AlphaID
from emmet.core.summary import SummaryDoc
from emmet.core.thermo import ThermoDoc
from pymatgen.core import Lattice, Structure
from pymatgen.entries.computed_entries import ComputedStructureEntry
from tests.servers.materials_project import Document, MaterialsProject

BUILT = datetime(2025, 9, 1, 12, 30, 0, 250_000, tzinfo=UTC)
HULLS = ("GGA_GGA+U_R2SCAN", "GGA_GGA+U", "R2SCAN")
CATIONS, ANIONS = ("Li", "Na", "K", "Mg", "Ca"), ("F", "Cl", "Br", "O", "S")


def rock_salt(cation: str, anion: str, edge: float) -> Structure:
    """Return the primitive cell of a rock salt."""
    lattice = Lattice([[0, edge / 2, edge / 2], [edge / 2, 0, edge / 2], [edge / 2, edge / 2, 0]])
    return Structure(lattice, [cation, anion], [[0.0] * 3, [0.5] * 3], site_properties={"magmom": [0.0, 0.0]})


def world(n_material: int = 12, first: int = 8000) -> MaterialsProject:
    """Return a Materials Project of rock salts, ``mp-8000`` and on: every second one with moduli, all with energies."""
    service = MaterialsProject()
    for i in range(n_material):
        structure = rock_salt(CATIONS[i % 5], ANIONS[(i // 5) % 5], 4.0 + 0.1 * i)
        add(service, f"mp-{first + i}", structure, number=i, has_moduli=i % 2 == 0)
    return service


def add(
    service: MaterialsProject,
    material_id: str,
    structure: Structure,
    *,
    number: int = 0,
    has_moduli: bool = False,
    hulls: Sequence[str] = HULLS,
    batch_id: str | None = None,
    deprecated: bool = False,
) -> None:
    """Put a material into all collections; its values follow from `number`."""
    licence = "BY-NC" if batch_id else "BY-C"
    meta = {"license": licence, "batch_id": batch_id, "build_date": BUILT, "database_version": service.release}
    common = {"material_id": material_id, "builder_meta": meta, "last_updated": BUILT, "deprecated": deprecated}
    k = {"voigt": 52.0 + number, "reuss": 50.0 + number, "vrh": 51.0 + number}
    g = {"voigt": 32.0 + number, "reuss": 30.0 + number, "vrh": 31.0 + number}
    service.summary.append(
        _plain(
            SummaryDoc.from_structure(
                meta_structure=structure,
                **common,
                deprecation_reasons=["E001"] if deprecated else None,
                band_gap=0.5 * number,
                is_metal=number == 0,
                is_stable=number % 3 == 0,
                theoretical=number % 4 == 0,
                energy_above_hull=0.01 * number,
                formation_energy_per_atom=-2.0 + 0.01 * number,
                bulk_modulus=k if has_moduli else None,
                shear_modulus=g if has_moduli else None,
                database_IDs={"icsd": [f"icsd-{number}"]},
                origins=[{"name": "structure", "task_id": f"mp-{90000 + number}", "last_updated": BUILT}],
                has_props={"elasticity": has_moduli, "thermo": True, "charge_density": number == 1},
                task_ids=[f"mp-{90000 + number}"],
            )
        )
    )
    service.thermo += [_thermo(structure, common, number, hull, j) for j, hull in enumerate(hulls)]
    if has_moduli:
        service.elasticity.append(_elasticity(structure, common, k, g))


def _thermo(structure: Structure, common: dict[str, Any], number: int, hull: str, j: int) -> Document:
    energy = -3.0 - 0.1 * number - j
    entry = ComputedStructureEntry(structure, energy * len(structure), entry_id=common["material_id"])
    return _plain(
        ThermoDoc.from_structure(
            meta_structure=structure,
            **common,
            thermo_type=hull,
            uncorrected_energy_per_atom=energy + 0.05,
            energy_per_atom=energy,
            formation_energy_per_atom=-2.0 + 0.01 * number - j,
            energy_above_hull=0.01 * number + 0.1 * j,
            is_stable=number == 0,
            energy_type="GGA",
            entry_types=["GGA"],
            entries={"GGA": entry},
        )
    )


def _elasticity(structure: Structure, common: dict[str, Any], k: dict[str, float], g: dict[str, float]) -> Document:
    c11, c12, c44 = k["vrh"] + 40.0, k["vrh"] - 20.0, g["vrh"]
    tensor = [[c11 if i == j else c12 if i < 3 and j < 3 else 0.0 for j in range(6)] for i in range(6)]
    for i in range(3, 6):
        tensor[i][i] = c44
    return _plain(
        ElasticityDoc.from_structure(
            meta_structure=structure,
            **common,
            order=2,
            elastic_tensor={"raw": tensor, "ieee_format": tensor},
            bulk_modulus=k,
            shear_modulus=g,
            fitting_method="independent",
            state="successful",
            warnings=["One of the moduli may be wrong."],
        )
    )


def _plain(document: Any) -> Document:
    """Return a checked document as the service sends it."""
    plain = dict(json.loads(document.model_dump_json()))
    return plain | {"material_id": AlphaID(document.material_id).string}


def spell(service: MaterialsProject, *, with_letters: bool) -> None:
    """Spell the ids of all documents with letters, ``mp-aaaaalxf``, or with numbers, ``mp-8039``."""
    for document in (*service.summary, *service.thermo, *service.elasticity):
        alpha = AlphaID(document["material_id"])
        document["material_id"] = str(AlphaID(int(alpha), padlen=8, prefix="mp")) if with_letters else alpha.string
