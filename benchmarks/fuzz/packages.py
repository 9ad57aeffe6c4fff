"""Data packages and archives of files: broken as zips, in their manifests, and in their tables."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.fuzz.mutation import VALUES, changed_binary, changed_value
from benchmarks.fuzz.parser import Parser, Read, check_items
from benchmarks.fuzz.zipped import changed_zip, members_of, zip_of
from tests.factories.structure_files import ROCK_SALT_CIF, rock_salt

from matsift.crystal import Crystal
from matsift.exchange.manifest import MANIFEST, Manifest
from matsift.structure_facts import describe
from matsift.study.sources import FilesSource
from matsift_adapters.exporters.package import describe_member, open_package, write_package
from matsift_adapters.exporters.tables import arrow_schema
from matsift_adapters.sources import open_source
from matsift_flows.exporting.arrival import _check_structures, _models
from matsift_flows.exporting.package import TABLE_NAME
from matsift_schema.store.portable.tables import STRUCTURES, TABLES

_STRUCTURES = TABLE_NAME.format(STRUCTURES.name)
_TABLES = [TABLE_NAME.format(table.name) for table in TABLES]


def parsers() -> list[Parser]:
    """Return the parsers of packages and archives."""
    package = made_package([rock_salt()])
    cif = ROCK_SALT_CIF.encode()
    zipped = zip_of({"a.cif": cif, "b/c.cif": cif.replace(b"5.64", b"5.7")}, compression=zipfile.ZIP_DEFLATED)
    tars = [_tar(cif, mode) for mode in ("w", "w:gz", "w:xz", "w:bz2")]
    return [
        Parser("package", lambda rng: _changed(rng, package), [package], _read_package),
        Parser("archive-zip", lambda rng: changed_zip(rng, zipped), [zipped], _read_archive("x.zip")),
        Parser("archive-tar", lambda rng: changed_binary(rng, rng.choice(tars)), tars, _read_archive("x.tar")),
    ]


def made_package(crystals: list[Crystal], **more: list[dict[str, Any]]) -> bytes:
    """Return a package of structures alone, and of whatever other rows are given by the names of their tables."""
    rows = {STRUCTURES.name: [_row(crystal) for crystal in crystals], **more}
    with TemporaryDirectory() as made:
        folder, members = Path(made), {}
        for table in TABLES:
            name = TABLE_NAME.format(table.name)
            members[name] = folder / f"{table.name}.parquet"
            schema = arrow_schema(table.file_columns)
            pq.write_table(pa.Table.from_pylist(rows.get(table.name, []), schema=schema), members[name])
        listed = {name: describe_member(path, len(rows.get(path.stem, []))) for name, path in members.items()}
        hashes = sorted(crystal.content_hash for crystal in crystals)
        manifest = Manifest(
            study="s",
            matsift="0.1.0",
            licences=("CC0",),
            structures=hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
            snapshots=(),
            models=(),
            members=listed,
        )
        write_package(folder / "p.zip", manifest, members)
        return (folder / "p.zip").read_bytes()


def signed(members: dict[str, bytes], *, only: str | None = None) -> bytes:
    """Return a package of members whose manifest knows of them as they are; `only` that one of them is looked at."""
    manifest = json.loads(members[MANIFEST])
    for name in [only] if only else manifest["members"]:
        if name in manifest["members"] and name in members:
            content = members[name]
            manifest["members"][name] |= {"n_byte": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return zip_of({**members, MANIFEST: json.dumps(manifest).encode()})


def _row(crystal: Crystal) -> dict[str, Any]:
    facts = describe(crystal)
    named = {
        name: getattr(facts, name)
        for name in (column.name for column in STRUCTURES.file_columns)
        if hasattr(facts, name)
    }
    return {
        **named,
        "elements": list(facts.elements),
        "content_hash": crystal.content_hash,
        "lattice": crystal.lattice.ravel().tolist(),
        "species": list(crystal.species),
        "frac_coords": crystal.frac_coords.ravel().tolist(),
        "occupancies": crystal.occupancies.tolist(),
        "site_index": crystal.site_index.tolist(),
        "holds": [],
    }


def _changed(rng: Random, package: bytes) -> bytes:
    """Return a package that is damaged, or whole with a strange manifest, a damaged table or strange rows."""
    way = rng.randrange(5)
    if way == 0:
        return changed_zip(rng, package)
    members = members_of(package)
    if way == 1:
        members[MANIFEST] = json.dumps(changed_value(rng, json.loads(members[MANIFEST]))).encode()
        return zip_of(members)
    if way == 2:
        name = rng.choice(_TABLES)
        members[name] = changed_binary(rng, members[name])
        return signed(members, only=name)
    members[_STRUCTURES] = _strange_rows(rng, members[_STRUCTURES])
    return signed(members, only=_STRUCTURES)


def _strange_rows(rng: Random, content: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(content))
    place = rng.randrange(table.num_columns)
    field = table.schema.field(place)
    value = rng.choice(
        (*VALUES, [], [None], [float("nan")] * 9, [0.0] * 9, ["Na"], ["\x00"], [2**40], [-1] * 8, ["Xx"] * 8)
    )
    try:
        column = pa.array([value], field.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeEncodeError):
        column = pa.nulls(1, field.type)
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(place, field, column), sink)
    return bytes(sink.getvalue().to_pybytes())


def _read_package(content: bytes, folder: Path) -> str | None:
    path = folder / "p.zip"
    path.write_bytes(content)
    with open_package(path) as package:
        for table in TABLES:
            package.check_table(TABLE_NAME.format(table.name), table.file_columns)
        _check_structures(package, lambda *_args, **_said: None)
        _models(package)
        for table in TABLES:
            for _ in package.rows(TABLE_NAME.format(table.name), table.file_columns):
                pass
    return None


def _tar(cif: bytes, mode: Any) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as archive:
        for name, member in (("a.cif", cif), ("../b.cif", cif.replace(b"5.64", b"5.7"))):
            info = tarfile.TarInfo(name)
            info.size = len(member)
            archive.addfile(info, io.BytesIO(member))
        link = tarfile.TarInfo("d.cif")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    content = bytearray(raw.getvalue())
    if mode == "w:gz":
        content[4:8] = bytes(4)  # the moment at which it was packed
    return bytes(content)


def _read_archive(name: str) -> Read:
    settings = FilesSource.model_validate({"kind": "files", "name": "f", "path": name})

    def read(content: bytes, folder: Path) -> str | None:
        (folder / name).write_bytes(content)
        return check_items(open_source(settings, folder, n_worker=0).iterate())

    return read
