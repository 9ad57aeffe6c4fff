"""What follows from predicted screening factors: derived models, their ranking, and answers about one oxide."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tests.factories.oxide_study import NAME
from tests.flows.oxide_run import OxideRun, run_oxides
from tests.flows.running import one, row_counts, rows, run_here
from typer.testing import CliRunner, Result

from matsift.bond_valence.new_oxide import ion_pair
from matsift.bond_valence.relaxation import lattice_at
from matsift.errors import UserInputError
from matsift_flows.cli.app import app

pytestmark = pytest.mark.slow

BY_INSTABILITY = ["ranking.property=global_instability_index", "ranking.goal=minimize", "ranking.by=mean"]


@pytest.fixture(scope="module")
def done(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> OxideRun:
    """A study of 36 oxides, ranked by the instability index, that came to its end."""
    return run_oxides(tmp_path_factory.mktemp("new_oxides"), module_database_url, BY_INSTABILITY)


@pytest.fixture
def here(done: OxideRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command work where the study was run."""
    monkeypatch.setenv("MATSIFT_DATABASE_URL", done.left.url)
    monkeypatch.setenv("MATSIFT_HOME", str(done.left.home))


def ask(formula: str, *further: str, study: str = NAME, prototype: str = "perovskite") -> Result:
    words = ["predict", "--study", study, "--formula", formula, "--prototype", prototype, *further]
    return CliRunner().invoke(app, words, catch_exceptions=False)


def added(url: str, before: dict[str, int]) -> dict[str, int]:
    return {name: n - before[name] for name, n in row_counts(url).items() if n != before[name]}


def test_derived_models_rest_on_the_model_of_the_screening_factor(done: OxideRun) -> None:
    query = """
        SELECT d.learner, p.name, d.artifact_sha256 = m.artifact_sha256, d.snapshot_id = m.snapshot_id,
               d.column_names = m.column_names
        FROM matsift.model_version d
        JOIN matsift.model_version m ON m.content_hash = d.settings ->> 'screening_factor_model'
        JOIN matsift.property p ON p.id = d.property_id
        WHERE d.purpose = 'derived' AND m.purpose = 'ensemble' ORDER BY 2
    """
    assert rows(done.left.url, query) == [
        ("bond_valence_relaxation", name, True, True, True) for name in ("global_instability_index", "lattice_constant")
    ]


def test_every_candidate_has_the_lattice_at_its_screening_factor(done: OxideRun) -> None:
    query = """
        SELECT e.payload ->> 'a', e.payload ->> 'b', e.payload ->> 'prototype', f.mean, f.lower, f.upper, a.mean,
               a.lower, a.upper, i.mean
        FROM analysis.prediction f
        JOIN analysis.prediction a USING (structure_hash) JOIN analysis.prediction i USING (structure_hash)
        JOIN matsift.structure s ON s.content_hash = f.structure_hash
        JOIN matsift.source_entry e ON e.structure_id = s.id
        WHERE (f.property_name, a.property_name, i.property_name)
              = ('screening_factor', 'lattice_constant', 'global_instability_index')
    """
    found = rows(done.left.url, query)
    assert len(found) >= 5
    for a, b, prototype, *factor, mean, lower, upper, index in found:
        pair = ion_pair(_formula(a, b, prototype), prototype, (a, b))
        rest, indices = lattice_at(pair, np.array(factor))
        assert [mean, lower, upper] == pytest.approx(rest.lattice_constant.tolist(), rel=1e-7)
        assert index == pytest.approx(indices[0], rel=1e-6)


def _formula(a: str, b: str, prototype: str) -> str:
    symbols = (a.rstrip("+0123456789"), b.rstrip("+0123456789"))
    return "".join(symbols) + "O3" if prototype == "perovskite" else f"{symbols[0]}{symbols[1]}2O4"


def test_lattice_intervals_hold_as_often_as_those_of_the_screening_factor(done: OxideRun) -> None:
    query = """
        SELECT h.structure_hash, h.true_value BETWEEN h.lower AND h.upper FROM analysis.held_out_prediction h
        WHERE h.property_name = '{}' AND h.purpose = '{}' ORDER BY 1
    """
    factor = rows(done.left.url, query.format("screening_factor", "ensemble"))
    lattice = rows(done.left.url, query.format("lattice_constant", "derived"))
    assert len(factor) >= 5
    assert lattice == factor


def test_metrics_of_the_lattice_are_those_of_the_held_out_rows(done: OxideRun) -> None:
    query = "SELECT true_value, mean FROM analysis.held_out_prediction WHERE property_name = 'lattice_constant'"
    true, mean = np.array(rows(done.left.url, query)).T
    evaluated = """
        SELECT e.metric, e.value FROM matsift.evaluation e JOIN matsift.model_version m ON m.id = e.model_version_id
        JOIN matsift.property p ON p.id = m.property_id WHERE p.name = 'lattice_constant' AND e.subset = 'test'
    """
    said = dict(rows(done.left.url, evaluated))
    assert said["mean_relative_error"] == pytest.approx(float(np.mean(np.abs(mean / true - 1))))
    assert said["mae"] == pytest.approx(float(np.mean(np.abs(mean - true))))
    assert said["mean_relative_error"] < 0.05


def test_no_guess_stands_beside_what_is_labelled(done: OxideRun) -> None:
    query = """
        SELECT s.reduced_formula FROM matsift.structure s WHERE 'starting_lattice' = ANY (s.holds)
        AND EXISTS (SELECT FROM matsift.prediction x WHERE x.structure_id = s.id)
        AND EXISTS (SELECT FROM analysis.label l JOIN analysis.structure o USING (structure_hash)
                    WHERE o.formula = s.reduced_formula AND o.space_group_number = s.space_group_number
                    AND l.property_name = 'screening_factor')
    """
    assert rows(done.left.url, query) == []


def test_the_ranking_is_by_the_instability_index(done: OxideRun) -> None:
    query = "SELECT structure_hash FROM analysis.prediction WHERE property_name = 'global_instability_index'"
    by_index = [key for (key,) in rows(done.left.url, f"{query} ORDER BY mean, structure_hash")]
    assert list(done.left.ranked) == by_index
    page = done.left.report.read_text(encoding="utf-8")
    assert "plot-lattice-errors" in page
    assert "plot-parity-lattice_constant-0" in page
    assert "Predicted screening factor<" in page


@pytest.mark.usefixtures("here")
def test_a_new_oxide_is_answered_and_kept(done: OxideRun) -> None:
    before = row_counts(done.left.url)
    told = ask("CaHfO3").output
    assert told.startswith(f"CaHfO3, perovskite of Ca2+ and Hf4+, by the study {NAME}\n  lattice constant ")
    for name in ("screening factor", "global instability", "expected stability", "tolerance factor", "nearest learned"):
        assert f"\n  {name}" in told
    assert added(done.left.url, before) == {"structure": 1, "descriptor": 1, "prediction": 3, "run": 1}
    before = row_counts(done.left.url)
    assert ask("CaHfO3").output == told
    assert added(done.left.url, before) == {}
    query = "SELECT holds FROM analysis.structure WHERE formula = 'CaHfO3'"
    assert rows(done.left.url, query) == [(["starting_lattice"],)]


@pytest.mark.usefixtures("here")
def test_a_candidate_is_answered_by_what_stands_in_the_ranking(done: OxideRun) -> None:
    before = row_counts(done.left.url)
    said: dict[str, Any] = json.loads(ask("SrHfO3", "--json").output)
    assert added(done.left.url, before) == {}
    query = "SELECT mean, lower, upper FROM analysis.prediction WHERE formula = 'SrHfO3' AND property_name = '{}'"
    units = {"lattice_constant": "_angstrom", "screening_factor": "", "global_instability_index": "_vu"}
    for name, unit in units.items():
        stored = rows(done.left.url, query.format(name))[0]
        assert tuple(said[f"{name}{unit}"].values()) == pytest.approx(stored, rel=1e-9)
    assert said["known"] is None
    assert said["neighbourhood"]["new_elements"] == ["Hf"]
    assert "extrapolation       yes, no oxide of Hf was learned from" in ask("SrHfO3").output


@pytest.mark.usefixtures("here")
def test_a_known_oxide_is_told_to_be_known(done: OxideRun) -> None:
    query = """
        SELECT s.reduced_formula, l.value, d.role FROM matsift.dataset_row d
        JOIN matsift.label f ON f.id = d.label_id JOIN matsift.structure s ON s.id = f.structure_id
        JOIN matsift.label l ON l.structure_id = s.id JOIN matsift.property p ON p.id = l.property_id
        WHERE p.name = 'lattice_constant' AND s.space_group_number = 221 ORDER BY 1
    """
    formula, lattice, role = rows(done.left.url, query)[0]
    known = json.loads(ask(formula, "--json").output)["known"]
    assert known == {"lattice_constant_angstrom": pytest.approx(lattice), "source": "shelf", "role": role}
    assert f"{lattice:.3f} Å in shelf (" in ask(formula).output


@pytest.mark.usefixtures("here")
def test_what_is_read_as_other_ions_is_answered_but_not_kept(done: OxideRun) -> None:
    before = row_counts(done.left.url)
    told = ask("CeFeO3", "--ions", "Ce4+ Fe2+").output
    assert told.startswith("CeFeO3, perovskite of Ce4+ and Fe2+")
    assert "no: a crystal of these elements is read as other ions" in told
    assert added(done.left.url, before) == {}
    assert "kept                structure" in ask("CeFeO3", "--ions", "Ce3+,Fe3+").output
    assert added(done.left.url, before)["structure"] == 1


@pytest.mark.usefixtures("here")
def test_a_study_may_be_named_by_its_file(done: OxideRun) -> None:
    words = ["predict", str(done.path), "--formula", "SrHfO3", "--prototype", "perovskite"]
    assert CliRunner().invoke(app, words, catch_exceptions=False).output == ask("SrHfO3").output


@pytest.mark.usefixtures("here")
def test_the_step_alone_predicts_what_is_derived_too(done: OxideRun) -> None:
    words = ["predict", str(done.path), "--quiet", *(x for word in BY_INSTABILITY for x in ("--set", word))]
    told = CliRunner().invoke(app, words, catch_exceptions=False)
    assert (told.exit_code, told.output) == (0, "0 predictions are new\n")


def test_asking_leaves_the_study_complete(done: OxideRun) -> None:
    again = run_here(done.path, done.left.url, done.left.home, overrides=BY_INSTABILITY)
    assert again.added == {}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"formula": "SrHfO3", "study": "nobodys"}, f"no study 'nobodys' in this database, it holds {NAME}; run"),
        ({"formula": "SrTiO3", "prototype": "spinel"}, "does not fit a spinel"),
        ({"formula": "FeTiO3"}, "say which with --ions"),
    ],
    ids=["no study", "other prototype", "ambiguous"],
)
def test_what_cannot_be_answered_is_told(question: dict[str, str], told: str) -> None:
    with pytest.raises(UserInputError, match=told):
        ask(**question)


@pytest.mark.usefixtures("here")
def test_half_a_question_names_what_is_missing() -> None:
    with pytest.raises(UserInputError, match="--study and --prototype missing: give a study file"):
        CliRunner().invoke(app, ["predict", "--formula", "SrHfO3"], catch_exceptions=False)


@pytest.mark.usefixtures("own_home")
def test_a_study_that_was_not_run_to_its_end_says_so(done: OxideRun, database: str) -> None:
    with pytest.raises(UserInputError, match="holds none yet; run its file first"):
        ask("SrHfO3")
    CliRunner().invoke(app, ["ingest", str(done.path)], catch_exceptions=False)
    assert one(database, "SELECT count(*) FROM matsift.run") > 0
    with pytest.raises(UserInputError, match="no model of the lattices of oxides: it was not run to its end"):
        ask("SrHfO3")
