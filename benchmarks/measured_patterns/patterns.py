"""Measured patterns with what is known of them: minerals, published refinements, mixtures of known powders."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.repro_001.real_data import data_folder
from pymatgen.core import Composition

from matsift.crystal import Crystal
from matsift.diffraction.measured import MeasuredPattern
from matsift.diffraction.symmetry import symmetry_of
from matsift.errors import MatsiftError
from matsift_adapters.patterns import read_pattern
from matsift_adapters.sources.archives import walk
from matsift_adapters.sources.cif import from_cif

MINERALS, REFINED, MIXTURES, REACTIONS = "RRUFF minerals", "IUCr refinements", "A-Lab mixtures", "A-Lab reactions"

#: The archive's labels lack the trigonal groups; crystal systems are counted so.
_FIRST_DEG, _STEP_DEG = 5.0, 0.01
_WEIGHT = re.compile(r"_0p\d+$")
_COUNT = re.compile(r"^\d+(?=[A-Z(])")


@dataclass(frozen=True, eq=False)
class Case:
    """One pattern; `group` is its space group (1 to 230) and `formulae` its phases, where they are known.

    `crystal` is the refined structure, `powders` are what was mixed or heated.
    """

    kind: str
    name: str
    pattern: MeasuredPattern
    wavelength: str | None
    group: int | None = None
    formulae: tuple[str, ...] = ()
    crystal: Crystal | None = None


def minerals() -> Iterator[Case]:
    """Yield the 686 patterns of RRUFF."""
    path = data_folder() / "xrd/rruff_patterns.npz"
    with np.load(path, allow_pickle=False) as file:
        intensity, labels, index = file["intensity"], file["space_group_label230"], file["source_index"]
    angles = _FIRST_DEG + _STEP_DEG * np.arange(intensity.shape[1])
    for counts, label, number in zip(intensity, labels, index, strict=True):
        pattern = MeasuredPattern(angles, counts.astype(np.float64), None, f"rruff-{number}")
        yield Case(MINERALS, pattern.name, pattern, "CuKa", int(label) + 1)


def refinements() -> tuple[list[Case], list[str]]:
    """Return the patterns of the IUCr's CIFs with the structures refined to them, and why some are left out."""
    return _read("xrd/iucr_powder_cifs_15.tar.gz", ".cif", _refined)


def mixtures() -> tuple[list[Case], list[str]]:
    """Return the A-Lab's patterns of weighed powders and of their reactions, and why some are left out."""
    return _read("xrd/dara_alab_xrdml.tar.gz", ".xrdml", _powders)


def _refined(name: str, content: bytes, pattern: MeasuredPattern) -> Case:
    crystals = [parsed.crystal for parsed in from_cif(content.decode("utf-8", "replace")) if parsed.crystal is not None]
    if not crystals:
        raise MatsiftError("no structure in it can be read")
    group = symmetry_of(crystals[0]).space_group_number
    return Case(REFINED, Path(name).name.split(".")[0], pattern, None, group, crystal=crystals[0])


def _powders(name: str, content: bytes, pattern: MeasuredPattern) -> Case:
    del content
    is_mixture = "precursor_mixture" in name
    return Case(
        MIXTURES if is_mixture else REACTIONS,
        Path(name).stem,
        pattern,
        None,
        formulae=powders_of(Path(name).stem, is_mixture=is_mixture),
    )


def powders_of(stem: str, *, is_mixture: bool) -> tuple[str, ...]:
    """Return the reduced formulae of the powders that a file's name tells."""
    if is_mixture:
        parts = [_WEIGHT.sub("", part) for part in stem.rsplit("--", 1)[0].split("-")]
    else:
        parts = [_COUNT.sub("", part) for part in stem.split("_", maxsplit=1)[0].split("-")]
    return tuple(Composition(part).reduced_formula for part in parts)


def _read(archive: str, ending: str, to_case: object) -> tuple[list[Case], list[str]]:
    assert callable(to_case)
    cases, left_out = [], []
    with tempfile.TemporaryDirectory() as folder:
        for member in walk(data_folder() / archive, lambda name: name.endswith(ending)):
            path = Path(folder) / Path(member.name).name
            path.write_bytes(member.content)
            try:
                cases.append(to_case(member.name, member.content, read_pattern(path)))
            except MatsiftError as error:
                left_out.append(f"{path.name}: {str(error).replace(f'{folder}/', '')}")
    return cases, left_out
