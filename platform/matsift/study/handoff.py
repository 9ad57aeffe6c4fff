"""Oracles whose work happens elsewhere: folders of inputs go out, finished folders or tables come back."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from matsift.screening.elements import check_symbols
from matsift.study.base import Settings, as_fault, refuse_repeats
from matsift.unit_conversion import known_units
from matsift.units import property_definition

RelaxationSet = Literal[
    "MPRelaxSet",
    "MPMetalRelaxSet",
    "MPScanRelaxSet",
    "MPHSERelaxSet",
    "MP24RelaxSet",
    "MITRelaxSet",
    "MVLRelax52Set",
    "MVLScanRelaxSet",
    "MatPESRelaxSet",
]
StaticSet = Literal["MPStaticSet", "MPScanStaticSet", "MP24StaticSet", "MatPESStaticSet"]
ElasticSet = Literal["MVLElasticSet"]
Tag = bool | int | float | str
TagValue = Tag | list[Tag] | dict[str, Tag]

_MODULI = ("k_vrh", "g_vrh", "k_voigt", "k_reuss", "g_voigt", "g_reuss")
_ENERGIES = ("energy_per_atom", "band_gap")


class FolderSettings(Settings):
    """What all oracles say whose folders come back with the outputs of a run."""

    quiet_hours: Annotated[float, Field(ge=0)] = Field(
        12.0, description="an output that breaks off counts as failed once its folder has not changed for so long"
    )


class VaspOracle(FolderSettings):
    """Folders for VASP, written by an input set of pymatgen."""

    kind: Literal["vasp"] = "vasp"
    task: Literal["relaxation", "energy", "elasticity"] = Field(
        "relaxation", description="relaxed cell and its energy; energy of the cell as it is; elastic tensor"
    )
    input_set: RelaxationSet | StaticSet | ElasticSet | None = Field(
        None, description="pymatgen input set; default: MPRelaxSet, MPStaticSet or MVLElasticSet, by the task"
    )
    incar: dict[str, TagValue] = Field(
        {}, description="INCAR tags over those of the input set, for example { ENCUT = 600, LDAUU = { Fe = 4.0 } }"
    )
    kpoints: dict[str, float] = Field({}, description="for example { reciprocal_density = 100 }")
    potcar_functional: str | None = Field(None, description="for example PBE_54; default: the input set's own")
    potcars: dict[str, str] = Field({}, description="POTCAR of an element, for example { Na = 'Na_pv' }")
    largest_pressure_gpa: Annotated[float, Field(gt=0)] = Field(
        2.0, description="an elastic tensor of a cell under more pressure is a failure: relax it first"
    )

    @field_validator("incar")
    @classmethod
    def _upper_case(cls, tags: dict[str, TagValue]) -> dict[str, TagValue]:
        return {name.upper(): value for name, value in tags.items()}

    @model_validator(mode="after")
    def _set_fits_task(self) -> VaspOracle:
        fitting = {
            "relaxation": get_args(RelaxationSet),
            "energy": get_args(StaticSet),
            "elasticity": (*get_args(ElasticSet), *get_args(StaticSet), *get_args(RelaxationSet)),
        }[self.task]
        if self.input_set is not None and self.input_set not in fitting:
            raise ValueError(f"task {self.task!r} does not go with {self.input_set}; use one of {', '.join(fitting)}")
        return self

    @property
    def set_name(self) -> str:
        """The pymatgen class that writes the folder."""
        return (
            self.input_set
            or {
                "relaxation": "MPRelaxSet",
                "energy": "MPStaticSet",
                "elasticity": "MVLElasticSet",
            }[self.task]
        )

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the properties that a finished folder gives."""
        return (*_MODULI, "energy_per_atom") if self.task == "elasticity" else _ENERGIES


class EspressoOracle(FolderSettings):
    """Folders for pw.x of Quantum ESPRESSO."""

    kind: Literal["espresso"] = "espresso"
    task: Literal["relaxation", "energy"] = Field("relaxation", description="vc-relax, or scf of the cell as it is")
    pseudopotentials: dict[str, str] = Field(
        description="file of an element, for example { Na = 'Na.pbe-spn-kjpaw_psl.1.0.0.UPF' }", min_length=1
    )
    pseudopotential_folder: str = Field("./", description="where pw.x finds these files on the machine that runs it")
    cutoff_ry: Annotated[float, Field(gt=0, description="plane waves, Ry")] = 60.0
    density_cutoff_ry: Annotated[float, Field(gt=0)] | None = Field(
        None, description="charge density, Ry; default: four times the cutoff; ultrasoft ones need 8 to 12 times"
    )
    kpoint_spacing: Annotated[float, Field(gt=0, description="1/angstrom, with the factor 2 pi in it")] = 0.2
    smearing: Literal["none", "gaussian", "marzari-vanderbilt", "methfessel-paxton", "fermi-dirac"] = (
        "marzari-vanderbilt"
    )
    smearing_width_ry: Annotated[float, Field(gt=0)] = 0.01
    namelists: dict[Literal["control", "system", "electrons", "ions", "cell"], dict[str, Tag]] = Field(
        {}, description="further variables of pw.x, for example { system = { nspin = 2 } }"
    )

    @field_validator("pseudopotentials")
    @classmethod
    def _known_elements(cls, files: dict[str, str]) -> dict[str, str]:
        as_fault(check_symbols, tuple(files))
        return files

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the properties that a finished folder gives."""
        return _ENERGIES


class ManualOracle(Settings):
    """Structures for somebody who returns numbers in a table: measured, or computed by other means."""

    kind: Literal["manual"] = "manual"
    method: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$",
        max_length=100,
        description="what the values count as, for example resonant-ultrasound; values of two methods are never mixed",
    )
    properties: tuple[str, ...] = Field(("k_vrh", "g_vrh"), min_length=1, description="columns of the table")
    units: dict[str, str] = Field({}, description="unit of a column in the form that goes out; default: the property's")

    @field_validator("properties")
    @classmethod
    def _known_properties(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            as_fault(property_definition, name)
        refuse_repeats("properties", names)
        return names

    @model_validator(mode="after")
    def _known_units(self) -> ManualOracle:
        for name, unit in self.units.items():
            if name not in self.properties:
                raise ValueError(f"units names {name!r}, which is not in properties")
            known = known_units(property_definition(name).unit)
            if unit not in known:
                raise ValueError(f"{name} cannot be converted from {unit!r}; use {', '.join(known)}")
        return self

    def unit(self, name: str) -> str:
        """Return the unit of a column in the form that goes out."""
        return self.units.get(name, property_definition(name).unit)


HandOffOracle = VaspOracle | EspressoOracle | ManualOracle
