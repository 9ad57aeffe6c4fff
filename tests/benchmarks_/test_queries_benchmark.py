"""What `make bench-queries` is built of, with a thousand structures in place of a million."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from benchmarks.descriptors.samples import prototypes
from benchmarks.queries import (
    decoration,
    fingerprints,
    flow_steps,
    objectives,
    oxides,
    sizes,
    structures,
    study,
    timing,
)
from pydantic import SecretStr
from tests.postgres import PostgresServer

from matsift.structure_facts import describe
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store.counts import row_counts

N = 2_500


def templates() -> list[decoration.Template]:
    small = [sample.crystal for sample in prototypes() if sample.crystal.n_site <= 12]
    return decoration.templates(small)


@pytest.fixture(scope="module")
def filled(
    postgres_server: PostgresServer, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    """A workspace on a database as the benchmark fills it."""
    url = SecretStr(postgres_server.url(postgres_server.create_database(template_database)))
    settings = Settings(home=tmp_path_factory.mktemp("queries"), database_url=url)
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        assert list(structures.fill(workspace, N, templates)) == [N]
        assert study.fill(workspace)
        assert fingerprints.fill(workspace) > 0
        assert oxides.fill(workspace)
        assert objectives.fill(workspace)
        yield workspace


def test_a_decoration_has_the_facts_that_are_found_anew() -> None:
    rng = np.random.default_rng(1)
    for template in templates()[:20]:
        crystal, facts = decoration.decorate(template, rng)
        found = describe(crystal)
        assert facts.density_g_per_cm3 == pytest.approx(found.density_g_per_cm3)
        assert (facts.formula, facts.reduced_formula) == (found.formula, found.reduced_formula)
        assert (facts.anonymous_formula, facts.elements) == (found.anonymous_formula, found.elements)
        assert facts.space_group_number == found.space_group_number


def test_a_filling_goes_on_and_a_second_adds_nothing(filled: Workspace) -> None:
    with filled.sessions() as session:
        before = row_counts(session)
    assert list(structures.fill(filled, N, templates)) == []
    assert not study.fill(filled)
    assert fingerprints.fill(filled) == 0
    assert not oxides.fill(filled)
    assert not objectives.fill(filled)
    with filled.sessions() as session:
        assert row_counts(session) == before
    assert before["source_entry"] == N
    assert before["prediction"] > 2 * N
    assert before["candidate"] == before["structure"]


def test_every_query_gives_rows(filled: Workspace) -> None:
    url = filled.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    times = list(timing.measure(url, 1))
    assert len(times) == 1 + len(timing.queries(timing.PAGE.read_text("utf-8")))
    assert [one.title for one in times if one.n_row == 0] == []
    assert all(0.0 < one.p50 <= one.p95 for one in times)
    assert len(list(timing.table(times))) == 2 + len(times)


def test_every_question_of_the_flows_is_answered(filled: Workspace) -> None:
    answers = {step.question: step.n for step in flow_steps.measure(filled, 60.0)}
    assert answers["known_revisions"] == N
    assert answers["withdraw_missing, nothing withdrawn"] == 0
    assert answers["withdraw_missing, 100 withdrawn"] == 100
    assert answers["missing_descriptors, none is"] == 0
    assert [question for question in answers if ":" in question] == []


def test_sizes_add_up(filled: Workspace) -> None:
    with filled.sessions() as session:
        found = sizes.sizes(session, row_counts(session))
    assert found[0].name in {"structure", "descriptor"}
    assert all(size.total >= size.heap for size in found)
    *_, last = sizes.table(found, N)
    assert last.startswith("| all tables |")


def test_queries_are_those_below_a_numbered_title(tmp_path: Path) -> None:
    page = tmp_path / "sql.md"
    page.write_text("## 1. One?\n\n```sql\nSELECT 1;\n```\n\n## Not a number\n\n## 2. Two?\n```sql\nSELECT 2;\n```\n")
    assert timing.queries(page.read_text("utf-8")) == [("1. One?", "SELECT 1;\n"), ("2. Two?", "SELECT 2;\n")]
    assert len(timing.queries(timing.PAGE.read_text("utf-8"))) >= 11
