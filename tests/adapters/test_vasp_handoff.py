"""Folders for VASP are what pymatgen's own input sets write, file by file."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from pymatgen.core import SETTINGS, Structure
from pymatgen.io.vasp import sets
from pymatgen.io.vasp.inputs import Incar
from tests.factories.crystals import rock_salt

from matsift.crystal import Crystal
from matsift.errors import OracleError
from matsift.study.handoff import RelaxationSet, StaticSet, VaspOracle
from matsift_adapters.oracles.handoff import read_card, write_folder
from matsift_adapters.oracles.vasp import ELASTICITY_TAGS

PEROVSKITE = Crystal.ordered(
    3.9 * np.eye(3),
    ["Ba", "Ti", "O", "O", "O"],
    np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]),
)
CASES = [
    *(VaspOracle(input_set=name) for name in get_args(RelaxationSet)),
    *(VaspOracle(task="energy", input_set=name) for name in get_args(StaticSet)),
    VaspOracle(task="elasticity"),
    VaspOracle(
        incar={"ENCUT": 650, "LDAUU": {"Fe": 4.0}, "MAGMOM": {"Fe": 4.0}, "ALGO": "Normal"},
        kpoints={"reciprocal_density": 200},
    ),
    VaspOracle(potcars={"O": "O_s"}, potcar_functional="PBE_54"),
]


FAKE_POTCAR = """ PAW_PBE {symbol} 06Sep2000
 7.0
 parameters from PSCTR are:
   VRHFIN ={element}: s2p5
   LEXCH  = PE
   TITEL  = PAW_PBE {symbol} 06Sep2000
   POMASS =   22.990; ZVAL   =    7.000    mass and valenz
   ENMAX  =  260.000; ENMIN  =  195.000 eV
END of PSCTR-controll parameters
 local part
 1.0 2.0
End of Dataset
"""


def written(folder: Path) -> dict[str, str]:
    """Return the files of a folder but for our card and note."""
    return {p.name: p.read_text() for p in folder.iterdir() if p.name not in {"matsift.json", "README.txt"}}


@pytest.mark.parametrize("crystal", [rock_salt(), rock_salt("Fe", "O", 4.3), PEROVSKITE], ids=["NaCl", "FeO", "BaTiO3"])
@pytest.mark.parametrize(
    "settings", CASES, ids=lambda s: f"{s.task}-{s.set_name}{'-own' if s.incar or s.potcars else ''}"
)
def test_a_folder_equals_what_pymatgen_writes(settings: VaspOracle, crystal: Crystal, tmp_path: Path) -> None:
    write_folder(settings, "m", crystal, tmp_path / "ours", {})
    own = dict(settings.incar) | (ELASTICITY_TAGS if settings.task == "elasticity" else {})
    options: dict[str, Any] = {
        "user_incar_settings": own,
        "user_kpoints_settings": settings.kpoints or {},
        "user_potcar_settings": settings.potcars,
    }
    if settings.potcar_functional:
        options["user_potcar_functional"] = settings.potcar_functional
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = getattr(sets, settings.set_name)(crystal.to_pymatgen(), **options)
        made.write_input(str(tmp_path / "theirs"), potcar_spec=True)
    assert written(tmp_path / "ours") == written(tmp_path / "theirs")
    assert {"INCAR", "POSCAR", "POTCAR.spec"} <= set(written(tmp_path / "ours"))


def test_elasticity_asks_for_strains_of_the_cell(tmp_path: Path) -> None:
    write_folder(VaspOracle(task="elasticity", incar={"ENCUT": 800}), "m", rock_salt(), tmp_path / "x", {})
    incar = Incar.from_file(tmp_path / "x" / "INCAR")
    assert (incar["IBRION"], incar["ISIF"], incar["NFREE"], incar["ENCUT"]) == (6, 3, 2, 800)
    note = (tmp_path / "x" / "README.txt").read_text()
    assert "vasprun.xml and OUTCAR" in note
    assert "2 GPa counts as failed" in note


def test_the_structure_in_the_folder_is_the_one_handed_out(tmp_path: Path) -> None:
    write_folder(VaspOracle(), "m", PEROVSKITE, tmp_path / "x", {})
    there = Structure.from_file(tmp_path / "x" / "POSCAR")
    assert there.matches(PEROVSKITE.to_pymatgen())
    assert read_card(tmp_path / "x")["handed_out"]["inputs"]["potcars"] == ["Ba_sv", "Ti_pv", "O"]


def test_without_pseudopotentials_the_note_says_which_to_take(tmp_path: Path) -> None:
    write_folder(VaspOracle(), "m", rock_salt(), tmp_path / "x", {})
    assert (tmp_path / "x" / "POTCAR.spec").read_text().split() == ["Na_pv", "Cl"]
    note = (tmp_path / "x" / "README.txt").read_text()
    assert "pseudopotentials are licensed" in note
    assert "cat $PSEUDO/Na_pv/POTCAR $PSEUDO/Cl/POTCAR > POTCAR" in note


def test_with_pseudopotentials_a_potcar_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "psp" / "POT_GGA_PAW_PBE"
    shelf.mkdir(parents=True)
    for symbol in ("Na_pv", "Cl"):
        text = FAKE_POTCAR.format(symbol=symbol, element=symbol[:2])
        (shelf / f"POTCAR.{symbol}.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", str(tmp_path / "psp"))
    write_folder(VaspOracle(), "m", rock_salt(), tmp_path / "x", {})
    assert set(written(tmp_path / "x")) == {"INCAR", "KPOINTS", "POSCAR", "POTCAR"}
    assert (tmp_path / "x" / "POTCAR").read_text().count("TITEL") == 2
    assert "licensed" not in (tmp_path / "x" / "README.txt").read_text()


def test_an_element_that_an_input_set_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(OracleError, match="MPRelaxSet of pymatgen has no pseudopotential for Es; name it in potcars"):
        write_folder(VaspOracle(), "m", rock_salt("Es", "Cl"), tmp_path / "x", {})
    assert list(tmp_path.iterdir()) == []


def test_what_pymatgen_warns_of_stands_in_the_note(tmp_path: Path) -> None:
    write_folder(VaspOracle(), "m", rock_salt("Na", "K"), tmp_path / "x", {})
    assert "pymatgen says:\n- Relaxation of likely metal with ISMEAR < 0" in (tmp_path / "x" / "README.txt").read_text()
