"""Every bundled oxide is a reference of the force field: its prototype, its ions, its lattice given back."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest
from tests.factories.prototypes import arrays

from matsift.bond_valence.dataset import Reference, relaxation_rows
from matsift.bond_valence.parameters import ion_name
from matsift.bond_valence.prototype_match import PROTOTYPES
from matsift.bond_valence.references import reference_of
from matsift.bond_valence.relaxation import relax, starting_lattice
from matsift.bond_valence.screening_factor import exact_screening_factor
from matsift.crystal import Crystal
from matsift_adapters.data import OXIDE_PROTOTYPES


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    """The oxides of the bundled file."""
    with gzip.open(OXIDE_PROTOTYPES, "rt", encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if "external_id" in row]


@pytest.fixture(scope="module")
def references(entries: list[dict[str, Any]]) -> list[Reference]:
    """What each of them is to the force field."""
    return [
        reference_of(Crystal.ordered(np.array(e["lattice"]), e["species"], np.array(e["frac_coords"])), PROTOTYPES)
        for e in entries
    ]


def test_prototype_ions_and_numbers_of_each_are_found(
    entries: list[dict[str, Any]], references: list[Reference]
) -> None:
    assert len(entries) == 248
    for entry, found in zip(entries, references, strict=True):
        assert entry["external_id"].startswith(found.pair.prototype)
        names = " ".join(ion_name(i.symbol, i.oxidation) for i in (found.pair.a, found.pair.b))
        assert names == entry["ions"], entry["external_id"]
        assert found.lattice_constant == pytest.approx(entry["lattice_constant_angstrom"], abs=2e-5)
        if entry["oxygen_parameter"] is not None:
            assert found.oxygen_parameter == pytest.approx(entry["oxygen_parameter"], abs=2e-5)


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_each_has_a_screening_factor_that_gives_its_lattice_back(references: list[Reference], prototype: str) -> None:
    chosen = [r for r in references if r.pair.prototype == prototype]
    table, a, u = arrays(chosen)
    found = exact_screening_factor(table, a, u)
    assert set(found.reason) == {None}
    assert 0.6 < found.screening_factor.min() < found.screening_factor.max() < 0.75
    at_rest = relax(table, found.screening_factor, a, found.oxygen_parameter)
    np.testing.assert_allclose(at_rest.lattice_constant, a, rtol=1e-9)
    from_bonds = relax(table, found.screening_factor, starting_lattice(table))
    np.testing.assert_allclose(from_bonds.lattice_constant, a, rtol=1e-3)  # a bond at its cutoff: two rest positions
    rows = relaxation_rows(chosen)
    assert np.mean(rows.usable) > 0.99
    assert np.mean(rows.site_shift[rows.usable] < 0.01) > 0.95
