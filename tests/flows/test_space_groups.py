"""A study of space groups: symmetry, profiles, sets, networks; patterns; a second run adds nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr
from tests.factories.space_group_study import N_COMMON, N_OTHER, write_study
from tests.flows.running import one, row_counts, rows, run_here, start_command

from matsift.diffraction.measured import MeasuredPattern, ProcessedPattern, process
from matsift.diffraction.simulate import Instrument, simulate_pattern
from matsift.errors import UserInputError
from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows.cli.queries import queries_to_try
from matsift_flows.diffraction.identify import Identified, identify_pattern
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace
from matsift_schema.store.structures import load_crystals

pytestmark = pytest.mark.slow

_FIRST_NETWORK = 'diffraction.networks=[{name = "SpgVolNet", members = 2, measured_like = true}]'
_PER_GROUP = N_COMMON + 2 * N_OTHER


@dataclass(frozen=True)
class Ran:
    """A study that came to its end: its file, database, home, and rows by table."""

    path: Path
    url: str
    home: Path
    counts: dict[str, int]


@pytest.fixture(scope="module")
def done(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The small study of space groups, run to its end."""
    folder = tmp_path_factory.mktemp("groups")
    path, home = write_study(folder / "study"), folder / "home"
    run_here(path, module_database_url, home, workers=1)
    return Ran(path, module_database_url, home, row_counts(module_database_url))


def test_every_crystal_is_labelled_the_disordered_one_too(done: Ran) -> None:
    query = """
        SELECT l.value::int, count(*) FROM analysis.label l WHERE l.property_name = 'space_group_number'
        GROUP BY 1 ORDER BY 1
    """
    assert rows(done.url, query) == [(216, _PER_GROUP), (221, _PER_GROUP), (225, _PER_GROUP + 2)]
    mixed = """
        SELECT l.value, l.method FROM analysis.label l JOIN matsift.structure s ON s.content_hash = l.structure_hash
        WHERE NOT s.is_ordered AND l.property_name = 'primitive_cell_volume'
    """
    assert rows(done.url, mixed) == [(pytest.approx(6.5**3 / 4, rel=1e-4), "spglib-symprec-0.01")]


def test_what_has_no_form_factor_is_a_failure(done: Ran) -> None:
    query = "SELECT formula, message FROM analysis.failure WHERE stage = 'descriptor'"
    ((formula, message),) = rows(done.url, query)
    assert formula == "Es"
    assert "Es" in message
    assert done.counts["diffraction_profile"] == 3 * _PER_GROUP + 1


def test_sets_are_disjoint_and_of_equal_size(done: Ran) -> None:
    query = """
        SELECT r.role, coalesce(r.fold, 0), l.value::int, count(*) FROM matsift.dataset_row r
        JOIN matsift.dataset_snapshot d ON d.id = r.snapshot_id JOIN matsift.label l ON l.id = r.label_id
        WHERE d.strategy = 'diffraction' AND r.role <> 'train' GROUP BY 1, 2, 3
    """
    sizes = {(role, fold, group): n for role, fold, group, n in rows(done.url, query)}
    expected = [("test", 1), ("test", 2), ("validation", 0)]
    assert sizes == {(role, fold, group): 2 for role, fold in expected for group in (216, 221, 225)}


def test_no_structure_type_trains_and_tests(done: Ran) -> None:
    query = """
        SELECT t.name FROM matsift.dataset_row r JOIN matsift.dataset_snapshot d ON d.id = r.snapshot_id
        JOIN matsift.label l ON l.id = r.label_id JOIN matsift.structure_type t ON t.structure_id = l.structure_id
        WHERE d.strategy = 'structure_type' GROUP BY 1 HAVING count(DISTINCT r.role = 'train') > 1
    """
    assert rows(done.url, query) == []


def test_only_the_first_ensemble_is_for_patterns(done: Ran) -> None:
    query = """
        SELECT learner, purpose, sampling_strategy, array_agg(DISTINCT subset ORDER BY subset) FROM analysis.model
        GROUP BY 1, 2, 3 ORDER BY 2 DESC
    """
    sets = ["validation", "validation_1", "validation_2", "validation_sets"]
    assert rows(done.url, query) == [
        ("spg_vol_net", "ensemble", "diffraction", sets),
        ("spg_net", "ablation", "structure_type", ["structure_type"]),
    ]


def test_what_networks_and_search_weigh_is_fitted_for_the_first_ensemble(done: Ran) -> None:
    query = "SELECT purpose, calibration->'evidence' FROM matsift.model_version"
    fitted = dict(rows(done.url, query))
    assert fitted["ablation"] is None
    weights = fitted["ensemble"]
    assert (weights["n_pattern"], weights["coverage"]) == (84, 0.75)
    assert min(weights["network"], weights["search"]) > 0


def test_recall_in_the_database_is_that_of_the_rows_behind_it(done: Ran) -> None:
    query = """
        SELECT e.value, (SELECT avg(h.is_right::int) FROM analysis.held_out_space_group h
                         WHERE h.model_hash = m.content_hash)
        FROM matsift.evaluation e JOIN matsift.model_version m ON m.id = e.model_version_id
        WHERE e.metric = 'recall' AND e.subset IN ('validation', 'structure_type')
    """
    found = rows(done.url, query)
    assert len(found) == 2
    assert all(value == pytest.approx(float(share)) for value, share in found)
    fractions = "SELECT sum(fraction) FROM analysis.space_group_confusion GROUP BY model_hash, role, space_group_number"
    assert [total for (total,) in rows(done.url, fractions)] == pytest.approx([1.0] * 6)


def test_checkpoints_go_when_the_networks_are_stored(done: Ran) -> None:
    assert list((done.home / "training").iterdir()) == []


def test_the_queries_to_try_give_rows(done: Ran) -> None:
    for _, query in queries_to_try(load_study(done.path)):
        rows(done.url, query)


def test_a_second_run_adds_nothing(done: Ran) -> None:
    assert run_here(done.path, done.url, done.home, workers=1).added == {}
    assert row_counts(done.url) == done.counts


def salt_pattern(done: Ran, seed: int = 1) -> ProcessedPattern:
    """Return a pattern as a diffractometer would measure it of a crystal of the study."""
    key = one(done.url, "SELECT structure_id FROM matsift.source_entry WHERE external_id LIKE '%rock_salt-07%'")
    settings = Settings(home=done.home, database_url=SecretStr(done.url), workers=1)
    with (
        open_workspace(settings, Reporter(quiet=True)) as workspace,
        workspace.sessions.begin() as session,
    ):
        crystal = load_crystals(session, [key])[0]
    made = simulate_pattern(crystal, Instrument(), np.random.default_rng(seed))
    pattern = MeasuredPattern(made.two_theta_deg, made.intensity, made.wavelength_angstrom, f"salt {seed}")
    return process(pattern, "CuKa")


def identified(
    done: Ran, processed: ProcessedPattern, *, study: str | None = None, use_network: bool = True
) -> Identified:
    settings = Settings(home=done.home, database_url=SecretStr(done.url), workers=1)
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        return invoke(identify_pattern, workspace, processed, study=study, use_network=use_network)


def test_the_same_pattern_twice_adds_no_row(done: Ran) -> None:
    first = identified(done, salt_pattern(done), study="groups")
    counts = row_counts(done.url)
    again = identified(done, salt_pattern(done), study="groups")
    assert (first.is_new, again.is_new) == (True, False)
    assert first.identification_id == again.identification_id
    assert row_counts(done.url) == counts
    query = f"""
        SELECT g.space_group_number, p.formula, i.likely_set @> ARRAY[225::smallint], i.n_indexed
        FROM analysis.identified_pattern i JOIN analysis.pattern_space_group g USING (answer_hash)
        JOIN analysis.pattern_phase p USING (answer_hash) JOIN matsift.pattern_identification a
          ON a.content_hash = i.answer_hash WHERE a.id = {first.identification_id} AND g.rank = 1 AND p.rank = 1
          AND p.fit = 'alone'
    """
    assert rows(done.url, query) == [(225, "KTe", True, 3 * _PER_GROUP + 1)]


def test_without_networks_the_search_answers_alone(done: Ran) -> None:
    found = identified(done, salt_pattern(done), use_network=False)
    assert found.study == ""
    assert found.identification.volume is None
    query = f"SELECT model_version_id FROM matsift.pattern_identification WHERE id = {found.identification_id}"
    assert one(done.url, query) is None


def test_a_study_without_networks_is_refused(done: Ran) -> None:
    with pytest.raises(UserInputError, match="the study 'nobody' has no networks of space groups"):
        identified(done, salt_pattern(done), study="nobody")


def test_a_coverage_that_so_few_crystals_cannot_promise_is_refused_before_training(done: Ran) -> None:
    with pytest.raises(UserInputError, match="need 18 crystals to calibrate by, there are 6"):
        run_here(done.path, done.url, done.home, overrides=["diffraction.coverage=0.9"])


@pytest.mark.full
def test_a_training_that_is_killed_goes_on_and_ends_with_the_same_networks(
    done: Ran, new_url: Callable[[], str], tmp_path: Path
) -> None:
    """Two processes began what one ends, as one trained all of it for `done`."""
    url, home = new_url(), tmp_path / "home"
    command = start_command(done.path, home, url, "--quiet", "--set", _FIRST_NETWORK)
    while command.process.poll() is None and not list(home.glob("training/*/*.safetensors")):
        time.sleep(0.02)
    os.killpg(command.process.pid, signal.SIGKILL)
    command.wait()
    assert one(url, "SELECT count(*) FROM matsift.model_version") == 0
    run_here(done.path, url, home, overrides=[_FIRST_NETWORK], workers=1)
    assert rows(url, "SELECT DISTINCT status FROM matsift.run") == [("completed",)]
    query = "SELECT content_hash, artifact_sha256, calibration FROM matsift.model_version WHERE purpose = 'ensemble'"
    (trained,) = rows(url, query)
    assert [trained] == rows(done.url, query)
