"""The browser that pages are opened in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.reports.browser import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with a profile of its own."""
    running = Browser(tmp_path_factory.mktemp("profile"))
    yield running
    running.close()
