"""A small folder of the shape of the published Materials Project data, made of this project's own entries."""

from __future__ import annotations

import csv
import gzip
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.io.cif import CifWriter
from tests.factories.small_study import bundled_records

from matsift.crystal import Crystal

#: What is wrong with the last rows, on purpose.
N_BROKEN_CIF, N_WITHOUT_FILE, N_TEXT_FOR_LABEL = 1, 1, 1


def write_materials_project(folder: Path, n_labelled: int = 110, n_pool: int = 25) -> Path:
    """Write the four tables and the archive of CIFs into a folder and return it.

    Labelled entries come first, then sodium compounds without a label; the last three rows have a CIF that is none, no
    file, and a modulus that is no number.
    """
    _, records = bundled_records()
    labelled = [r for r in records if r["role"] == "labelled" and len(r["species"]) > 1][:n_labelled]
    pool = [r for r in records if r["role"] == "pool" and "Na" in r["species"]][:n_pool]
    crystals = [*labelled, *pool, labelled[0], labelled[1], records[-1]]
    ids = [f"mp-{1000 + i}" for i in range(len(crystals))]
    folder_36737 = folder / "structures/mp_36737"
    folder_36737.mkdir(parents=True)
    (folder / "elastic").mkdir()
    _write_archive(folder_36737 / "cif_36737.tar.gz", crystals)
    _write(folder_36737 / "material_id_hash.csv.gz", [(i, key) for i, key in enumerate(ids)])
    _write(
        folder_36737 / "id_prop.csv.gz",
        [(i, -2.0 + 3.0 * (i % 5 == 0), 0.0, 1.0, 50.0, 0.0) for i in range(len(ids))],
    )
    header = ("material_id", "pretty_formula", "e_above_hull", "band_gap", "total_magnetization")
    thermo = [(key, "NaN", 0.2 * (i % 7 == 0), 1.5 * (i % 3 > 0), 0.0) for i, key in enumerate(ids)]
    _write(folder / "structures/mp_thermo_69640.csv.gz", [header, *thermo])
    moduli = [(ids[i], r["labels"]["k_vrh"], r["labels"]["g_vrh"], 0.25) for i, r in enumerate(labelled)]
    names = ("material_id", "K_VRH", "G_VRH", "poisson_ratio")
    _write(folder / "elastic/mp_elasticity_labels.csv.gz", [names, *moduli, (ids[-1], "soft", 10.0, 0.25)])
    return folder


def _write_archive(path: Path, records: Sequence[dict[str, Any]]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for i, record in enumerate(records):
            if i == len(records) - 2:
                continue
            lattice, coords = np.array(record["lattice"]).reshape(3, 3), np.array(record["frac_coords"])
            text = str(CifWriter(Crystal.ordered(lattice, record["species"], coords).to_pymatgen()))
            content = b"data_broken\n_cell_length_a 5\n" if i == len(records) - 3 else text.encode()
            info = tarfile.TarInfo(f"{i}.cif")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def _write(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    with gzip.open(path, "wt", newline="") as stream:
        csv.writer(stream).writerows(rows)
