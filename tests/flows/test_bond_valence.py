"""A study of oxides: references are relaxed and labelled, what is none is a failure, a second run adds nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.factories.oxide_study import METHOD, oxides
from tests.flows.oxide_run import OxideRun, run_oxides
from tests.flows.running import one, row_counts, rows, run_here, start_command
from typer.testing import CliRunner

from matsift.bond_valence.parameters import ion_table_hash
from matsift.bond_valence.prototype_match import match
from matsift.errors import StudyError
from matsift.study.loading import load_study
from matsift_flows.cli.app import app
from matsift_flows.cli.queries import queries_to_try

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
OXIDES = oxides()


@pytest.fixture(scope="module")
def done(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> OxideRun:
    """A study of 36 oxides that came to its end."""
    return run_oxides(tmp_path_factory.mktemp("oxides"), module_database_url)


def test_every_reference_is_relaxed_at_all_samples(done: OxideRun) -> None:
    query = """
        SELECT prototype, count(DISTINCT structure_hash), count(*), count(DISTINCT strain),
               count(DISTINCT screening_factor)
        FROM analysis.bond_valence_relaxation GROUP BY prototype ORDER BY prototype
    """
    assert rows(done.left.url, query) == [("perovskite", 18, 108, 2, 3), ("spinel", 18, 108, 2, 3)]


def test_where_a_sample_comes_to_rest_does_not_depend_on_its_strain(done: OxideRun) -> None:
    query = """
        SELECT max(abs(a.lattice_error - b.lattice_error)), count(*) FROM analysis.bond_valence_relaxation a
        JOIN analysis.bond_valence_relaxation b USING (structure_hash, screening_factor)
        WHERE a.strain < 0 AND b.strain > 0
    """
    difference, n = rows(done.left.url, query)[0]
    assert n == 108
    assert difference < 1e-8


def test_lattices_grow_with_the_screening_factor(done: OxideRun) -> None:
    query = """
        SELECT count(*) FROM analysis.bond_valence_relaxation a
        JOIN analysis.bond_valence_relaxation b USING (structure_hash, strain)
        WHERE a.screening_factor < b.screening_factor AND a.lattice_error >= b.lattice_error
    """
    assert one(done.left.url, query) == 0


def test_the_label_is_where_the_curve_of_relaxations_crosses_zero(done: OxideRun) -> None:
    query = """
        SELECT l.value, max(r.screening_factor) FILTER (WHERE r.lattice_error < 0) AS below,
               min(r.screening_factor) FILTER (WHERE r.lattice_error > 0) AS above
        FROM analysis.label l JOIN analysis.bond_valence_relaxation r USING (structure_hash)
        WHERE l.property_name = 'screening_factor' GROUP BY l.structure_hash, l.value
    """
    found = rows(done.left.url, query)
    assert len(found) > 25
    assert [row for row in found if not (row[1] or 0.0) < row[0] < (row[2] or 2.0)] == []


def test_lattice_constants_are_those_of_the_files(done: OxideRun) -> None:
    query = "SELECT value FROM analysis.label WHERE property_name = 'lattice_constant' ORDER BY value"
    given = sorted(found.lattice_constant for crystal in OXIDES.values() if (found := match(crystal)) is not None)
    assert [value for (value,) in rows(done.left.url, query)] == pytest.approx(given, abs=1e-5)


def test_labels_name_the_force_field(done: OxideRun) -> None:
    query = "SELECT DISTINCT property_name, method, origin FROM analysis.label ORDER BY 1"
    origin = f"oracle:{METHOD}@{ion_table_hash()[:8]}"
    assert rows(done.left.url, query) == [
        ("global_instability_index", "bond-valence-sums-cations", origin),
        ("lattice_constant", "cubic-cell", origin),
        ("screening_factor", METHOD, origin),
    ]


def test_index_of_the_label_is_that_of_the_descriptor(done: OxideRun) -> None:
    query = """
        SELECT max(abs(l.value - b.gii_cations_vu)), count(*) FROM analysis.label l
        JOIN analysis.bond_valence b USING (structure_hash) WHERE l.property_name = 'global_instability_index'
    """
    difference, n = rows(done.left.url, query)[0]
    assert n == 36
    assert difference < 1e-3  # cutoffs at R_cut, single precision


def test_what_is_no_reference_is_a_failure_and_a_start_is_passed_over(done: OxideRun) -> None:
    query = """
        SELECT s.reduced_formula, f.error_class FROM matsift.failure f JOIN matsift.structure s ON s.id = f.structure_id
        WHERE f.stage = 'bond_valence' AND f.error_class <> 'NoScreeningFactor'
    """
    assert rows(done.left.url, query) == [("MgO", "NotAReferenceError")]
    on_starts = """
        SELECT count(*) FROM matsift.structure s WHERE 'starting_lattice' = ANY (s.holds) AND (
            EXISTS (SELECT FROM matsift.bond_valence_relaxation r WHERE r.structure_id = s.id)
            OR EXISTS (SELECT FROM matsift.failure f WHERE f.structure_id = s.id AND f.stage = 'bond_valence'))
    """
    assert one(done.left.url, on_starts) == 0
    assert one(done.left.url, "SELECT count(*) FROM matsift.structure WHERE 'starting_lattice' = ANY (holds)") > 3


def test_no_composition_trains_and_tests(done: OxideRun) -> None:
    query = """
        SELECT s.reduced_formula FROM matsift.dataset_row d JOIN matsift.label l ON l.id = d.label_id
        JOIN matsift.structure s ON s.id = l.structure_id GROUP BY 1 HAVING count(DISTINCT d.role) > 1
    """
    assert rows(done.left.url, query) == []
    assert one(done.left.url, "SELECT DISTINCT strategy FROM matsift.dataset_snapshot") == "by_composition"


def test_the_queries_to_try_give_rows(done: OxideRun) -> None:
    assert all(rows(done.left.url, query) for _, query in queries_to_try(load_study(done.path)))


def test_the_step_alone_says_how_many_are_new(done: OxideRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DATABASE_URL", done.left.url)
    monkeypatch.setenv("MATSIFT_HOME", str(done.left.home))
    told = CliRunner().invoke(app, ["relax", str(done.path), "--quiet"], catch_exceptions=False)
    assert (told.exit_code, told.output) == (0, "0 relaxations are new\n")
    other = ROOT / "studies" / "na_electrolytes.toml"
    with pytest.raises(StudyError, match=r"has no table \[bond_valence\]; add one"):
        CliRunner().invoke(app, ["relax", str(other), "--quiet"], catch_exceptions=False)


def test_a_second_run_adds_nothing(done: OxideRun) -> None:
    again = run_here(done.path, done.left.url, done.left.home)
    assert again.added == {}
    assert row_counts(done.left.url) == done.left.counts


def test_more_screening_factors_are_relaxed_besides(done: OxideRun) -> None:
    wider = ["bond_valence.screening_factors.step=0.05"]
    added = run_here(done.path, done.left.url, done.left.home, overrides=wider).added
    assert added["bond_valence_relaxation"] == 36 * 2 * 2
    assert {"label", "bond_valence_variant", "structure"}.isdisjoint(added)


def test_another_force_field_has_labels_of_its_own(done: OxideRun) -> None:
    heavier = ["bond_valence.coulomb_weight=3", "bond_valence.prototypes=['perovskite']"]
    added = run_here(done.path, done.left.url, done.left.home, overrides=heavier).added
    assert added["bond_valence_variant"] == 1
    assert added["bond_valence_relaxation"] == 18 * 2 * 3
    query = "SELECT avg(value) FROM analysis.label WHERE property_name = 'screening_factor' AND method = '{}'"
    less, more = (one(done.left.url, query.format(name)) for name in (METHOD.replace("2to1", "3to1"), METHOD))
    assert less < more  # heavier charges have to be screened more


def test_a_run_that_is_killed_while_it_relaxes_goes_on(
    done: OxideRun, new_url: Callable[[], str], tmp_path: Path
) -> None:
    url = new_url()
    command = start_command(done.path, tmp_path, url, "--set", "bond_valence.chunk=2", "--quiet")
    count = "SELECT count(*) FROM matsift.bond_valence_relaxation"
    while command.process.poll() is None and one(url, count) == 0:
        time.sleep(0.02)
    os.killpg(command.process.pid, signal.SIGKILL)
    command.wait()
    assert 0 < one(url, count) < done.left.counts["bond_valence_relaxation"]
    run_here(done.path, url, tmp_path)
    assert row_counts(url) == done.left.counts
    assert rows(url, "SELECT DISTINCT status FROM matsift.run") == [("completed",)]
