"""What may stand in a page as it is: our own assets, data as JSON, addresses that a reader may follow."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from markupsafe import Markup


@cache
def asset(name: str) -> Markup:
    """Return a style or a script of this room."""
    text = files("matsift.reports").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  our own file


def json_markup(value: object) -> Markup:
    """Return a value as JSON that may stand in a script tag: no ``<``, ``>`` or ``&`` is left in it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704  no markup is left


def safe_link(url: str | None) -> str | None:
    """Return an address that a reader may follow, or None: only http and https are links."""
    return url if url and urlsplit(url).scheme in {"http", "https"} else None
