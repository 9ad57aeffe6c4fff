"""From the bytes of one file to its structures; runs in killable workers."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import IO, Any, cast

import numpy as np

from matsift.errors import BadStructureError
from matsift_adapters.sources.compressed import DAMAGE
from matsift_adapters.sources.formats import ASE_FORMATS
from matsift_adapters.sources.parsed import Parsed, unreadable
from matsift_adapters.sources.pymatgen_json import from_pymatgen, structures
from matsift_adapters.sources.source import TRUNCATED

#: No structure file is larger than this once unpacked; a larger one is a mistake or an attack.
MAX_MEMBER_BYTES = 64 * 1024 * 1024

_OPENERS: dict[str, Callable[..., Any]] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}


@dataclass(frozen=True)
class Member:
    """One file, or one cell of a table, to be parsed: its name, format and content, and what to watch for."""

    name: str
    format: str
    content: bytes
    max_site: int = 1000
    id_key: str | None = None


def prepare_worker() -> None:
    """Load, and where need be compile, the loops that parsing runs, so that no file's time limit pays for it."""
    from matsift.screening.structure_quality import has_sites_within  # noqa: PLC0415
    from matsift_adapters.sources.cif_expansion import expand  # noqa: PLC0415  imports the compiler
    from matsift_adapters.sources.cif_group import cell_fits, is_group  # noqa: PLC0415

    one, nowhere = np.eye(3), np.zeros((1, 3))
    expand(np.zeros((1, 3)), one[None], nowhere)
    cell_fits(one, one[None], 1.0)
    is_group(one[None].astype(np.int64), nowhere.astype(np.int64))
    has_sites_within(one, nowhere, np.zeros(1, dtype=np.int64), 0.1)


def parse_member(member: Member) -> list[Parsed]:
    """Return the structures of a file; what cannot be read is an outcome with its reason, never an exception."""
    try:
        found = _parse(member.format, unpacked(member), member.id_key)
    except (BadStructureError, UnicodeError) as error:
        return [unreadable(error)]
    except RecursionError as error:
        return [unreadable(error, "it is nested too deeply")]
    return [_described(within(parsed, member.max_site)) for parsed in found]


def unpacked(member: Member) -> bytes:
    """Return the decompressed content.

    Raises
    ------
    BadStructureError
        If it is damaged, truncated, or larger than `MAX_MEMBER_BYTES`.
    """
    opener = _OPENERS.get(member.name.rsplit(".", 1)[-1].lower())
    if opener is None:
        return member.content
    try:
        with cast("IO[bytes]", opener(io.BytesIO(member.content), "rb")) as stream:
            content = stream.read(MAX_MEMBER_BYTES + 1)
    except DAMAGE as error:
        raise BadStructureError(f"the compressed file is damaged or truncated ({error})") from error
    if len(content) > MAX_MEMBER_BYTES:
        raise BadStructureError(too_large())
    return content


def too_large() -> str:
    """Return the sentence about a file that is too large to hold a structure."""
    return f"it is larger than {MAX_MEMBER_BYTES >> 20} MiB unpacked, so it was not read"


def within(parsed: Parsed, max_site: int) -> Parsed:
    """Return the structure, or the outcome that it has too many sites."""
    crystal = parsed.crystal
    if crystal is None or crystal.n_site <= max_site:
        return parsed
    problem = BadStructureError(f"the structure has {crystal.n_site} sites, more than max_site = {max_site}")
    return replace(unreadable(problem, block=parsed.block), entry_id=parsed.entry_id, info=parsed.info)


def _described(parsed: Parsed) -> Parsed:
    """Return the structure with its facts, its hash and the holds of any source: finding the symmetry takes longest."""
    from matsift.screening.structure_quality import structure_holds  # noqa: PLC0415  imports the compiler
    from matsift.structure_facts import describe  # noqa: PLC0415  imports spglib and pymatgen

    if parsed.crystal is None:
        return parsed
    _ = parsed.crystal.content_hash  # kept by the crystal, which takes it along to the parent process
    facts = describe(parsed.crystal)
    doubts = structure_holds(parsed.crystal, facts.density_g_per_cm3)
    return replace(parsed, facts=facts, holds=tuple(sorted({*parsed.holds, *doubts})) if doubts else parsed.holds)


def _parse(file_format: str, content: bytes, id_key: str | None) -> list[Parsed]:
    # pymatgen, gemmi and ASE take seconds to import, and a table of JSON structures needs none of them
    if file_format in ASE_FORMATS:
        from matsift_adapters.sources.vasp_and_ase import from_ase_file  # noqa: PLC0415

        return from_ase_file(content, file_format, id_key)
    text = content.decode("utf-8-sig", errors="replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if not text.strip():
        raise BadStructureError("the file is empty")
    if file_format == "cif":
        from matsift_adapters.sources.cif import from_cif  # noqa: PLC0415

        return from_cif(text)
    if file_format == "cod":
        from matsift_adapters.sources.cod_cif import from_cod  # noqa: PLC0415

        return from_cod(text)
    if file_format == "poscar":
        from matsift_adapters.sources.vasp_and_ase import from_poscar  # noqa: PLC0415

        return [Parsed("", from_poscar(text))]
    return _from_json(text, id_key)


def _from_json(text: str, id_key: str | None) -> list[Parsed]:
    from matsift_adapters.sources.json_salvage import loads_salvaged  # noqa: PLC0415

    document, broken = loads_salvaged(text)
    found = []
    for block, stated, raw in () if broken and not isinstance(document, list) else structures(document, id_key):
        try:
            found.append(Parsed(block, from_pymatgen(raw), stated))
        except BadStructureError as error:
            found.append(replace(unreadable(error, block=block), entry_id=stated))
    if broken and not (found and isinstance(document, list)):
        raise BadStructureError(f"it is not valid JSON ({broken})")
    if broken:
        message = f"the JSON breaks off after record {len(found) - 1} ({broken}); what stands before is kept"
        found.append(Parsed("break", error_class=TRUNCATED, message=message))
    return found
