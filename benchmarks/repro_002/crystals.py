"""The published crystals, each once, in the order of their content hashes; read once and kept as flat arrays."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import pymatgen.analysis.prototypes
from benchmarks.descriptors.samples import prototypes
from benchmarks.repro_001.real_data import data_folder
from pymatgen.core import Structure

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift_adapters.sources.archives import RawMember, walk
from matsift_adapters.sources.cif import from_cif

#: What the paper's part is about: crystals as they were published.
PAPER_SETS = ("mp_36737", "cod_326")

#: What a measured pattern is searched in.
ALL_SETS = (*PAPER_SETS, "elastic_2015", "binary_2025", "aflow_prototypes")

_NUMBER = {symbol: z for z, symbol in enumerate(ELEMENT_SYMBOLS)}
_CHUNK = 64
#: Cells with more atoms are left out: mp_36737 ends at 200.
_MOST_ATOMS = 400

_Named = tuple[str, Crystal]
_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, eq=False)
class Stock:
    """n crystals with the set that each is from and its name there."""

    crystals: tuple[Crystal, ...]
    sets: tuple[str, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.crystals)


def stock(home: Path, sets: Sequence[str], *, n_worker: int, tell: Callable[[str], None]) -> Stock:
    """Return the crystals of several published sets; of equal ones the first set's.

    Parameters
    ----------
    home
        Folder where they are kept.
    sets
        Names of `ALL_SETS`.
    n_worker
        Processes that parse.
    tell
        Is told what takes long.
    """
    first: dict[str, tuple[str, str, Crystal]] = {}
    for name in sets:
        for label, crystal in _kept(home, name, n_worker, tell):
            first.setdefault(crystal.content_hash, (name, label, crystal))
    rows = [first[key] for key in sorted(first)]
    return Stock(tuple(r[2] for r in rows), tuple(r[0] for r in rows), tuple(r[1] for r in rows))


def path_of(name: str) -> Path:
    """Return the file that a set is read from."""
    return data_folder() / _READERS[name][0]


def _kept(home: Path, name: str, n_worker: int, tell: Callable[[str], None]) -> list[_Named]:
    size = path_of(name).stat().st_size
    path = home / f"crystals-{name}-{size}.npz"
    if not path.exists():
        tell(f"reading {path_of(name)}")
        rows = list(_READERS[name][1](path_of(name), n_worker))
        write(path, rows)
        tell(f"{len(rows)} crystals of {name}")
    return read(path)


def write(path: Path, rows: Sequence[_Named]) -> None:
    """Write named crystals to one file of arrays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    crystals = [crystal for _, crystal in rows]
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        names=np.array([name for name, _ in rows]),
        offsets=np.cumsum([0, *(len(c.species) for c in crystals)]),
        lattices=np.array([c.lattice for c in crystals]).reshape(-1, 3, 3),
        elements=np.array([_NUMBER[s] for c in crystals for s in c.species], dtype=np.int16),
        coords=np.concatenate([c.frac_coords for c in crystals]),
        occupancies=np.concatenate([c.occupancies for c in crystals]),
        sites=np.concatenate([c.site_index for c in crystals]),
    )
    part.replace(path)


def read(path: Path) -> list[_Named]:
    """Return what `write` wrote."""
    with np.load(path, allow_pickle=False) as file:
        a = dict(file)
    symbols = np.array(ELEMENT_SYMBOLS)[a["elements"]].tolist()
    parts = zip(a["names"].tolist(), a["lattices"], a["offsets"][:-1], a["offsets"][1:], strict=True)
    return [
        (name, Crystal(lattice, tuple(symbols[i:j]), a["coords"][i:j], a["occupancies"][i:j], a["sites"][i:j]))
        for name, lattice, i, j in parts
    ]


def in_processes(function: Callable[[_T], _R], items: Iterable[_T], n_worker: int) -> Iterator[_R]:
    """Yield what a function gives of each item, in order, from processes that start anew; 0 stays in this one."""
    if not n_worker:
        yield from map(function, items)
        return
    with get_context("spawn").Pool(n_worker) as pool:
        yield from pool.imap(function, items)


def chunks(items: Sequence[_T], size: int = _CHUNK) -> list[Sequence[_T]]:
    """Return the items in pieces of a size."""
    return [items[i : i + size] for i in range(0, len(items), size)]


def _of_archive(path: Path, n_worker: int) -> Iterator[_Named]:
    members = list(walk(path, lambda name: name.endswith(".cif")))
    for found in in_processes(_parsed, chunks(members), n_worker):
        yield from found


def _parsed(members: Sequence[RawMember]) -> list[_Named]:
    found = []
    for member in members:
        for parsed in from_cif(member.content.decode("utf-8", "replace"))[:1]:
            crystal = parsed.crystal
            if crystal is not None and len(crystal.species) <= _MOST_ATOMS:
                found.append((Path(member.name).stem, crystal))
    return found


def _elastic_2015(path: Path, n_worker: int) -> Iterator[_Named]:
    del n_worker
    table = json.loads(gzip.decompress(path.read_bytes()))
    name, structure = table["columns"].index("material_id"), table["columns"].index("structure")
    for row in table["data"]:
        yield row[name], Crystal.from_pymatgen(Structure.from_dict(row[structure]))


def _binary_2025(path: Path, n_worker: int) -> Iterator[_Named]:
    del n_worker
    for row in json.loads(gzip.decompress(path.read_bytes())):
        yield row["mp_id"], Crystal.from_pymatgen(Structure.from_dict(row["structure"]))


def _aflow(path: Path, n_worker: int) -> Iterator[_Named]:
    del path, n_worker
    for sample in prototypes():
        yield sample.name, sample.crystal


_Reader = Callable[[Path, int], Iterator[_Named]]
_READERS: dict[str, tuple[str, _Reader]] = {
    "mp_36737": ("structures/mp_36737/cif_36737.tar.gz", _of_archive),
    "cod_326": ("structures/cod_inorganic_326.tar.gz", _of_archive),
    "elastic_2015": ("elastic/elastic_tensor_2015.json.gz", _elastic_2015),
    "binary_2025": ("elastic/mp_binary_pbe_elasticity_2025.json.gz", _binary_2025),
    "aflow_prototypes": (str(Path(pymatgen.analysis.prototypes.__file__).parent / "aflow_prototypes.json.gz"), _aflow),
}


def digest_of(crystals: Sequence[Crystal]) -> str:
    """Return twelve characters that tell these crystals, in this order, from others."""
    return hashlib.sha256("\n".join(c.content_hash for c in crystals).encode()).hexdigest()[:12]
