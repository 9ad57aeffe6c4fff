"""How well and how fast the index finds the nearest fingerprints, against reading all of them, on real crystals.

python benchmarks/similarity.py --structures 5000 --queries 200

Needs the CIF files of mp_36737 in MATSIFT_DATA; runs on an embedded PostgreSQL of its own that is removed at the end.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.descriptors.samples import random_mp
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.crystal import Crystal
from matsift.descriptors.fingerprint import FINGERPRINT, compute_fingerprint
from matsift.descriptors.tessellation import tessellate
from matsift.structure_facts import describe
from matsift_adapters.embedded_postgres import stop
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store import descriptors as store
from matsift_schema.store.structures import load_structures, write_structures

_K = 10
_CHUNK = 200
_BREADTHS = (40, 100, 200)  # analysis.similar_to has the last
_NEAREST = text("""
    SELECT structure_id FROM matsift.descriptor
    WHERE vector_dims(vector) = 290 AND descriptor_set_id = :set_id AND structure_id <> :asked
    ORDER BY (vector::vector(290)) <->
        (SELECT vector FROM matsift.descriptor WHERE structure_id = :asked AND descriptor_set_id = :set_id)
    LIMIT :k
""")
_SIMILAR = text("SELECT structure_hash FROM analysis.similar_to(:asked, :k)")


@dataclass(frozen=True)
class Written:
    """Structures in the database: ids, hashes, and what kind each is."""

    ids: NDArray[np.int64]
    hashes: tuple[str, ...]
    kinds: dict[int, tuple[str, int]]
    set_id: int


def main() -> None:
    """Print what fingerprints cost, what the index finds, and how long it takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=5000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20180607)
    asked = parser.parse_args()
    crystals = [sample.crystal for sample in random_mp(asked.structures, asked.seed)]
    crystals = list({crystal.content_hash: crystal for crystal in crystals}.values())
    values, is_known = fingerprints(crystals)
    known = [crystal for crystal, good in zip(crystals, is_known, strict=True) if good]
    with tempfile.TemporaryDirectory(prefix="matsift-similarity-") as folder:
        settings = Settings(home=Path(folder))
        try:
            with open_workspace(settings, Reporter(quiet=True)) as workspace:
                written = write(workspace, known, values[is_known])
                queries = np.random.default_rng(asked.seed).choice(len(written.ids), asked.queries, replace=False)
                compare(workspace, written, queries)
        finally:
            stop(settings)


def fingerprints(crystals: Sequence[Crystal]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the fingerprints of crystals and which have one; print what they cost."""
    compute_fingerprint(crystals[:2])
    parts, cells_s, all_s = [], 0.0, 0.0
    for i in range(0, len(crystals), _CHUNK):
        started = time.process_time()
        cells = tessellate(crystals[i : i + _CHUNK])
        cells_s += time.process_time() - started
        parts.append(compute_fingerprint(crystals[i : i + _CHUNK], cells).values)
        all_s += time.process_time() - started
    values = np.concatenate(parts)
    is_known = np.asarray(np.isfinite(values).all(axis=1), dtype=bool)
    n_atom = sum(crystal.n_site for crystal in crystals) / len(crystals)
    print(f"{len(crystals)} crystals of mp_36737 of {n_atom:.1f} atoms; {(~is_known).sum()} without fingerprint")
    print(
        f"fingerprint: {1e6 * all_s / len(crystals):.0f} CPU microseconds a structure, "
        f"{cells_s / all_s:.0%} of it for the Voronoi cells"
    )
    pairs = np.random.default_rng(0).integers(0, is_known.sum(), (2, 20_000))
    apart = np.linalg.norm(values[is_known][pairs[0]] - values[is_known][pairs[1]], axis=1)
    quantiles = " ".join(f"{value:.2f}" for value in np.percentile(apart, [5, 50, 95]))
    print(f"two at random: {np.sqrt(np.mean(apart**2)):.2f} apart (rms); 5 %, 50 %, 95 %: {quantiles}")
    return values, is_known


def write(workspace: Workspace, crystals: Sequence[Crystal], values: NDArray[np.float64]) -> Written:
    """Write structures and fingerprints, and the latter without their last column too, which the index leaves out."""
    facts = [describe(crystal) for crystal in crystals]
    with workspace.run("ingest", "similarity", {}) as run:
        with workspace.sessions.begin() as session:
            run_id = run.id(session)
            write_structures(session, run_id, [(c, f, ()) for c, f in zip(crystals, facts, strict=True)])
            table = load_structures(session)
        place = {crystal.content_hash: i for i, crystal in enumerate(crystals)}
        order = [place[value] for value in table.hashes]
        unindexed = _timed_write(workspace, run_id, "fingerprint less one", table.ids, values[order, :-1])
        indexed = _timed_write(workspace, run_id, "fingerprint", table.ids, values[order])
    print(f"writing: {unindexed:.2f} ms a vector without index, {indexed:.2f} ms with it")
    with workspace.sessions.begin() as session:
        session.execute(text("ANALYZE matsift.descriptor"))
        set_id = store.find_descriptor_set(session, "fingerprint", FINGERPRINT.version)
    assert set_id is not None
    kinds = {
        int(key): (facts[i].anonymous_formula, facts[i].space_group_number or 0)
        for key, i in zip(table.ids, order, strict=True)
    }
    return Written(table.ids, tuple(table.hashes), kinds, set_id)


def _timed_write(
    workspace: Workspace, run_id: int, name: str, ids: NDArray[np.int64], values: NDArray[np.float64]
) -> float:
    """Return the milliseconds that writing took a vector."""
    columns = FINGERPRINT.columns[: values.shape[1]]
    started = time.perf_counter()
    for i in range(0, len(ids), _CHUNK):
        part = slice(i, i + _CHUNK)
        with workspace.sessions.begin() as session:
            set_id = store.ensure_descriptor_set(
                session, name=name, version="1", columns=columns, description=name, package_versions={}
            )
            seconds = np.zeros(len(ids[part]))
            store.write_descriptors(session, run_id, set_id, ids[part], values=values[part], seconds=seconds)
    return 1e3 * (time.perf_counter() - started) / len(ids)


def compare(workspace: Workspace, written: Written, queries: NDArray[np.int64]) -> None:
    """Print recall and times of queries with and without index, and how often the nearest is of the same kind."""
    with workspace.sessions.begin() as session:
        session.execute(text("SET LOCAL enable_indexscan = off"))
        exact, exact_ms = _answers(session, written, queries)
    print(
        f"{len(queries)} queries among {len(written.ids)}; median milliseconds with every vector read: {exact_ms:.1f}"
    )
    for breadth in _BREADTHS:
        with workspace.sessions.begin() as session:
            session.execute(
                text(f"SET LOCAL hnsw.ef_search = {breadth}; SET LOCAL plan_cache_mode = force_custom_plan")
            )
            found, found_ms = _answers(session, written, queries)
        recall = np.mean([len(set(a) & set(b)) / _K for a, b in zip(exact, found, strict=True)])
        print(f"by the index with ef_search {breadth:3}: {found_ms:.1f}, recall@{_K} {recall:.4f}")
    with workspace.sessions.begin() as session:
        whole_ms = []
        for i in queries:
            started = time.perf_counter()
            session.execute(_SIMILAR, {"asked": written.hashes[i], "k": _K}).all()
            whole_ms.append(1e3 * (time.perf_counter() - started))
    same = np.mean(
        [written.kinds[int(written.ids[i])] == written.kinds[a[0]] for i, a in zip(queries, exact, strict=True)]
    )
    print(f"analysis.similar_to, with formulae and sources: {np.median(whole_ms):.1f}")
    print(f"the nearest has the anonymous formula and the space group of the one asked for: {same:.0%}")


def _answers(session: Session, written: Written, queries: NDArray[np.int64]) -> tuple[list[list[int]], float]:
    """Return the nearest ids of each query, and the median of their milliseconds."""
    answers, milliseconds = [], []
    for i in queries:
        started = time.perf_counter()
        values = {"set_id": written.set_id, "asked": int(written.ids[i]), "k": _K}
        answers.append([int(key) for key in session.scalars(_NEAREST, values)])
        milliseconds.append(1e3 * (time.perf_counter() - started))
    return answers, float(np.median(milliseconds))


if __name__ == "__main__":
    main()
