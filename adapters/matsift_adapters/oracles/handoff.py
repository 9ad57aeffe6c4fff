"""Folders that carry one structure each to whoever computes or measures it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matsift.crystal import Crystal
from matsift.study.handoff import HandOffOracle
from matsift_adapters.oracles.returned import Failed, Finished, Returned, Running

__all__ = ["CARD", "Failed", "Finished", "Returned", "Running", "method_of", "read_card", "read_folder", "write_folder"]

#: The file that says which acquisition a folder belongs to.
CARD = "matsift.json"


def method_of(settings: HandOffOracle) -> str:
    """Return what labels of this oracle name as their method: the same for the same parameters."""
    raise NotImplementedError


def write_folder(settings: HandOffOracle, method: str, crystal: Crystal, folder: Path, card: Mapping[str, Any]) -> None:
    """Write a folder of inputs for one structure, whole or not at all; a folder that is there is left alone.

    Parameters
    ----------
    card
        What `matsift.json` says besides the structure and the inputs: campaign, structure hash, worker, lease.

    Raises
    ------
    OracleError
        If this structure has no inputs, for example because it is disordered.
    """
    raise NotImplementedError


def read_folder(settings: HandOffOracle, folder: Path) -> Returned:
    """Return what a folder says: values, a failure with its reason, or that it is not done."""
    raise NotImplementedError


def read_card(folder: Path) -> dict[str, Any]:
    """Return what `matsift.json` of a folder says.

    Raises
    ------
    OracleError
        If it is missing, or not a card.
    """
    raise NotImplementedError
