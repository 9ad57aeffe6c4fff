"""Finished VASP folders read back: energy, gap and elastic moduli, or why there are none."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from matsift.elasticity.moduli import born_stable, moduli, symmetrised
from matsift.errors import OracleError
from matsift.study.handoff import VaspOracle
from matsift_adapters.oracles.band_gap import band_gap
from matsift_adapters.oracles.card import BROKEN_FILE, beginning, check_size, find_output, read_text, stranger
from matsift_adapters.oracles.returned import Failed, Finished, Returned, Running
from matsift_adapters.oracles.vasp_inputs import changed_inputs
from matsift_adapters.oracles.vasp_outcar import Outcar, complaint, read_outcar

if TYPE_CHECKING:
    from pymatgen.io.vasp.outputs import Vasprun

#: What VASP's own messages are caught in, by custom.
_LOGS = ("vasp.out", "vasp.log", "stdout")

_OTHER_PHYSICS = (
    "chi",
    "bse",
    "gw",
    "g0w0",
    "evgw",
    "qpgw",
    "scgw",
    "rpa",
    "acfdt",
    "exact",
    "eigenval",
    "none",
    "time",
)
_KBAR_PER_GPA = 10.0
_SAME_ENERGY_EV = 1e-3
_SAME_VOLUME = 0.01


def read(settings: VaspOracle, folder: Path, card: Mapping[str, Any]) -> Returned:
    """Return what a VASP folder says."""
    try:
        outcar = read_outcar(path) if (path := find_output(folder, ("OUTCAR",))) else None
        if said := _complaint(folder, outcar):
            return Failed("VaspError", f"{said}; look into the folder, mend the inputs and run it again")
        path = find_output(folder, ("vasprun.xml",))
        if path is None or path.stat().st_size == 0:
            return _without_vasprun(outcar, begun=path is not None or outcar is not None)
        if (start := beginning(path)) and "<modeling" not in start:
            return Failed("WrongFileError", f"{path.name} is no output of VASP; bring back the file that VASP wrote")
        return _judged(settings, card, _parsed(path), outcar)
    except (*BROKEN_FILE, SyntaxError) as error:  # an XML error of lxml or of the standard library is a SyntaxError
        return _broken_off(outcar_ended=_ended(folder), error=error)
    except OracleError:
        raise
    except Exception as error:  # noqa: BLE001  pymatgen's reader raises anything, its own classes too
        return Failed(
            "UnreadableOutputError", f"vasprun.xml is not that of a plain run ({_told(error)}); bring back the task's"
        )


def _without_vasprun(outcar: Outcar | None, *, begun: bool) -> Returned:
    if outcar is not None and outcar.ended:
        return Failed("MissingOutputError", "OUTCAR is complete but vasprun.xml is not here; bring it back too")
    return Running(f"vasprun.xml {'is empty or not there' if begun else 'has not come back'} yet", begun)


def _judged(settings: VaspOracle, card: Mapping[str, Any], run: Vasprun, outcar: Outcar | None) -> Returned:
    for check in (_wrong_structure, _wrong_physics, _mixed, _unconverged):
        if failed := check(settings, card, run, outcar):
            return failed
    if said := changed_inputs(card["handed_out"].get("inputs", {}), run):
        return Failed("ChangedInputsError", said)
    if settings.task == "elasticity":
        return _elasticity(settings, run, outcar)
    return _energies(run)


def _parsed(path: Path) -> Vasprun:
    from pymatgen.io.vasp.outputs import Vasprun  # noqa: PLC0415  pymatgen takes a second to import

    check_size(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unconverged run is told by its own failure
        return Vasprun(str(path), parse_dos=False, parse_potcar_file=False)


def _complaint(folder: Path, outcar: Outcar | None) -> str | None:
    if outcar is not None and outcar.complaint:
        return outcar.complaint
    log = find_output(folder, _LOGS)
    return complaint(read_text(log)) if log else None


def _ended(folder: Path) -> bool:
    path = find_output(folder, ("OUTCAR",))
    try:
        return path is not None and read_outcar(path).ended
    except BROKEN_FILE:
        return False


def _broken_off(*, outcar_ended: bool, error: Exception) -> Returned:
    if outcar_ended:
        told = f"VASP ended, but an output breaks off ({_told(error)}): was a disk full? copy it or run it again"
        return Failed("TruncatedOutputError", told)
    return Running(f"an output of VASP breaks off ({_told(error)})", begun=True)


def _wrong_structure(_: VaspOracle, card: Mapping[str, Any], run: Vasprun, __: Outcar | None) -> Failed | None:
    said = stranger(card, (site.specie.symbol for site in run.initial_structure), "vasprun.xml")
    return Failed("WrongStructureError", said) if said else None


def _wrong_physics(settings: VaspOracle, card: Mapping[str, Any], run: Vasprun, _: Outcar | None) -> Failed | None:
    algorithm = str(run.incar.get("ALGO", "normal")).lower().split()[0]
    n_step, nsw = len(run.ionic_steps), int(run.parameters.get("NSW", 0) or 0)
    problem = None
    if algorithm.startswith(_OTHER_PHYSICS) or n_step == 0 or not math.isfinite(run.final_energy):
        problem = f"it has no ground-state energy (ALGO = {algorithm})"
    elif int(run.parameters.get("ICHARG", 0) or 0) >= 10:
        problem = "its charge density was held fixed (ICHARG of 10 or more), so its energy is not self-consistent"
    elif nsw > 0 and run.parameters.get("IBRION") == 0:
        problem = "it is molecular dynamics (IBRION = 0)"
    elif settings.task == "relaxation" and nsw <= 1:
        problem = "it is a single point (NSW of 0 or 1), not a relaxation"
    elif settings.task == "energy" and (n_step > 1 or _volume_changed(card, run)):
        problem = "its cell or its atoms moved, and the energy of the cell as it was handed out is wanted"
    return None if problem is None else Failed("WrongTaskError", f"the run in vasprun.xml is another one: {problem}")


def _volume_changed(card: Mapping[str, Any], run: Vasprun) -> bool:
    wanted = card["handed_out"].get("volume_angstrom3")
    return wanted is not None and not math.isclose(run.final_structure.volume, wanted, rel_tol=_SAME_VOLUME)


def _mixed(_: VaspOracle, __: Mapping[str, Any], run: Vasprun, outcar: Outcar | None) -> Failed | None:
    if outcar is None:
        return None
    energy = float(run.ionic_steps[-1]["e_fr_energy"])
    same_atoms = outcar.n_ion in (None, len(run.final_structure))
    told = outcar.free_energy_ev
    if same_atoms and (told is None or abs(told - energy) < _SAME_ENERGY_EV):
        return None
    return Failed("MixedOutputError", "OUTCAR and vasprun.xml are of different runs; bring back both of the same one")


def _unconverged(settings: VaspOracle, _: Mapping[str, Any], run: Vasprun, outcar: Outcar | None) -> Failed | None:
    limit = int(run.parameters["NELM"])
    steps = run.ionic_steps if settings.task == "elasticity" else run.ionic_steps[-1:]
    if not run.converged_electronic or any(len(step["electronic_steps"]) >= limit for step in steps):
        said = f"the electrons did not converge within NELM = {limit} steps; raise NELM or change ALGO"
        return Failed("UnconvergedError", said)
    if settings.task == "relaxation" and not (run.converged_ionic and (outcar is None or outcar.relaxed)):
        said = f"the relaxation stopped after {len(run.ionic_steps)} steps before it converged; go on from CONTCAR"
        return Failed("UnconvergedError", said)
    return None


def _energies(run: Vasprun) -> Returned:
    values = {"energy_per_atom": float(run.final_energy) / len(run.final_structure)}
    lacking = {}
    gap = None if run.eigenvalues is None else band_gap([(v[..., 0], v[..., 1]) for v in run.eigenvalues.values()])
    if gap is None:
        lacking["band_gap"] = "vasprun.xml holds no eigenvalues, or no empty band"
    else:
        values["band_gap"] = gap
    return Finished(values, {**_detail(run), "lacking": lacking})


def _elasticity(settings: VaspOracle, run: Vasprun, outcar: Outcar | None) -> Returned:
    if outcar is None or outcar.tensor_gpa is None:
        where = "OUTCAR has not come back" if outcar is None else "OUTCAR holds no total elastic moduli"
        return Failed("MissingOutputError", f"{where}; the tensor of IBRION = 6 with ISIF = 3 stands there")
    first = run.ionic_steps[0]
    pressure = float(np.trace(np.asarray(first["stress"], dtype=np.float64))) / 3 / _KBAR_PER_GPA
    if abs(pressure) > settings.largest_pressure_gpa:
        said = f"the cell stands under {pressure:.1f} GPa, more than {settings.largest_pressure_gpa:g}; relax it first"
        return Failed("NotRelaxedError", said)
    tensor = symmetrised(outcar.tensor_gpa)
    averages = moduli(tensor)
    values = {name: float(getattr(averages, name)[0]) for name in settings.properties if hasattr(averages, name)}
    if not all(math.isfinite(value) for value in values.values()):
        return Failed("SingularTensorError", "the elastic tensor is singular, so it has no Reuss average")
    values["energy_per_atom"] = float(first["e_0_energy"]) / len(run.initial_structure)
    measured = {
        "tensor_gpa": tensor.tolist(),
        "born_stable": bool(born_stable(tensor)[0]),
        "pressure_gpa": pressure,
    }
    return Finished(values, {**_detail(run), **measured})


def _detail(run: Vasprun) -> dict[str, Any]:
    cell = run.final_structure
    return {
        "code": f"VASP {run.vasp_version}",
        "incar": {
            tag: value if isinstance(value, (bool, int, float, list)) else str(value)
            for tag, value in run.incar.items()
        },
        "potcars": list(run.potcar_symbols),
        "n_kpoint": len(run.actual_kpoints),
        "n_ionic_step": len(run.ionic_steps),
        "n_atom": len(cell),
        "relaxed": {
            "lattice": cell.lattice.matrix.tolist(),
            "species": [site.specie.symbol for site in cell],
            "frac_coords": cell.frac_coords.tolist(),
        },
    }


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
