"""matsift: domain records and science. No database, no scheduler, no network.

What notebooks and scripts use stands here by name: `matsift.open`, `matsift.featurize`, `matsift.rank`. The wings above
bring it: they name it in the entry points of the group ``matsift.api``, and it is imported when it is first asked for.
``__init__.pyi`` tells type checkers the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

__version__ = "0.1.0"

_GROUP = "matsift.api"


def __getattr__(name: str) -> Any:
    """Return what a wing above brings under a name."""
    if not name.startswith("_"):
        found = next((entry for entry in _brought() if entry.name == name), None)
        if found is not None:
            globals()[name] = found.load()
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the names of this module, those of the wings above among them."""
    return sorted({*globals(), *(found.name for found in _brought())})


def _brought() -> EntryPoints:
    from importlib.metadata import entry_points  # noqa: PLC0415  workers that ask for none need not wait for it

    return entry_points(group=_GROUP)
