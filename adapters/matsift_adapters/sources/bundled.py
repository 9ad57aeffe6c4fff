"""The data set that the project computed itself and ships inside the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from matsift.crystal import Crystal
from matsift.errors import BadLabelError, BadStructureError, SourceError, UnknownProperty
from matsift.records import EntryRecord, FailureRecord, LabelRecord
from matsift.study.sources import BundledSource
from matsift_adapters.sources.compressed import BrokenOffError, lines, sha256_of
from matsift_adapters.sources.duplicates import Read, unique
from matsift_adapters.sources.source import TRUNCATED, Source, state_hash
from matsift_adapters.sources.values import as_json, bad_label, from_value

_REMEDY = "install the package again, or make the file anew with `matsift dataset build`"
_ROLES_TO_HOLD = ("duplicate", "reference", "unseen")
_NOT_PAYLOAD = {"external_id", "lattice", "species", "frac_coords", "labels", "failure"}


def open_bundled(settings: BundledSource, base_dir: Path) -> Source:
    """Return the bundled source.

    Raises
    ------
    SourceError
        If the file is missing or its first line is no header.
    """
    path = base_dir / settings.path if settings.path else bundled_path(settings.dataset)
    header = _header(path)
    content_hash = state_hash(sha256_of(path), settings)
    version = settings.version or str(header.get("version") or content_hash[:12])
    licence = settings.licence or str(header.get("licence") or "unknown")
    description = settings.description or f"{header['dataset']}, computed with {header['method']}"
    read = partial(_entries, path, settings, version=version, licence=licence, method=str(header["method"]))
    return Source(settings.name, settings.kind, version, licence, description, content_hash, lambda _: unique(read()))


def bundled_path(dataset: str) -> Path:
    """Return where the package keeps a data set."""
    return Path(str(files("matsift_adapters"))) / "data" / f"{dataset}.jsonl.gz"


def from_record(
    record: dict[str, Any], *, version: str, licence: str, method: str, origin: str, place: str
) -> EntryRecord:
    """Return the entry of one line of the file.

    A failed computation keeps its structure and its `FailureRecord`; ``born_stable: false`` becomes the hold
    ``not_born_stable``, and the roles ``duplicate``, ``reference`` and ``unseen`` become holds of their
    name.
    """
    failures: list[FailureRecord] = []
    labels: list[LabelRecord] = []
    crystal: Crystal | None = None
    try:
        crystal = _crystal(record)
    except BadStructureError as error:
        failures.append(FailureRecord("parse", place, type(error).__name__, f"{place}: {error}"))
    for name, value in (record.get("labels") or {}).items():
        try:
            labels.append(from_value(value, property_name=name, unit=None, method=method, origin=origin))
        except (BadLabelError, UnknownProperty) as error:
            failures.append(bad_label(place, name, error, _REMEDY))
    if (failed := record.get("failure")) is not None:
        failures.append(
            FailureRecord(
                str(failed.get("stage", "label")),
                str(record["external_id"]),
                str(failed.get("error_class", "OracleError")),
                str(failed.get("message", "")),
                seconds=float(failed.get("seconds") or 0.0),
                structure_hash=crystal.content_hash if crystal else None,
            )
        )
    return EntryRecord(
        external_id=str(record["external_id"]),
        crystal=crystal,
        version=version,
        licence=licence,
        payload={key: as_json(value) for key, value in record.items() if key not in _NOT_PAYLOAD},
        labels=tuple(labels) if crystal else (),
        failures=tuple(failures),
        holds=_holds(record),
    )


def _holds(record: dict[str, Any]) -> tuple[str, ...]:
    """Return what speaks against using a structure as any other: an unstable tensor, or its role."""
    unstable = ("not_born_stable",) if record.get("born_stable") is False else ()
    role = record.get("role")
    return (*unstable, *((str(role),) if role in _ROLES_TO_HOLD else ()))


def to_record(entry: EntryRecord) -> dict[str, Any]:
    """Return the line of an entry with an ordered crystal; the inverse of `from_record`."""
    assert entry.crystal is not None
    failed = next((f for f in entry.failures if f.stage != "label_value"), None)
    return {
        **entry.payload,
        "external_id": entry.external_id,
        "lattice": entry.crystal.lattice.ravel().tolist(),
        "species": list(entry.crystal.species),
        "frac_coords": entry.crystal.frac_coords.tolist(),
        "labels": {label.property_name: label.value for label in entry.labels},
        "failure": failed
        and {
            "stage": failed.stage,
            "error_class": failed.error_class,
            "message": failed.message,
            "seconds": failed.seconds,
        },
    }


def _entries(path: Path, settings: BundledSource, *, version: str, licence: str, method: str) -> Iterator[Read]:
    origin = f"source:{settings.name}"
    number = 1
    try:
        for number, line in enumerate(lines(path), start=1):
            if number == 1 or not line.strip():
                continue
            place = f"{path.name}:line {number}"
            try:
                record = json.loads(line)
                if settings.roles is not None and record["role"] not in settings.roles:
                    continue
                of_entry = settings.version or str(record.get("version") or version)
                entry = from_record(
                    record, version=of_entry, licence=licence, method=method, origin=origin, place=place
                )
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                message = f"{place}: it is not an entry of a bundled data set ({error}); {_REMEDY}"
                yield place, FailureRecord("parse", place, type(error).__name__, message)
            else:
                yield place, entry
    except BrokenOffError as error:
        message = (
            f"{path.name}: the file breaks off after line {number} ({error}), what stands before is kept; {_REMEDY}"
        )
        yield path.name, FailureRecord("parse", path.name, TRUNCATED, message)


def _header(path: Path) -> dict[str, Any]:
    try:
        header = json.loads(next(lines(path), ""))
    except (ValueError, BrokenOffError):
        header = None
    if not (isinstance(header, dict) and {"dataset", "method"} <= header.keys()):
        raise SourceError(str(path), "it does not begin with the header of a bundled data set", _REMEDY)
    return header


def _crystal(record: dict[str, Any]) -> Crystal:
    try:
        lattice = np.array(record["lattice"], dtype=np.float64).reshape(3, 3)
        crystal = Crystal.ordered(lattice, list(record["species"]), record["frac_coords"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadStructureError(f"lattice, species or frac_coords are missing or misshapen ({error})") from error
    crystal.check()
    return crystal
