"""`matsift.json`: the card in a folder that says whose it is, what was handed out, and by which method it counts."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matsift.crystal import Crystal
from matsift.errors import OracleError
from matsift.formulae import formulae

CARD = "matsift.json"

#: What a damaged or truncated compressed file raises.
BROKEN_FILE = (EOFError, zlib.error, gzip.BadGzipFile)


def method_name(code: str, task: str, parameters: Mapping[str, Any]) -> str:
    """Return the method of a label: code, task and a short hash of all parameters that change the number."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True, default=str).encode()).hexdigest()
    return f"{code}-{task}-{digest[:8]}"


def card_text(card: Mapping[str, Any], *, kind: str, method: str, crystal: Crystal, inputs: Mapping[str, Any]) -> str:
    """Return the card as JSON: what the caller says, and under `handed_out` what the folder holds."""
    composition = composition_of(crystal.species)
    handed_out = {
        "oracle": kind,
        "formula": formulae(composition).reduced,
        "composition": composition,
        "n_site": crystal.n_site,
        "volume_angstrom3": round(crystal.volume, 6),
        "structure_hash": crystal.content_hash,
        "inputs": dict(inputs),
    }
    return json.dumps({**card, "method": method, "handed_out": handed_out}, indent=2, sort_keys=True) + "\n"


def read_card(folder: Path) -> dict[str, Any]:
    """Return what `matsift.json` of a folder says.

    Raises
    ------
    OracleError
        If it is missing, or not a card.
    """
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OracleError(f"{folder} holds no {CARD}, so nobody knows what was handed out; restore that file") from None
    except (OSError, ValueError) as error:
        raise OracleError(f"{path} cannot be read ({error}); restore the file that was handed out") from None
    if not isinstance(card, dict) or not isinstance(card.get("handed_out"), dict):
        raise OracleError(f"{path} is not a card of matsift; restore the file that was handed out")
    return card


def composition_of(species: Iterable[str]) -> dict[str, int]:
    """Return the number of atoms of each element, elements in alphabetical order."""
    return dict(sorted(Counter(species).items()))


def stranger(card: Mapping[str, Any], species: Iterable[str], where: str) -> str | None:
    """Return one sentence if `where` holds other atoms than those that were handed out, else None."""
    wanted, found = dict(card["handed_out"]["composition"]), composition_of(species)
    if found == wanted:
        return None
    return (
        f"{where} is about {_spelled(found)}, and {_spelled(wanted)} was handed out; put the outputs where they belong"
    )


def find_output(folder: Path, names: Iterable[str]) -> Path | None:
    """Return the first of `names` that the folder holds, plain or compressed by gzip."""
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    return None


def read_text(path: Path) -> str:
    """Return the text of a file, plain or compressed by gzip; bytes that are no UTF-8 become question marks.

    Raises
    ------
    EOFError, zlib.error, gzip.BadGzipFile
        If it breaks off or is damaged (`BROKEN_FILE`).
    """
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", errors="replace")


def beginning(path: Path, size: int = 4000) -> str:
    """Return the first `size` characters of a file, plain or compressed by gzip; less if it breaks off before."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        try:
            data = file.read(size)
        except BROKEN_FILE:
            return ""
    return data.decode("utf-8", errors="replace")


def _spelled(composition: Mapping[str, int]) -> str:
    return " ".join(f"{symbol}{number}" for symbol, number in composition.items()) or "nothing"
