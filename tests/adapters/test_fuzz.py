"""A short run of the fuzzer: every parser, a fixed set of broken inputs, and not one error that is not of our own."""

from __future__ import annotations

import pytest
from benchmarks.fuzz.child import judged
from benchmarks.fuzz.registry import NAMES, parser_of

#: Inputs of each parser; those that start a reader of pymatgen's or a whole source take longest.
N_INPUT = dict.fromkeys(NAMES, 40) | dict.fromkeys(
    ("structure-json", "materials-project", "optimade", "cif", "table-csv", "table-json", "table-jsonl", "study"), 20
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_whole_inputs_are_accepted_and_broken_ones_end_as_our_own_errors(name: str) -> None:
    parser = parser_of(name)
    verdicts = [judged(name, parser.input(number)) for number in range(N_INPUT[name])]
    defects = {number: verdict for number, verdict in enumerate(verdicts) if verdict.defect is not None}
    assert not defects, f"replay it by python -m benchmarks.fuzz {name} --seed {min(defects)}: {defects}"
    assert any(verdict.refusal is None for verdict in verdicts[: len(parser.seeds)]), "no whole input is accepted"
    assert any(verdict.refusal is not None for verdict in verdicts), "no broken input is refused"


def test_an_input_is_made_of_its_number_alone() -> None:
    study = parser_of("study")
    assert study.input(40) == study.input(40)
    assert len({study.input(number) for number in range(20, 60)}) > 30


@pytest.mark.filterwarnings("ignore")
def test_a_defect_is_seen() -> None:
    """What is no error of our own, and what a check forbids, is a defect that says where it arose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.fuzz.tables.amounts", lambda _: {"Na": float("nan")})
        verdict = judged("formula", b"Na Cl")
    assert verdict.defect is not None
    assert verdict.defect.startswith("AssertionError")
    assert "tables.py" in verdict.where
