"""A study of charge densities: fields, folds, elements left out, networks; killed and continued; adds nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr
from tests.factories.density_study import N_CRYSTAL, POINTS, write_density_study
from tests.flows.running import Continued, killed_and_continued, one, row_counts, rows, run_here

from matsift.density.conventional import conventional_cell
from matsift.density.promolecule import PROMOLECULE_METHOD, promolecule
from matsift.errors import UserInputError
from matsift.reports.densities import DensityReport
from matsift.study.loading import load_study
from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.fields.storage import SUFFIX, dumps, loads
from matsift_adapters.settings import Settings
from matsift_flows.cli.densities import report_json
from matsift_flows.cli.queries import queries_to_try
from matsift_flows.density.grids import Grids
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace
from matsift_schema.store.fields import FieldRow, load_fields, write_fields
from matsift_schema.store.structures import load_crystals

pytestmark = pytest.mark.slow

_LEARNERS = ["density_cnn_2d", "density_cnn_3d", "density_fusion", "magpie_cnn", "random_forest"]
_N_SNAPSHOT = 3


@pytest.fixture(scope="module")
def done(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Continued:
    """The small study of densities: killed when its first models are there, and continued."""
    folder = tmp_path_factory.mktemp("densities")
    path = write_density_study(folder / "study")
    return killed_and_continued(path, module_database_url, folder / "home", "model_version", workers=1)


def test_a_killed_training_goes_on_with_what_is_missing(done: Continued) -> None:
    assert 2 <= done.n_before < done.counts["model_version"]
    assert done.counts["model_version"] == len(_LEARNERS) * _N_SNAPSHOT
    assert list((done.home / "training").iterdir()) == []


def test_every_crystal_has_a_density_that_holds_all_its_electrons(done: Continued) -> None:
    query = """
        SELECT f.shape, f.n_electron, f.n_electron_expected, f.artifact_sha256 FROM matsift.volumetric_field f
        WHERE f.kind = 'promolecule' AND f.electrons = 'all'
    """
    found = rows(done.url, query)
    assert len(found) == N_CRYSTAL
    for shape, n_electron, expected, _ in found:
        assert shape == [POINTS] * 3
        assert n_electron == pytest.approx(expected, rel=1e-3)
    grid = loads(ArtifactStore(str(done.home / "artifacts")).get(found[0][3]))
    assert grid.n_electron == pytest.approx(found[0][1], rel=1e-6)


def test_each_crystal_is_tested_in_one_fold(done: Continued) -> None:
    query = """
        SELECT l.structure_id, count(*) FILTER (WHERE r.role = 'test'), count(*) FROM matsift.dataset_row r
        JOIN matsift.dataset_snapshot d ON d.id = r.snapshot_id JOIN matsift.label l ON l.id = r.label_id
        WHERE d.strategy = 'k_fold' GROUP BY 1
    """
    found = rows(done.url, query)
    assert len(found) == N_CRYSTAL
    assert {(tested, n) for _, tested, n in found} == {(1, 2)}


def test_the_element_left_out_is_in_every_test_row_and_in_no_other(done: Continued) -> None:
    query = """
        SELECT r.role = 'test', 'K' = ANY(s.elements), count(*), d.settings->>'element' FROM matsift.dataset_row r
        JOIN matsift.dataset_snapshot d ON d.id = r.snapshot_id JOIN matsift.label l ON l.id = r.label_id
        JOIN matsift.structure s ON s.id = l.structure_id WHERE d.strategy = 'leave_element_out' GROUP BY 1, 2, 4
    """
    found = rows(done.url, query)
    assert {(tests, has) for tests, has, _, _ in found} == {(True, True), (False, False)}
    assert sum(n for _, _, n, _ in found) == N_CRYSTAL
    assert {element for _, _, _, element in found} == {"K"}


def test_every_learner_is_judged_on_all_that_it_did_not_learn_from(done: Continued) -> None:
    query = """
        SELECT m.learner, count(*) FROM matsift.held_out_prediction h
        JOIN matsift.model_version m ON m.id = h.model_version_id
        JOIN matsift.dataset_snapshot d ON d.id = m.snapshot_id
        WHERE d.strategy = 'k_fold' AND h.lower <= h.mean AND h.mean <= h.upper GROUP BY 1 ORDER BY 1
    """
    assert rows(done.url, query) == [(learner, N_CRYSTAL) for learner in _LEARNERS]
    rmse = "SELECT count(*) FROM matsift.evaluation WHERE metric = 'rmse' AND subset = 'test'"
    assert one(done.url, rmse) == done.counts["model_version"]


def test_a_fusion_names_the_networks_that_it_joins(done: Continued) -> None:
    query = """
        SELECT b.learner, b.snapshot_id = m.snapshot_id FROM matsift.model_version m,
        LATERAL jsonb_each_text(m.settings->'branches') AS joined (kind, hash)
        JOIN matsift.model_version b ON b.content_hash = joined.hash AND b.learner = joined.kind
        WHERE m.learner = 'density_fusion'
    """
    found = rows(done.url, query)
    assert sorted(found) == [("density_cnn_2d", True)] * _N_SNAPSHOT + [("magpie_cnn", True)] * _N_SNAPSHOT


def test_the_report_compares_all_learners(done: Continued) -> None:
    report = done.result.written.report
    assert isinstance(report, DensityReport)
    (compared,) = report.properties
    assert list(compared.said) == ["Forest", "CNN", "3D", "2D", "Fusion"]
    assert len(compared) == N_CRYSTAL
    assert compared.elements == ("K",)
    stored = one(
        done.url,
        """SELECT sqrt(avg((h.mean - l.value) ^ 2)) FROM matsift.held_out_prediction h
        JOIN matsift.model_version m ON m.id = h.model_version_id JOIN matsift.label l ON l.id = h.label_id
        JOIN matsift.dataset_snapshot d ON d.id = m.snapshot_id
        WHERE d.strategy = 'k_fold' AND m.learner = 'density_fusion'""",
    )
    fusion = next(line for line in compared.standings if line.learner == "Fusion")
    assert fusion.averaged["rmse"] == pytest.approx(stored)
    said = json.loads(json.dumps(report_json(report)))
    assert len(said["scores"]) == len(said["left_out"]) == len(_LEARNERS)
    folder = done.result.written.path.parent
    assert pq.read_table(folder / "held_out.parquet").num_rows == N_CRYSTAL * len(_LEARNERS)
    assert "which representation says most" in done.result.written.path.read_text("utf-8").lower()


def test_the_queries_to_try_give_rows(done: Continued) -> None:
    for _, query in queries_to_try(load_study(done.path)):
        assert rows(done.url, query)


def test_a_second_run_adds_nothing(done: Continued) -> None:
    assert run_here(done.path, done.url, done.home).added == {}
    assert row_counts(done.url) == done.counts


def test_too_few_crystals_for_the_folds_are_told(done: Continued, tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="too few for 20 folds"):
        run_here(done.path, done.url, tmp_path, overrides=["density.folds=20"])


def test_imported_densities_are_smeared_and_carried_into_the_conventional_cell(done: Continued) -> None:
    settings = load_study(done.path, ["density.kind=dft_charge", "density.method=copied"]).density
    assert settings is not None
    own = Settings(home=done.home, database_url=SecretStr(done.url), workers=1)
    with open_workspace(own, Reporter(quiet=True)) as workspace:
        with workspace.sessions.begin() as session:
            ids = load_fields(session, "promolecule", PROMOLECULE_METHOD).structure_ids[:1]
            (crystal,) = load_crystals(session, ids)
        fine = promolecule(crystal, (24, 24, 24), b_iso=6.0)
        artifact = workspace.artifacts.put(dumps(fine), SUFFIX)
        row = FieldRow(
            structure_id=int(ids[0]),
            kind="dft_charge",
            method="copied",
            electrons="all",
            shape=fine.shape,
            cell=fine.cell,
            n_electron=fine.n_electron,
            artifact_sha256=artifact.sha256,
            artifact_uri=artifact.uri,
        )
        with workspace.run("import", None, {}) as run, workspace.sessions.begin() as session:
            assert write_fields(session, run.id(session), [row]) == 1
        (grid,) = Grids(workspace, settings, ids)
    assert grid.shape == (POINTS,) * 3
    assert grid.n_electron == pytest.approx(fine.n_electron, rel=1e-6)
    expected = promolecule(conventional_cell(crystal), (POINTS,) * 3, b_iso=8.0)
    assert grid.values == pytest.approx(expected.values, abs=0.03 * expected.values.max())
