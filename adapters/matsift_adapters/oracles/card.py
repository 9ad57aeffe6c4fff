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

#: No output of a run is larger once unpacked, bytes; a larger one is another file, or an attack.
LARGEST_OUTPUT = 1 << 30

_PIECE, _MOST_ATTEMPTS = 1 << 20, 10_000

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
    except (OSError, ValueError, RecursionError) as error:
        raise OracleError(f"{path} cannot be read ({error}); restore the file that was handed out") from None
    if not _is_card(card):
        raise OracleError(f"{path} is not a card of matsift; restore the file that was handed out")
    return dict(card)


def _is_card(card: Any) -> bool:
    """Return whether JSON says what a card says, each in its form; what it need not say may be missing."""
    handed_out = card.get("handed_out") if isinstance(card, dict) else None
    if not isinstance(handed_out, dict):
        return False
    volume, names = handed_out.get("volume_angstrom3", 1.0), card.get("properties", [])
    composition, attempt = handed_out.get("composition", {}), card.get("attempt", 1)
    return (
        isinstance(handed_out.get("structure_hash", ""), str)
        and isinstance(composition, dict)
        and all(isinstance(number, int) for number in composition.values())
        and isinstance(volume, (int, float))
        and isinstance(handed_out.get("inputs", {}), dict)
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and isinstance(attempt, int)
        and 0 < attempt < _MOST_ATTEMPTS
    )


def composition_of(species: Iterable[str]) -> dict[str, int]:
    """Return the number of atoms of each element, elements in alphabetical order."""
    return dict(sorted(Counter(species).items()))


def stranger(card: Mapping[str, Any], species: Iterable[str], where: str) -> str | None:
    """Return one sentence if `where` holds other atoms than those that were handed out, else None."""
    wanted, found = dict(card["handed_out"].get("composition", {})), composition_of(species)
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
    OracleError
        If it is larger than `LARGEST_OUTPUT`.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        data = file.read(LARGEST_OUTPUT + 1)
    if len(data) > LARGEST_OUTPUT:
        raise too_large(path)
    return data.decode("utf-8", errors="replace")


def check_size(path: Path) -> None:
    """Return quietly if a file, unpacked where it is compressed, is no larger than `LARGEST_OUTPUT`.

    Raises
    ------
    EOFError, zlib.error, gzip.BadGzipFile
        If it breaks off or is damaged (`BROKEN_FILE`).
    OracleError
        If it is larger.
    """
    n_byte = path.stat().st_size
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as file:
            n_byte = 0
            while n_byte <= LARGEST_OUTPUT and (piece := file.read(_PIECE)):
                n_byte += len(piece)
    if n_byte > LARGEST_OUTPUT:
        raise too_large(path)


def too_large(path: Path) -> OracleError:
    """Return the error of a file that no run writes."""
    return OracleError(f"{path} is larger than {LARGEST_OUTPUT >> 20} MiB unpacked; bring back the output of the run")


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
