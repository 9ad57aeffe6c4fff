"""A study with fingerprints, from its source to the answer of analysis.similar_to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pydantic import SecretStr
from tests.factories.small_study import overlapping, small_records, write_small_study
from tests.flows.running import rows

from matsift.descriptors.fingerprint import compute_fingerprint
from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows.featurize import featurize
from matsift_flows.ingest import ingest
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace
from matsift_schema.store.structures import load_crystals, load_structures


def test_what_a_study_computes_is_what_analysts_find(new_url: Callable[[], str], tmp_path: Path) -> None:
    records = small_records(n_labelled=12, n_pool=3)
    path = write_small_study(tmp_path / "study", [*records, overlapping(records[0])])
    study = load_study(path, ["descriptors.similarity=true"])
    url = new_url()
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(url), workers=1)
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        invoke(ingest, workspace, study, path.parent)
        invoke(featurize, workspace, study)
        with workspace.sessions.begin() as session:
            table = load_structures(session)
            crystals = load_crystals(session, table.ids)
    chunk = compute_fingerprint(crystals)
    [failed] = chunk.failures
    good = np.flatnonzero(np.isfinite(chunk.values).all(axis=1))
    apart = np.linalg.norm(chunk.values[good] - chunk.values[good[0]], axis=1)
    expected = {table.hashes[i]: distance for i, distance in zip(good[1:], apart[1:], strict=True)}
    found = dict(rows(url, f"SELECT structure_hash, distance FROM analysis.similar_to('{table.hashes[good[0]]}', 100)"))
    assert found == {structure: pytest.approx(distance, rel=1e-5, abs=1e-5) for structure, distance in expected.items()}
    with pytest.raises(psycopg.errors.RaiseException, match="has no fingerprint: two atoms lie within"):
        rows(url, f"SELECT * FROM analysis.similar_to('{table.hashes[failed]}')")
