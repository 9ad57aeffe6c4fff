"""Which crystals are tried: each assignment of elements to a template's sites by itself, what failed on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.factories.pipeline import small_study

from matsift.generative.substituted import substitute
from matsift.study.generative import StructureSettings
from matsift_adapters.settings import Settings
from matsift_flows.generative.planning import Job, key_of, planned
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace
from matsift_schema.store.generated_structures import AttemptRow, load_templates


def jobs_after(url: str, home: Path, done: list[AttemptRow], **how: Any) -> list[Job]:
    """Return the crystals of one formula to relax after some attempts, in the order of the assignments."""
    settings = Settings(home=home, database_url=SecretStr(url))
    with open_workspace(settings, Reporter(quiet=True), **how) as workspace:
        with workspace.sessions.begin() as session:
            pool = load_templates(session, ["shelf"], max_sites=100)
        about = StructureSettings(templates=1)
        found = planned(workspace, pool, ["KBr"], about, {key_of(row): row for row in done}, 1e9)
    assert found.settled == ()
    return sorted(found.jobs, key=lambda job: job.assignment)


def test_each_assignment_is_done_by_itself_and_what_failed_is_asked_for(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))
    with open_workspace(settings, Reporter(quiet=True)) as workspace, workspace.sessions.begin() as session:
        small_study(session)
    monkeypatch.setattr(
        "matsift_flows.generative.planning.substitute", lambda *given, **how: 2 * substitute(*given, **how)[:1]
    )

    first, second = jobs_after(database_url, tmp_path, [])
    assert [job.number for job in (first, second)] == [1, 1]
    failed = first.attempt("failed", reason="TimeLimitExceeded: 300 s")
    assert [job.name for job in jobs_after(database_url, tmp_path, [failed])] == [second.name]
    again = jobs_after(database_url, tmp_path, [failed], retry_failed=True)
    assert [(job.assignment, job.number) for job in again] == [(0, 2), (1, 1)]
    refused = second.attempt("refused", reason="its volume doubled")
    assert jobs_after(database_url, tmp_path, [failed, refused]) == []
    assert len(jobs_after(database_url, tmp_path, [failed, refused], retry_failed=True)) == 1
