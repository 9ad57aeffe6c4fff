"""The structures that the engine and matminer are compared on: three published sets of real crystals."""

from __future__ import annotations

import gzip
import json
import tarfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pymatgen.analysis.prototypes
from benchmarks.repro_001.real_data import data_folder
from pymatgen.core import Structure

from matsift.crystal import Crystal
from matsift_adapters.sources.cif import from_cif

SEED = 20180607
N_RANDOM = 1000
_CIFS = "structures/mp_36737/cif_36737.tar.gz"
_ELASTIC = "elastic/elastic_tensor_2015.json.gz"
_N_CIF = 36_737


@dataclass(frozen=True, eq=False)
class Sample:
    """One structure: the set that it is from, its name there, and the crystal."""

    set_name: str
    name: str
    crystal: Crystal


def prototypes() -> Iterator[Sample]:
    """Yield the ordered AFLOW prototypes that pymatgen ships."""
    file = Path(pymatgen.analysis.prototypes.__file__).parent / "aflow_prototypes.json.gz"
    for i, entry in enumerate(json.loads(gzip.decompress(file.read_bytes()))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            structure = Structure.from_dict(entry["snl"])
        if structure.is_ordered:
            yield Sample("AFLOW prototypes", f"{i} {entry['tags']['aflow']}", Crystal.from_pymatgen(structure))


def elastic_2015() -> Iterator[Sample]:
    """Yield the structures of elastic_tensor_2015."""
    table = json.loads(gzip.decompress((data_folder() / _ELASTIC).read_bytes()))
    name, structure = table["columns"].index("material_id"), table["columns"].index("structure")
    for row in table["data"]:
        yield Sample("elastic_tensor_2015", row[name], Crystal.from_pymatgen(Structure.from_dict(row[structure])))


def random_mp(n: int = N_RANDOM, seed: int = SEED) -> Iterator[Sample]:
    """Yield n crystals of mp_36737 picked at random."""
    picked = {f"{i}.cif" for i in np.random.default_rng(seed).choice(_N_CIF, n, replace=False)}
    with tarfile.open(data_folder() / _CIFS) as archive:
        for member in archive:
            if (file := Path(member.name).name) in picked:
                stream = archive.extractfile(member)
                crystal = None if stream is None else from_cif(stream.read().decode())[0].crystal
                if crystal is not None:
                    yield Sample("mp_36737", file, crystal)


def interleaved(samples: Sequence[Sample], limit: int | None = None) -> list[Sample]:
    """Return the small cells of each set first, the sets merged by rank, so that any beginning shows them all."""
    ranked = []
    for set_name in sorted({sample.set_name for sample in samples}):
        own = sorted((s for s in samples if s.set_name == set_name), key=lambda s: (s.crystal.n_site, s.name))
        ranked += [((i + 0.5) / len(own), sample) for i, sample in enumerate(own)]
    return [sample for _, sample in sorted(ranked, key=lambda pair: (pair[0], pair[1].set_name))][:limit]


def everything(limit: int | None = None) -> list[Sample]:
    """Return all samples, `interleaved`; those of published data only where the data folder is there."""
    samples = list(prototypes())
    if (data_folder() / _CIFS).exists():
        samples += [*elastic_2015(), *random_mp()]
    return interleaved(samples, limit)
