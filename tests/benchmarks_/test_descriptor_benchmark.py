"""What `make bench-descriptors` is built of, and a sample of its parity check on real crystals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.descriptors import database, parity, reference
from benchmarks.descriptors.disagreements import described, without_value
from benchmarks.descriptors.reference import Reference
from benchmarks.descriptors.samples import Sample, elastic_2015, interleaved, prototypes, random_mp
from benchmarks.descriptors.variants import variants
from benchmarks.repro_001.real_data import data_folder
from tests.postgres import PostgresServer

from matsift.crystal import Crystal
from matsift.descriptors.registry import compute
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace

FCC = 2.8 * (np.ones((3, 3)) - np.eye(3))
SALT = Sample("made up", "NaCl", Crystal.ordered(FCC, ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]])))
TWICE = Sample("made up", "twice", Crystal.ordered(FCC, ["Na", "Na"], np.zeros((2, 3))))

needs_data = pytest.mark.skipif(
    not (data_folder() / "structures/mp_36737").exists() or not (data_folder() / "elastic").exists(),
    reason=f"the published data are not in {data_folder()}; name their folder in MATSIFT_DATA",
)


def agreement(samples: list[Sample]) -> list[parity.Comparison]:
    cache = {}
    for sample in samples:
        for kind in reference.KINDS:
            values, cutoff, seconds = reference.compute((kind, sample.crystal))
            cache[kind, sample.set_name, sample.name] = Reference(kind, values, "", cutoff, seconds)
    return parity.compare(samples, cache)


@pytest.mark.slow
@needs_data
def test_real_crystals_agree_with_matminer() -> None:
    rng = np.random.default_rng(7)
    found: list[Sample] = []
    for everything in (list(elastic_2015()), list(random_mp())):
        small = [sample for sample in everything if sample.crystal.n_site <= 8]
        found += [small[i] for i in rng.permutation(len(small))[:10]]
    for comparison in agreement(found):
        assert comparison.failures == {}
        assert comparison.known.all()
        assert len(comparison.samples) == 20
        assert comparison.agrees.all(), "\n".join(described([comparison]))


def test_a_difference_is_found_counted_and_described() -> None:
    composition, structural = agreement([SALT])
    assert "no value differs" in "\n".join(described([composition, structural]))
    column = structural.columns.index("mean ordering parameter shell 2")
    structural.theirs[0, column] += 1e-3
    assert structural.disagreeing.tolist() == [0]
    (row,) = [line for line in parity.agreement_table([structural]) if "shell 2" in line]
    assert row.startswith("| chemical ordering, shell 2 | 1 | 1 | 0.0000% | 1 |")
    (told,) = [line for line in described([structural]) if "NaCl" in line]
    assert "fill the crystal" in told
    structural.theirs[0, column] = structural.ours[0, column] + 0.9e-6
    assert structural.agrees.all()


def test_a_structure_without_a_value_by_matminer_is_counted_with_its_reason() -> None:
    cache = {("structural", "made up", "NaCl"): Reference("structural", {}, "Slow: it took too long", 0.0, 1.0)}
    comparisons = parity.compare([SALT], cache)
    lines = list(without_value(comparisons, [SALT]))
    assert "voronoi_128: matminer has no value for 1 structures; matsift for 1 of them." in lines
    assert "  1: Slow: it took too long" in lines


def test_every_column_has_a_group() -> None:
    for comparison in agreement([SALT]):
        groups = [parity.group_of(column) for column in comparison.columns]
        assert len(set(groups)) == {"magpie": 4, "structural": 8}[comparison.kind]


@pytest.mark.bench
def test_what_matminer_said_is_kept_and_only_what_is_missing_is_asked(tmp_path: Path) -> None:
    reference.fill([SALT, TWICE], tmp_path, 1)
    first = reference.load(tmp_path)
    assert len(first) == 4
    assert first["structural", "made up", "NaCl"].values["max packing efficiency"] == pytest.approx(np.pi / 6)
    assert "no value" in first["structural", "made up", "twice"].problem
    file = tmp_path / "matminer.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:2]) + "\n" + lines[2][:50])  # as a kill leaves it
    reference.fill([SALT, TWICE], tmp_path, 1)
    again = reference.load(tmp_path)
    assert again.keys() == first.keys()
    assert all(again[key].values == first[key].values for key in first)


@pytest.mark.bench
def test_what_exceeded_the_limit_is_asked_again_on_demand(tmp_path: Path) -> None:
    reference.fill([SALT], tmp_path, 1, time_limit_s=1e-4)

    def structural() -> reference.Reference:
        return next(found for (kind, *_), found in reference.load(tmp_path).items() if kind == "structural")

    assert structural().problem.startswith("TimeLimitExceeded")
    reference.fill([SALT], tmp_path, 1)
    assert not structural().values
    reference.fill([SALT], tmp_path, 1, again=True)
    assert all(found.values for found in reference.load(tmp_path).values())


def test_the_beginning_of_the_samples_shows_all_sets_small_cells_first() -> None:
    many = [Sample(f"set {i % 3}", str(i), SALT.crystal) for i in range(30)]
    assert {sample.set_name for sample in interleaved(many, 3)} == {"set 0", "set 1", "set 2"}
    sizes = [sample.crystal.n_site for sample in interleaved(list(prototypes()))]
    assert sizes == sorted(sizes)


def test_variants_are_all_different_and_the_same_for_a_seed() -> None:
    first, second = (list(variants([SALT.crystal], 50, seed=4)) for _ in range(2))
    assert len({crystal.content_hash for crystal in first}) == 50
    assert [crystal.content_hash for crystal in first] == [crystal.content_hash for crystal in second]
    assert compute("voronoi", first).failures == {}


def test_database_to_database_is_measured(postgres_server: PostgresServer, database_url: str, tmp_path: Path) -> None:
    with open_workspace(
        Settings(home=tmp_path, database_url=database_url, workers=1), Reporter(quiet=True)
    ) as workspace:
        n_atom = database.fill(workspace, "variants", [SALT.crystal], 300, seed=1)
        measured = database.measure(workspace, "variants", 300, n_atom)
    assert measured.n_atom == 2
    assert {"read", "write", "list"} <= measured.steps_s.keys()
    assert measured.worker_cpu_s > 0
    assert measured.wall_s > sum(measured.steps_s.values())
