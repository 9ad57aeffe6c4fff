"""Outputs as VASP and pw.x write them, cut down to what a reader needs; and where the real ones lie."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.vasp.inputs import Incar

from matsift.crystal import Crystal

DFT = Path(os.environ.get("MATSIFT_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "dft"

_EIGENVALUES = ((-2.0, 1.0), (0.5, 1.0), (3.5, 0.0))


def unpacked(archive: str, folder: Path) -> Path:
    """Unpack a published archive of outputs; skip where the published data are not."""
    path = DFT / archive
    if not path.exists():
        pytest.skip(f"{path} is not there; set MATSIFT_DATA to the folder of the published data")
    with tarfile.open(path) as tar:
        # Python before 3.11.4 has no filters
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        tar.extractall(folder)
    return folder


def vasprun(
    crystal: Crystal,
    incar: Mapping[str, Any],
    *,
    energies: Sequence[float] = (-6.5,),
    n_electronic: int = 8,
    nelm: int = 60,
    mesh: Sequence[int] = (4, 4, 4),
    potcars: Sequence[str] = ("Na_pv", "Cl"),
    stress_kbar: float = 0.0,
    eigenvalues: Sequence[tuple[float, float]] = _EIGENVALUES,
) -> str:
    """Return a vasprun.xml: one ionic step for each energy, `n_electronic` cycles in each."""
    symbols = list(dict.fromkeys(crystal.species))
    parameters = {"NELM": nelm, "NSW": 0, "IBRION": -1, "ICHARG": 2, **incar}
    steps = "\n".join(
        f"<calculation>{_cycles(energy, n_electronic)}{_structure(crystal)}"
        f"{_array('forces', np.zeros((crystal.n_site, 3)))}{_array('stress', stress_kbar * np.eye(3))}"
        f"<energy>{_energy(energy)}</energy>{_bands(eigenvalues) if last else ''}</calculation>"
        for energy, last in zip(energies, [*[False] * (len(energies) - 1), True], strict=True)
    )
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
<generator><i name="program" type="string">vasp</i><i name="version" type="string">6.4.2</i></generator>
<incar>{_tags(incar)}</incar>
<kpoints><generation param="Gamma"><v type="int" name="divisions">{" ".join(map(str, mesh))}</v>
<v name="usershift">0.0 0.0 0.0</v></generation>
<varray name="kpointlist"><v>0.0 0.0 0.0</v></varray><varray name="weights"><v>1.0</v></varray></kpoints>
<parameters>{_tags(parameters)}</parameters>
<atominfo><atoms>{crystal.n_site}</atoms><types>{len(symbols)}</types>
<array name="atoms"><set>{
        "".join(f"<rc><c>{s}</c><c>{symbols.index(s) + 1}</c></rc>" for s in crystal.species)
    }</set></array>
<array name="atomtypes"><set>{
        "".join(
            f"<rc><c>{crystal.species.count(s)}</c><c>{s}</c><c>1.0</c><c>1.0</c><c>PAW_PBE {potcar} 06Sep2000</c></rc>"
            for s, potcar in zip(symbols, potcars, strict=True)
        )
    }</set></array></atominfo>
{_structure(crystal, "initialpos")}
{steps}
{_structure(crystal, "finalpos")}
</modeling>
"""


def run_of(folder: Path, tags: Mapping[str, Any] | None = None, **said: Any) -> str:
    """Return the vasprun.xml of a run of a folder's own inputs, with other tags and outcomes where they are given."""
    incar = {
        name: value if isinstance(value, bool | int | float | list) else str(value)
        for name, value in Incar.from_file(folder / "INCAR").items()
    }
    crystal = said.pop("crystal", None) or Crystal.from_pymatgen(Structure.from_file(folder / "POSCAR"))
    mesh = json.loads((folder / "matsift.json").read_text())["handed_out"]["inputs"]["kpoint_mesh"]
    return vasprun(crystal, {**incar, **(tags or {})}, **{"mesh": mesh, **said})


def outcar(
    *, n_ion: int = 2, energy: float = -6.5, tensor_gpa: NDArray[np.float64] | None = None, ended: bool = True
) -> str:
    """Return an OUTCAR; a tensor in Voigt order stands in it as VASP writes it, in kBar and its own order."""
    lines = [f"   number of dos      NEDOS =    301   number of ions     NIONS = {n_ion:6d}"]
    lines.append(f"  free  energy   TOTEN  = {energy:18.8f} eV")
    lines.append(" reached required accuracy - stopping structural energy minimisation")
    if tensor_gpa is not None:
        order = (0, 1, 2, 5, 3, 4)
        lines += [" TOTAL ELASTIC MODULI (kBar)"]
        lines += [" Direction    XX          YY          ZZ          XY          YZ          ZX", " " + "-" * 80]
        for name, i in zip(("XX", "YY", "ZZ", "XY", "YZ", "ZX"), order, strict=True):
            lines.append(f" {name}     " + "".join(f"{10 * tensor_gpa[i, j]:12.4f}" for j in order))
        lines.append(" " + "-" * 80)
    if ended:
        lines.append(" General timing and accounting informations for this job:")
    return "\n".join(lines) + "\n"


def pw_output(crystal: Crystal, *, energy_ry: float = -20.0, cutoff_ry: float = 60.0, done: bool = True) -> str:
    """Return what pw.x prints for one self-consistent cycle."""
    atoms = "\n".join(
        f"{i:10d}           {symbol}  tau({i:4d}) = (   0.0000000   0.0000000   0.0000000  )"
        for i, symbol in enumerate(crystal.species, start=1)
    )
    return f"""
     Program PWSCF v.7.2 starts on  1Jan2026 at  0: 0: 0
     number of atoms/cell      =  {crystal.n_site:10d}
     kinetic-energy cutoff     = {cutoff_ry:12.4f}  Ry
     charge density cutoff     = {4 * cutoff_ry:12.4f}  Ry
     site n.     atom                  positions (alat units)
{atoms}
     convergence has been achieved in   6 iterations
!    total energy              = {energy_ry:18.8f} Ry
          total   stress  (Ry/bohr**3)                   (kbar)     P=        1.50
{"   JOB DONE." if done else ""}
"""


def _tags(tags: Mapping[str, Any]) -> str:
    return "".join(_tag(name, value) for name, value in tags.items())


def _tag(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f'<i type="logical" name="{name}"> {"T" if value else "F"} </i>'
    if isinstance(value, list):
        return f'<v name="{name}"> {" ".join(map(str, value))} </v>'
    kind = {int: ' type="int"', float: ""}.get(type(value), ' type="string"')
    return f'<i{kind} name="{name}"> {value} </i>'


def _cycles(energy: float, number: int) -> str:
    return "".join(f"<scstep><energy>{_energy(energy)}</energy></scstep>" for _ in range(number))


def _energy(energy: float) -> str:
    return "".join(f'<i name="{name}">{energy:.8f}</i>' for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy"))


def _array(name: str, rows: NDArray[np.float64]) -> str:
    return (
        f'<varray name="{name}">' + "".join(f"<v>{' '.join(f'{x:.8f}' for x in row)}</v>" for row in rows) + "</varray>"
    )


def _structure(crystal: Crystal, name: str = "") -> str:
    named = f' name="{name}"' if name else ""
    return (
        f"<structure{named}><crystal>{_array('basis', crystal.lattice)}</crystal>"
        f"{_array('positions', crystal.frac_coords)}</structure>"
    )


def _bands(eigenvalues: Sequence[tuple[float, float]]) -> str:
    rows = "".join(f"<r>{energy:.4f} {occupation:.4f}</r>" for energy, occupation in eigenvalues)
    return (
        f'<eigenvalues><array><set><set comment="spin 1"><set comment="kpoint 1">{rows}</set></set></set></array>'
        "</eigenvalues>"
    )
