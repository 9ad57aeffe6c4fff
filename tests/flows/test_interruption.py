"""Ctrl-C is known even where the clean-up after it fails and its error is the one that arrives."""

from __future__ import annotations

import pytest

from matsift_flows.interruption import is_interruption


class _Archive:
    """A file that cannot be closed while something is being written to it, as a zip archive cannot."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        raise ValueError("there is an open writing handle on it")


def test_clean_up_that_fails_does_not_hide_ctrl_c() -> None:
    with pytest.raises(ValueError, match="open writing handle") as caught, _Archive():
        raise KeyboardInterrupt
    assert is_interruption(caught.value)


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
