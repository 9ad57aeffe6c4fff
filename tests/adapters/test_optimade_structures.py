"""OPTIMADE's structures become crystals as optimade's own adapter makes them, and what is none says why."""

from __future__ import annotations

import json
import os
import tarfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimade.adapters import Structure
from tests.servers.optimade import rock_salt_attributes

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.errors import BadStructureError
from matsift_adapters.sources.optimade_structures import from_optimade

DATA = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / "api"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the recorded answers (MATSIFT_DATA)")


def species(name: str, symbols: list[str], shares: list[float], **other: Any) -> dict[str, Any]:
    return {"name": name, "chemical_symbols": symbols, "concentration": shares, **other}


def crystal_of(max_site: int = 100, **attributes: Any) -> Crystal:
    crystal = from_optimade(rock_salt_attributes(**attributes), max_site).crystal
    assert crystal is not None
    return crystal


def by_optimade(resource: dict[str, Any]) -> Crystal:
    """Return what optimade's own adapter and pymatgen make of an entry."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Crystal.from_pymatgen(Structure(resource).as_pymatgen)


def resources(member: str) -> list[dict[str, Any]]:
    with tarfile.open(DATA / "optimade_python_tools_testdata.tar.gz") as archive:
        stream = archive.extractfile(member)
        assert stream is not None
        loaded: list[dict[str, Any]] = json.load(stream)
    return loaded


def test_an_ordered_structure() -> None:
    crystal = crystal_of()
    assert crystal.species == ("Na", "Cl")
    assert crystal.frac_coords == pytest.approx(np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    assert crystal.is_ordered


@needs_data
def test_recorded_structures_are_those_of_optimades_adapter() -> None:
    recorded = json.loads((DATA / "optimade_response_materialscloud_SiO.json").read_text())["data"]
    given_ = [*recorded, *resources("tests/adapters/structures/raw_test_structures.json")]
    compared = 0
    for resource in given_:
        try:
            crystal = from_optimade(resource["attributes"], 1000).crystal
        except BadStructureError as error:
            assert any(reason in str(error) for reason in ("assemblies", "unknown", "periodic in 2"))  # noqa: PT017
            continue
        assert crystal is not None
        assert crystal.content_hash == by_optimade(resource).content_hash
        compared += 1
    assert compared >= 18


@needs_data
@pytest.mark.parametrize(
    ("position", "outcome"),
    [
        (0, {"Ac": 0.9}),
        (1, "the species 'AcX' holds X, which is no element"),
        (2, "the species 'Unknown' holds X, which is no element"),
        (3, {"Ac": 0.9, "O": 0.1}),
    ],
    ids=["vacancy", "partly-no-element", "no-element", "mixed"],
)
def test_special_species(position: int, outcome: dict[str, float] | str) -> None:
    resource = resources("tests/adapters/structures/special_species.json")[position]
    if isinstance(outcome, str):
        with pytest.raises(BadStructureError, match=outcome):
            from_optimade(resource["attributes"], 10)
        return
    parsed = from_optimade(resource["attributes"], 10)
    assert parsed.crystal is not None
    assert dict(zip(parsed.crystal.species, parsed.crystal.occupancies.tolist(), strict=True)) == outcome
    assert parsed.holds == ("partial_occupancy",)
    assert parsed.crystal.content_hash == by_optimade(resource).content_hash


@pytest.mark.parametrize(
    ("attributes", "holds"),
    [
        ({}, ()),
        ({"species": None}, ()),
        ({"nperiodic_dimensions": None, "dimension_types": None}, ()),
        ({"nsites": None}, ()),
        ({"structure_features": None}, ()),
        ({"structure_features": ["implicit_atoms"]}, ("implicit_atoms",)),
        (
            {
                "species": [
                    species("Na", ["Na"], [1.0], attached=["H"], nattached=[2]),
                    species("Cl", ["Cl"], [1.0]),
                ]
            },
            ("implicit_hydrogens",),
        ),
        (
            {"species": [species("Na", ["Na", "K", "Li"], [0.34, 0.34, 0.34]), species("Cl", ["Cl"], [1.0])]},
            ("occupancy_rescaled", "partial_occupancy"),
        ),
        (
            {"species": [species("Na", ["Na", "vacancy"], [0.5, 0.5]), species("Cl", ["Cl"], [1.0])]},
            ("partial_occupancy",),
        ),
    ],
    ids=[
        "plain",
        "names-are-elements",
        "dimensions-not-said",
        "sites-not-counted",
        "features-not-said",
        "atoms-on-no-site",
        "attached-hydrogens",
        "rounded-thirds",
        "vacancies",
    ],
)
def test_holds(attributes: dict[str, Any], holds: tuple[str, ...]) -> None:
    parsed = from_optimade(rock_salt_attributes(**attributes), 10)
    assert parsed.crystal is not None
    assert parsed.crystal.n_site == 2
    assert parsed.holds == holds


def test_a_site_of_vacancies_alone_is_none() -> None:
    crystal = crystal_of(species=[species("Na", ["Na"], [1.0]), species("Cl", ["vacancy"], [1.0])])
    assert (crystal.species, crystal.n_site) == (("Na",), 1)


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"nperiodic_dimensions": 2}, "it is periodic in 2 directions, not in 3"),
        ({"nperiodic_dimensions": 0}, "it is periodic in 0 directions, not in 3"),
        ({"nperiodic_dimensions": None, "dimension_types": [1, 1, 0]}, "it is periodic in 2 directions, not in 3"),
        ({"assemblies": [{"sites_in_groups": [[0], [1]], "group_probabilities": [0.5, 0.5]}]}, "correlated"),
        ({"structure_features": ["assemblies"]}, "correlated"),
        ({"cartesian_site_positions": [[0, 0, 0], [None, None, None]]}, "1 of 2 vectors .* are unknown"),
        ({"cartesian_site_positions": [[0, 0, 0], None]}, "is no list of vectors"),
        ({"cartesian_site_positions": [[0, 0], [1, 1]]}, "is no list of vectors of three numbers"),
        ({"cartesian_site_positions": [[0, 0, 0], [float("inf"), 0, 0]]}, "1 of 2 vectors"),
        ({"cartesian_site_positions": None}, "the entry holds no structure: cartesian_site_positions is missing"),
        ({"species_at_sites": None}, "the entry holds no structure: species_at_sites is missing"),
        ({"species_at_sites": []}, "species_at_sites is no list of names"),
        ({"species_at_sites": [1, 2]}, "species_at_sites is no list of names"),
        ({"lattice_vectors": None}, "the entry holds no structure: lattice_vectors is missing"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0]]}, "it has 2 lattice vectors"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, "the cell is flat"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [None, None, None]]}, "1 of 3 vectors of lattice_vectors"),
        ({"lattice_vectors": "cubic"}, "lattice_vectors is no list of vectors"),
        ({"nsites": 3}, "2 species stand at sites, 2 positions, and nsites is 3"),
        ({"species_at_sites": ["Na", "Xy"]}, "the species 'Xy' stands at a site and is not described"),
        ({"species": None, "species_at_sites": ["Na", "Xy"]}, "not a chemical element: Xy"),
        ({"species": {"Na": 1}}, "a species breaks OPTIMADE's rules"),
        ({"species": [{"name": "Na"}]}, r"a species breaks OPTIMADE's rules \(chemical_symbols: Field required\)"),
        ({"species": [species("Na", ["Qq"], [1.0])]}, "a species breaks OPTIMADE's rules"),
        ({"species": [species("Na", ["Na"], [0.5, 0.5])]}, "a species breaks OPTIMADE's rules"),
        ({"species": [species("Na", ["Na"], [-1.0])]}, "the species 'Na' holds -1 Na"),
        ({"species": [species("Na", ["Na"], [float("nan")])]}, "the species 'Na' holds nan Na"),
        (
            {"species": [species("Na", ["Na", "K"], [0.9, 0.9]), species("Cl", ["Cl"], [1.0])]},
            "the occupancies of a site add up to 1.8, more than 1",
        ),
        (
            {"species": [species("Na", ["Na"], [1.0], attached=["C", "H"], nattached=[1, 3])]},
            "atoms of C, H are attached to a site without positions",
        ),
        ({"max_site": 1}, "the structure has 2 sites, more than max_site = 1"),
        (
            {"species": [species("Na", ["vacancy"], [1.0]), species("Cl", ["vacancy"], [1.0])]},
            "the structure has no atoms",
        ),
    ],
)
def test_what_is_no_crystal_says_why(attributes: dict[str, Any], told: str) -> None:
    with pytest.raises(BadStructureError, match=told):
        crystal_of(**attributes)


@needs_data
def test_bad_structures_of_optimades_own_tests_never_crash() -> None:
    for raw in resources("tests/models/test_data/test_bad_structures.json"):
        try:
            parsed = from_optimade(raw, 100)
        except BadStructureError:
            continue
        assert parsed.crystal is not None
        parsed.crystal.check()


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.sampled_from(ELEMENT_SYMBOLS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.sampled_from(sorted(rock_salt_attributes())), _JSON)
def test_no_value_of_any_field_crashes_the_reader(field: str, value: object) -> None:
    try:
        parsed = from_optimade(rock_salt_attributes() | {field: value}, 100)
    except BadStructureError:
        return
    assert parsed.crystal is not None
    parsed.crystal.check()
