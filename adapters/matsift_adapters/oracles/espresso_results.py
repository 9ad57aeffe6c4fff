"""Finished pw.x folders read back: energy and gap, or why there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matsift.study.handoff import EspressoOracle
from matsift_adapters.oracles.card import BROKEN_FILE, find_output, read_text, stranger
from matsift_adapters.oracles.espresso import OUTPUT_FILE, PREFIX, SCRATCH
from matsift_adapters.oracles.espresso_output import PwOutput, error_of, read_output
from matsift_adapters.oracles.espresso_xml import PwXml, read_xml
from matsift_adapters.oracles.returned import Failed, Finished, Returned, Running

_XML_FILES = (
    f"{SCRATCH}/{PREFIX}.xml",
    f"{SCRATCH}/{PREFIX}.save/data-file-schema.xml",
    f"{PREFIX}.xml",
    "data-file-schema.xml",
)
_EV_PER_RY = 13.605693122994
_SAME_ENERGY_RY = 1e-5
_RELAXATIONS = ("relax", "vc-relax")
_REMEDY = "run it with the inputs that were handed out, or put the new ones into the study"


def read(settings: EspressoOracle, folder: Path, card: Mapping[str, Any]) -> Returned:
    """Return what a folder of pw.x says, from its output, its XML file, or both."""
    crash, printed = find_output(folder, ("CRASH",)), find_output(folder, (OUTPUT_FILE,))
    try:
        text = read_text(printed) if printed else ""
        if reason := error_of(text) or (_crash(read_text(crash)) if crash else None):
            return Failed("EspressoError", f"pw.x stopped: {reason[:300]}; mend the inputs and run it again")
        if not text.strip() and find_output(folder, _XML_FILES) is None:
            return Running(
                f"{OUTPUT_FILE} {'is empty' if printed else 'has not come back yet'}", begun=printed is not None
            )
        output = read_output(text) if text.strip() else None
    except BROKEN_FILE as error:
        return Running(f"{OUTPUT_FILE} breaks off ({error})", begun=True)
    if output is not None and output.version is None:
        return Failed("WrongFileError", f"{OUTPUT_FILE} is no output of pw.x; bring back what pw.x printed")
    if output is not None and not output.done:
        return Running(f"{OUTPUT_FILE} breaks off before its end", begun=True)
    return _with_xml(settings, folder, card, output)


def _with_xml(settings: EspressoOracle, folder: Path, card: Mapping[str, Any], output: PwOutput | None) -> Returned:
    path = find_output(folder, _XML_FILES)
    try:
        xml = read_xml(path) if path else None
    except (SyntaxError, ValueError, *BROKEN_FILE) as error:
        said = f"{path.name if path else ''} breaks off ({error})"
        if output is None:
            return Running(said, begun=True)
        return Failed("TruncatedOutputError", f"pw.x ended, but {said}: was a disk full? copy it or run it again")
    if output is None and xml is None:
        return Failed("WrongFileError", f"{path.name if path else 'the XML file'} is not written by pw.x 6 or newer")
    return _judged(settings, card, output, xml)


def _judged(settings: EspressoOracle, card: Mapping[str, Any], output: PwOutput | None, xml: PwXml | None) -> Returned:
    species = xml.species if xml is not None and xml.species else output.species if output else ()
    if said := stranger(card, species, "the run of pw.x"):
        return Failed("WrongStructureError", said)
    if failed := _unconverged(settings, output, xml) or _wrong_task(settings, output, xml):
        return failed
    if said := _changed_inputs(card["handed_out"].get("inputs", {}), output, xml):
        return Failed("ChangedInputsError", said)
    return _with_energy(len(species), output, xml)


def _with_energy(n_atom: int, output: PwOutput | None, xml: PwXml | None) -> Returned:
    energies = [told.energy_ry for told in (output, xml) if told is not None and told.energy_ry is not None]
    if not energies or not all(map(math.isfinite, energies)):
        return Failed("MissingOutputError", "pw.x ended without a total energy: was it nscf, bands or a dry run?")
    if abs(energies[0] - energies[-1]) > _SAME_ENERGY_RY * n_atom:
        said = f"{OUTPUT_FILE} ({energies[0]:.6f} Ry) and the XML file ({energies[-1]:.6f} Ry) are of different runs"
        return Failed("MixedOutputError", f"{said}; bring back both of the same one")
    return _finished(energies[0], n_atom, output, xml)


def _unconverged(settings: EspressoOracle, output: PwOutput | None, xml: PwXml | None) -> Failed | None:
    electrons = [told.electrons_converged for told in (output, xml) if told is not None]
    if False in electrons:
        said = "the electrons did not converge; raise electron_maxstep or change the mixing"
        return Failed("UnconvergedError", said)
    if xml is not None and xml.exit_status != 0:
        return Failed("EspressoError", f"pw.x ended with the exit status {xml.exit_status}; look into {OUTPUT_FILE}")
    geometry = [xml.relaxed if xml is not None else None]
    if output is not None and output.cell_or_atoms_moved:
        geometry.append(output.relaxed)
    if settings.task == "relaxation" and False in geometry:
        return Failed("UnconvergedError", "the relaxation stopped before it converged; go on from its last cell")
    return None


def _wrong_task(settings: EspressoOracle, output: PwOutput | None, xml: PwXml | None) -> Failed | None:
    stated = None if xml is None else xml.inputs.get("calculation")
    moved = stated in _RELAXATIONS or (output is not None and output.cell_or_atoms_moved)
    if stated in ("nscf", "bands"):
        said = f"the run is {stated!r}, whose energy is not self-consistent; run what was handed out"
        return Failed("WrongTaskError", said)
    if moved == (settings.task == "relaxation"):
        return None
    kind = "a relaxation" if moved else "a single cell"
    return Failed("WrongTaskError", f"the run is {kind}, and the task is {settings.task!r}; run what was handed out")


def _changed_inputs(handed: Mapping[str, Any], output: PwOutput | None, xml: PwXml | None) -> str | None:
    """Return one sentence on the first input that is not as handed out; what a file does not state is not asked for."""
    ran: dict[str, Any] = {} if xml is None else dict(xml.inputs)
    if output is not None:
        printed = {"cutoff_ry": output.cutoff_ry, "density_cutoff_ry": output.density_cutoff_ry}
        ran |= {name: value for name, value in printed.items() if value is not None and name not in ran}
    for name, wanted in handed.items():
        found = ran.get(name)
        if wanted is None or found is None or found == wanted:
            continue
        if isinstance(wanted, int | float) and math.isclose(found, wanted, rel_tol=1e-4):
            continue
        return f"{name} was {found} in the run and {wanted} when it was handed out; {_REMEDY}"
    return None


def _finished(energy_ry: float, n_atom: int, output: PwOutput | None, xml: PwXml | None) -> Finished:
    values = {"energy_per_atom": energy_ry * _EV_PER_RY / n_atom}
    lacking = {"band_gap": "there are no empty bands, or the XML file is not here"}
    if xml is not None and xml.band_gap_ev is not None:
        values["band_gap"], lacking = xml.band_gap_ev, {}
    version = (xml.version if xml is not None else None) or (output.version if output is not None else None)
    detail: dict[str, Any] = {"code": f"Quantum ESPRESSO {version}", "n_atom": n_atom, "lacking": lacking}
    if xml is not None:
        detail |= {"inputs": xml.inputs, "relaxed": xml.cell}
    if output is not None:
        detail["pressure_gpa"] = output.pressure_gpa
    return Finished(values, detail)


def _crash(text: str) -> str:
    return error_of(text) or " ".join(text.split()) or "it gave no reason"
