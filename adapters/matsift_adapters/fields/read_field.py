"""What a reader of fields gives, and the checks that a density must pass before it becomes a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matsift.crystal import Crystal
from matsift.density.electron_count import all_electrons, nearest_valence_count
from matsift.density.grid import DensityGrid
from matsift.errors import FieldError
from matsift_adapters.sources.compressed import DAMAGE, open_binary

#: Most points of a grid that is read: 2 GB as float64.
MOST_POINTS = 1 << 28
#: How far the integral of a density may be from its electrons: a pseudo-density is summed exactly, but for its digits.
TOLERANCE_ELECTRONS, TOLERANCE_SHARE = 0.02, 1e-3

_COARSE = 0.01  # from which share of the electrons on an all-electron grid gets a note
_USELESS = 0.5
_PIECE = 1 << 20


@dataclass(frozen=True, eq=False)
class ReadField:
    """One field with the crystal that it belongs to.

    Parameters
    ----------
    name
        Name of the file, or id in a database.
    crystal
        The crystal; its cell is that of the grid, its origin the first point.
    kind
        ``dft_charge`` or ``elf``.
    method
        How it was made.
    electrons
        ``all`` or ``valence``, None for ``elf``.
    grid
        The values, e/angstrom3 (``elf``: 1).
    n_electron_expected
        Electrons of the cell: of the neutral atoms, or the number nearest to the integral that they can have outside
        closed cores.
    n_unpaired
        Integral of the spin density, None without spin.
    notes
        Sentences that a reader should know.
    """

    name: str
    crystal: Crystal
    kind: str
    method: str
    electrons: str | None
    grid: DensityGrid
    n_electron_expected: float | None = None
    n_unpaired: float | None = None
    notes: tuple[str, ...] = ()


def checked_density(
    name: str,
    crystal: Crystal,
    method: str,
    grid: DensityGrid,
    *,
    electrons: str | None = None,
    n_unpaired: float | None = None,
    notes: tuple[str, ...] = (),
    tolerance: float = TOLERANCE_SHARE,
) -> ReadField:
    """Return a charge density whose integral is the count of electrons that its atoms can have.

    A valence density must integrate, within 0.02 electrons or a thousandth, to a number that the atoms can have outside
    closed cores. A density of all electrons has cusps that a uniform grid does not sum exactly: from one per cent on a
    note says how far it is off, beyond half of the electrons it is refused.

    Parameters
    ----------
    name, crystal, method, grid, n_unpaired, notes
        As `ReadField`.
    electrons
        ``all`` or ``valence``; None finds out by the integral.
    tolerance
        Share of the electrons by which a valence density may be off.

    Raises
    ------
    FieldError
        If the integral is of neither.
    """
    _check_values(name, grid)
    if n_unpaired is not None and not math.isfinite(n_unpaired):
        raise FieldError(f"{name}: a value of the spin density is not a finite number; write the file anew")
    integral, neutral = grid.n_electron, all_electrons(crystal.species)
    valence = nearest_valence_count(crystal.species, integral)
    if electrons is None:
        electrons = "all" if _is_near(integral, neutral) else "valence"
    expected = neutral if electrons == "all" else valence
    if electrons == "all":
        off = integral / neutral - 1
        if abs(off) > _USELESS:
            raise FieldError(
                f"{name}: the density integrates to {integral:.2f} electrons, the atoms have {neutral}; it is of other "
                "electrons or in another unit"
            )
        if abs(off) > _COARSE:
            notes = (*notes, f"the grid is too coarse for the cores: its sum is {off:+.1%} off the {neutral} electrons")
    elif not _is_near(integral, valence, tolerance):
        raise FieldError(
            f"{name}: the density integrates to {integral:.4f} electrons, which the atoms cannot have (nearest: "
            f"{valence} outside closed cores, {neutral} in all); it is cut off, in another unit, or no charge density"
        )
    return ReadField(name, crystal, "dft_charge", method, electrons, grid, float(expected), n_unpaired, notes)


def checked_elf(name: str, crystal: Crystal, method: str, grid: DensityGrid, notes: tuple[str, ...] = ()) -> ReadField:
    """Return an electron localisation function, whose values lie between 0 and 1.

    Raises
    ------
    FieldError
        If they do not.
    """
    _check_values(name, grid)
    low, high = float(grid.values.min()), float(grid.values.max())
    if low < -1e-6 or high > 1 + 1e-6:
        raise FieldError(
            f"{name}: an electron localisation function lies between 0 and 1, this field between {low:.4g} and "
            f"{high:.4g}; say --kind dft_charge if it is a density"
        )
    return ReadField(name, crystal, "elf", method, None, grid, notes=notes)


def check_points(name: str, shape: tuple[int, ...], most: int = MOST_POINTS) -> None:
    """Raise FieldError unless a grid of this shape can be read: three counts, and no more points than `most`."""
    if len(shape) != 3 or min(shape) < 1:
        raise FieldError(f"{name}: it says that the grid has {' x '.join(map(str, shape))} points, which is no grid")
    if int(np.prod([int(n) for n in shape], dtype=object)) > most:
        counts = " x ".join(map(str, shape))
        raise FieldError(f"{name}: {counts} points are more than are read ({most:,}); write it on a coarser grid")


def check_unpacked(path: Path, most: int) -> None:
    """Raise FieldError if a file, unpacked where it is compressed, has more bytes than its grid can need."""
    n_byte = 0
    try:
        with open_binary(path) as stream:
            while piece := stream.read(_PIECE):
                n_byte += len(piece)
                if n_byte > most:
                    raise FieldError(
                        f"{path.name}: it holds more than {most >> 20} MiB, far more than its grid needs; write it anew"
                    )
    except DAMAGE as error:
        raise FieldError(f"{path.name}: it cannot be decompressed ({error}); copy it anew") from error


def told(error: Exception) -> str:
    """Return what an error of a parser says, in one line that is not too long."""
    return (" ".join(str(error).split()) or type(error).__name__)[:300]


def _check_values(name: str, grid: DensityGrid) -> None:
    if not np.isfinite(grid.values).all():
        raise FieldError(f"{name}: a value of the field is not a finite number; write the file anew")


def _is_near(integral: float, count: int, tolerance: float = TOLERANCE_SHARE) -> bool:
    return count > 0 and abs(integral - count) <= max(TOLERANCE_ELECTRONS, tolerance * count)
