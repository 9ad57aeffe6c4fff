"""What a study says of the Materials Project: which of its entries, which properties, by which calculations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from matsift.study.source_base import Elements, ServiceBase, SourceName, SourceTable
from matsift.suggestions import meant
from matsift.units import PROPERTIES

#: Thermodynamic hulls of the Materials Project, by its own names. Energies of different hulls are different properties.
ThermoType = Literal["GGA_GGA+U_R2SCAN", "GGA_GGA+U", "R2SCAN"]
MP_LICENCE = "CC-BY-4.0"
MATERIAL_ID = r"^(mp|mvc)-([0-9]+|[a-z]+)$"

_MODULI = ("k_vrh", "k_voigt", "k_reuss", "g_vrh", "g_voigt", "g_reuss")
_THERMO = ("energy_per_atom", "formation_energy_per_atom", "energy_above_hull")


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError(f"{pair[0]:g} to {pair[1]:g} is empty; the smaller number stands first")
    return pair


def _known_properties(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in PROPERTIES:
            raise ValueError(
                f"there is no property {name!r}{meant(name, PROPERTIES)}; use one of {', '.join(PROPERTIES)}"
            )
    return names


Range = Annotated[tuple[float, float], AfterValidator(_rising)]
Count = Annotated[tuple[int, int], AfterValidator(_rising)]
Text = Annotated[str, Field(pattern=r"^[A-Za-z0-9*().-]+$", max_length=100)]


class MaterialsProjectFilter(SourceTable):
    """Which entries are wanted: all that are said must hold. The names are those of the client's `summary.search`."""

    elements: Elements = Field((), description="elements that a material must contain, all of them")
    exclude_elements: Elements = Field((), description="elements that a material must not contain")
    chemsys: tuple[Text, ...] = Field(
        (), description="chemical systems, for example Na-P-S, or Na-* with one wild card"
    )
    formula: tuple[Text, ...] = Field((), description="formulae, for example Na3PS4, or ABO3 and Si* with wild cards")
    material_ids: tuple[Annotated[str, Field(pattern=MATERIAL_ID)], ...] = Field(
        (), description="ids, as mp-8039 or as mp-lxf"
    )
    num_elements: Count | None = Field(None, description="least and largest number of elements")
    num_sites: Count | None = Field(None, description="least and largest number of sites in the cell")
    energy_above_hull: Range | None = Field(None, description="least and largest, eV/atom")
    formation_energy: Range | None = Field(None, description="least and largest, eV/atom")
    band_gap: Range | None = Field(None, description="least and largest, eV")
    k_vrh: Range | None = Field(None, description="least and largest bulk modulus, GPa")
    g_vrh: Range | None = Field(None, description="least and largest shear modulus, GPa")
    spacegroup_number: Annotated[int, Field(ge=1, le=230)] | None = None
    crystal_system: (
        Literal["Triclinic", "Monoclinic", "Orthorhombic", "Tetragonal", "Trigonal", "Hexagonal", "Cubic"] | None
    ) = None
    has_props: tuple[Annotated[str, Field(pattern=r"^[a-z_]+$")], ...] = Field(
        (), description="what must have been computed, for example elasticity or charge_density"
    )
    is_stable: bool | None = None
    is_metal: bool | None = None
    theoretical: bool | None = Field(None, description="false: only what has been made or found")

    @model_validator(mode="after")
    def _asks_for_something(self) -> MaterialsProjectFilter:
        """Refuse to ask for everything: the client would then download a whole table into the home folder."""
        if not self.model_dump(exclude_defaults=True):
            raise ValueError(
                "a source of the Materials Project needs a filter; for all of it"
                " say num_elements = [1, 20], which is asked for page by page"
            )
        return self


class MaterialsProjectSource(ServiceBase):
    """Entries of the Materials Project that a filter selects; the key stands in MP_API_KEY, never in the study."""

    kind: Literal["materials_project"]
    name: SourceName = "materials-project"
    licence: str = Field(MP_LICENCE, description="licence of the source; each entry states its own")
    filter: MaterialsProjectFilter = Field(description="which entries are wanted; at least one condition")
    properties: Annotated[tuple[str, ...], AfterValidator(_known_properties)] = Field(
        (), description="properties that become labels, for example k_vrh, band_gap, energy_above_hull"
    )
    thermo_types: Annotated[tuple[ThermoType, ...], Field(min_length=1)] = Field(
        ("GGA_GGA+U_R2SCAN",),
        description="hulls that energies are read from; each makes labels of a method of its own",
    )
    include_gnome: bool = Field(
        default=False, description="take the rows of GNoME too, which are CC-BY-NC-4.0: no commercial use"
    )
    include_deprecated: bool = Field(default=False, description="take materials that the Materials Project gave up")
    endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="address of the service; default: MP_API_ENDPOINT, or https://api.materialsproject.org",
    )
    page_size: int = Field(1000, ge=1, le=1000, description="entries on one page of the list")
    batch_size: int = Field(100, ge=1, le=250, description="changed entries that are fetched at once")
    requests_per_second: float = Field(5.0, gt=0, le=100, description="requests a second; the service allows 25")

    @property
    def moduli(self) -> tuple[str, ...]:
        """The properties that the elasticity collection states."""
        return tuple(name for name in self.properties if name in _MODULI)

    @property
    def energies(self) -> tuple[str, ...]:
        """The properties that the thermo collection states, one value a hull."""
        return tuple(name for name in self.properties if name in _THERMO)


def thermo_method(thermo_type: ThermoType) -> str:
    """Return the method of labels that come from a hull, for example ``mp-thermo-gga-gga+u``."""
    return f"mp-thermo-{thermo_type.lower().replace('_', '-')}"
