"""How many CIFs pymatgen and matsift read in a CPU second, in turn on the same texts, and whether they agree.

python -m benchmarks.ingest.cif_rate --structures 5000
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import tarfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.ingest import samples
from benchmarks.repro_001.real_data import data_folder
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure
from pymatgen.io.cif import CifParser
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from matsift.crystal import Crystal
from matsift.structure_facts import SYMMETRY_TOLERANCE_ANGSTROM, space_group
from matsift_adapters.sources.cif import from_cif
from matsift_adapters.sources.cif_fallback import from_structure
from matsift_adapters.sources.cif_fast import OCCUPANCY_TOLERANCE
from matsift_adapters.sources.parsing import prepare_worker

_BLOCK = 200
_N_MATCHED, _LARGEST_MATCHED = 40, 60
#: Both ask spglib to hold angles against the tolerance of lengths; pymatgen's default allows 5 degrees besides.
_ANGLE_BY_LENGTH = -1.0
_SAME_VOLUME, _SAME_AMOUNT = 1e-9, 1e-6
_COD = "structures/cod_inorganic_326.tar.gz"
_OBELIX = "structures/obelix_li_conductors.tar.gz"
_PEROVSKITES = "structures/perov_5/val.csv.gz"


_RATES = (
    "CIFs",
    "number",
    "pymatgen, a CPU second",
    "matsift",
    "ratio",
    "and the space group: pymatgen",
    "matsift",
    "ratio",
)
_PARITY = (
    "CIFs",
    "both read",
    "same number of sites",
    "composition",
    "volume",
    "space group",
    "matched by StructureMatcher",
    "only pymatgen reads",
    "only matsift",
    "neither",
)


@dataclass
class Times:
    """CPU seconds of pymatgen and of matsift, for parsing and for the space group."""

    peer_parse: float = 0.0
    own_parse: float = 0.0
    peer_symmetry: float = 0.0
    own_symmetry: float = 0.0


@dataclass
class Agreement:
    """How many structures agree in what, of those that both read, and who reads what the other does not."""

    both: int = 0
    same: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("sites", "amounts", "volume", "group"), 0))
    tried: int = 0
    matched: int = 0
    only_peer: int = 0
    only_own: int = 0
    neither: int = 0


def section(options: argparse.Namespace) -> list[str]:
    """Return the two tables, of rates and of agreement."""
    prepare_worker()
    from_cif(next(_perovskites()))
    _peer(next(_perovskites()))
    rates = ["## Reading CIFs: in turn on the same texts, one core", "", *_header(_RATES)]
    parity = ["", *_header(_PARITY)]
    for name, texts in _corpora(options.limit or options.structures):
        times, agreement = compare(texts)
        rates.append(_rate_row(name, len(texts), times))
        parity.append(_parity_row(name, agreement))
    return [*rates, *parity, ""]


def compare(texts: Sequence[str]) -> tuple[Times, Agreement]:
    """Return what reading the texts takes both and how far they agree; lists of operations are new to both."""
    times, agreement = Times(), Agreement()
    for start in range(0, len(texts), _BLOCK):
        block = texts[start : start + _BLOCK]
        crystals, seconds = _timed(_own, block)  # ours first: pymatgen's many objects slow down what is beside them
        times.own_parse += seconds
        ours, seconds = _timed(_own_group, crystals)
        times.own_symmetry += seconds
        structures, seconds = _timed(_peer, block)
        times.peer_parse += seconds
        theirs, seconds = _timed(_peer_group, structures)
        times.peer_symmetry += seconds
        for structure, crystal, their_group, our_group in zip(structures, crystals, theirs, ours, strict=True):
            _judge(agreement, structure, crystal, same_group=their_group == our_group)
    return times, agreement


def _judge(agreement: Agreement, structure: Structure | None, crystal: Crystal | None, *, same_group: bool) -> None:
    if structure is None or crystal is None:
        agreement.neither += structure is None and crystal is None
        agreement.only_peer += structure is not None
        agreement.only_own += crystal is not None
        return
    other = from_structure(structure)
    agreement.both += 1
    agreement.same["sites"] += crystal.n_site == len(structure)
    agreement.same["amounts"] += _amounts(crystal) == _amounts(other)
    agreement.same["volume"] += abs(crystal.volume / structure.volume - 1) < _SAME_VOLUME
    agreement.same["group"] += same_group
    if agreement.tried < _N_MATCHED and crystal.n_site <= _LARGEST_MATCHED:
        agreement.tried += 1
        matcher = StructureMatcher(ltol=1e-3, stol=1e-3, angle_tol=0.1, primitive_cell=False, scale=False)
        agreement.matched += bool(matcher.fit(crystal.to_pymatgen(), other.to_pymatgen()))


def _amounts(crystal: Crystal) -> dict[str, float]:
    elements = np.array(crystal.species)
    return {str(e): round(float(crystal.occupancies[elements == e].sum()) / _SAME_AMOUNT) for e in np.unique(elements)}


def _timed(work: Callable[[Any], Any], things: Sequence[Any]) -> tuple[list[Any], float]:
    started = time.process_time()
    done = [work(thing) for thing in things]
    return done, time.process_time() - started


def _peer(text: str) -> Structure | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parser = CifParser.from_str(text, occupancy_tolerance=OCCUPANCY_TOLERANCE)
            return parser.parse_structures(primitive=False, on_error="ignore")[0]
        except Exception:  # noqa: BLE001  it raises anything
            return None


def _own(text: str) -> Crystal | None:
    return from_cif(text)[0].crystal


def _peer_group(structure: Structure | None) -> int | None:
    if structure is None:
        return None
    try:
        analyzer = SpacegroupAnalyzer(structure, SYMMETRY_TOLERANCE_ANGSTROM, _ANGLE_BY_LENGTH)
        return int(analyzer.get_space_group_number())
    except Exception:  # noqa: BLE001  it raises anything where spglib finds none
        return None


def _own_group(crystal: Crystal | None) -> int | None:
    return None if crystal is None else space_group(crystal)[0]


def _corpora(n: int) -> Iterator[tuple[str, list[str]]]:
    step = max(1, samples.N_CIF // n)
    yield "mp_36737, atoms listed", [m.content.decode() for m in islice(samples.members(), 0, n * step, step)]
    yield "perov_5, atoms listed, 5 a cell", list(islice(_perovskites(), n))
    with tarfile.open(data_folder() / _COD) as tar:
        found = [_text(tar, info.name) for info in tar if info.name.endswith(".cif")]
    yield "COD, inorganic, with symmetry", [text.decode(errors="replace") for text in found]
    with tarfile.open(data_folder() / _OBELIX) as tar:
        packed = zipfile.ZipFile(io.BytesIO(_text(tar, "data/downloads/all_cifs.zip")))
    names = [name for name in packed.namelist() if name.endswith(".cif")]
    yield "OBELiX, with symmetry, disordered", [packed.read(name).decode(errors="replace") for name in names]


def _perovskites() -> Iterator[str]:
    with gzip.open(data_folder() / _PEROVSKITES, "rt", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            yield row["cif"]


def _text(tar: tarfile.TarFile, name: str) -> bytes:
    stream = tar.extractfile(name)
    assert stream is not None
    return stream.read()


def _header(names: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]


def _rate_row(name: str, n: int, times: Times) -> str:
    peer, own = times.peer_parse + times.peer_symmetry, times.own_parse + times.own_symmetry
    return (
        f"| {name} | {n:,} | {n / times.peer_parse:,.0f} | {n / times.own_parse:,.0f} "
        f"| **{times.peer_parse / times.own_parse:.1f}** | {n / peer:,.0f} | {n / own:,.0f} | {peer / own:.1f} |"
    )


def _parity_row(name: str, agreement: Agreement) -> str:
    same = " | ".join(f"{agreement.same[key]:,}" for key in ("sites", "amounts", "volume", "group"))
    others = f"{agreement.only_peer} | {agreement.only_own} | {agreement.neither}"
    return f"| {name} | {agreement.both:,} | {same} | {agreement.matched} of {agreement.tried} | {others} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=2000, help="CIFs of each corpus at most")
    parser.add_argument("--limit", type=int, help="the same, where it is given")
    if not Path(samples.archive()).exists():
        raise SystemExit(f"{samples.archive()} is missing; name the folder of the published data in MATSIFT_DATA")
    print("\n".join(section(parser.parse_args())))


if __name__ == "__main__":
    main()
