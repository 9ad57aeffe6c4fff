"""The snapshot hash: what it must and must not depend on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matsift.learners.snapshot import SnapshotRow, snapshot_hash

ROWS: list[SnapshotRow] = [
    ("aa", 12.5, "chgnet", "oracle:chgnet", "train"),
    ("bb", 0.1, "chgnet", "source:bundled", "test"),
]


def test_the_hash_is_fixed_for_ever() -> None:
    expected = "bde2245ca1df401cd072c41b7198636e75311d0e1085988fb718a61edfbf803c"
    assert snapshot_hash("k_vrh", ROWS) == expected


@given(st.permutations([*ROWS, ("cc", 1.0, "m", "o", "train"), ("cc", 1.0, "m2", "o", "train")]))
def test_the_order_of_rows_does_not_matter(rows: list[SnapshotRow]) -> None:
    assert snapshot_hash("k_vrh", rows) == snapshot_hash("k_vrh", sorted(rows))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(("ab", 12.5, "chgnet", "oracle:chgnet", "train"), id="structure"),
        pytest.param(("aa", 12.500000000000002, "chgnet", "oracle:chgnet", "train"), id="last bit of the value"),
        pytest.param(("aa", 12.5, "dft", "oracle:chgnet", "train"), id="method"),
        pytest.param(("aa", 12.5, "chgnet", "source:bundled", "train"), id="origin"),
        pytest.param(("aa", 12.5, "chgnet", "oracle:chgnet", "validation"), id="role"),
        pytest.param(("aa", 12.5, "chgneto", "racle:chgnet", "train"), id="a border between fields"),
    ],
)
def test_every_field_counts(changed: SnapshotRow) -> None:
    assert snapshot_hash("k_vrh", [changed, ROWS[1]]) != snapshot_hash("k_vrh", ROWS)


def test_the_property_counts() -> None:
    assert snapshot_hash("k_vrh", ROWS) != snapshot_hash("g_vrh", ROWS)


def test_a_repeated_row_counts() -> None:
    assert snapshot_hash("k_vrh", [*ROWS, ROWS[0]]) != snapshot_hash("k_vrh", ROWS)
