"""Folders that carry one structure each to whoever computes or measures it, and back."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matsift.crystal import Crystal
from matsift.errors import OracleError, UserInputError
from matsift.study.handoff import EspressoOracle, FolderSettings, HandOffOracle, VaspOracle
from matsift_adapters.oracles import espresso, espresso_results, manual, manual_results, vasp, vasp_results
from matsift_adapters.oracles.card import CARD, card_text, read_card
from matsift_adapters.oracles.manual import TABLE, write_table
from matsift_adapters.oracles.manual_results import ReturnedTable, TableRow, read_table
from matsift_adapters.oracles.returned import Failed, Finished, Returned, Running

__all__ = [
    "CARD",
    "GIVEN_UP",
    "TABLE",
    "Failed",
    "Finished",
    "Returned",
    "ReturnedTable",
    "Running",
    "TableRow",
    "handed_out",
    "method_of",
    "read_card",
    "read_folder",
    "read_table",
    "write_folder",
    "write_table",
]

#: A file of this name says that the operator gave up on a folder, and why.
GIVEN_UP = "FAILED"

_HOUR = 3600.0


def method_of(settings: HandOffOracle) -> str:
    """Return what labels of this oracle name as their method: the same for the same parameters."""
    if isinstance(settings, VaspOracle):
        return vasp.method_of(settings)
    if isinstance(settings, EspressoOracle):
        return espresso.method_of(settings)
    return settings.method


def write_folder(settings: HandOffOracle, method: str, crystal: Crystal, folder: Path, card: Mapping[str, Any]) -> None:
    """Write a folder of inputs for one structure, whole or not at all; one that holds this structure is left alone.

    Parameters
    ----------
    card
        What `matsift.json` says besides the structure and the inputs: study, worker, lease. Where it names
        `properties`, a finished folder without any of them is a failure.

    Raises
    ------
    OracleError
        If this structure has no inputs, for example because it is disordered.
    UserInputError
        If the folder holds something else.
    """
    if folder.exists() and _holds(folder, method, crystal):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        inputs = _write_inputs(settings, crystal, partial)
        text = card_text(card, kind=settings.kind, method=method, crystal=crystal, inputs=inputs)
        (partial / CARD).write_text(text, encoding="utf-8")
        partial.chmod(0o755)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def read_folder(settings: HandOffOracle, folder: Path) -> Returned:
    """Return what a folder says: values, a failure with its reason, or that it is not done.

    An output that breaks off counts as running until nothing in the folder has changed for `quiet_hours`.

    Raises
    ------
    OracleError
        If the folder has no card or cannot be read, another oracle wrote it, or a form in it has a slip.
    """
    card = read_card(folder)
    if (kind := card["handed_out"].get("oracle")) != settings.kind:
        raise OracleError(
            f"{folder} was handed out by the oracle {kind!r:.60}, and the study has {settings.kind!r} now"
        )
    given_up = folder / GIVEN_UP
    if given_up.is_file():
        reason = " ".join(given_up.read_text(encoding="utf-8", errors="replace").split())
        return Failed("GivenUpError", f"the operator gave up: {reason[:1000] or 'no reason was written'}")
    try:
        returned = _read_outputs(settings, folder, card)
    except OSError as error:
        raise OracleError(
            f"{folder} cannot be read ({error.strerror or error}); give yourself the right to it"
        ) from None
    if isinstance(returned, Finished):
        return _unless_useless(returned, card)
    if isinstance(returned, Running) and returned.begun and isinstance(settings, FolderSettings):
        return _unless_quiet(returned, folder, settings.quiet_hours)
    return returned


def handed_out(place: Path) -> Iterator[Path]:
    """Yield the folders with a card: `place` itself, or those in it, sorted by name."""
    if (place / CARD).is_file():
        yield place
    elif place.is_dir():
        yield from sorted(path for path in place.iterdir() if (path / CARD).is_file())


def _holds(folder: Path, method: str, crystal: Crystal) -> bool:
    """Return whether a folder carries this structure and method; an empty one may be written to."""
    if folder.is_dir() and not any(folder.iterdir()):
        return False
    try:
        card = read_card(folder)
    except OracleError as error:
        raise UserInputError(f"{error}, or name another folder to hand out into") from None
    if card["handed_out"].get("structure_hash") == crystal.content_hash and card.get("method") == method:
        return True
    raise UserInputError(f"{folder} holds another structure or method; name another folder, or move that one away")


def _write_inputs(settings: HandOffOracle, crystal: Crystal, folder: Path) -> dict[str, Any]:
    if isinstance(settings, VaspOracle):
        return vasp.write_inputs(settings, crystal, folder)
    if isinstance(settings, EspressoOracle):
        return espresso.write_inputs(settings, crystal, folder)
    return manual.write_inputs(settings, crystal, folder)


def _read_outputs(settings: HandOffOracle, folder: Path, card: Mapping[str, Any]) -> Returned:
    if isinstance(settings, VaspOracle):
        return vasp_results.read(settings, folder, card)
    if isinstance(settings, EspressoOracle):
        return espresso_results.read(settings, folder, card)
    return manual_results.read(settings, folder, card)


def _unless_quiet(running: Running, folder: Path, limit_hours: float) -> Running | Failed:
    newest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    quiet = (time.time() - newest) / _HOUR
    if quiet < limit_hours:
        return running
    said = f"{running.message}, and nothing in the folder changed for {quiet:.0f} h; run it again"
    return Failed("TruncatedOutputError", said)


def _unless_useless(returned: Finished, card: Mapping[str, Any]) -> Returned:
    lacking = [name for name in card.get("properties", ()) if name not in returned.values]
    if not lacking or len(lacking) < len(card["properties"]):
        return returned
    reasons = returned.detail.get("lacking", {})
    told = "; ".join(f"{name}: {reasons[name]}" if name in reasons else name for name in lacking)
    return Failed("MissingPropertyError", f"the run is finished, but gives no {told}")
