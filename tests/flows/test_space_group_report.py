"""The report of a study of space groups, read from a database that other tests filled row by row."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories.pipeline import small_study

from matsift.reports.space_group_page import render_space_groups
from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows.cli.space_groups import report_json
from matsift_flows.diffraction.demonstration import chosen
from matsift_flows.progress import Reporter
from matsift_flows.reporting.keeping import keep
from matsift_flows.reporting.space_groups import gather_space_groups
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.engine import make_engine
from matsift_schema.store.space_groups import load_held_out_groups

STUDY = Path(__file__).parents[2] / "studies" / "space_groups.toml"


@pytest.fixture
def model(database: str, own_home: None) -> int:
    """The id of an ensemble that was held against two structures, the first of which it knows."""
    with Session(make_engine(database)) as session, session.begin():
        small_study(session)
        query = text("SELECT id FROM matsift.model_version WHERE learner = 'spg_vol_net'")
        return int(session.execute(query).scalar_one())


def test_what_the_database_holds_is_what_the_page_says(model: int) -> None:
    study = load_study(STUDY)
    with open_workspace(Settings.load(), Reporter(quiet=True)) as workspace:
        found = gather_space_groups(workspace, study, {model: "SpgVolNet"}, ())
    (held,) = found.held_out
    assert (held.model, held.subset) == ("SpgVolNet", "validation")
    assert held.true.tolist() == [225, 225]
    assert sorted(held.predicted.tolist()) == [221, 225]
    assert sorted(held.relations) == ["same", "subgroup"]
    assert held.volume.tolist() == [40.0, 40.0]
    assert held.volume_error == pytest.approx([0.025, 0.025])
    accuracy = next(score for score in found.scores if score.metric == "accuracy")
    assert accuracy.ensemble == 0.5
    assert accuracy.members == (0.5, 1.0)
    assert [(count.number, count.n_held_out) for count in found.counts] == [(225, 2)]
    assert [model.purpose for model in found.provenance.models] == ["judged on what it has not learned from"]
    assert "Fm<span" in render_space_groups(found)
    assert report_json(found)["patterns"] == []


def test_a_study_without_networks_has_an_empty_page(database: str, own_home: None) -> None:
    with open_workspace(Settings.load(), Reporter(quiet=True)) as workspace:
        found = gather_space_groups(workspace, load_study(STUDY), {}, ())
    assert found.held_out == ()
    assert "No ensemble has been judged yet." in render_space_groups(found)


def test_the_demonstration_is_of_the_first_test_structure_by_its_hash(model: int) -> None:
    with open_workspace(Settings.load(), Reporter(quiet=True)) as workspace, workspace.sessions.begin() as session:
        held = load_held_out_groups(session, model)
    place = chosen(held)
    assert place is not None
    tests = [key for key, role in zip(held.structure_hashes, held.roles, strict=True) if role == "test"]
    assert held.structure_hashes[place] == min(tests)


def test_a_page_is_written_once_and_again_where_it_is_gone(database: str, own_home: None) -> None:
    def write(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.html").write_text("page")

    def kept(workspace: Workspace, key: str) -> bool:
        return keep(workspace, "groups", key, write)[1]

    first, second = "a" * 64, "b" * 64
    with open_workspace(Settings.load(), Reporter(quiet=True)) as workspace:
        assert [kept(workspace, key) for key in (first, first, second, second, first)] == [
            True,
            False,
            True,
            False,
            True,
        ]
        (workspace.settings.home / "reports" / "groups" / "report.html").unlink()
        assert kept(workspace, first)
        with workspace.sessions.begin() as session:
            assert session.execute(text("SELECT count(*) FROM matsift.study_report")).scalar_one() == 2
