"""Oracles by their settings: names, methods, properties; tasks of ASE calculators against closed forms."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.elasticity.equation_of_state import EquationOfState, energy_at
from matsift.errors import OracleError, UserInputError
from matsift.study.handoff import ManualOracle
from matsift.study.oracles import AseOracle, GpawOracle, OracleSettings, ReplayOracle, known_oracles, oracle_settings
from matsift.units import PROPERTIES
from matsift_adapters.oracles.chgnet import METHOD
from matsift_adapters.oracles.registry import Oracle, oracle

HERE = "tests.adapters.test_computing_oracles"
SALT = EquationOfState(volume=44.9, energy=-6.74, bulk_modulus=24.1, derivative=5.1, residual=0.0)


class Well(Calculator):  # type: ignore[misc]  # ase is untyped
    """A calculator whose energy is a Birch-Murnaghan curve of the volume, and that knows no stress."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, *, bulk_modulus: float = 24.1) -> None:
        super().__init__()
        self.state = EquationOfState(44.9, -6.74, bulk_modulus, 5.1, 0.0)

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = None) -> None:
        super().calculate(atoms, properties, system_changes or [])
        energy = float(energy_at(self.state, np.array([self.atoms.get_volume()]))[0])
        self.results = {"energy": energy, "free_energy": energy, "forces": np.zeros((len(self.atoms), 3))}


class Broken(Well):
    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = None) -> None:
        raise RuntimeError("no licence\nsecond line")


def crystal(name: str = "NaCl", prototype: str = "rocksalt", a: float = 5.5) -> Crystal:
    atoms = bulk(name, prototype, a=a)
    return Crystal.ordered(atoms.cell.array, list(atoms.get_chemical_symbols()), atoms.get_scaled_positions())


def asked(settings: OracleSettings | str, of: Crystal) -> dict[str, Any]:
    found = oracle(settings)
    assert found.target is not None
    module, _, function = found.target.partition(":")
    said: dict[str, Any] = getattr(import_module(module), function)(found.payload(of))
    assert set(found.properties) <= set(said)
    return said


def method(settings: OracleSettings) -> str:
    return oracle(settings).method


@pytest.mark.parametrize("kind", [kind for kind in known_oracles() if kind not in ("espresso", "manual")])
def test_a_name_alone_is_the_kind_with_its_defaults(kind: str) -> None:
    found = oracle(kind)
    assert found == oracle(oracle_settings(kind))
    assert (found.name, found.origin) == (kind, f"oracle:{kind}")
    assert set(found.properties) <= set(PROPERTIES)
    assert (found.target is not None) == (found.mode == "computes")


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("crystal_ball", "there is no oracle 'crystal_ball'; use one of chgnet, ase, gpaw"),
        ("manual", "'manual' needs settings of its own: method"),
    ],
)
def test_an_oracle_that_cannot_be_is_refused(kind: str, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        oracle(kind)


def test_the_embedded_oracle_is_what_the_bundled_labels_name() -> None:
    found = oracle("chgnet")
    assert found.method == METHOD == "chgnet-0.3.0-finite-strain"
    assert found.payload(crystal()).species == ("Na", "Cl")


def test_oracles_that_do_not_compute_say_so() -> None:
    assert oracle(ReplayOracle()).mode == "replays"
    manual = oracle(ManualOracle(method="ultrasound", properties=("k_vrh",)))
    assert (manual.mode, manual.properties, manual.target) == ("hands_off", ("k_vrh",), None)


@pytest.mark.parametrize(
    "other",
    [
        {"cutoff_ev": 601},
        {"xc": "LDA"},
        {"kpoint_density": 2.5},
        {"smearing_ev": 0.05},
        {"points": 7},
        {"step": 0.01},
        {"task": "energy"},
        {"task": "band_gap"},
        {"task": "elasticity"},
        {"version": "24.1.0"},
    ],
    ids=str,
)
def test_a_parameter_that_changes_the_number_changes_the_method(other: dict[str, Any]) -> None:
    assert method(GpawOracle(**other)) != method(GpawOracle())


def test_a_parameter_that_does_not_change_the_number_does_not_change_the_method() -> None:
    assert method(GpawOracle(python="/opt/gpaw/bin/python")) == method(GpawOracle())
    assert method(GpawOracle(strain=0.01)) == method(GpawOracle()), "a strain is not for an equation of state"
    assert method(GpawOracle(empty_bands=9)) == method(GpawOracle())
    gap = GpawOracle(task="band_gap")
    assert method(gap.model_copy(update={"max_atoms": 8, "points": 9})) == method(gap)
    assert method(gap.model_copy(update={"empty_bands": 9})) != method(gap)
    assert method(AseOracle(task="energy", points=9)) == method(AseOracle(task="energy"))


def test_methods_name_code_version_and_task() -> None:
    assert re.fullmatch(r"gpaw-22\.8\.0-pbe-equation-of-state-[0-9a-f]{8}", method(GpawOracle()))
    assert re.fullmatch(r"gpaw-22\.8\.0-pbe-band-gap-[0-9a-f]{8}", method(GpawOracle(task="band_gap")))
    assert re.fullmatch(r"emt-ase-[\d.]+-energy-[0-9a-f]{8}", method(AseOracle(calculator="emt", task="energy")))
    assert re.fullmatch(r"chgnet-0\.3\.0-elasticity-[0-9a-f]{8}", method(AseOracle()))
    assert re.fullmatch(
        r"lennardjones-[\d.]+-energy-[0-9a-f]{8}",
        method(AseOracle(calculator="ase.calculators.lj:LennardJones", task="energy")),
    )


def test_the_method_that_the_campaign_of_the_documentation_names_stays() -> None:
    settings = GpawOracle(kpoint_density=2.0)
    assert method(settings) == "gpaw-22.8.0-pbe-equation-of-state-471faeb4"


def test_any_calculator_gives_the_equation_of_state_that_it_has() -> None:
    well = AseOracle(calculator=f"{HERE}:Well", settings={"bulk_modulus": 30.0}, task="equation_of_state")
    said = asked(well, crystal())
    assert said["k_vrh"] == pytest.approx(30.0, rel=1e-6)
    assert said["energy_per_atom"] == pytest.approx(-6.74 / 2, abs=1e-9)
    assert said["detail"]["volume_per_atom_angstrom3"] == pytest.approx(44.9 / 2, rel=1e-8)
    assert len(said["detail"]["volumes_angstrom3"]) == well.points == said["detail"]["n_evaluation"]
    lattice = np.array(said["detail"]["relaxed"]["lattice"])
    assert abs(np.linalg.det(lattice)) == pytest.approx(44.9, rel=1e-8)


def test_a_conventional_cell_has_the_equation_of_state_of_the_primitive_one() -> None:
    supercell = crystal().to_pymatgen()
    supercell.make_supercell([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    well = AseOracle(calculator=f"{HERE}:Well", task="equation_of_state")
    assert asked(well, Crystal.from_pymatgen(supercell))["k_vrh"] == asked(well, crystal())["k_vrh"]


def strained_stiffness(a: float) -> NDArray[np.float64]:
    """C11, C12, C44 of EMT copper (GPa) by ASE's stresses on strained cells, nothing of ours."""
    from ase import units
    from ase.calculators.emt import EMT

    def stress(strain: NDArray[np.float64]) -> NDArray[np.float64]:
        atoms = bulk("Cu", "fcc", a=a)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        atoms.calc = EMT()
        found: NDArray[np.float64] = atoms.get_stress() / units.GPa
        return found

    e = 1e-3
    along, shear = np.diag([e, 0, 0]), np.array([[0, 0, 0], [0, 0, e / 2], [0, e / 2, 0]])
    first = (stress(along) - stress(-along)) / (2 * e)
    return np.array([first[0], first[1], (stress(shear)[3] - stress(-shear)[3]) / (2 * e)])


def test_the_elasticity_of_any_calculator_is_that_of_its_stresses() -> None:
    said = asked(AseOracle(calculator="emt", strain=0.002, largest_force=1e-4), crystal("Cu", "fcc", 3.6))
    cell = np.array(said["detail"]["relaxed"]["lattice"])
    c11, c12, c44 = strained_stiffness(float((4 * abs(np.linalg.det(cell))) ** (1 / 3)))
    tensor = np.array(said["detail"]["tensor_gpa"])
    np.testing.assert_allclose([tensor[0, 0], tensor[0, 1], tensor[3, 3]], [c11, c12, c44], rtol=5e-3)
    assert said["k_vrh"] == pytest.approx((c11 + 2 * c12) / 3, rel=5e-3)
    assert said["born_stable"]


def test_the_bulk_modulus_is_the_same_by_volumes_and_by_strains() -> None:
    copper = crystal("Cu", "fcc", 3.55)
    by_volume = asked(AseOracle(calculator="emt", task="equation_of_state", step=0.005), copper)
    by_strain = asked(AseOracle(calculator="emt", strain=0.002, largest_force=1e-4), copper)
    assert by_volume["k_vrh"] == pytest.approx(by_strain["k_vrh"], rel=0.01)
    assert by_volume["energy_per_atom"] == pytest.approx(by_strain["energy_per_atom"], abs=1e-4)


def test_energy_takes_the_cell_as_it_is_and_relaxation_does_not() -> None:
    copper = crystal("Cu", "fcc", 3.8)
    as_it_is = asked(AseOracle(calculator="emt", task="energy"), copper)["energy_per_atom"]
    relaxed = asked(AseOracle(calculator="emt", task="relaxation"), copper)["energy_per_atom"]
    assert as_it_is > relaxed + 0.05
    assert relaxed == pytest.approx(
        asked(AseOracle(calculator="emt", task="relaxation"), crystal("Cu", "fcc", 3.6))["energy_per_atom"], abs=1e-5
    )


@pytest.mark.parametrize(
    ("settings", "of", "sentence"),
    [
        pytest.param({"calculator": "no.such:Thing"}, crystal(), "no ASE calculator 'no.such:Thing'", id="module"),
        pytest.param({"calculator": f"{HERE}:Nothing"}, crystal(), "no ASE calculator", id="class"),
        pytest.param(
            {"calculator": "emt", "settings": {"a": 1}},
            crystal(),
            "refuses its settings|could not evaluate",
            id="settings",
        ),
        pytest.param(
            {"calculator": f"{HERE}:Broken"}, crystal(), "could not evaluate the cell: no licence$", id="raises"
        ),
        pytest.param({"calculator": "emt"}, crystal("NaCl"), "could not evaluate the cell", id="element"),
        pytest.param(
            {"calculator": f"{HERE}:Well", "settings": {"bulk_modulus": -3.0}}, crystal(), "still falls", id="a hill"
        ),
        pytest.param({"calculator": f"{HERE}:Well"}, crystal("Mg", "hcp", 3.2), "is not cubic", id="hexagonal"),
    ],
)
def test_what_has_no_equation_of_state_is_refused_in_one_sentence(
    settings: dict[str, Any], of: Crystal, sentence: str
) -> None:
    with pytest.raises(OracleError, match=sentence) as refused:
        asked(AseOracle(task="equation_of_state", **settings), of)
    assert "\n" not in str(refused.value)


def test_disorder_is_refused() -> None:
    mixed = Crystal(np.eye(3) * 3, ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.5]), np.array([0, 0]))
    with pytest.raises(OracleError, match="is disordered; emt needs one whole atom a site"):
        asked(AseOracle(calculator="emt"), mixed)


def test_an_oracle_can_be_a_key() -> None:
    assert len({oracle("gpaw"), oracle("gpaw"), oracle("replay")}) == 2
    assert isinstance(oracle("replay"), Oracle)
