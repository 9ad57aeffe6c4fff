"""The crystals that both compute profiles of: some of the Materials Project, and of the COD, disordered ones too."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator

import numpy as np
from benchmarks.descriptors.samples import Sample, prototypes, random_mp
from benchmarks.repro_001.real_data import data_folder

from matsift.crystal import Crystal
from matsift.diffraction.ideal import ideal_profiles
from matsift_adapters.sources.cif import from_cif

_COD = "structures/cod_inorganic_326.tar.gz"


def samples(n: int, seed: int) -> dict[str, list[Crystal]]:
    """Return up to n crystals of each set that have a profile, by the set's name; AFLOW's prototypes without data."""
    if not (data_folder() / _COD).exists():
        return {"AFLOW prototypes": _chosen(list(prototypes()), n, seed)}
    return {
        "Materials Project (mp_36737)": _chosen(list(random_mp(n, seed)), n, seed),
        "Crystallography Open Database": _chosen(list(cod()), n, seed),
    }


def cod() -> Iterator[Sample]:
    """Yield the readable structures of the Crystallography Open Database, some of them disordered."""
    with tarfile.open(data_folder() / _COD) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name.endswith(".cif") else None
            if stream is None:
                continue
            for parsed in from_cif(stream.read().decode()):
                if parsed.crystal is not None:
                    yield Sample("cod_inorganic_326", member.name, parsed.crystal)


def _chosen(found: list[Sample], n: int, seed: int) -> list[Crystal]:
    order = np.random.default_rng(seed).permutation(len(found))
    crystals = [found[i].crystal for i in order]
    failures = ideal_profiles(crystals)[1]
    return [crystal for i, crystal in enumerate(crystals) if i not in failures][:n]
