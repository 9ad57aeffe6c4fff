"""What a person is told is one line of bearable length, whichever way it comes."""

from __future__ import annotations

import pickle

import pytest

from matsift.errors import BadStructureError, SourceError
from matsift.records import FailureRecord
from matsift.sentences import LONGEST, bearable, brief, shown
from matsift_adapters.oracles.returned import Failed, Running

LONG = "A" * 100_000


def test_a_short_sentence_stays_as_it_is() -> None:
    assert bearable("it has  two blanks; name one") == "it has  two blanks; name one"


@pytest.mark.parametrize("n_character", [LONGEST - 1, LONGEST, LONGEST + 1, 10 * LONGEST])
def test_a_long_one_keeps_its_beginning_and_its_remedy(n_character: int) -> None:
    told = bearable("x.cif: " + "A" * (n_character - 20) + "; mend it now")
    assert len(told) == min(n_character, LONGEST)
    assert told.startswith("x.cif: AAA")
    assert told.endswith("AAA; mend it now")


@pytest.mark.parametrize("mark", ["\n", "\r\n", "\u2028", "\x0b"])
def test_what_has_lines_becomes_one(mark: str) -> None:
    assert bearable(f"b/{mark}.cif: it is damaged") == "b/ .cif: it is damaged"


def test_errors_failure_rows_and_answers_of_oracles_are_bearable() -> None:
    error = SourceError("x.csv", f"it has no column {LONG}", "name another")
    told = [str(error), str(BadStructureError(LONG)), FailureRecord.of("parse", "x", ValueError(LONG)).message]
    told += [Failed("OracleError", LONG).message, Running(LONG).message]
    assert [len(one) for one in told] == [LONGEST] * 5
    assert str(error).startswith("x.csv: ")
    assert str(error).endswith("name another")


def test_an_error_comes_back_from_another_process_as_it_was() -> None:
    error = BadStructureError(f"two\nlines and {LONG}")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_what_was_given_is_quoted_in_short() -> None:
    assert [shown("NaCl"), shown(["A" * 99]), brief("A" * 9, 6)] == ["'NaCl'", f"['{'A' * 55}...", "AAA..."]
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "this list"
