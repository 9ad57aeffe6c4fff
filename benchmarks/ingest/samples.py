"""The 36,737 published CIFs of `mp_36737` as files, as what the parser makes of them, and as ever new structures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from benchmarks.repro_001.real_data import data_folder

from matsift.crystal import Crystal
from matsift.records import EntryRecord
from matsift.study.sources import FilesSource
from matsift_adapters.sources import open_source
from matsift_adapters.sources.archives import RawMember, walk

ARCHIVE = "structures/mp_36737/cif_36737.tar.gz"
N_CIF = 36_737


def archive() -> Path:
    """Return the archive of the CIFs."""
    return data_folder() / ARCHIVE


def members(limit: int | None = None) -> Iterator[RawMember]:
    """Yield the files of the archive, the first ones if not all, in its order."""
    return islice(walk(archive(), lambda name: name.endswith(".cif")), limit)


def source_settings(path: Path, name: str = "mp_36737") -> FilesSource:
    """Return the settings of a source that reads an archive of CIFs."""
    return FilesSource(kind="files", name=name, path=path.name, licence="MIT")


def parsed(limit: int, n_worker: int) -> list[EntryRecord]:
    """Return what the source makes of the first files of the archive, with facts and hashes: those with a structure."""
    items = open_source(source_settings(archive()), archive().parent, n_worker=n_worker).iterate()
    entries = [item for item in islice(items, limit) if isinstance(item, EntryRecord)]
    return [entry for entry in entries if entry.crystal is not None]


def once_more(entries: Sequence[EntryRecord], number: int) -> list[EntryRecord]:
    """Return the entries as others: cells stretched by a thousandth of a per cent times a number, hashes in place."""
    stretch = 1 + 1e-5 * number
    stretched = []
    for entry in entries:
        assert entry.crystal is not None
        crystal = entry.crystal
        crystal = Crystal(
            crystal.lattice * stretch, crystal.species, crystal.frac_coords, crystal.occupancies, crystal.site_index
        )
        _ = crystal.content_hash
        stretched.append(replace(entry, external_id=f"{entry.external_id}-{number}", crystal=crystal))
    return stretched


def without_hashes(entries: Sequence[EntryRecord]) -> list[EntryRecord]:
    """Return the entries with crystals whose hash was not computed yet."""
    return list(map(partial(_without_hash), entries))


def _without_hash(entry: EntryRecord) -> EntryRecord:
    assert entry.crystal is not None
    return replace(entry, crystal=replace(entry.crystal))
