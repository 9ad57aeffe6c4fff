"""Fields from files: units, electrons, spin, and one sentence for what is none."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase.units import Bohr
from numpy.typing import NDArray
from tests.factories.crystals import rock_salt
from tests.factories.field_files import SHAPE, density, write_chgcar, write_density_cube, write_elfcar

from matsift.crystal import Crystal
from matsift.errors import FieldError, SourceError
from matsift_adapters.fields.read_field import ReadField
from matsift_adapters.fields.reading import Wishes, found_files, read_field, read_fields

SALT = rock_salt()


def chgcar(tmp_path: Path, n_electron: float = 8.0, name: str = "CHGCAR") -> Path:
    return write_chgcar(tmp_path / name, SALT, density(SALT, n_electron))


def cube(tmp_path: Path, n_electron: float = 28.0) -> Path:
    return write_density_cube(tmp_path / "salt.cube", SALT, density(SALT, n_electron))


def assert_same(found: ReadField, values: NDArray[np.float64], crystal: Crystal = SALT) -> None:
    np.testing.assert_allclose(found.grid.values, values, rtol=2e-5)
    np.testing.assert_allclose(found.grid.cell, crystal.lattice, atol=1e-5)
    np.testing.assert_allclose(found.crystal.frac_coords, crystal.frac_coords, atol=1e-5)
    assert found.crystal.species == crystal.species


def test_a_chgcar_is_divided_by_the_volume(tmp_path: Path) -> None:
    found = read_field(chgcar(tmp_path))
    assert_same(found, density(SALT, 8.0))
    assert (found.kind, found.method, found.electrons, found.n_electron_expected, found.n_unpaired) == (
        *("dft_charge", "vasp-chgcar", "valence"),
        *(8.0, None),
    )
    assert found.grid.n_electron == pytest.approx(8.0, abs=1e-6)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ""])
def test_files_may_be_compressed(tmp_path: Path, ending: str) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    plain = chgcar(tmp_path).read_bytes()
    path = tmp_path / f"run7_CHGCAR.relax2{ending}"
    path.write_bytes(packers.get(ending, bytes)(plain))
    assert read_field(path).grid.n_electron == pytest.approx(8.0, abs=1e-6)


def test_a_header_may_give_the_volume_and_lines_be_longer(tmp_path: Path) -> None:
    """VASP takes a negative scale for the volume; CHG files have ten numbers a line."""
    path = chgcar(tmp_path, name="CHG")
    lines = path.read_text(encoding="ascii").split("\n")
    lines[1] = f"  -{8 * SALT.volume}"
    start = next(i for i, line in enumerate(lines) if line.split() == ["6", "5", "4"]) + 1
    numbers = " ".join(lines[start:]).split()[: 6 * 5 * 4]
    tens = [" ".join(numbers[i : i + 10]) for i in range(0, len(numbers), 10)]
    path.write_text("\n".join([*lines[:start], *tens, ""]), encoding="ascii")
    found = read_field(path)
    assert found.crystal.volume == pytest.approx(8 * SALT.volume, rel=1e-6)
    np.testing.assert_allclose(found.grid.values, density(SALT, 8.0) / 8, rtol=2e-5)


def test_spin_is_told_by_its_integral(tmp_path: Path) -> None:
    spin = density(SALT, -1.25)
    assert read_field(write_chgcar(tmp_path / "CHGCAR", SALT, density(SALT, 8), spin)).n_unpaired == pytest.approx(
        -1.25, abs=1e-6
    )


def test_non_collinear_spin_is_told_by_its_length(tmp_path: Path) -> None:
    spins = [density(SALT, n) for n in (3.0, -4.0, 12.0)]
    path = write_chgcar(tmp_path / "CHGCAR", SALT, density(SALT, 8), *spins)
    assert read_field(path).n_unpaired == pytest.approx(13.0, abs=1e-5)


def test_all_electrons_are_those_of_the_core_and_of_valence(tmp_path: Path) -> None:
    chgcar(tmp_path, 20.0, "AECCAR0")
    chgcar(tmp_path, 8.0, "AECCAR2")
    ((path, found),) = read_fields([tmp_path])
    assert isinstance(found, ReadField)
    assert (path.name, found.name, found.method, found.electrons) == (
        *("AECCAR2", "AECCAR0 + AECCAR2"),
        *("vasp-aeccar", "all"),
    )
    assert (found.n_electron_expected, found.notes) == (28.0, ())
    assert_same(found, density(SALT, 28.0))


def test_a_grid_that_is_too_coarse_for_the_cores_is_told(tmp_path: Path) -> None:
    chgcar(tmp_path, 23.25, "AECCAR0")
    found = read_field(chgcar(tmp_path, 8.0, "AECCAR2"))
    assert found.notes == ("the grid is too coarse for the cores: its sum is +11.6% off the 28 electrons",)


def test_valence_alone_may_be_off_by_its_nodes(tmp_path: Path) -> None:
    found = read_field(chgcar(tmp_path, 8.05, "AECCAR2"))
    assert (found.method, found.electrons, found.n_electron_expected) == ("vasp-aeccar2", "valence", 8.0)


def test_cores_of_another_crystal_are_refused(tmp_path: Path) -> None:
    other = rock_salt("K")
    write_chgcar(tmp_path / "AECCAR0", other, density(other, 28.0))
    with pytest.raises(FieldError, match="different crystals or grids"):
        read_field(chgcar(tmp_path, 8.0, "AECCAR2"))


def test_an_elf_is_taken_as_it_is(tmp_path: Path) -> None:
    values = np.random.default_rng(3).uniform(0, 1, SHAPE)
    found = read_field(write_elfcar(tmp_path / "ELFCAR", SALT, values))
    assert_same(found, values)
    assert (found.kind, found.method, found.electrons, found.n_electron_expected, found.notes) == (
        *("elf", "vasp-elfcar", None, None),
        (),
    )


def test_an_elf_of_two_spins_is_their_mean(tmp_path: Path) -> None:
    up, down = np.full(SHAPE, 0.5), np.full(SHAPE, 0.25)
    found = read_field(write_elfcar(tmp_path / "ELFCAR", SALT, up, down))
    assert_same(found, np.full(SHAPE, 0.375))
    assert found.notes == ("the functions of the two spins differ by up to 0.25; this is their mean",)


def test_a_cube_is_in_atomic_units(tmp_path: Path) -> None:
    found = read_field(cube(tmp_path))
    assert_same(found, density(SALT, 28.0))
    assert (found.method, found.electrons, found.n_electron_expected) == ("cube", "all", 28.0)


def test_a_cube_of_valence_electrons_is_known_by_its_integral(tmp_path: Path) -> None:
    found = read_field(cube(tmp_path, 8.0), Wishes(method="pw.x-pbe"))
    assert (found.method, found.electrons, found.n_electron_expected) == ("pw.x-pbe", "valence", 8.0)


def test_the_origin_of_a_cube_is_the_first_point(tmp_path: Path) -> None:
    start = 0.25 * SALT.lattice.sum(axis=0)
    path = write_density_cube(tmp_path / "a.cube", SALT, density(SALT, 28.0), tuple(start))
    expected = np.array([[0.75] * 3, [0.25] * 3])
    np.testing.assert_allclose(read_field(path).crystal.frac_coords, expected, atol=1e-5)


def test_a_cube_without_a_name_is_known_by_its_lines(tmp_path: Path) -> None:
    assert read_field(cube(tmp_path).rename(tmp_path / "density.out")).method == "cube"


def test_a_chgcar_without_a_name_is_known_by_its_lines(tmp_path: Path) -> None:
    assert read_field(chgcar(tmp_path).rename(tmp_path / "density.out")).method == "vasp-chgcar"


def test_a_cube_may_hold_an_elf(tmp_path: Path) -> None:
    values = np.random.default_rng(3).uniform(0, 1, SHAPE)
    path = write_density_cube(tmp_path / "elf.cube", SALT, values / Bohr**3)
    found = read_field(path, Wishes(kind="elf"))
    assert_same(found, values)
    assert found.kind == "elf"


def cut(path: Path) -> None:
    path.write_text(path.read_text(encoding="ascii")[:-200], encoding="ascii")


def junk(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 20)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def stars(path: Path) -> None:
    lines = path.read_text(encoding="ascii").split("\n")
    lines[-6] = " ".join(["*" * 17] * len(lines[-6].split()))
    path.write_text("\n".join(lines), encoding="ascii")


def not_packed(path: Path) -> None:
    path.rename(path.with_name(path.name + ".gz"))


def counts(wanted: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        text = path.read_text(encoding="ascii")
        told = next(line for line in text.split("\n") if line.split() == ["6", "5", "4"])
        path.write_text(text.replace(told, wanted), encoding="ascii")

    return change


def nameless(path: Path) -> None:
    lines = path.read_text(encoding="ascii").split("\n")
    path.write_text("\n".join(["unknown system", *lines[1:5], *lines[6:]]), encoding="ascii")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (cut, "cut off or damaged"),
        (junk, "it is no CHGCAR"),
        (empty, "it is no CHGCAR"),
        (stars, "cut off or damaged"),
        (not_packed, "cannot be decompressed"),
        (counts("  900000 900000 900000"), "more than are read"),
        (counts("  0 5 4"), "which is no grid"),
        (counts("  6 5"), "it is no CHGCAR"),
        (nameless, "names no elements"),
    ],
    ids=["cut", "junk", "empty", "stars", "not packed", "huge", "no points", "two counts", "no elements"],
)
def test_a_chgcar_that_is_none(tmp_path: Path, harm: Callable[[Path], None], told: str) -> None:
    harm(chgcar(tmp_path))
    (path,) = tmp_path.iterdir()
    with pytest.raises(FieldError, match=told) as error:
        read_field(path)
    assert str(error.value).startswith(path.name + ":")
    assert "\n" not in str(error.value)


def huge(path: Path) -> None:
    lines = path.read_text(encoding="ascii").split("\n")
    path.write_text("\n".join([*lines[:3], lines[3].replace("6", "9000000", 1), *lines[4:]]), encoding="ascii")


def orbitals(path: Path) -> None:
    lines = path.read_text(encoding="ascii").split("\n")
    lines[2] = lines[2].replace("2", "-2", 1)
    lines.insert(8, " 1 7")
    path.write_text("\n".join(lines), encoding="ascii")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (cut, "cut off"),
        (junk, "no cube file"),
        (empty, "no cube file"),
        (orbitals, "holds orbitals"),
        (huge, "more than are read"),
    ],
    ids=["cut", "junk", "empty", "orbitals", "huge"],
)
def test_a_cube_that_is_none(tmp_path: Path, harm: Callable[[Path], None], told: str) -> None:
    path = cube(tmp_path)
    harm(path)
    with pytest.raises(FieldError, match=told):
        read_field(path)


@pytest.mark.parametrize("n_electron", [8.5, 8.0 * SALT.volume, -8.0, 0.0])
def test_a_density_of_no_electrons_that_the_atoms_can_have(tmp_path: Path, n_electron: float) -> None:
    with pytest.raises(FieldError, match="electrons, which the atoms cannot have"):
        read_field(chgcar(tmp_path, n_electron))


def test_all_electrons_are_asked_for_in_vain(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match=r"integrates to 8\.00 electrons, the atoms have 28"):
        read_field(cube(tmp_path, 8.0), Wishes(electrons="all"))


def test_a_density_is_no_elf(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match="lies between 0 and 1"):
        read_field(chgcar(tmp_path), Wishes(kind="elf"))


@pytest.mark.parametrize("name", ["AECCAR0", "AECCAR1", "PARCHG", "LOCPOT.gz", "POSCAR.locpot"])
def test_other_files_of_vasp_are_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(FieldError, match=f"{name}: it holds"):
        read_field(chgcar(tmp_path, name=name))


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file"):
        read_field(tmp_path / "CHGCAR")


def test_a_folder_gives_its_fields_and_the_sentences_of_others(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    chgcar(tmp_path / "a")
    chgcar(tmp_path / "a", 20.0, "AECCAR0")
    shutil.copy(chgcar(tmp_path / "a", 8.0, "AECCAR2"), tmp_path / "LOCPOT")
    (tmp_path / "OUTCAR").write_text("no field", encoding="ascii")
    assert [str(path.relative_to(tmp_path)) for path in found_files([tmp_path])] == ["LOCPOT", "a/AECCAR2", "a/CHGCAR"]
    told = [found.method if isinstance(found, ReadField) else "error" for _, found in read_fields([tmp_path])]
    assert told == ["error", "vasp-aeccar", "vasp-chgcar"]
