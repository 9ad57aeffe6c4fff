"""The versions that decide the last bits of a number: machines that compute for one database must agree in them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "matsift", "ase", "bvlain", "chgnet", "gemmi", "lightgbm", "matminer", "numba", "numpy", "pymatgen", "scikit-learn",
    "scipy", "spglib", "torch",
)  # fmt: skip


@cache
def software() -> Mapping[str, str]:
    """Return the version of Python (3.x) and of each package that computes, without the build behind a plus sign."""
    return {"Python": ".".join(platform.python_version_tuple()[:2]), **{name: _version(name) for name in _PACKAGES}}


def difference(theirs: Mapping[str, str]) -> str | None:
    """Return what is installed here in another version than there, in words; None where nothing is."""
    here = software()
    for name, other in theirs.items():
        if here.get(name, "missing") != other:
            return f"it has {name} {here.get(name, 'missing')}, this command {other}"
    return None


def _version(name: str) -> str:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return "missing"
