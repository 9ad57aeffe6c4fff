"""Whether a VASP run is the one that was handed out: INCAR tags behind the number, k-points, pseudopotentials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matsift_adapters.oracles.vasp import NUMBER_TAGS

if TYPE_CHECKING:
    from pymatgen.io.vasp.outputs import Vasprun

_REMEDY = "run it with the inputs that were handed out, or put the new ones into the study"
_DEFAULTS: dict[str, Any] = {"ISPIN": 1, "KGAMMA": True, "METAGGA": "--", "GGA": "--", "LDAUTYPE": 2, "PREC": "Normal"}


def changed_inputs(inputs: Mapping[str, Any], run: Vasprun) -> str | None:
    """Return one sentence on the first input of a run that is not as handed out, or None."""
    if not inputs:
        return None
    handed = inputs.get("incar", {})
    for tag in NUMBER_TAGS:
        wanted, found = handed.get(tag, _DEFAULTS.get(tag)), run.incar.get(tag, _DEFAULTS.get(tag))
        if not _same(wanted, found):
            ran, gave = _shown(run.incar.get(tag)), _shown(handed.get(tag))
            return f"{tag} was {ran} in the run and {gave} when it was handed out; {_REMEDY}"
    mesh = inputs.get("kpoint_mesh")
    if mesh and run.kpoints is not None and run.kpoints.num_kpts == 0:
        ran_mesh = [int(n) for n in run.kpoints.kpts[0]]
        if ran_mesh != mesh:
            return f"the k-point mesh was {ran_mesh} in the run and {mesh} when it was handed out; {_REMEDY}"
    wanted_potcars, ran_potcars = inputs.get("potcars", []), [title.split()[1] for title in run.potcar_symbols]
    if wanted_potcars and ran_potcars != wanted_potcars:
        return f"the run took the pseudopotentials {ran_potcars}, not {wanted_potcars}; {_REMEDY}"
    return None


def _same(wanted: Any, found: Any) -> bool:
    """Return whether two values of a tag mean the same; VASP shortens words, and no value is False or 0."""
    if isinstance(wanted, str) or isinstance(found, str):
        one, other = (str(value or "").lower() for value in (wanted, found))
        return one == other or (min(len(one), len(other)) > 0 and (one.startswith(other) or other.startswith(one)))
    if isinstance(wanted, list) or isinstance(found, list):
        one_list, other_list = (list(value or []) for value in (wanted, found))
        return len(one_list) == len(other_list) and all(map(_same, one_list, other_list))
    return math.isclose(float(wanted or 0), float(found or 0), rel_tol=1e-6)


def _shown(value: Any) -> str:
    return "not set" if value is None else str(value)
