"""Fingerprints: relatives are near, the same crystal is at 0, nothing jumps, and an independent count of the pairs."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure
from scipy.interpolate import BSpline
from tests.factories.crystals import crystals, rock_salt, shared_site

from matsift.crystal import Crystal
from matsift.descriptors.axis import Axis
from matsift.descriptors.composition import compositions_of
from matsift.descriptors.fingerprint import FINGERPRINT, compute_fingerprint
from matsift.descriptors.likeness import composition_vectors, element_likeness
from matsift.descriptors.registry import compute_chunk
from matsift.descriptors.tessellation import tessellate

PAIRS = slice(118, 146)
ELECTRONEGATIVE_PAIRS = slice(146, 174)


def grown(group: str, edge: float, *sites: tuple[str, tuple[float, float, float]]) -> Crystal:
    """Return the conventional cubic cell of a space group with these occupied positions."""
    species, coords = zip(*sites, strict=True)
    return Crystal.from_pymatgen(Structure.from_spacegroup(group, Lattice.cubic(edge), species, coords))


def caesium_chloride(edge: float, one: str, other: str) -> Crystal:
    return grown("Pm-3m", edge, (one, (0, 0, 0)), (other, (0.5, 0.5, 0.5)))


def zincblende(edge: float, one: str, other: str) -> Crystal:
    return grown("F-43m", edge, (one, (0, 0, 0)), (other, (0.25, 0.25, 0.25)))


def diamond(edge: float, one: str) -> Crystal:
    return grown("Fd-3m", edge, (one, (0, 0, 0)))


def fluorite(edge: float, one: str, other: str) -> Crystal:
    return grown("Fm-3m", edge, (one, (0, 0, 0)), (other, (0.25, 0.25, 0.25)))


def perovskite(edge: float, one: str, two: str, three: str) -> Crystal:
    return grown("Pm-3m", edge, (one, (0, 0, 0)), (two, (0.5, 0.5, 0.5)), (three, (0.5, 0.5, 0)))


def close_packed(edge: float, one: str, *, hexagonal: bool) -> Crystal:
    if not hexagonal:
        return grown("Fm-3m", edge * np.sqrt(2), (one, (0, 0, 0)))
    lattice = Lattice.hexagonal(edge, edge * np.sqrt(8 / 3)).matrix
    return Crystal.ordered(lattice, [one, one], np.array([[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]))


def shelf() -> dict[str, Crystal]:
    """Return well-known crystals of some families."""
    salts = {("Na", "Cl"): 5.64, ("K", "Cl"): 6.29, ("Li", "Cl"): 5.13, ("Na", "Br"): 5.97, ("Mg", "O"): 4.21}
    return {
        **{f"rock salt {''.join(pair)}": rock_salt(*pair, edge) for pair, edge in salts.items()},
        "cscl CsCl": caesium_chloride(4.12, "Cs", "Cl"),
        "cscl CsBr": caesium_chloride(4.29, "Cs", "Br"),
        "cscl NaCl": caesium_chloride(3.48, "Na", "Cl"),
        "cscl KCl": caesium_chloride(3.80, "K", "Cl"),
        "cscl NiAl": caesium_chloride(2.88, "Ni", "Al"),
        "diamond Si": diamond(5.43, "Si"),
        "diamond Ge": diamond(5.66, "Ge"),
        "zincblende GaAs": zincblende(5.65, "Ga", "As"),
        "zincblende GaP": zincblende(5.45, "Ga", "P"),
        "perovskite SrTiO3": perovskite(3.905, "Sr", "Ti", "O"),
        "perovskite BaTiO3": perovskite(4.00, "Ba", "Ti", "O"),
        "perovskite KNbO3": perovskite(4.00, "K", "Nb", "O"),
        "perovskite LaAlO3": perovskite(3.79, "La", "Al", "O"),
        "fluorite CaF2": fluorite(5.46, "Ca", "F"),
        "fluorite CeO2": fluorite(5.41, "Ce", "O"),
        "fluorite ZrO2": fluorite(5.10, "Zr", "O"),
        "metal Cu": close_packed(2.55, "Cu", hexagonal=False),
        "metal Ag": close_packed(2.89, "Ag", hexagonal=False),
        "metal Fe": grown("Im-3m", 2.87, ("Fe", (0, 0, 0))),
        "metal W": grown("Im-3m", 3.16, ("W", (0, 0, 0))),
    }


@cache
def distances() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    chunk = compute_fingerprint(list(shelf().values()))
    assert chunk.failures == {}
    return tuple(shelf()), np.linalg.norm(chunk.values[:, None] - chunk.values[None], axis=2)


def nearest(name: str) -> list[str]:
    """Return the other crystals of the shelf, the nearest first."""
    names, table = distances()
    return [names[i] for i in np.argsort(table[names.index(name)])[1:]]


def family_of(name: str) -> str:
    return name.partition(" ")[0]


def between(one: Crystal, other: Crystal) -> float:
    values = compute_fingerprint([one, other]).values
    return float(np.linalg.norm(values[0] - values[1]))


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("rock salt NaCl", 4),
        ("rock salt KCl", 4),
        ("rock salt MgO", 4),
        ("cscl CsCl", 3),
        ("cscl NaCl", 3),
        ("perovskite SrTiO3", 3),
        ("perovskite LaAlO3", 3),
        ("fluorite CaF2", 2),
    ],
)
def test_the_nearest_are_of_the_same_family(name: str, n: int) -> None:
    assert {family_of(other) for other in nearest(name)[:n]} == {family_of(name)}


def test_silicon_is_near_germanium_and_what_is_built_alike() -> None:
    assert {family_of(name) for name in nearest("diamond Si")[:3]} == {"diamond", "zincblende"}
    assert nearest("zincblende GaAs")[0] == "zincblende GaP"


def test_a_polymorph_is_further_than_a_neighbour_in_the_column_but_nearer_than_a_stranger() -> None:
    names, table = distances()
    row = dict(zip(names, table[names.index("rock salt NaCl")], strict=True))
    assert row["rock salt KCl"] < row["cscl NaCl"] < row["cscl NiAl"]


def test_stacking_of_close_packed_layers_is_told_apart() -> None:
    stacked = between(close_packed(2.5, "Co", hexagonal=False), close_packed(2.5, "Co", hexagonal=True))
    assert 0.01 < stacked < between(close_packed(2.5, "Co", hexagonal=True), grown("Im-3m", 2.81, ("Co", (0, 0, 0))))


def test_scale_alone_costs_what_the_size_says() -> None:
    one, other = rock_salt(edge_angstrom=5.0), rock_salt(edge_angstrom=5.5)
    assert between(one, other) == pytest.approx(0.26 * 3 * np.log(1.1), rel=1e-9)


def test_exchange_of_cation_and_anion_in_a_lopsided_structure_counts() -> None:
    assert between(fluorite(5.0, "Zr", "O"), fluorite(5.0, "O", "Zr")) > 0.5


def test_columns_have_their_own_names_and_the_sizes_that_the_set_states() -> None:
    assert len(FINGERPRINT.columns) == len(set(FINGERPRINT.columns)) == 290
    assert [FINGERPRINT.columns.index(f"composition {symbol}") for symbol in ("H", "Na", "Og")] == [0, 10, 117]
    opening = ("composition ", "pairs at ", "contacts at ", "coordination ", "cell volume ", "polarity ", "log volume")
    counts = [sum(name.startswith(word) for name in FINGERPRINT.columns) for word in opening]
    assert counts == [118, 84, 30, 30, 18, 9, 1]


def in_another_cell(c: Crystal, rng: np.random.Generator) -> Crystal:
    """Return the same crystal turned, maybe mirrored, in a skewed supercell, moved and with its sites shuffled."""
    size = rng.integers(1, 3, 3)
    cells = np.stack(np.meshgrid(*[np.arange(n) for n in size]), axis=-1).reshape(-1, 3)
    coords = ((c.frac_coords[:, None] + cells) / size).reshape(-1, 3)
    species = np.repeat(np.array(c.species), len(cells))
    lattice = c.lattice * size[:, None]
    for _ in range(3):
        i, j = rng.permutation(3)[:2]
        skewed = lattice.copy()
        skewed[i] += rng.integers(-2, 3) * lattice[j]
        coords, lattice = coords @ lattice @ np.linalg.inv(skewed), skewed
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    order = rng.permutation(len(species))
    return Crystal.ordered(lattice @ turn, species[order].tolist(), (coords + rng.uniform(-2, 2, 3))[order])


@settings(max_examples=60, deadline=None)
@given(crystals(), st.integers(0, 2**32 - 1))
def test_the_same_crystal_in_another_description_is_at_0(c: Crystal, seed: int) -> None:
    assert between(c, in_another_cell(c, np.random.default_rng(seed))) < 1e-6


@settings(max_examples=40, deadline=None)
@given(crystals(), st.integers(0, 2**32 - 1), st.sampled_from([1e-2, 1e-4, 1e-6]))
def test_small_shifts_make_small_distances(c: Crystal, seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    moved = c.frac_coords + shift * rng.uniform(-1, 1, c.frac_coords.shape) @ np.linalg.inv(c.lattice)
    assert between(c, Crystal.ordered(c.lattice, list(c.species), moved)) < 10 * shift


@pytest.mark.parametrize("shift", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("c", [rock_salt(), close_packed(2.5, "Co", hexagonal=False)], ids=["cubes", "dodecahedra"])
def test_tiny_facets_at_degenerate_corners_count_next_to_nothing(c: Crystal, shift: float) -> None:
    strain = np.eye(3) + shift * np.random.default_rng(3).uniform(-1, 1, (3, 3))
    assert between(c, Crystal.ordered(c.lattice @ strain, list(c.species), c.frac_coords)) < 5 * shift


def splines(values: NDArray[np.float64], first: float, width: float, n: int) -> NDArray[np.float64]:
    """Return SciPy's cubic B-splines (m, n) at values inside the axis."""
    knots = first + width * np.arange(-3, n + 1)
    return np.stack([BSpline.basis_element(knots[i : i + 5], extrapolate=False)(values) for i in range(n)], axis=1)


def test_pairs_are_those_of_pymatgen_under_the_splines_of_scipy() -> None:
    c = Crystal.ordered(
        np.array([[3.9, 0.2, 0.1], [-1.1, 4.4, 0.3], [0.6, 1.7, 5.2]]),
        ["Na", "Cl", "O", "Ti"],
        np.array([[0.0, 0, 0], [0.45, 0.5, 0.55], [0.8, 0.1, 0.4], [0.2, 0.7, 0.9]]),
    )
    scale, reach = (c.volume / 4) ** (1 / 3), 2.7
    structure = c.to_pymatgen()
    one, other, _, apart = structure.get_neighbor_list(reach * scale)
    x = apart / scale
    weight = (1 - (x / reach) ** 4) ** 2 / (1 + x**3) / 4
    axis = Axis(0.35, reach, 28)
    bins = np.nan_to_num(splines(np.log(x), axis.first, axis.width, 28))
    found = compute_fingerprint([c]).values[0]
    np.testing.assert_allclose(found[PAIRS], 0.17 * weight @ bins, atol=1e-9)
    deviation = np.array([site.specie.X for site in structure])
    deviation -= deviation.mean()
    mark = deviation / np.sqrt(np.sqrt(np.mean(deviation**2)) + 0.2)
    by_electronegativity = 0.29 * (weight * mark[one] * mark[other]) @ bins
    np.testing.assert_allclose(found[ELECTRONEGATIVE_PAIRS], by_electronegativity, atol=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20), st.booleans())
def test_bins_share_out_what_is_given_and_beyond_the_ends_at_the_ends(values: list[float], logarithmic: bool) -> None:
    axis = Axis(0.5, 3.0, 9, is_logarithmic=logarithmic)
    x = np.exp(values) if logarithmic else np.array(values)
    bins = axis.spread(x, np.full(len(x), 2.0), np.zeros(len(x), dtype=np.int64), 1)
    assert bins.sum() == pytest.approx(2.0 * len(x))
    inside = np.clip(x, 0.5, 3.0)
    np.testing.assert_allclose(
        bins, axis.spread(inside, np.full(len(x), 2.0), np.zeros(len(x), np.int64), 1), atol=1e-6
    )


def test_likeness_of_elements_is_a_kernel_and_follows_the_periodic_table() -> None:
    kernel = element_likeness()
    assert np.linalg.eigvalsh(kernel).min() > 0.39
    np.testing.assert_array_equal(np.diag(kernel), 1.0)
    of = {symbol: z - 1 for symbol, z in (("F", 9), ("Na", 11), ("Cl", 17), ("K", 19), ("Br", 35), ("Cs", 55))}
    assert kernel[of["Na"], of["K"]] > kernel[of["Na"], of["Cs"]] > kernel[of["Na"], of["Cl"]]
    assert kernel[of["Cl"], of["Br"]] > kernel[of["Cl"], of["F"]] > kernel[of["Cl"], of["K"]]


def test_compositions_are_unit_vectors_and_equal_only_for_equal_fractions() -> None:
    crystals = [rock_salt(), rock_salt(edge_angstrom=9.0), fluorite(5.0, "Na", "Cl"), rock_salt("K")]
    vectors = composition_vectors(compositions_of(crystals))
    products = vectors @ vectors.T
    np.testing.assert_allclose(np.diag(products), 1.0)
    assert products[0, 1] == pytest.approx(1.0)
    assert 0.5 < products[0, 3] < products[0, 2] < 0.99


def test_failures_are_those_of_the_cells_and_leave_the_others_alone() -> None:
    strange = Crystal.ordered(3.0 * np.eye(3), ["Xx"], np.zeros((1, 3)))
    chunk = compute_fingerprint([shared_site(), rock_salt(), strange])
    assert {i: message for i, (_, message) in chunk.failures.items()} == {
        0: "the structure is disordered: a site is shared or partly vacant",
        2: "there is no element Xx",
    }
    assert np.isfinite(chunk.values[1]).all()
    assert np.isnan(chunk.values[[0, 2]]).all()
    np.testing.assert_allclose(chunk.values[1], compute_fingerprint([rock_salt()]).values[0], atol=1e-12)


def test_chunks_share_their_cells_with_other_sets_and_may_be_empty() -> None:
    crystals = list(shelf().values())
    together = compute_chunk((("voronoi", "fingerprint"), crystals, None))
    cells = tessellate(crystals)
    np.testing.assert_array_equal(together["fingerprint"].values, compute_fingerprint(crystals, cells).values)
    assert compute_fingerprint([]).values.shape == (0, 290)


def test_atoms_closer_than_the_axis_begins_stand_at_its_beginning() -> None:
    hydrogen = Crystal.ordered(6.0 * np.eye(3), ["H", "H"], np.array([[0.0, 0, 0], [0.74 / 6, 0, 0]]))
    values = compute_fingerprint([hydrogen]).values[0]
    assert np.isfinite(values).all()
    assert values[PAIRS][:3].sum() > 0.1
