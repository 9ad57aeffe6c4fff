"""Files of structures: CIF, COD's CIF, POSCAR, JSON, and what ASE reads; each as a worker of a source reads it."""

from __future__ import annotations

import io
import json
from pathlib import Path

from ase.io import write
from benchmarks.fuzz.parser import Parser, Read, check_crystal, check_sentence, of_binary, of_json, of_text
from tests.factories.cod_cifs import cod_cif
from tests.factories.crystals import shared_site
from tests.factories.structure_files import ROCK_SALT_CIF, rock_salt

from matsift.records import EntryRecord
from matsift_adapters.sources.cif import to_cif
from matsift_adapters.sources.parsed import Parsed
from matsift_adapters.sources.parsing import Member, parse_member
from matsift_adapters.sources.pymatgen_json import to_pymatgen
from matsift_adapters.sources.vasp_and_ase import to_atoms, to_poscar
from matsift_schema.store.entries import packed_entry

_SYMBOL_ONLY = """data_x
_cell_length_a 4.2(1)
_cell_length_b 4.2
_cell_length_c 6.1
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
_symmetry_space_group_name_H-M 'P 63/m m c'
_symmetry_Int_Tables_number 194
_cell_formula_units_Z 2
_chemical_formula_sum 'Mg O'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
_atom_site_calc_flag
Mg1 0.3333 0.6667 0.25 0.5 d
O1 0 0 0 ? d
Du1 0 0 0.5 1 dum
"""


def parsers() -> list[Parser]:
    """Return the parsers of files of structures."""
    shared = to_cif(shared_site()).encode()
    cifs = [ROCK_SALT_CIF.encode(), _SYMBOL_ONLY.encode(), shared]
    salt = to_pymatgen(rock_salt())
    records = [salt, to_pymatgen(shared_site()), [{"id": "a", "structure": salt}, {"id": "b", "structure": salt}]]
    return [
        of_text("cif", cifs, _read("cif")),
        of_text(
            "cod-cif",
            [cod_cif(1000041).encode(), cod_cif(1000042, tags="_cod_error_flag errors\n").encode()],
            _read("cod"),
        ),
        of_text("poscar", [to_poscar(rock_salt()).encode()], _read("poscar")),
        of_json("structure-json", records, _read("json")),
        *(of_text(name, [_by_ase(name)], _read(name)) for name in ("extxyz", "xsf", "gen", "espresso-in")),
        of_binary("traj", [_by_ase("traj")], _read("traj")),
    ]


def _by_ase(file_format: str) -> bytes:
    if file_format == "traj":
        raw = io.BytesIO()
        write(raw, to_atoms(rock_salt()), format="traj")
        return raw.getvalue()
    text = io.StringIO()
    more = {"pseudopotentials": {"Na": "na.upf", "Cl": "cl.upf"}} if file_format == "espresso-in" else {}
    write(text, to_atoms(rock_salt()), format=file_format, **more)
    return text.getvalue().encode()


def _read(file_format: str) -> Read:
    def read(content: bytes, _: Path) -> str | None:
        found = parse_member(Member("x", file_format, content, id_key="id"))
        assert found, "a file has no outcome"
        refusals = [_checked(parsed) for parsed in found]
        return next(filter(None, refusals), None) if all(refusals) else None

    return read


def _checked(parsed: Parsed) -> str | None:
    """Assert that an outcome can be written; return the class of a refusal."""
    packed_entry(EntryRecord(parsed.entry_id or "x", parsed.crystal, "1", "x", payload=parsed.info, holds=parsed.holds))
    json.dumps(parsed.info)
    if parsed.crystal is None:
        check_sentence(str(parsed.message))
        assert parsed.error_class in {"BadStructureError", "TruncatedError", "RecursionError", "UnicodeDecodeError"}
        return parsed.error_class
    check_crystal(parsed.crystal, parsed.facts)
    return None
