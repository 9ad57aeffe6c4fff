"""`campaign.oracle`: what labels an acquisition, and with which parameters."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, field_validator

from matsift.errors import UserInputError
from matsift.study.base import Settings, named_by_kind
from matsift.study.handoff import EspressoOracle, ManualOracle, VaspOracle
from matsift.suggestions import meant

OracleKind = Literal["chgnet", "ase", "gpaw", "replay", "vasp", "espresso", "manual"]
Task = Literal["energy", "relaxation", "equation_of_state", "elasticity"]
DftTask = Literal["energy", "band_gap", "equation_of_state", "elasticity"]

#: Bulk and shear modulus in the three averages.
_MODULI = ("k_vrh", "g_vrh", "k_voigt", "k_reuss", "g_voigt", "g_reuss")

#: Task -> the properties that it labels. The bulk modulus of a cubic crystal is the same in all averages, and an
#: equation of state measures it; both oracles refuse other crystals for that task.
PROPERTIES_OF_TASK: dict[str, tuple[str, ...]] = {
    "energy": ("energy_per_atom",),
    "band_gap": ("band_gap", "energy_per_atom"),
    "relaxation": ("energy_per_atom",),
    "equation_of_state": ("k_vrh", "energy_per_atom"),
    "elasticity": (*_MODULI, "energy_per_atom"),
}

_Points = Annotated[int, Field(ge=5, le=15, description="equation of state: volumes that the fit takes")]
_Step = Annotated[
    float, Field(gt=0.002, le=0.05, description="equation of state: step of the lattice constant between two volumes")
]


class ChgnetOracle(Settings):
    """`kind = "chgnet"`: relaxation and finite strains with the CHGNet universal potential, live."""

    kind: Literal["chgnet"] = "chgnet"

    @property
    def properties(self) -> tuple[str, ...]:
        """The moduli."""
        return _MODULI


class AseOracle(Settings):
    """`kind = "ase"`: a calculator of ASE, on this machine."""

    kind: Literal["ase"] = "ase"
    calculator: Annotated[
        str,
        Field(
            pattern=r"^(chgnet|emt|bond_valence|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$",
            description="chgnet, emt, bond_valence or package.module:Class",
        ),
    ] = "chgnet"
    settings: dict[str, Any] = Field({}, description="keyword arguments of the calculator")
    task: Task = "elasticity"
    largest_force: Annotated[float, Field(gt=0, description="where a relaxation ends, eV/angstrom")] = 0.01
    strain: Annotated[float, Field(gt=0, le=0.05, description="elasticity: largest strain")] = 0.01
    points: _Points = 7
    step: _Step = 0.015

    @property
    def properties(self) -> tuple[str, ...]:
        """Those of the task."""
        return PROPERTIES_OF_TASK[self.task]


class GpawOracle(Settings):
    """`kind = "gpaw"`: density functional theory with plane waves, by GPAW of the system's Python."""

    kind: Literal["gpaw"] = "gpaw"
    task: DftTask = "equation_of_state"
    xc: Annotated[str, Field(pattern=r"^[\w+-]+$", description="exchange-correlation functional, as GPAW names it")] = (
        "PBE"
    )
    cutoff_ev: Annotated[float, Field(ge=150, le=2000, description="plane-wave cutoff, eV")] = 600.0
    kpoint_density: Annotated[
        float, Field(gt=0, le=20, description="k-points per inverse angstrom, gamma included")
    ] = 3.0
    smearing_ev: Annotated[float, Field(gt=0, le=1, description="width of the Fermi-Dirac occupations, eV")] = 0.1
    strain: Annotated[float, Field(gt=0, le=0.05, description="elasticity: largest strain")] = 0.005
    points: _Points = 5
    step: _Step = 0.02
    empty_bands: Annotated[
        int, Field(ge=2, le=100, description="band_gap: empty bands; the lower half of them has to converge")
    ] = 6
    max_atoms: Annotated[
        int | None, Field(ge=1, description="a structure of more atoms fails at once, with a sentence")
    ] = None
    version: Annotated[str, Field(description="GPAW that must be installed; the method of the labels names it")] = (
        "22.8.0"
    )
    python: Annotated[str, Field(description="interpreter that can import gpaw")] = "/usr/bin/python3"

    @field_validator("points")
    @classmethod
    def _odd(cls, points: int) -> int:
        if points % 2 == 0:
            raise ValueError("points must be odd: as many volumes on either side of the minimum")
        return points

    @property
    def properties(self) -> tuple[str, ...]:
        """Those of the task."""
        return PROPERTIES_OF_TASK[self.task]


class ReplayOracle(Settings):
    """`kind = "replay"`: labels that a source states already, held back until an acquisition asks for them."""

    kind: Literal["replay"] = "replay"

    @property
    def properties(self) -> tuple[str, ...]:
        """None of its own: whatever the study asks for and a source states."""
        return ()


_Table = Annotated[
    ChgnetOracle | AseOracle | GpawOracle | ReplayOracle | VaspOracle | EspressoOracle | ManualOracle,
    Field(discriminator="kind"),
]


#: An oracle as a study file names it: a table, or the name of a kind alone for its defaults.
OracleSettings = Annotated[_Table, BeforeValidator(named_by_kind, json_schema_input_type=OracleKind | _Table)]
_ADAPTER: TypeAdapter[OracleSettings] = TypeAdapter(OracleSettings)


def known_oracles() -> tuple[str, ...]:
    """Return the kinds of oracles."""
    return get_args(OracleKind)


def oracle_settings(asked: OracleSettings | str) -> OracleSettings:
    """Return the settings of an oracle: themselves, or those that a kind has by default.

    Raises
    ------
    UserInputError
        If there is no such kind, or it cannot do without settings.
    """
    if not isinstance(asked, str):
        return asked
    if asked not in known_oracles():
        raise UserInputError(
            f"there is no oracle {asked!r}{meant(asked, known_oracles())}; use one of {', '.join(known_oracles())}"
        )
    try:
        return _ADAPTER.validate_python(asked)
    except ValidationError as error:
        keys = ", ".join(str(fault["loc"][-1]) for fault in error.errors())
        raise UserInputError(f"the oracle {asked!r} needs settings of its own: {keys}; see docs/studies.md") from None
