"""Folders for pw.x of Quantum ESPRESSO: one input file, with a note for the operator.

The file is written by ASE: it keeps ten decimals and more, where `PWInput` of pymatgen rounds to six unless told
otherwise, so that pw.x finds the symmetry of the structure that was handed out.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from matsift.crystal import Crystal
from matsift.errors import OracleError
from matsift.study.handoff import EspressoOracle
from matsift_adapters.oracles.card import method_name

INPUT_FILE = "pw.in"
OUTPUT_FILE = "pw.out"
PREFIX = "matsift"
SCRATCH = "out"

_ELSEWHERE = {"pseudopotential_folder", "quiet_hours", "kind", "task"}
_CALCULATIONS = {"relaxation": "vc-relax", "energy": "scf"}


def method_of(settings: EspressoOracle) -> str:
    """Return the method of labels: the task, and a hash of cutoffs, k-points, smearing and pseudopotentials."""
    return method_name("espresso-pw", settings.task, settings.model_dump(mode="json", exclude=_ELSEWHERE))


def write_inputs(settings: EspressoOracle, crystal: Crystal, folder: Path) -> dict[str, Any]:
    """Write pw.in and README.txt; return what decides about the number.

    Raises
    ------
    OracleError
        If the crystal is disordered, or an element has no pseudopotential in the study.
    """
    from ase import Atoms  # noqa: PLC0415  only a process that hands out needs it
    from ase.io.espresso import write_espresso_in  # noqa: PLC0415

    if not crystal.is_ordered:
        raise OracleError("the structure is disordered; pw.x needs one whole atom a site")
    if lacking := [symbol for symbol in crystal.elements if symbol not in settings.pseudopotentials]:
        raise OracleError(f"the study names no pseudopotential for {', '.join(lacking)}; add it to pseudopotentials")
    atoms = Atoms(crystal.species, cell=crystal.lattice, scaled_positions=crystal.frac_coords, pbc=True)
    used = {symbol: settings.pseudopotentials[symbol] for symbol in crystal.elements}
    mesh = kpoint_mesh(crystal, settings.kpoint_spacing)
    variables = namelists(settings, crystal.n_site)
    text = io.StringIO()
    write_espresso_in(
        text,
        atoms,
        input_data=variables,
        pseudopotentials=used,
        kpts=tuple(mesh),
        crystal_coordinates=True,
    )
    (folder / INPUT_FILE).write_text(text.getvalue(), encoding="utf-8")
    (folder / "README.txt").write_text(_readme(settings, used), encoding="utf-8")
    system = variables["system"]
    return {
        "calculation": variables["control"]["calculation"],
        "cutoff_ry": system["ecutwfc"],
        "density_cutoff_ry": system["ecutrho"],
        "smearing_width_ry": system.get("degauss"),
        "kpoint_mesh": mesh,
        "pseudopotentials": used,
    }


def namelists(settings: EspressoOracle, n_atom: int) -> dict[str, dict[str, Any]]:
    """Return the variables of pw.x by namelist; those of the study stand over ours."""
    system: dict[str, Any] = {
        "ecutwfc": settings.cutoff_ry,
        "ecutrho": settings.density_cutoff_ry or 4 * settings.cutoff_ry,
    }
    if settings.smearing == "none":
        system["occupations"] = "fixed"
    else:
        system |= {"occupations": "smearing", "smearing": settings.smearing, "degauss": settings.smearing_width_ry}
    ours: dict[str, dict[str, Any]] = {
        "control": {
            "calculation": _CALCULATIONS[settings.task],
            "prefix": PREFIX,
            "outdir": f"./{SCRATCH}",
            "pseudo_dir": settings.pseudopotential_folder,
            "tstress": True,
            "tprnfor": True,
            "verbosity": "high",
            "etot_conv_thr": 1e-5,
            "forc_conv_thr": 1e-4,
        },
        "system": system,
        "electrons": {"conv_thr": 1e-9 * n_atom},
        "ions": {},
        "cell": {},
    }
    for name, variables in settings.namelists.items():
        ours[name] |= {variable.lower(): value for variable, value in variables.items()}
    return ours


def kpoint_mesh(crystal: Crystal, spacing: float) -> list[int]:
    """Return the smallest mesh whose k-points lie no farther apart than `spacing` (1/angstrom, with 2 pi in it)."""
    lengths = np.linalg.norm(2 * np.pi * np.linalg.inv(crystal.lattice).T, axis=1)
    return [max(1, math.ceil(round(float(length) / spacing, 6))) for length in lengths]


def _readme(settings: EspressoOracle, used: dict[str, str]) -> str:
    return "\n".join(
        (
            "Run pw.x in this folder, then bring the folder back:",
            "",
            f"    pw.x -in {INPUT_FILE} > {OUTPUT_FILE}",
            "",
            f"- Task: {settings.task} ({_CALCULATIONS[settings.task]}).",
            f"- Pseudopotentials, looked for in {settings.pseudopotential_folder}: {', '.join(used.values())}.",
            f"- Wanted back, here: {OUTPUT_FILE} and {SCRATCH}/{PREFIX}.xml, or data-file-schema.xml; .gz is fine.",
            "- Leave matsift.json alone: it says which structure this is.",
            "- How many processors, mixing and diagonalisation are yours to change. Cutoffs, k-points, smearing and",
            "  pseudopotentials are not: the result would not count.",
            "- If you give up on it, write the reason into a file FAILED in this folder.",
            "",
        )
    )
