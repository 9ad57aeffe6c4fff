"""Ctrl-C is known even where the clean-up after it fails and its error is the one that arrives."""

from __future__ import annotations

import io
import zipfile

import pytest

from matsift_flows.interruption import is_interruption


def test_clean_up_that_fails_does_not_hide_ctrl_c() -> None:
    with pytest.raises(ValueError, match="open writing handle") as caught:
        _stopped_while_writing()
    assert is_interruption(caught.value)


def _stopped_while_writing() -> None:
    archive = zipfile.ZipFile(io.BytesIO(), "w")
    part = archive.open("part", "w")
    try:
        raise KeyboardInterrupt
    finally:
        try:
            archive.close()
        finally:
            part.close()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(KeyboardInterrupt(), True, id="itself"),
        pytest.param(ValueError("no crystal"), False, id="another_error"),
        pytest.param(None, False, id="nothing"),
    ],
)
def test_what_is_an_interruption(error: BaseException | None, expected: bool) -> None:
    assert is_interruption(error) is expected


def test_cause_counts_as_well() -> None:
    error = RuntimeError("told in other words")
    error.__cause__ = KeyboardInterrupt()
    assert is_interruption(error)
