"""Folders that came back from VASP, pw.x and people, as `matsift record` reads them."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.fuzz.parser import SHELF, Parser, Read, check_sentence, of_binary, of_json, of_text
from tests.factories.dft_outputs import outcar, pw_output, run_of
from tests.factories.structure_files import rock_salt

from matsift.study.handoff import EspressoOracle, HandOffOracle, VaspOracle
from matsift_adapters.oracles.handoff import CARD, Finished, read_folder, write_folder

_VASP = VaspOracle(task="energy", incar={"ALGO": "Fast"})
_TENSOR = VaspOracle(task="elasticity")
_PW = EspressoOracle(task="energy", pseudopotentials={"Na": "na.upf", "Cl": "cl.upf"})
_PW_XML = """<?xml version="1.0"?><qes:espresso xmlns:qes="http://www.quantum-espresso.org/ns/qes/qes-1.0">
<general_info><creator NAME="PWSCF" VERSION="7.2"/></general_info>
<input><control_variables><calculation>scf</calculation></control_variables>
<basis><ecutwfc>30.0</ecutwfc><ecutrho>120.0</ecutrho></basis><bands><smearing degauss="0.005">mv</smearing></bands>
<k_points_IBZ><monkhorst_pack nk1="6" nk2="6" nk3="6"/></k_points_IBZ>
<atomic_species><species name="Na"><pseudo_file>na.upf</pseudo_file></species>
<species name="Cl"><pseudo_file>cl.upf</pseudo_file></species></atomic_species>
<atomic_structure nat="8"><atomic_positions>ATOMS</atomic_positions></atomic_structure></input>
<output><convergence_info><scf_conv><convergence_achieved>true</convergence_achieved></scf_conv></convergence_info>
<atomic_structure><atomic_positions>ATOMS</atomic_positions>
<cell><a1>10.658 0 0</a1><a2>0 10.658 0</a2><a3>0 0 10.658</a3></cell></atomic_structure>
<total_energy><etot>-10.0</etot></total_energy><band_structure><lsda>false</lsda><nbnd>3</nbnd>
<ks_energies><eigenvalues>-0.1 0.1 0.3</eigenvalues><occupations>1.0 1.0 0.0</occupations></ks_energies>
</band_structure></output><exit_status>0</exit_status></qes:espresso>
"""


def parsers() -> list[Parser]:
    """Return the parsers of outputs that come back, each in a folder whose other files are whole."""
    with TemporaryDirectory(prefix="matsift-fuzz-", dir=SHELF) as shelf:
        folder = Path(shelf) / "handed-out"
        _hand_out(_VASP, folder)
        vasprun, card = run_of(folder).encode(), json.loads((folder / CARD).read_text())
    of_tensor = outcar(n_ion=8, tensor_gpa=np.eye(6) * 50 + 20).encode()
    atoms = "".join(f'<atom name="{symbol}" index="1">0.0 0.0 0.0</atom>' for symbol in rock_salt().species)
    pw_out = pw_output(rock_salt()).encode()
    crash = b" %%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%\n Error in routine cdiaghg (1):\n S is singular\n"
    return [
        of_text("vasprun", [vasprun], _read(_VASP, "vasprun.xml")),
        of_text(
            "outcar", [of_tensor], _read(_TENSOR, "OUTCAR", lambda place: _put(place, "vasprun.xml", run_of(place)))
        ),
        of_text("pw-output", [pw_out, crash], _read(_PW, "pw.out")),
        of_text("pw-xml", [_PW_XML.replace("ATOMS", atoms).encode()], _read(_PW, "matsift.xml")),
        of_json("card", [card], _read(_VASP, CARD, lambda place: _put(place, "vasprun.xml", vasprun.decode()))),
        of_binary("vasprun-gzip", [gzip.compress(vasprun, mtime=0)], _read(_VASP, "vasprun.xml.gz")),
    ]


def _hand_out(settings: HandOffOracle, folder: Path) -> None:
    write_folder(settings, "m", rock_salt(), folder, {})


def _put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def _read(settings: HandOffOracle, name: str, prepare: Callable[[Path], None] | None = None) -> Read:
    """Return what puts a file into a folder that was handed out, and reads the folder; each input in a fresh one."""
    ready: list[Path] = []

    def read(content: bytes, folder: Path) -> str | None:
        place = folder / "handed-out"
        if not ready:
            _hand_out(settings, place)
            if prepare is not None:
                prepare(place)
            ready.append(place)
        kept = (place / name).read_bytes() if name == CARD else b""
        (place / name).write_bytes(content)
        try:
            returned = read_folder(settings, place)
        finally:
            if kept:
                (place / name).write_bytes(kept)
        if isinstance(returned, Finished):
            assert all(math.isfinite(value) for value in returned.values.values()), "a value is not finite"
            json.dumps(returned.detail)
            return None
        check_sentence(returned.message)
        return getattr(returned, "error_class", "running")

    return read
