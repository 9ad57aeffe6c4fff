"""Folders for VASP: what an input set of pymatgen writes, with a note for the operator."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matsift.crystal import Crystal
from matsift.errors import OracleError
from matsift.study.handoff import VaspOracle
from matsift_adapters.oracles.card import method_name

if TYPE_CHECKING:
    from pymatgen.io.vasp.sets import VaspInputSet

#: INCAR tags of `task = "elasticity"` over those of the input set: finite strains and displacements (IBRION 6) with
#: the cell (ISIF 3), and stresses as sharp as de Jong et al. took them (Scientific Data 2, 150009, 2015).
ELASTICITY_TAGS: dict[str, Any] = {
    "IBRION": 6,
    "ISIF": 3,
    "NFREE": 2,
    "POTIM": 0.015,
    "NSW": 1,
    "EDIFF": 1e-6,
    "ENCUT": 700,
    "LREAL": False,
    "PREC": "Accurate",
}

#: INCAR tags that change the energy, the stress or the gap of a cell; the others are the operator's own.
NUMBER_TAGS = (
    *("ENCUT", "ENAUG", "PREC", "GGA", "METAGGA", "LHFCALC", "HFSCREEN", "AEXX", "IVDW", "LUSE_VDW", "BPARAM"),
    *("LASPH", "LDAU", "LDAUTYPE", "LDAUU", "LDAUJ", "LDAUL", "ISPIN", "LSORBIT", "LNONCOLLINEAR", "NELECT"),
    *("ISMEAR", "SIGMA", "KSPACING", "KGAMMA", "ISIF", "PSTRESS", "EFIELD", "NUPDOWN", "LREAL"),
)


def method_of(settings: VaspOracle) -> str:
    """Return the method of labels: the input set, the task, and a hash of what they say together."""
    set_class = _set_class(settings)
    parameters = {
        "config": set_class.CONFIG,
        "incar": _tags(settings),
        "kpoints": settings.kpoints,
        "potcar_functional": settings.potcar_functional,
        "potcars": settings.potcars,
    }
    return method_name(f"vasp-{settings.set_name}", settings.task, parameters)


def write_inputs(settings: VaspOracle, crystal: Crystal, folder: Path) -> dict[str, Any]:
    """Write INCAR, KPOINTS, POSCAR, POTCAR and README.txt; return what decides about the number.

    Where pymatgen knows no folder of pseudopotentials (PMG_VASP_PSP_DIR), POTCAR.spec lists those that are to be put
    together as POTCAR.

    Raises
    ------
    OracleError
        If the crystal is disordered, or the input set has nothing for it.
    """
    if not crystal.is_ordered:
        raise OracleError("the structure is disordered; VASP needs one whole atom a site")
    if strangers := [s for s in crystal.elements if s not in _set_class(settings).CONFIG["POTCAR"] | settings.potcars]:
        raise OracleError(
            f"{settings.set_name} of pymatgen has no pseudopotential for {', '.join(strangers)}; name it in potcars"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            made = input_set(settings, crystal)
            has_potcar = _write(made, folder)
            inputs = _inputs(made)
        except (KeyError, ValueError, AttributeError, OSError) as error:  # a damaged POTCAR is an AttributeError
            raise OracleError(f"{settings.set_name} of pymatgen writes no inputs for it: {_told(error)}") from None
    said = sorted({" ".join(str(w.message).split()) for w in caught if issubclass(w.category, UserWarning)})
    (folder / "README.txt").write_text(_readme(settings, inputs, has_potcar=has_potcar, said=said), encoding="utf-8")
    return inputs


def input_set(settings: VaspOracle, crystal: Crystal) -> VaspInputSet:
    """Return pymatgen's input set for a crystal."""
    options: dict[str, Any] = {"user_incar_settings": _tags(settings)}
    if settings.kpoints:
        options["user_kpoints_settings"] = dict(settings.kpoints)
    if settings.potcars:
        options["user_potcar_settings"] = dict(settings.potcars)
    if settings.potcar_functional:
        options["user_potcar_functional"] = settings.potcar_functional
    made: VaspInputSet = _set_class(settings)(crystal.to_pymatgen(), **options)
    return made


def _set_class(settings: VaspOracle) -> Any:
    from pymatgen.io.vasp import sets  # noqa: PLC0415  pymatgen takes a second to import

    return getattr(sets, settings.set_name)


def _tags(settings: VaspOracle) -> dict[str, Any]:
    return {**(ELASTICITY_TAGS if settings.task == "elasticity" else {}), **settings.incar}


def _write(made: VaspInputSet, folder: Path) -> bool:
    """Write the inputs; return whether the licensed POTCAR is among them."""
    from pymatgen.io.vasp.inputs import PmgVaspPspDirError  # noqa: PLC0415  pymatgen takes a second to import

    try:
        made.write_input(str(folder), potcar_spec=False)
    except (PmgVaspPspDirError, OSError):
        made.write_input(str(folder), potcar_spec=True)
        return False
    return True


def _inputs(made: VaspInputSet) -> dict[str, Any]:
    incar, kpoints = made.incar, made.kpoints
    mesh = None if kpoints is None or kpoints.num_kpts > 0 else [int(n) for n in kpoints.kpts[0]]
    return {
        "input_set": type(made).__name__,
        "incar": {tag: incar[tag] for tag in NUMBER_TAGS if tag in incar},
        "kpoint_mesh": mesh,
        "potcars": list(made.potcar_symbols),
    }


def _told(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _readme(settings: VaspOracle, inputs: dict[str, Any], *, has_potcar: bool, said: list[str]) -> str:
    outputs = "vasprun.xml and OUTCAR" if settings.task == "elasticity" else "vasprun.xml (OUTCAR too, if you have it)"
    lines = [
        "Run VASP in this folder, then bring the folder back.",
        "",
        f"- Task: {settings.task}; inputs by {inputs['input_set']} of pymatgen.",
        f"- Wanted back, in this folder: {outputs}; .gz is fine.",
        "- Leave matsift.json alone: it says which structure this is.",
        "- NCORE, KPAR, ALGO, NELM and the like are yours to change. Tags that change the number",
        "  (ENCUT, ISMEAR, GGA, ...), the k-points and the pseudopotentials are not: the result would not count.",
        "- If you give up on it, write the reason into a file FAILED in this folder.",
    ]
    if not has_potcar:
        lines += [
            "",
            "There is no POTCAR here: VASP's pseudopotentials are licensed, and this machine has none.",
            "Put together, in this order, those that POTCAR.spec lists:",
            f"    cat {' '.join(f'$PSEUDO/{symbol}/POTCAR' for symbol in inputs['potcars'])} > POTCAR",
        ]
    if settings.task == "elasticity":
        lines += [
            "",
            "The cell should be relaxed with the same settings first: a tensor of a cell under more than",
            f"{settings.largest_pressure_gpa:g} GPa counts as failed. If it is not, relax it and take its CONTCAR.",
        ]
    if said:
        lines += ["", "pymatgen says:", *(f"- {sentence}" for sentence in said)]
    return "\n".join(lines) + "\n"
