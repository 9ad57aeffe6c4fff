"""Named groups of elements that criteria and quality rules refer to."""

from __future__ import annotations

from pymatgen.core.periodic_table import Element

#: Inert gases, as paper 001 excludes them.
NOBLE_GASES = ("He", "Ne", "Ar", "Kr", "Xe", "Rn")

#: Without a stable isotope: Tc, Pm, Po, At, Rn, Fr, Ra and everything from actinium on; Bi counts as stable.
RADIOACTIVE = tuple(
    sorted({"Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra"} | {Element.from_Z(z).symbol for z in range(89, 119)})
)

#: Transition metals that change their oxidation state in an electrolyte; paper 001 names no list, this is ours.
ELECTROCHEMICALLY_ACTIVE = (
    *("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Nb", "Mo"),
    *("Ru", "Rh", "Pd", "Ag", "W", "Re", "Os", "Ir", "Pt", "Au"),
)

ELEMENT_GROUPS: dict[str, tuple[str, ...]] = {
    "noble_gases": NOBLE_GASES,
    "radioactive": RADIOACTIVE,
    "electrochemically_active": ELECTROCHEMICALLY_ACTIVE,
}


def check_symbols(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return element symbols as they are.

    Raises
    ------
    ValueError
        If one is no symbol.
    """
    for name in names:
        if not Element.is_valid_symbol(name):
            raise ValueError(f"{name!r} is no element symbol; write for example 'Na'")
    return names


def expand_elements(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return element symbols in the order given, each named group replaced by its members, without repeats.

    Raises
    ------
    ValueError
        If a name is neither a symbol nor a group.
    """
    symbols: dict[str, None] = {}
    for name in names:
        if name in ELEMENT_GROUPS:
            symbols.update(dict.fromkeys(ELEMENT_GROUPS[name]))
        elif Element.is_valid_symbol(name):
            symbols[name] = None
        else:
            raise ValueError(f"{name!r} is neither an element symbol nor one of {', '.join(ELEMENT_GROUPS)}")
    return tuple(symbols)
