"""Grouping from files to the view: what is the same, across sources and runs, and what an interruption leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr
from tests.factories.crystals import rock_salt, shared_site
from tests.factories.entries import entry
from tests.factories.entries import ingest as write
from tests.factories.runs import run_id
from tests.flows.running import row_counts, rows
from typer.testing import CliRunner

from matsift.crystal import Crystal
from matsift.study.loading import load_mirror
from matsift_adapters.settings import Settings
from matsift_flows import group as flow
from matsift_flows.cli.app import app
from matsift_flows.ingest import ingest
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store import groups
from matsift_schema.store.catalogue import SourceFacts

_MIRROR = """
[study]
name = "shelves"
title = "Two shelves"
[[sources]]
kind = "files"
name = "upper"
path = "upper"
include = ["*.json"]
[[sources]]
kind = "files"
name = "lower"
path = "lower"
include = ["*.json"]
"""


def supercell(crystal: Crystal) -> Crystal:
    larger = crystal.to_pymatgen()
    larger.make_supercell([2, 1, 1])
    return Crystal.from_pymatgen(larger)


def cesium_chloride(cation: str = "Cs") -> Crystal:
    return Crystal.ordered(3.3 * np.eye(3), [cation, "Cl"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))


UPPER = {
    "salt": rock_salt(),
    "salt-doubled": supercell(rock_salt()),
    "iodide": rock_salt("K", "I"),
    "mixed": shared_site(),
}
LOWER = {
    "halite": rock_salt(edge_angstrom=5.7),
    "high-pressure": cesium_chloride("Na"),
    "mixed-doubled": supercell(shared_site()),
}
SHELVES = {"upper": UPPER, "lower": LOWER}
GROUPS = {
    frozenset({"salt", "salt-doubled", "halite"}),
    frozenset({"iodide"}),
    frozenset({"mixed", "mixed-doubled"}),
    frozenset({"high-pressure"}),
}


def put(folder: Path, crystals: dict[str, Crystal]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, crystal in crystals.items():
        (folder / f"{name}.json").write_text(json.dumps(crystal.to_pymatgen().as_dict()))


@pytest.fixture
def shelves(tmp_path: Path) -> Path:
    """The file of a study with two sources that overlap."""
    put(tmp_path / "upper", UPPER)
    put(tmp_path / "lower", LOWER)
    path = tmp_path / "shelves.toml"
    path.write_text(_MIRROR)
    return path


@contextmanager
def opened(url: str, home: Path, **rest: Any) -> Iterator[Workspace]:
    settings = Settings(home=home / "home", database_url=SecretStr(url), workers=1)
    with open_workspace(settings, Reporter(quiet=True), **rest) as workspace:
        yield workspace


def shelve(workspace: Workspace, **shelves: dict[str, Crystal]) -> None:
    """Write crystals as entries of a source each."""
    with workspace.sessions.begin() as session:
        run = run_id(session)
        for name, crystals in shelves.items():
            entries = [entry(external_id, crystal) for external_id, crystal in crystals.items()]
            write(session, run, entries, SourceFacts(name, "files", "CC0"))


def groups_of(url: str) -> set[frozenset[str]]:
    """Return the groups by the ids of their entries."""
    found: dict[str, set[str]] = {}
    for representative, ids in rows(url, "SELECT representative_hash, sources FROM analysis.structure_group"):
        found.setdefault(representative, set()).update(entry.partition(": ")[2] for entry in ids)
    return {frozenset(ids) for ids in found.values()}


def test_the_same_crystal_in_two_sources_shares_a_group(shelves: Path, new_url: Callable[[], str]) -> None:
    url, study = new_url(), load_mirror(shelves)
    with opened(url, shelves.parent) as workspace:
        invoke(ingest, workspace, study, shelves.parent)
        assert invoke(flow.group, workspace, study) == 7
        before = row_counts(url)
        assert invoke(flow.group, workspace, study) == 0
    assert row_counts(url) == before
    assert before["structure"] == before["structure_group_member"] == 7
    assert before["structure_group"] == 4
    assert groups_of(url) == GROUPS
    assert rows(url, "SELECT DISTINCT rule, rule_settings->>'site_tolerance' FROM analysis.structure_group") == [
        ("structure_matcher-1", "0.3")
    ]
    query = (
        "SELECT is_representative, n_structure, rms_displacement IS NULL FROM analysis.structure_group ORDER BY 2, 1"
    )
    assert rows(url, query) == [
        (True, 1, True), (True, 1, True), (False, 2, False), (True, 2, True),
        (False, 3, False), (False, 3, False), (True, 3, True),
    ]  # fmt: skip


def test_one_source_after_the_other_gives_the_same_groups(shelves: Path, new_url: Callable[[], str]) -> None:
    url = new_url()
    with opened(url, shelves.parent) as workspace:
        for names in (["lower"], ["upper"]):
            study = load_mirror(shelves)
            study = study.model_copy(update={"sources": tuple(s for s in study.sources if s.name in names)})
            shelve(workspace, **{name: SHELVES[name] for name in names})
            assert invoke(flow.group, workspace, study) == {"lower": 3, "upper": 4}[names[0]]
    assert groups_of(url) == GROUPS
    first = rows(url, "SELECT g.id, e.external_id FROM matsift.structure_group g"
                      " JOIN matsift.source_entry e ON e.structure_id = g.representative_id")  # fmt: skip
    assert {name for _, name in first} == {"halite", "high-pressure", "mixed-doubled", "iodide"}


def test_another_tolerance_is_another_rule_beside_the_first(shelves: Path, new_url: Callable[[], str]) -> None:
    url = new_url()
    with opened(url, shelves.parent) as workspace:
        shelve(workspace, **SHELVES)
        invoke(flow.group, workspace, load_mirror(shelves))
        strict = load_mirror(shelves, ["duplicates.scale=false", "duplicates.length_tolerance=0.005"])
        assert invoke(flow.group, workspace, strict) == 7
        longer = load_mirror(shelves, ["duplicates.time_limit_s=1000"])
        assert invoke(flow.group, workspace, longer) == 0
    counted = rows(
        url,
        "SELECT r.settings->>'scale', count(*) FROM matsift.grouping_rule r JOIN matsift.structure_group g"
        " ON g.grouping_rule_id = r.id GROUP BY 1 ORDER BY 1",
    )
    assert counted == [("false", 5), ("true", 4)]


def test_a_bucket_beyond_the_limit_fails_alone_and_is_retried_when_asked(
    shelves: Path, new_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, study = new_url(), load_mirror(shelves, ["duplicates.time_limit_s=2"])
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "platform_"))
    with opened(url, shelves.parent) as workspace:
        shelve(workspace, **SHELVES)
        with monkeypatch.context() as patch:
            patch.setattr(flow, "match_bucket", _slow_on_disorder())
            assert invoke(flow.group, workspace, study) == 5
            assert invoke(flow.group, workspace, study) == 0
        failures = rows(
            url, "SELECT subject, error_class, message FROM matsift.failure WHERE stage = 'group' ORDER BY 1"
        )
        assert [subject for subject, *_ in failures] == sorted(
            crystal.content_hash for crystal in (UPPER["mixed"], LOWER["mixed-doubled"])
        )
        message = (
            "comparing the 2 structures of Cl-K-Na (disordered) in space group 221 took longer than 2 s and was "
            "stopped; raise duplicates.time_limit_s and use --retry-failed"
        )
        assert {tuple(rest) for _, *rest in failures} == {("TimeLimitExceeded", message)}
    with opened(url, shelves.parent, retry_failed=True) as workspace:
        assert invoke(flow.group, workspace, study) == 2
    assert groups_of(url) == GROUPS


def _slow_on_disorder() -> Any:
    import matching_targets  # type: ignore[import-not-found]  # on the path of the workers, too

    return matching_targets.slow_on_disorder


def test_what_was_written_before_an_interruption_is_kept(
    shelves: Path, new_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, study = new_url(), load_mirror(shelves)
    monkeypatch.setattr(flow, "CHUNK", 1)
    written: list[int] = []

    def interrupted(*arguments: Any) -> int:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(groups.write_members(*arguments))
        return written[-1]

    with opened(url, shelves.parent) as workspace:
        shelve(workspace, **SHELVES)
        with monkeypatch.context() as patch:
            patch.setattr(flow, "write_members", interrupted)
            with pytest.raises(KeyboardInterrupt):
                invoke(flow.group, workspace, study)
        assert rows(url, "SELECT status FROM matsift.run WHERE flow = 'group'") == [("interrupted",)]
        assert row_counts(url)["structure_group_member"] == sum(written) > 0
        assert invoke(flow.group, workspace, study) == 7 - sum(written)
    assert rows(url, "SELECT status FROM matsift.run WHERE flow = 'group'") == [("completed",)]
    assert groups_of(url) == GROUPS


def test_the_command_groups_and_says_how_many(shelves: Path, database: str, own_home: None) -> None:
    with opened(database, shelves.parent) as workspace:
        shelve(workspace, **SHELVES)
    for expected in ("7 structures are new in a group", "0 structures are new in a group"):
        result = CliRunner().invoke(app, ["group", str(shelves)])
        assert (result.exit_code, result.stdout.strip()) == (0, expected)
    assert (
        "7 structures are 4 crystals, 2 of which are there more than once"
        in CliRunner().invoke(app, ["group", str(shelves), "--set", "duplicates.scale=false"]).stderr
    )
    assert groups_of(database) == GROUPS
