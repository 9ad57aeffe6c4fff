"""Benchmark sets: the pinned file or none, its columns as labels, ids and folds as matbench has them."""

from __future__ import annotations

import bz2
import hashlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.factories.benchmarks import pin_small_kvrh, small_kvrh, write_benchmark
from tests.factories.crystals import many, rock_salt
from tests.servers.faulty import FaultyServer, Request, Response, status

from matsift.crystal import Crystal
from matsift.errors import SourceError
from matsift.records import EntryRecord, FailureRecord, UnchangedRecord
from matsift.study.benchmarks import BenchmarkSource
from matsift_adapters.sources.benchmark_sets import known, pinned
from matsift_adapters.sources.registry import open_source
from matsift_adapters.sources.source import TRUNCATED, Source

ELASTIC = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / "elastic"
GENUINE = ELASTIC / "elastic_tensor_2015.json.gz"


def opened(folder: Path, dataset: str = "matbench_log_kvrh", **rest: Any) -> Source:
    settings = BenchmarkSource(kind="benchmark", name="bench", dataset=dataset, **rest)
    return open_source(settings, folder, n_worker=0, cache=folder / "cache")


def entries(source: Source) -> list[EntryRecord]:
    return [item for item in source.iterate() if isinstance(item, EntryRecord)]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    pin_small_kvrh(monkeypatch)


@pytest.fixture
def local(tmp_path: Path) -> tuple[Path, str]:
    """A folder with a small set in it, and the checksum of its file."""
    return tmp_path, small_kvrh(tmp_path / "kvrh.json.gz")


def test_a_local_file_gives_crystals_labels_ids_and_folds(local: tuple[Path, str]) -> None:
    folder, sha256 = local
    source = opened(folder, path="kvrh.json.gz", sha256=sha256)
    found = entries(source)
    assert (source.kind, source.licence) == ("benchmark", "CC-BY-4.0")
    assert [entry.external_id for entry in found] == [f"mb-log-kvrh-{i:02d}" for i in range(1, 21)]
    assert [entry.crystal.content_hash for entry in found if entry.crystal] == [c.content_hash for c in many(20)]
    first = found[0]
    [label] = first.labels
    assert (label.property_name, label.method, label.origin) == ("k_vrh", "pbe-dft", "source:bench")
    assert label.value == pytest.approx(10.0, rel=1e-12)
    assert first.payload["log10(K_VRH)"] == 1.0
    assert first.payload["transform"] == {"k_vrh": "10 ** (log10(K_VRH))"}
    folds = [entry.payload["official_fold"] for entry in found]
    assert sorted(folds) == sorted([0, 1, 2, 3, 4] * 4)


def test_what_is_known_is_not_read_again(local: tuple[Path, str]) -> None:
    folder, sha256 = local
    source = opened(folder, path="kvrh.json.gz", sha256=sha256)
    known_now = {entry.external_id: str(entry.revision) for entry in entries(source)}
    again = list(source.iterate(known_now))
    assert [type(item) for item in again] == [UnchangedRecord] * 20
    assert opened(folder, path="kvrh.json.gz", sha256=sha256).content_hash == source.content_hash
    (folder / "copy.json.gz").write_bytes((folder / "kvrh.json.gz").read_bytes())
    assert opened(folder, path="copy.json.gz", sha256=sha256).content_hash == source.content_hash
    other = opened(folder, path="kvrh.json.gz", sha256=sha256, labels=())
    assert other.content_hash != source.content_hash


def test_another_file_than_the_pinned_one_is_refused_with_both_checksums(local: tuple[Path, str]) -> None:
    folder, sha256 = local
    pinned_sha256 = pinned("matbench_log_kvrh").sha256
    with pytest.raises(SourceError) as refused:
        opened(folder, path="kvrh.json.gz")
    assert str(refused.value) == (
        f"{folder / 'kvrh.json.gz'}: its SHA-256 is {sha256}, that of matbench_log_kvrh is {pinned_sha256}; "
        f'fetch it again, or write sha256 = "{sha256}" in the study if it is this file that is meant'
    )
    with pytest.raises(SourceError, match="there is no such file"):
        opened(folder, path="nowhere.json.gz")


@pytest.mark.parametrize(
    ("dataset", "problem"),
    [
        ("matbench_expt_gap", "it holds no crystal structures, its columns are composition, gap expt; name a set"),
        ("matbench_kvrh", "matminer knows no such data set; name one of its own, such as matbench_mp_is_metal"),
        ("log_kvrh", "matminer knows no such data set; name one of its own, such as matbench_log_kvrh$"),
    ],
)
def test_a_set_that_cannot_be_had_is_refused(tmp_path: Path, dataset: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        opened(tmp_path, dataset)


def test_rows_that_fail_do_not_move_the_ids_and_folds_of_others(tmp_path: Path) -> None:
    whole = small_kvrh(tmp_path / "whole.json.gz")
    torn = small_kvrh(tmp_path / "torn.json.gz", without_structure=[3], without_label=[5])
    expected = {
        e.external_id: e.payload["official_fold"] for e in entries(opened(tmp_path, path="whole.json.gz", sha256=whole))
    }
    found = entries(opened(tmp_path, path="torn.json.gz", sha256=torn))
    assert {entry.external_id: entry.payload["official_fold"] for entry in found} == expected
    assert found[3].crystal is None
    assert [failure.stage for failure in found[3].failures] == ["parse"]
    assert (found[5].labels, found[5].failures) == ((), ())
    assert found[5].crystal is not None


def test_crystals_that_no_worker_has_seen_are_held_for_what_is_doubtful_about_them(tmp_path: Path) -> None:
    met = Crystal.ordered(5.0 * np.eye(3), ["Na", "Cl"], np.array([[0.0, 0, 0], [0.05, 0, 0]]))
    dense = rock_salt(edge_angstrom=1.5)
    sha256 = write_benchmark(tmp_path / "kvrh.json.gz", [rock_salt(), met, dense], {"log10(K_VRH)": [1.0, 1.0, 1.0]})
    found = entries(opened(tmp_path, path="kvrh.json.gz", sha256=sha256))
    assert [entry.holds for entry in found] == [(), ("sites_too_close",), ("implausible_density",)]
    assert [entry.payload["official_fold"] for entry in found] == [None] * 3  # a part of the set has no folds


def test_a_file_that_breaks_off_gives_what_stands_before_and_no_folds(tmp_path: Path) -> None:
    small_kvrh(tmp_path / "kvrh.json.gz")
    path = tmp_path / "torn.json.gz"
    path.write_bytes((tmp_path / "kvrh.json.gz").read_bytes()[:-400])
    items = list(opened(tmp_path, path="torn.json.gz", sha256=hashlib.sha256(path.read_bytes()).hexdigest()).iterate())
    *read, broken = items
    assert isinstance(broken, FailureRecord)
    assert broken.error_class == TRUNCATED
    assert 0 < len(read) < 20
    assert all(isinstance(item, EntryRecord) and item.payload["official_fold"] is None for item in read)


def test_other_sets_are_read_by_what_the_study_says(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "e_form": [-4.0],
        "fermi width": [0.5],
        "gap gllbsc": [6.1],
        "vbm": [{"@module": "numpy", "@class": "array", "dtype": "float64", "data": [[1.0, 2.0]]}],
    }
    sha256 = write_benchmark(tmp_path / "c.json.gz", [rock_salt()], columns)
    settings: dict[str, Any] = {
        "labels": [{"column": "gap gllbsc", "property": "band_gap", "method": "gllbsc-dft"}],
        "payload": ["vbm"],
        "licence": "CC0",
    }
    source = opened(tmp_path, "castelli_perovskites", path="c.json.gz", sha256=sha256, **settings)
    [entry] = entries(source)
    assert (entry.external_id, entry.licence) == ("castelli_perovskites-1", "CC0")
    assert [(label.property_name, label.value) for label in entry.labels] == [("band_gap", 6.1)]
    assert entry.payload == {"vbm": [[1.0, 2.0]]}
    with pytest.raises(SourceError, match="it has no column 'gap pbe'"):
        entries(opened(tmp_path, "castelli_perovskites", path="c.json.gz", sha256=sha256, payload=["gap pbe"]))
    with pytest.raises(ValidationError, match="there is no property 'hardness'"):
        opened(tmp_path, labels=[{"column": "a", "property": "hardness", "method": "m"}])


@pytest.mark.parametrize("dataset", sorted(name for name in (
    "matbench_log_kvrh matbench_log_gvrh matbench_mp_gap matbench_mp_e_form matbench_mp_is_metal matbench_dielectric"
    " matbench_jdft2d matbench_perovskites matbench_phonons elastic_tensor_2015 dielectric_constant"
    " piezoelectric_tensor phonon_dielectric_mp flla mp_all_20181018 brgoch_superhard_training jarvis_dft_3d"
    " jarvis_dft_2d jarvis_ml_dft_training tholander_nitrides"
).split()))  # fmt: skip
def test_what_is_known_of_a_set_is_in_its_columns(dataset: str) -> None:
    about, columns = known(dataset), pinned(dataset).columns
    named = {about.structure, *(label.column for label in about.labels), *about.payload}
    assert named | ({about.id_column} - {None}) <= set(columns)
    assert about != known("steel_strength")


class Shelf:
    """A route that gives one file."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __call__(self, request: Request) -> Response:
        return Response(body=self.content) if request.path == "/kvrh.json.gz" else Response(404)


def test_a_file_is_fetched_once_whole_and_checked(local: tuple[Path, str]) -> None:
    folder, sha256 = local
    with FaultyServer(Shelf((folder / "kvrh.json.gz").read_bytes())) as server:
        server.on(status(503), ordinals={0})
        mirror = f"{server.url}/kvrh.json.gz"
        for _ in range(2):
            assert len(entries(opened(folder, mirror=mirror, sha256=sha256))) == 20
        assert len(server.requests_to("/kvrh.json.gz")) == 2
    kept = folder / "cache" / "matbench_log_kvrh.json.gz"
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    kept.write_bytes(b"torn")
    with pytest.raises(SourceError, match=r"its SHA-256 is .* remove it, so that it is fetched again"):
        opened(folder, mirror=mirror, sha256=sha256)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/kvrh.json.gz", "it gives a file with the SHA-256 [0-9a-f]{64}, that of the set is 0{64}"),
        ("/gone.json.gz", "the service answers 404 Not Found"),
    ],
)
def test_a_wrong_or_missing_file_is_not_kept(local: tuple[Path, str], path: str, problem: str) -> None:
    folder, _ = local
    with (
        FaultyServer(Shelf((folder / "kvrh.json.gz").read_bytes())) as server,
        pytest.raises(SourceError, match=f"{problem}.*; fetch it by hand and name it as path"),
    ):
        opened(folder, mirror=f"{server.url}{path}", sha256="0" * 64, attempts=1)
    assert not (folder / "cache").exists()


@pytest.mark.skipif(not GENUINE.exists(), reason=f"{GENUINE} is not there")
def test_the_genuine_set_of_2015_is_the_pinned_one_and_reads_as_matminer_reads_it(tmp_path: Path) -> None:
    found = entries(opened(GENUINE.parent.absolute(), "elastic_tensor_2015", path=GENUINE.name))
    assert len(found) == 1181
    assert not any(entry.failures for entry in found)
    (tmp_path / GENUINE.name).write_bytes(GENUINE.read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from matminer.datasets import load_dataset

        frame = load_dataset("elastic_tensor_2015", data_home=str(tmp_path), download_if_missing=False)
    assert [entry.external_id for entry in found] == frame["material_id"].tolist()
    for column, name in (("K_VRH", "k_vrh"), ("G_VRH", "g_vrh"), ("K_Voigt", "k_voigt"), ("G_Reuss", "g_reuss")):
        ours = [next(label.value for label in entry.labels if label.property_name == name) for entry in found]
        assert ours == frame[column].tolist()
    for entry, structure in zip(found[::20], frame["structure"][::20], strict=True):
        assert entry.crystal is not None
        assert entry.crystal.content_hash == Crystal.from_pymatgen(structure).content_hash
    np.testing.assert_allclose(found[7].payload["elastic_tensor"], frame["elastic_tensor"][7])


@pytest.mark.skipif(not ELASTIC.exists(), reason=f"{ELASTIC} is not there")
@pytest.mark.parametrize("target", ["kvrh", "gvrh"])
def test_ids_and_order_are_the_official_ones(tmp_path: Path, target: str) -> None:
    listed = ELASTIC / f"matbench_log_{target}.composition_spacegroup.json.bz2"
    official = json.loads(bz2.decompress(listed.read_bytes()))
    column = f"log10({target[0].upper()}_VRH)"
    logs = list(official[column].values())
    table = {"index": list(range(len(logs))), "columns": ["structure", column], "data": [[None, v] for v in logs]}
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(table))
    source = opened(
        tmp_path, f"matbench_log_{target}", path=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()
    )
    assert [entry.external_id for entry in entries(source)] == list(official["mbid"].values())
