"""Conversion of the units that published tables use into the units of `matsift.units.PROPERTIES`."""

from __future__ import annotations

_FACTORS: dict[str, dict[str, float]] = {
    "GPa": {"GPa": 1.0, "Mbar": 100.0, "kbar": 0.1, "MPa": 1e-3, "Pa": 1e-9, "TPa": 1e3, "eV/angstrom^3": 160.21766208},
    "eV/atom": {"eV/atom": 1.0, "meV/atom": 1e-3, "Ry/atom": 13.605693122994, "Ha/atom": 27.211386245988,
                "kJ/mol": 0.010364269656262174, "kcal/mol": 0.0433641042417},
    "eV": {"eV": 1.0, "meV": 1e-3, "Ry": 13.605693122994, "Ha": 27.211386245988},
}  # fmt: skip
_LOG10 = "log10 "


def known_units(target: str) -> tuple[str, ...]:
    """Return the units that `convert` turns into `target`; each also as ``log10 UNIT``.

    kJ/mol and kcal/mol count moles of atoms.
    """
    plain = _FACTORS.get(target, {target: 1.0})
    return (*plain, *(f"{_LOG10}{unit}" for unit in plain))


def convert(value: float, unit: str, target: str) -> float:
    """Return `value`, given in `unit`, in `target`; a value too large for a float becomes infinite.

    Raises
    ------
    KeyError
        If `unit` is none of `known_units(target)`.
    """
    if unit.startswith(_LOG10):
        unit = unit.removeprefix(_LOG10)
        value = 10.0**value if value < 308 else float("inf")
    return value * _FACTORS.get(target, {target: 1.0})[unit]
