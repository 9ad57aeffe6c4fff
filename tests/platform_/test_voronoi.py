"""The 126 structural descriptors: names, analytic values, invariances, and matminer and voro++ as oracles."""

from __future__ import annotations

import gzip
import json
import random
import warnings
from functools import cache
from pathlib import Path

import freud
import numpy as np
import pymatgen.analysis.prototypes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pymatgen.core import Structure
from tests.factories.crystals import crystals

from matsift.crystal import Crystal
from matsift.descriptors.cell_kernel import reduce_lattices
from matsift.descriptors.matminer_reference import reference_structural, reference_voronoi
from matsift.descriptors.tessellation import tessellate
from matsift.descriptors.voronoi import VORONOI, VORONOI_128, compute_voronoi
from matsift.errors import DescriptorError

FCC = 2.0 * (np.ones((3, 3)) - np.eye(3))
CUBE = 4.0 * np.eye(3)
HCP = 3.0 * np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, np.sqrt(8 / 3)]])
HALF = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]
QUARTER = [[0.0, 0.0, 0.0], [0.25, 0.25, 0.25]]
PEROVSKITE = [[0.0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
HEXAGON, SQUARE = 3 * np.sqrt(3) / 16, 1 / 8  # facets of the truncated octahedron around an atom of bcc, in a^2


def crystal(lattice: NDArray[np.float64], species: list[str], coords: object) -> Crystal:
    return Crystal.ordered(lattice, species, np.array(coords, dtype=np.float64))


def descriptors(c: Crystal) -> dict[str, float]:
    chunk = compute_voronoi([c])
    assert chunk.failures == {}
    return dict(zip(VORONOI.columns, chunk.values[0].tolist(), strict=True))


@cache
def prototypes() -> tuple[Crystal, ...]:
    """Return the ordered AFLOW prototypes of at most 12 atoms that pymatgen ships."""
    file = Path(pymatgen.analysis.prototypes.__file__).parent / "aflow_prototypes.json.gz"
    entries = [
        entry["snl"] for entry in json.loads(gzip.decompress(file.read_bytes())) if len(entry["snl"]["sites"]) <= 12
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        structures = [Structure.from_dict(entry) for entry in entries]
    return tuple(Crystal.from_pymatgen(s) for s in structures if s.is_ordered)


def test_the_126_are_matminers_128_without_two_ranges() -> None:
    reference = set(reference_structural(crystal(CUBE, ["Cs", "Cl"], HALF)))
    assert len(reference) == 128
    assert reference == set(VORONOI_128.columns)
    assert reference - set(VORONOI.columns) == {"range CN_VoronoiNN", "range neighbor distance variation"}
    groups = ["CN_VoronoiNN", "relative|neighbor distance", "ordering", "packing", "local difference"]
    counts = [sum(any(part in column for part in group.split("|")) for column in VORONOI.columns) for group in groups]
    assert counts == [4, 8, 3, 1, 110]
    assert len(VORONOI.columns) == len(set(VORONOI.columns)) == 126


@pytest.mark.parametrize(
    ("c", "coordination", "packing"),
    [
        (crystal(CUBE, ["Po"], [[0, 0, 0]]), 6, np.pi / 6),
        (crystal(FCC, ["Cu"], [[0, 0, 0]]), 12, np.pi / np.sqrt(18)),
        (crystal(HCP, ["Mg", "Mg"], [[0, 0, 0], [1 / 3, 2 / 3, 0.5]]), 12, np.pi / np.sqrt(18)),
        (
            crystal(CUBE, ["Fe", "Fe"], HALF),
            (8 * HEXAGON + 6 * SQUARE) ** 2 / (8 * HEXAGON**2 + 6 * SQUARE**2),
            np.pi * np.sqrt(3) / 8,
        ),
        (crystal(FCC, ["Na", "Cl"], HALF), 6, np.pi / 6),
    ],
    ids=["sc", "fcc", "hcp", "bcc", "NaCl"],
)
def test_lattices_of_equal_atoms(c: Crystal, coordination: float, packing: float) -> None:
    found = descriptors(c)
    for statistic in ("mean", "minimum", "maximum"):
        assert found[f"{statistic} CN_VoronoiNN"] == pytest.approx(coordination, rel=1e-9)
    assert found["max packing efficiency"] == pytest.approx(packing, rel=1e-9)
    for name in (
        "avg_dev CN_VoronoiNN",
        "mean absolute deviation in relative bond length",
        "mean absolute deviation in relative cell size",
        "avg_dev neighbor distance variation",
    ):
        assert found[name] == pytest.approx(0, abs=1e-9)


def test_diamond_packs_to_its_known_share() -> None:
    assert descriptors(crystal(FCC, ["C", "C"], QUARTER))["max packing efficiency"] == pytest.approx(
        np.pi * 3**0.5 / 16
    )


def test_cscl_orders_as_its_facets_say() -> None:
    found = descriptors(crystal(CUBE, ["Cs", "Cl"], HALF))
    unlike = 8 * HEXAGON / (8 * HEXAGON + 6 * SQUARE)
    assert found["mean ordering parameter shell 1"] == pytest.approx(2 * unlike - 1, rel=1e-9)
    assert found["mean local difference in Number"] == pytest.approx((55 - 17) * unlike, rel=1e-9)
    assert found["range local difference in Number"] == pytest.approx(0, abs=1e-9)


def test_zincblende_has_four_large_and_twelve_small_facets() -> None:
    found = descriptors(crystal(FCC, ["Zn", "S"], QUARTER))
    large, small = 3 * np.sqrt(3) / 16, np.sqrt(2) / 64  # of the triakis truncated tetrahedron, in a^2
    unlike = 4 * large / (4 * large + 12 * small)
    coordination = (4 * large + 12 * small) ** 2 / (4 * large**2 + 12 * small**2)
    assert found["mean CN_VoronoiNN"] == pytest.approx(coordination, rel=1e-9)
    assert found["mean ordering parameter shell 1"] == pytest.approx(2 * unlike - 1, rel=1e-9)
    assert found["mean local difference in Number"] == pytest.approx((30 - 16) * unlike, rel=1e-9)


def test_perovskite_is_a_cube_a_rhombic_dodecahedron_and_three_more() -> None:
    found = descriptors(crystal(CUBE, ["Ca", "Ti", "O", "O", "O"], PEROVSKITE))
    to_ti, to_ca, to_o = 1 / 4, np.sqrt(2) / 8, np.sqrt(2) / 16  # facets of oxygen, in a^2
    oxygen = (2 * to_ti + 4 * to_ca + 8 * to_o) ** 2 / (2 * to_ti**2 + 4 * to_ca**2 + 8 * to_o**2)
    assert found["minimum CN_VoronoiNN"] == pytest.approx(6, rel=1e-9)
    assert found["maximum CN_VoronoiNN"] == pytest.approx(12, rel=1e-9)
    assert found["mean CN_VoronoiNN"] == pytest.approx((6 + 12 + 3 * oxygen) / 5, rel=1e-9)
    spheres = 4 / 3 * np.pi * (4 * (1 / 4) ** 3 + (1 / np.sqrt(8)) ** 3)
    assert found["max packing efficiency"] == pytest.approx(spheres, rel=1e-9)
    volume = np.array([1 / 4, 1 / 8, 5 / 24, 5 / 24, 5 / 24])
    deviation = np.abs(volume - 0.2).mean() / 0.2
    assert found["mean absolute deviation in relative cell size"] == pytest.approx(deviation, rel=1e-9)


@pytest.mark.parametrize("length", [30.0, 100.0, 300.0], ids=["30", "100", "300 angstrom"])
def test_a_very_long_cell_is_a_box(length: float) -> None:
    found = descriptors(crystal(np.diag([3.0, 3.0, length]), ["Na"], [[0, 0, 0]]))
    side, end = 3 * length, 9.0
    coordination = (4 * side + 2 * end) ** 2 / (4 * side**2 + 2 * end**2)
    assert found["mean CN_VoronoiNN"] == pytest.approx(coordination, rel=1e-9)
    assert found["max packing efficiency"] == pytest.approx(4 / 3 * np.pi * 1.5**3 / (9 * length), rel=1e-9)


def test_a_cell_too_long_to_look_around_in_is_a_failure() -> None:
    chunk = compute_voronoi([crystal(np.diag([3.0, 3.0, 20_000.0]), ["Na"], [[0, 0, 0]])])
    assert chunk.failures[0][1].startswith("the cell is too flat or too long")


def test_rock_salt_is_fully_ordered_in_each_shell() -> None:
    found = descriptors(crystal(FCC, ["Na", "Cl"], HALF))
    assert [found[f"mean ordering parameter shell {n}"] for n in (1, 2, 3)] == pytest.approx([1, 1, 1])


def test_one_element_has_no_ordering() -> None:
    found = descriptors(crystal(HCP, ["Mg", "Mg"], [[0, 0, 0], [1 / 3, 2 / 3, 0.5]]))
    assert [found[f"mean ordering parameter shell {n}"] for n in (1, 2, 3)] == [0, 0, 0]


@pytest.mark.parametrize("position", range(0, 160, 16))
def test_prototypes_agree_with_matminer(position: int) -> None:
    small = [c for c in prototypes() if c.n_site <= 8]
    c = small[position % len(small)]
    np.testing.assert_allclose(compute_voronoi([c]).values[0], reference_voronoi(c), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "c",
    [
        crystal(CUBE, ["Ca", "Ti", "O", "O", "O"], PEROVSKITE),
        crystal(FCC, ["Zn", "S"], QUARTER),
        crystal(np.array([[3.0, 0, 0], [8.5, 4, 0], [-7, 6, 5]]), ["Na", "Cl"], [[0.1, 0.2, 0.3], [0.6, 0.6, 0.9]]),
        crystal(np.diag([2.5, 3.0, 14.0]), ["Na", "Cl"], [[0, 0, 0], [0.4, 0.5, 0.1]]),
        crystal(CUBE, ["Cs", "Cl"], [[-0.2, 1.3, 0], [0.3, 2.8, 0.5]]),
    ],
    ids=["perovskite", "zincblende", "skewed", "vacuum", "coordinates outside the cell"],
)
def test_shapes_of_cell_agree_with_matminer(c: Crystal) -> None:
    np.testing.assert_allclose(compute_voronoi([c]).values[0], reference_voronoi(c), rtol=1e-7, atol=1e-9)


def test_all_prototypes_have_values_and_a_chunk_is_its_structures() -> None:
    chunk = compute_voronoi(prototypes()[:100])
    assert chunk.failures == {}
    assert np.isfinite(chunk.values).all()
    assert (chunk.seconds > 0).all()
    for i in (0, 17, 99):
        np.testing.assert_allclose(
            chunk.values[i], compute_voronoi([prototypes()[i]]).values[0], rtol=1e-12, atol=1e-12
        )


def assert_same(one: Crystal, other: Crystal) -> None:
    values = compute_voronoi([one, other]).values
    np.testing.assert_allclose(values[0], values[1], rtol=1e-6, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(crystals(), st.randoms(use_true_random=False))
def test_order_of_sites_does_not_matter(c: Crystal, shuffle: random.Random) -> None:
    order = list(range(c.n_site))
    shuffle.shuffle(order)
    assert_same(c, Crystal.ordered(c.lattice, [c.species[i] for i in order], c.frac_coords[order]))


@settings(max_examples=25, deadline=None)
@given(crystals(), st.tuples(*[st.floats(-3, 3)] * 3))
def test_origin_does_not_matter(c: Crystal, shift: tuple[float, float, float]) -> None:
    assert_same(c, Crystal.ordered(c.lattice, list(c.species), c.frac_coords + np.array(shift)))


@settings(max_examples=25, deadline=None)
@given(crystals(), st.integers(0, 2**32 - 1), st.booleans())
def test_orientation_does_not_matter(c: Crystal, seed: int, mirrored: bool) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    turn *= -np.linalg.det(turn) if mirrored else np.linalg.det(turn)
    assert_same(c, Crystal.ordered(c.lattice @ turn, list(c.species), c.frac_coords))


@settings(max_examples=25, deadline=None)
@given(crystals(), st.lists(st.tuples(st.permutations(range(3)), st.integers(-2, 2)), max_size=4))
def test_choice_of_cell_does_not_matter(c: Crystal, steps: list[tuple[list[int], int]]) -> None:
    lattice = c.lattice.copy()
    for (i, j, _), multiple in steps:
        lattice[i] += multiple * lattice[j]
    coords = c.frac_coords @ c.lattice @ np.linalg.inv(lattice)
    assert_same(c, Crystal.ordered(lattice, list(c.species), coords))


@settings(max_examples=15, deadline=None)
@given(crystals(), st.sampled_from([(2, 1, 1), (1, 3, 1), (2, 1, 2)]))
def test_supercells_are_the_same_crystal(c: Crystal, size: tuple[int, int, int]) -> None:
    cells = np.stack(np.meshgrid(*[np.arange(n) for n in size]), axis=-1).reshape(-1, 3)
    coords = ((c.frac_coords[:, None] + cells) / size).reshape(-1, 3)
    species = [s for s in c.species for _ in cells]
    assert_same(c, Crystal.ordered(c.lattice * np.array(size)[:, None], species, coords))


@settings(max_examples=25, deadline=None)
@given(crystals())
def test_cells_fill_the_volume_and_share_their_facets(c: Crystal) -> None:
    facets = tessellate([c]).facets
    assert facets.volume.sum() == pytest.approx(c.volume, rel=1e-9)
    columns = (facets.site, facets.neighbour, *facets.image.T, facets.area)
    there = {tuple(key): area for *key, area in zip(*(column.tolist() for column in columns), strict=True)}
    for (i, j, *n), area in there.items():
        assert there.get((j, i, *(-k for k in n)), 0) == pytest.approx(area, rel=1e-6, abs=1e-8)


def test_facets_agree_with_voro_plus_plus() -> None:
    rng = np.random.default_rng(5)
    coords = rng.uniform(0, 1, (12, 3))
    c = Crystal.ordered(np.array([[6.0, 0, 0], [1.5, 7.0, 0], [-1.0, 2.0, 8.0]]), ["Na"] * 12, coords)
    voro = freud.locality.Voronoi()
    box = freud.box.Box.from_matrix(c.lattice.T)
    voro.compute((box, box.make_absolute(coords)))
    facets = tessellate([c]).facets
    np.testing.assert_allclose(np.bincount(facets.site, facets.volume), voro.volumes, rtol=1e-4)
    for i in range(12):
        mine = np.sort(facets.area[(facets.site == i) & (facets.area > 1e-2)])
        theirs = voro.nlist.weights[voro.nlist.query_point_indices == i]
        np.testing.assert_allclose(mine, np.sort(theirs[theirs > 1e-2]), rtol=1e-3, atol=1e-4)


def test_reduced_lattices_are_the_same_lattice_with_shorter_vectors() -> None:
    skewed = np.array([[3.0, 0, 0], [30.1, 4, 0], [-71, 65, 5]])
    reduced = skewed.copy()
    reduce_lattices(reduced[None])
    change = reduced @ np.linalg.inv(skewed)
    np.testing.assert_allclose(change, np.rint(change), atol=1e-9)
    assert abs(np.linalg.det(change)) == pytest.approx(1)
    assert np.linalg.norm(reduced, axis=1).max() < 10


def test_disordered_and_overlapping_structures_fail_alone_with_their_reasons() -> None:
    good = crystal(CUBE, ["Cs", "Cl"], HALF)
    shared = Crystal(CUBE, ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.5]), np.zeros(2, dtype=np.int64))
    vacant = Crystal(CUBE, ("Na",), np.zeros((1, 3)), np.array([0.5]), np.zeros(1, dtype=np.int64))
    twice = crystal(CUBE, ["Na", "Na"], [[0, 0, 0], [1, 0, 1e-4]])
    strange = crystal(CUBE, ["Xx"], [[0, 0, 0]])
    chunk = compute_voronoi([shared, good, vacant, twice, strange])
    assert {i: message for i, (_, message) in chunk.failures.items()} == {
        0: "the structure is disordered: a site is shared or partly vacant",
        2: "the structure is disordered: a site is shared or partly vacant",
        3: "two atoms lie within 0.01 angstrom of each other",
        4: "there is no element Xx",
    }
    assert {error for error, _ in chunk.failures.values()} == {"DescriptorError"}
    assert np.isfinite(chunk.values[1]).all()
    assert np.isnan(chunk.values[[0, 2, 3, 4]]).all()


def test_a_chunk_of_failures_and_an_empty_chunk_have_the_right_shape() -> None:
    assert compute_voronoi([]).values.shape == (0, 126)
    assert compute_voronoi([crystal(CUBE, ["Xx"], [[0, 0, 0]])]).values.shape == (1, 126)


def test_matminer_says_when_it_has_no_value() -> None:
    with pytest.raises(DescriptorError, match="no value up to a cutoff of 13 angstrom"):
        reference_voronoi(crystal(CUBE, ["Na", "Na"], [[0, 0, 0], [0, 0, 0]]), cutoffs=(13.0,))
