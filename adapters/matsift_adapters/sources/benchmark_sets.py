"""The benchmark sets that matminer knows, and what stands in the columns of those that hold crystals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from matsift.errors import SourceError
from matsift.study.label_column import LabelColumn

#: Sets of the benchmark matbench v0.1 begin like this.
MATBENCH = "matbench_"
#: The one of its tasks on structures that is no regression; its folds are stratified by a label that we do not hold.
CLASSIFICATION = "matbench_mp_is_metal"

_CC_BY = "CC-BY-4.0"
_PBE, _OPTB88, _TBMBJ = "pbe-dft", "optb88vdw-dft", "tbmbj-dft"


@dataclass(frozen=True)
class Pinned:
    """What matminer says of a set: where its file is, the SHA-256 of that, its rows, its columns with their meaning."""

    dataset: str
    url: str
    sha256: str
    file_type: str
    n_row: int
    columns: dict[str, str]
    description: str


@dataclass(frozen=True)
class Known:
    """What this project knows of a set: its labels, and which columns to keep with the entry."""

    labels: tuple[LabelColumn, ...] = ()
    payload: tuple[str, ...] = ()
    id_column: str | None = None
    structure: str = "structure"
    licence: str = "unknown"


def pinned(dataset: str) -> Pinned:
    """Return what matminer says of a set.

    Raises
    ------
    SourceError
        If it knows no such set, or is not installed.
    """
    known = _metadata()
    if dataset not in known:
        close = [name for name in known if dataset.lower() in name] or [name for name in known if MATBENCH in name]
        raise SourceError(
            dataset, "matminer knows no such data set", f"name one of its own, such as {', '.join(close)}"
        )
    said = known[dataset]
    return Pinned(
        dataset, said["url"], said["hash"], said["file_type"], said["num_entries"], said["columns"], said["description"]
    )


def known(dataset: str) -> Known:
    """Return what this project knows of a set; of most it knows nothing but the usual column of structures."""
    return _KNOWN.get(dataset, Known())


@cache
def _metadata() -> dict[str, dict[str, Any]]:
    # read as a file: importing matminer takes seconds
    spec = find_spec("matminer")
    if spec is None or not spec.submodule_search_locations:
        raise SourceError("matminer", "it is not installed", "pip install matminer")
    path = Path(next(iter(spec.submodule_search_locations))) / "datasets" / "dataset_metadata.json"
    found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _labels(method: str, **columns: str) -> tuple[LabelColumn, ...]:
    """Return label columns from property=column, in the property's own unit."""
    return tuple(LabelColumn(column=column, property=name, method=method) for name, column in columns.items())


def _log10(column: str, name: str) -> tuple[LabelColumn, ...]:
    return (LabelColumn(column=column, property=name, method=_PBE, unit="log10 GPa"),)


_JARVIS_MODULI = _labels(_OPTB88, k_vrh="bulk modulus", g_vrh="shear modulus")
_JARVIS = (
    *_labels(_OPTB88, formation_energy_per_atom="e_form", band_gap="gap opt"),
    *_labels(_TBMBJ, band_gap="gap tbmbj"),
)
_MATERIALS_PROJECT = ("formula", "nsites", "space_group")

_KNOWN = {
    "matbench_log_kvrh": Known(_log10("log10(K_VRH)", "k_vrh"), ("log10(K_VRH)",), licence=_CC_BY),
    "matbench_log_gvrh": Known(_log10("log10(G_VRH)", "g_vrh"), ("log10(G_VRH)",), licence=_CC_BY),
    "matbench_mp_gap": Known(_labels(_PBE, band_gap="gap pbe"), licence=_CC_BY),
    "matbench_mp_e_form": Known(_labels(_PBE, formation_energy_per_atom="e_form"), licence=_CC_BY),
    "matbench_mp_is_metal": Known(payload=("is_metal",), licence=_CC_BY),
    "matbench_dielectric": Known(payload=("n",), licence=_CC_BY),
    "matbench_jdft2d": Known(payload=("exfoliation_en",)),
    "matbench_perovskites": Known(payload=("e_form",)),  # of the cell, and against oxygen in water vapour
    "matbench_phonons": Known(payload=("last phdos peak",)),
    "elastic_tensor_2015": Known(
        _labels(
            _PBE,
            k_vrh="K_VRH",
            g_vrh="G_VRH",
            k_voigt="K_Voigt",
            k_reuss="K_Reuss",
            g_voigt="G_Voigt",
            g_reuss="G_Reuss",
        ),
        (*_MATERIALS_PROJECT, "elastic_tensor", "elastic_anisotropy", "poisson_ratio", "kpoint_density"),
        "material_id",
        licence=_CC_BY,
    ),
    "dielectric_constant": Known(
        _labels(_PBE, band_gap="band_gap"),
        (*_MATERIALS_PROJECT, "n", "e_electronic", "e_total", "poly_electronic", "poly_total", "pot_ferroelectric"),
        "material_id",
        licence=_CC_BY,
    ),
    "piezoelectric_tensor": Known(
        payload=(*_MATERIALS_PROJECT, "piezoelectric_tensor", "eij_max", "v_max", "point_group"),
        id_column="material_id",
        licence=_CC_BY,
    ),
    "phonon_dielectric_mp": Known(
        payload=("formula", "eps_electronic", "eps_total", "last phdos peak"), id_column="mpid", licence=_CC_BY
    ),
    "flla": Known(
        _labels(_PBE, formation_energy_per_atom="formation_energy_per_atom", energy_above_hull="e_above_hull"),
        ("formula",),
        "material_id",
        licence=_CC_BY,
    ),
    "mp_all_20181018": Known(
        _labels(
            _PBE,
            k_vrh="bulk modulus",
            g_vrh="shear modulus",
            formation_energy_per_atom="e_form",
            energy_above_hull="e_hull",
            band_gap="gap pbe",
        ),
        ("formula", "elastic anisotropy", "mu_b"),
        "mpid",
        licence=_CC_BY,
    ),
    "brgoch_superhard_training": Known(
        _labels(_PBE, k_vrh="bulk_modulus", g_vrh="shear_modulus"), ("formula", "material_id", "suspect_value")
    ),
    "jarvis_dft_3d": Known((*_JARVIS_MODULI, *_JARVIS), ("mpid",), "jid"),
    "jarvis_dft_2d": Known(_JARVIS, ("mpid", "exfoliation_en"), "jid"),
    "jarvis_ml_dft_training": Known((*_JARVIS_MODULI, *_JARVIS), ("mpid", "e_exfol", "mu_b"), "jid"),
    "tholander_nitrides": Known(
        _labels(_PBE, energy_per_atom="E_vasp_per_atom"), ("material_id",), "ht_id", "final_structure"
    ),
}
