"""What pw.x writes into data-file-schema.xml: convergence, energy, bands, atoms, and the inputs it took."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift_adapters.oracles.band_gap import band_gap
from matsift_adapters.oracles.card import read_text

_EV_PER_HARTREE = 27.211386245988
_ANGSTROM_PER_BOHR = 0.529177210903


@dataclass(frozen=True)
class PwXml:
    """What data-file-schema.xml says; None where this version of pw.x does not.

    Parameters
    ----------
    energy_ry
        Total energy, with the contribution of smearing.
    electrons_converged, relaxed
        Convergence of the electrons and of the geometry.
    exit_status
        0 for a run that came to its own end.
    band_gap_ev
        None without empty bands.
    inputs
        calculation, cutoff_ry, density_cutoff_ry, smearing_width_ry, kpoint_mesh, pseudopotentials, where stated.
    cell
        The last cell: lattice (angstrom), species, frac_coords.
    """

    version: str | None
    energy_ry: float | None
    electrons_converged: bool | None
    relaxed: bool | None
    exit_status: int
    band_gap_ev: float | None
    species: tuple[str, ...]
    inputs: dict[str, Any]
    cell: dict[str, Any]


def read_xml(path: Path) -> PwXml | None:
    """Return what data-file-schema.xml says; None if it is another kind of XML.

    Raises
    ------
    SyntaxError
        If it is no XML, or breaks off.
    """
    root = ET.fromstring(read_text(path))  # noqa: S314  expat refuses entity bombs and loads no external entity
    if not root.tag.endswith("}espresso"):
        return None
    energy = _float(root, "output/total_energy/etot")
    creator = root.find("general_info/creator")
    return PwXml(
        None if creator is None else creator.get("VERSION"),
        None if energy is None else 2 * energy,
        _truth(root, "output/convergence_info/scf_conv/convergence_achieved"),
        _truth(root, "output/convergence_info/opt_conv/convergence_achieved"),
        int(_text(root, "exit_status") or _text(root, "status") or 0),
        _gap(root),
        tuple(_symbol(atom.get("name", "")) for atom in root.iterfind("input/atomic_structure/atomic_positions/atom")),
        _inputs(root),
        _cell(root),
    )


def _text(root: ET.Element, path: str) -> str | None:
    found = root.findtext(path)
    return None if found is None else found.strip()


def _float(root: ET.Element, path: str) -> float | None:
    found = _text(root, path)
    return float(found) if found else None


def _truth(root: ET.Element, path: str) -> bool | None:
    found = _text(root, path)
    return None if not found else found.lower() == "true"


def _symbol(label: str) -> str:
    return "".join(letter for letter in label[:2] if letter.isalpha()).capitalize() if label else ""


def _inputs(root: ET.Element) -> dict[str, Any]:
    cutoff, density = _float(root, "input/basis/ecutwfc"), _float(root, "input/basis/ecutrho")
    mesh, smearing = root.find("input/k_points_IBZ/monkhorst_pack"), root.find("input/bands/smearing")
    stated = {
        "calculation": _text(root, "input/control_variables/calculation"),
        "cutoff_ry": None if cutoff is None else 2 * cutoff,
        "density_cutoff_ry": None if density is None else 2 * density,
        "smearing_width_ry": None if smearing is None else 2 * float(smearing.get("degauss", "nan")),
        "kpoint_mesh": None if mesh is None else [int(mesh.get(f"nk{axis}", "1")) for axis in (1, 2, 3)],
        "pseudopotentials": {
            _symbol(species.get("name", "")): (species.findtext("pseudo_file") or "").strip()
            for species in root.iterfind("input/atomic_species/species")
        },
    }
    return {name: value for name, value in stated.items() if value}


def _gap(root: ET.Element) -> float | None:
    bands = root.find("output/band_structure")
    if bands is None:
        return None
    energies, occupations = [], []
    for point in bands.iterfind("ks_energies"):
        energies.append(_row(point, "eigenvalues"))
        occupations.append(_row(point, "occupations"))
    if not energies or len({len(row) for row in (*energies, *occupations)}) != 1:
        return None
    e, f = np.array(energies) * _EV_PER_HARTREE, np.array(occupations)
    n_up = int(_text(bands, "nbnd_up") or 0) if _truth(bands, "lsda") else 0
    spins = [slice(None, n_up), slice(n_up, None)] if n_up else [slice(None)]
    return band_gap([(e[:, spin], f[:, spin]) for spin in spins])


def _row(point: ET.Element, name: str) -> NDArray[np.float64]:
    return np.array((point.findtext(name) or "").split(), dtype=np.float64)


def _cell(root: ET.Element) -> dict[str, Any]:
    structure = root.find("output/atomic_structure")
    if structure is None:
        return {}
    rows = [(structure.findtext(f"cell/a{axis}") or "").split() for axis in (1, 2, 3)]
    atoms = list(structure.iterfind("atomic_positions/atom"))
    if any(len(row) != 3 for row in rows) or not atoms:
        return {}
    lattice = np.array(rows, dtype=np.float64) * _ANGSTROM_PER_BOHR
    places = np.array([(atom.text or "").split() for atom in atoms], dtype=np.float64) * _ANGSTROM_PER_BOHR
    return {
        "lattice": lattice.tolist(),
        "species": [_symbol(atom.get("name", "")) for atom in atoms],
        "frac_coords": (places @ np.linalg.inv(lattice)).tolist(),
    }
