"""The properties that labels and predictions may carry, each with its unit, definition and plausible bounds."""

from __future__ import annotations

from dataclasses import dataclass

from matsift.errors import UnknownProperty


@dataclass(frozen=True)
class PropertyDefinition:
    """A property: its unit, what it means, and the bounds outside which a value cannot be physical."""

    name: str
    unit: str
    definition: str
    lower_bound: float | None = None
    upper_bound: float | None = None


_MODULUS_CEILING_GPA = 1000.0  # above diamond's 443 GPa bulk and 535 GPa shear modulus by a wide margin
_PERCOLATION = "bond valence site energy, above its lowest, at which paths of the mobile ion percolate in {}"

PROPERTIES: dict[str, PropertyDefinition] = {
    p.name: p
    for p in (
        PropertyDefinition("k_vrh", "GPa", "bulk modulus, Hill average of Voigt and Reuss", 0.0, _MODULUS_CEILING_GPA),
        PropertyDefinition("g_vrh", "GPa", "shear modulus, Hill average of Voigt and Reuss", 0.0, _MODULUS_CEILING_GPA),
        PropertyDefinition("k_voigt", "GPa", "bulk modulus, Voigt average", 0.0, _MODULUS_CEILING_GPA),
        PropertyDefinition("k_reuss", "GPa", "bulk modulus, Reuss average", 0.0, _MODULUS_CEILING_GPA),
        PropertyDefinition("g_voigt", "GPa", "shear modulus, Voigt average", 0.0, _MODULUS_CEILING_GPA),
        PropertyDefinition("g_reuss", "GPa", "shear modulus, Reuss average", 0.0, _MODULUS_CEILING_GPA),
        PropertyDefinition("energy_per_atom", "eV/atom", "total energy of the relaxed cell over its atoms"),
        PropertyDefinition(
            "formation_energy_per_atom", "eV/atom", "energy against the elements, all computed by the same method"
        ),
        PropertyDefinition(
            "energy_above_hull", "eV/atom", "distance to the convex hull of the phases that the source knows"
        ),
        PropertyDefinition("band_gap", "eV", "Kohn-Sham band gap", 0.0, 20.0),
        PropertyDefinition(
            "screening_factor",
            "1",
            "factor on the sum of covalent radii in the screening of bond valence repulsion at which relaxation keeps "
            "the lattice",
            0.1,
            2.0,
        ),
        PropertyDefinition("lattice_constant", "angstrom", "edge of the conventional cell of a cubic crystal", 1, 100),
        PropertyDefinition(
            "global_instability_index",
            "v.u.",
            "root mean square difference of bond valence sums and valences, over the cations",
            0.0,
            10.0,
        ),
        *(
            PropertyDefinition(f"percolation_barrier_{n}d", "eV", _PERCOLATION.format(directions), 0.0, 20.0)
            for n, directions in ((1, "one direction or more"), (2, "two directions or more"), (3, "three directions"))
        ),
        PropertyDefinition(
            "space_group_number", "1", "number of the space group in the International Tables, by symmetry", 1.0, 230.0
        ),
        PropertyDefinition("primitive_cell_volume", "angstrom3", "volume of the primitive cell", 1.0, 1e5),
    )
}


def property_definition(name: str) -> PropertyDefinition:
    """Return the definition of a property.

    Raises
    ------
    UnknownProperty
        If no property has this name.
    """
    try:
        return PROPERTIES[name]
    except KeyError:
        raise UnknownProperty(name, list(PROPERTIES)) from None
