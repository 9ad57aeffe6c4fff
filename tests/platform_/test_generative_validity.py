"""Chemical validity: smact's verdicts are the oracle, on formulas as they come and on random ones."""

from __future__ import annotations

import csv
import gzip
import warnings

import numpy as np
import pytest
from benchmarks.repro_001.real_data import data_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from matsift.errors import UserInputError
from matsift.generative.formulas import N_ELEMENT, SYMBOLS, Compositions, read_formulas
from matsift.generative.validity import ValidityRules, oxidation_states, validity
from matsift.generative.validity_table import STATE_SETS, TABLE, element_table
from matsift.generative.validity_table_writer import table_text

VALID = ["NaCl", "SrTiO3", "SrYF5", "RbSr2ClF4", "SrClF3", "AlSeCl", "NaCF5"]
INVALID = ["Fe3O4", "Na2Cl", "CaF3", "SrF3", "Sr3F"]


def smact_says(compositions: Compositions, rules: ValidityRules) -> list[bool | None]:
    """Return the verdicts of smact; None where it gives up on too many assignments."""
    screening = pytest.importorskip("smact.screening")
    found: list[bool | None] = []
    for amounts in compositions.amounts():
        formula = "".join(f"{symbol}{count}" for symbol, count in amounts.items())
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            verdict = screening.smact_validity(
                formula,
                use_pauling_test=rules.pauling,
                include_alloys=rules.alloys,
                mixed_valence=rules.mixed_valence,
                oxidation_states_set=None if rules.states == "icsd24_default" else rules.states,
            )
        found.append(None if any("too many" in str(each.message) for each in heard) else bool(verdict))
    return found


def random_compositions(n: int, seed: int, most_elements: int = 5, most_count: int = 7) -> Compositions:
    """Return compositions of 1 to `most_elements` elements out of all."""
    random = np.random.default_rng(seed)
    counts = np.zeros((n, N_ELEMENT), dtype=np.int16)
    for row in counts:
        chosen = random.choice(N_ELEMENT, random.integers(1, most_elements + 1), replace=False)
        row[chosen] = random.integers(1, most_count + 1, len(chosen))
    return Compositions(counts)


@pytest.mark.parametrize("states", STATE_SETS)
def test_the_formulas_of_the_specification_are_judged_as_there(states: str) -> None:
    verdicts = validity(Compositions.from_formulas(VALID + INVALID), ValidityRules(states))
    assert verdicts.valid.tolist() == [True] * len(VALID) + [False] * len(INVALID)


@pytest.mark.parametrize("states", STATE_SETS)
@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"pauling": False},
        {"alloys": True},
        {"alloys": True, "pauling": False},
    ],
    ids=["paper", "without electronegativity", "with alloys", "with alloys, without electronegativity"],
)
def test_random_compositions_are_judged_as_by_smact(states: str, rules: dict[str, bool]) -> None:
    compositions = random_compositions(250, seed=3)
    asked = ValidityRules(states=states, most_elements=0, **rules)
    assert validity(compositions, asked).valid.tolist() == smact_says(compositions, asked)


def test_mixed_valence_is_judged_as_by_smact() -> None:
    oxides = ["Fe3O4", "Fe4O", "Mn3O4", "Eu3S4", "Pb3O4", "CuFeS2", "Fe6O8", "AgO", "Fe7S8", "Ce4O7", "W5O14"]
    compositions = Compositions.concatenated(
        [Compositions.from_formulas(oxides), random_compositions(60, 5, most_elements=3, most_count=3)]
    )
    rules = ValidityRules(mixed_valence=True, most_elements=0)
    pairs = zip(validity(compositions, rules).valid.tolist(), smact_says(compositions, rules), strict=True)
    assert all(mine == smact for mine, smact in pairs if smact is not None)
    assert validity(Compositions.from_formulas(["Fe3O4"]), rules).valid[0]


def test_known_formulas_are_judged_as_by_smact() -> None:
    path = data_folder() / "gaps" / "mp_formula_space_group_123805.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        formulas = sorted({row["pretty_formula"] for row in csv.DictReader(file)})[::150]
    compositions = read_formulas(formulas).compositions
    rules = ValidityRules(most_elements=0)
    assert validity(compositions, rules).valid.tolist() == smact_says(compositions, rules)
    assert len(compositions) > 500


def test_the_table_is_what_the_installed_smact_has() -> None:
    pytest.importorskip("smact")
    from importlib.resources import files

    assert files("matsift.generative").joinpath(TABLE).read_text(encoding="utf-8") == table_text()


def test_the_table_holds_each_element_once_with_states_in_their_places() -> None:
    table = element_table("smact14")
    iron = SYMBOLS.index("Fe")
    assert table.states[iron, : table.n_state[iron]].tolist() == [-2, -1, 1, 2, 3, 4, 5, 6]
    assert table.electronegativity[SYMBOLS.index("F")] == 3.98
    assert np.isnan(table.electronegativity[SYMBOLS.index("Ne")])
    with pytest.raises(ValueError, match="read-only"):
        table.states[0, 0] = 9


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 4))
def test_multiples_of_a_formula_have_its_verdict(seed: int, times: int) -> None:
    compositions = random_compositions(20, seed)
    multiples = Compositions((compositions.counts * times).astype(np.int16))
    assert np.array_equal(validity(compositions).valid, validity(multiples).valid)


@settings(max_examples=40, deadline=None)
@given(st.permutations(["Rb", "Sr2", "Cl", "F4"]))
def test_the_order_of_the_elements_in_a_formula_does_not_matter(parts: list[str]) -> None:
    assert validity(Compositions.from_formulas(["".join(parts)])).valid[0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_a_balanced_composition_is_neutral_and_its_assignment_shows_it(seed: int) -> None:
    compositions = random_compositions(25, seed, most_elements=4)
    verdicts = validity(compositions, ValidityRules(most_elements=0))
    affinities = element_table().electronegativity
    for row, amounts in enumerate(compositions.amounts()):
        found = oxidation_states(amounts)
        assert (found is not None) == bool(verdicts.electronegativity_balanced[row])
        if found is None:
            continue
        assert verdicts.charge_neutral[row]
        assert sum(found[symbol] * amounts[symbol] for symbol in amounts) == 0
        cations = [affinities[SYMBOLS.index(symbol)] for symbol, state in found.items() if state > 0]
        anions = [affinities[SYMBOLS.index(symbol)] for symbol, state in found.items() if state < 0]
        assert not cations or not anions or max(cations) < min(anions)


def test_the_assignment_of_the_rediscovered_compound_is_the_ionic_one() -> None:
    assert oxidation_states({"Sr": 1, "Y": 1, "F": 5}) == {"Sr": 2, "Y": 3, "F": -1}
    assert oxidation_states({"Ca": 1, "F": 3}) is None
    assert oxidation_states({"He": 1, "F": 1}) is None


def test_each_refusal_has_its_reason() -> None:
    formulas = ["NaCl", "NaF9", "HeO", "CaF3", "LiNaKRbMgCaSrBaF20", "NbB", "Fe", "YSc"]
    verdicts = validity(Compositions.from_formulas(formulas))
    reasons = [verdicts.reason(row) for row in range(len(formulas))]
    assert reasons[0] is None
    assert reasons[6] is None
    assert "sums to nothing" in str(reasons[1])
    assert "without oxidation states" in str(reasons[2])
    assert "sums to nothing" in str(reasons[3])
    assert "more elements" in str(reasons[4])
    assert "more electronegative" in str(reasons[5])
    assert verdicts.of(7) == {
        "valid": False,
        "charge_neutral": False,
        "electronegativity_balanced": False,
        "elemental": False,
        "alloy": True,
        "too_many_elements": False,
        "no_states": False,
    }
    assert verdicts.select(slice(0, 2)).valid.tolist() == [True, False]


def test_empty_rows_and_no_rows_are_not_valid() -> None:
    empty = Compositions(np.zeros((2, N_ELEMENT), dtype=np.int16))
    assert not validity(empty).valid.any()
    assert not validity(empty, ValidityRules(alloys=True)).valid.any()
    assert len(validity(empty.select(slice(0, 0)))) == 0


def test_an_unknown_set_of_states_is_refused() -> None:
    with pytest.raises(UserInputError, match="smact14, icsd24"):
        validity(Compositions.from_formulas(["NaCl"]), ValidityRules(states="icsd16"))
