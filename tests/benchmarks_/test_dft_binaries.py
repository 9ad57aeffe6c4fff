"""The study of the DFT campaign and the tables that it reads belong together."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from benchmarks.dft_binaries.compounds import decorated, split_formula
from benchmarks.dft_binaries.literature import SPACE_GROUPS
from pymatgen.core import Composition
from pymatgen.io.vasp import Poscar

from matsift.crystal import Crystal
from matsift.elasticity.symmetry import space_group_number
from matsift.study.loading import load_study
from matsift.study.sources import TableSource
from matsift_adapters.oracles.registry import oracle

STUDIES = Path(__file__).parents[2] / "studies"


def rows(name: str) -> dict[str, dict[str, str]]:
    with (STUDIES / "dft_binaries" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


START, LABELLED, POOL = rows("start"), rows("start_labelled"), rows("pool")


def test_the_labels_of_the_start_are_of_the_method_that_the_campaign_goes_on_with() -> None:
    study = load_study(STUDIES / "dft_binaries.toml")
    asked = oracle(study.campaign.oracle)
    assert study.labels.methods == (asked.method,)
    source = study.sources[0]
    assert isinstance(source, TableSource)
    assert source.labels is not None
    (column,) = source.labels
    assert (column.method, column.property) == (asked.method, "k_vrh")


def test_start_and_pool_share_nothing_and_all_of_the_start_is_labelled() -> None:
    assert set(START) == set(LABELLED)
    assert not set(START) & set(POOL)
    assert len(POOL) >= 60
    assert all(LABELLED[key]["poscar"] == START[key]["poscar"] for key in START)
    moduli = np.array([float(row["k_vrh_gpa"]) for row in LABELLED.values()])
    assert moduli.min() > 5
    assert moduli.max() < 450


@pytest.mark.parametrize("key", [*START, *POOL])
def test_every_compound_is_what_its_id_says(key: str) -> None:
    row = {**START, **POOL}[key]
    prototype, _, formula = key.rpartition("-")
    crystal = Crystal.from_pymatgen(Poscar.from_str(row["poscar"]).structure)
    assert Composition(formula).reduced_formula == crystal.to_pymatgen().composition.reduced_formula
    assert space_group_number(crystal) == SPACE_GROUPS[prototype] == space_group_number(decorated(prototype, formula))


@pytest.mark.parametrize(
    ("formula", "elements"), [("NaCl", ("Na", "Cl")), ("BN", ("B", "N")), ("CaF2", ("Ca", "F")), ("Li2O", ("Li", "O"))]
)
def test_formulae_come_apart(formula: str, elements: tuple[str, str]) -> None:
    assert split_formula(formula) == elements
