"""Featurization from database to database: engine and matminer side by side, what hangs, what is missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from tests.factories.small_study import overlapping, small_records, write_small_study
from tests.flows.running import rows

from matsift.descriptors.batches import compute_stream
from matsift.descriptors.registry import compute, descriptor_set
from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows import featurize as flow
from matsift_flows.ingest import ingest
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace
from matsift_schema.store.descriptors import find_descriptor_set, load_matrix, missing_descriptors
from matsift_schema.store.structures import load_crystals, load_structures, structure_digest

SETS = ("magpie", "voronoi", "matminer:GlobalSymmetryFeatures")
TINY_CHUNKS = ("descriptors.chunk=7", f"descriptors.sets={list(SETS)}".replace("'", '"'), "learner.ablation={}")

pytestmark = pytest.mark.slow


def test_all_sets_are_what_a_direct_call_gives_and_a_second_run_adds_nothing(
    new_url: Callable[[], str], tmp_path: Path
) -> None:
    records = small_records(n_labelled=12, n_pool=3)
    path = write_small_study(tmp_path / "study", [*records, overlapping(records[0])])
    study = load_study(path, TINY_CHUNKS)
    url = new_url()
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(url), workers=2)
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        invoke(ingest, workspace, study, path.parent)
        written = invoke(flow.featurize, workspace, study)
        with workspace.sessions.begin() as session:
            table = load_structures(session)
            crystals = load_crystals(session, table.ids)
            for name in SETS:
                set_id = find_descriptor_set(session, name, descriptor_set(name).version)
                assert set_id is not None
                stored, columns = load_matrix(session, [set_id], table.ids)
                direct = compute(name, crystals)
                assert columns == list(descriptor_set(name).columns)
                np.testing.assert_array_equal(stored, direct.values.astype(np.float32).astype(np.float64))
                failed = session.scalars(
                    text("SELECT structure_id FROM matsift.failure WHERE stage = 'descriptor' AND detail = :detail"),
                    {"detail": f"{name}@{descriptor_set(name).version}"},
                ).all()
                assert sorted(failed) == sorted(int(table.ids[i]) for i in direct.failures)
        assert rows(url, "SELECT count(*) FROM matsift.descriptor") == [(written,)]
        assert len(rows(url, "SELECT FROM matsift.failure WHERE stage = 'descriptor' AND detail LIKE 'voronoi@%'")) == 1
        assert invoke(flow.featurize, workspace, study) == 0
        assert rows(url, "SELECT count(*) FROM matsift.run WHERE flow = 'featurize'") == [(2,)]


def test_a_structure_that_hangs_is_a_failure_of_each_set_and_the_others_are_written(
    new_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = small_records(n_labelled=8, n_pool=0)
    records[2] = {**records[2], "species": ["Xe", *records[2]["species"][1:]]}
    path = write_small_study(tmp_path / "study", records)
    overrides = ('descriptors.sets=["magpie", "voronoi"]', "descriptors.time_limit_s=2", "learner.ablation={}")
    study = load_study(path, overrides)
    url = new_url()
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "platform_"))
    with_trouble = partial(compute_stream, target="descriptor_targets:compute_with_trouble")
    monkeypatch.setattr(flow, "compute_stream", with_trouble)
    with open_workspace(
        Settings(home=tmp_path / "home", database_url=SecretStr(url), workers=2), Reporter(quiet=True)
    ) as workspace:
        invoke(ingest, workspace, study, path.parent)
        invoke(flow.featurize, workspace, study)
    failures = rows(
        url, "SELECT detail, error_class, message FROM matsift.failure WHERE stage = 'descriptor' ORDER BY 1"
    )
    said = ("DescriptorTimeout", "descriptors took longer than 2 s")
    assert failures == [(f"{name}@{descriptor_set(name).version}", *said) for name in ("magpie", "voronoi")]
    assert rows(
        url,
        "SELECT count(*) FROM matsift.structure s WHERE 2 = (SELECT count(*) FROM matsift.descriptor d"
        " WHERE d.structure_id = s.id)",
    ) == rows(url, "SELECT count(*) - 1 FROM matsift.structure")


def test_only_the_structures_of_the_sources_named_are_missing(new_url: Callable[[], str], tmp_path: Path) -> None:
    path = write_small_study(tmp_path / "study", small_records(n_labelled=5, n_pool=0))
    study = load_study(path)
    with open_workspace(
        Settings(home=tmp_path / "home", database_url=SecretStr(new_url()), workers=1), Reporter(quiet=True)
    ) as workspace:
        invoke(ingest, workspace, study, path.parent)
        with workspace.sessions.begin() as session:
            everything = load_structures(session)
            named = [source.name for source in study.sources]
            assert missing_descriptors(session, "mp", "1", sources=named).tolist() == everything.ids.tolist()
            assert missing_descriptors(session, "mp", "1", sources=["another"]).tolist() == []
            assert missing_descriptors(session, "mp", "1", everything.ids[:2], sources=named).tolist() == (
                everything.ids[:2].tolist()
            )
            assert structure_digest(session, named) == structure_digest(session) != structure_digest(session, ["other"])
