"""The first half of a large database: made-up entries of one source with structures, labels and descriptors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from benchmarks.descriptors.samples import prototypes, random_mp
from benchmarks.queries.decoration import Template, decorate, templates
from benchmarks.repro_001.real_data import data_folder
from numpy.typing import NDArray
from pymatgen.core import Element
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.crystal import Crystal
from matsift.descriptors.registry import compute, descriptor_set
from matsift.records import FailureRecord, LabelRecord
from matsift.structure_facts import StructureFacts
from matsift_flows.workspace import Workspace
from matsift_schema.store import descriptors as store
from matsift_schema.store.catalogue import SourceFacts, write_source
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import write_labels
from matsift_schema.store.structures import write_structures

SOURCE = SourceFacts("decorated", "files", "none", "real crystals with other elements, made up for a benchmark")
STUDY = "million"
SETS = ("mp", "magpie")
PROPERTIES = ("k_vrh", "g_vrh")
LABEL_METHOD = "made-up"
CHUNK = 10_000
SEED = 20_261_121
LABELLED = 0.01
_FAILED = 0.002
_N_TEMPLATE = 3_000
_MOST_SITES = 40

_STATE = text("""
    INSERT INTO matsift.source_entry (source_id, external_id, version, content_hash, structure_id, licence, url,
                                      payload, revision, run_id)
    SELECT :source_id, i.external_id, '1', s.content_hash, s.id, 'none', 'https://example.org/' || i.external_id,
           jsonb_build_object('template', i.template), left(s.content_hash, 16), :run_id
    FROM unnest(CAST(:hashes AS text[]), CAST(:external_ids AS text[]), CAST(:templates AS int[]))
         AS i (content_hash, external_id, template)
    JOIN matsift.structure s USING (content_hash)
    RETURNING structure_id, id
""")


def real_crystals() -> list[Template]:
    """Return templates: crystals of mp_36737 where the published data are there, else pymatgen's prototypes."""
    if (data_folder() / "structures/mp_36737").exists():
        crystals: Sequence[Crystal] = [sample.crystal for sample in random_mp(_N_TEMPLATE)]
    else:
        crystals = [sample.crystal for sample in prototypes()]
    return templates([crystal for crystal in crystals if crystal.n_site <= _MOST_SITES])


def fill(workspace: Workspace, n: int, templates_of: Callable[[], Sequence[Template]] = real_crystals) -> Iterator[int]:
    """Write n structures in chunks, going on where an earlier call ended; yield how many are there after each."""
    with workspace.sessions.begin() as session:
        done = session.scalar(text("SELECT count(*) FROM matsift.source_entry")) or 0
    if done >= n:
        return
    made_of = templates_of()
    with workspace.run("ingest", STUDY, {"structures": n}) as run:
        while done < n:
            with workspace.sessions.begin() as session:
                done += write_chunk(session, run.id(session), made_of, done, min(CHUNK, n - done))
            yield done


def write_chunk(session: Session, run_id: int, made_of: Sequence[Template], first: int, n: int) -> int:
    """Write the entries from `first` on with all that belongs to them; return how many, always n."""
    rng = np.random.default_rng((SEED, first))
    chosen: dict[str, tuple[Crystal, StructureFacts, int]] = {}
    while len(chosen) < n:
        i = int(rng.integers(len(made_of)))
        crystal, facts = decorate(made_of[i], rng)
        chosen.setdefault(crystal.content_hash, (crystal, facts, i))
    crystals = [crystal for crystal, _, _ in chosen.values()]
    write_structures(session, run_id, [(crystal, facts, ()) for crystal, facts, _ in chosen.values()])
    values = {
        "source_id": write_source(session, SOURCE),
        "run_id": run_id,
        "hashes": list(chosen),
        "external_ids": [f"made-{first + i}" for i in range(n)],
        "templates": [i for _, _, i in chosen.values()],
    }
    entry_of: dict[int, int] = dict(session.execute(_STATE, values).tuples().all())
    place = {key: i for i, key in enumerate(chosen)}
    known = text("SELECT content_hash, id FROM matsift.structure WHERE id = ANY(:ids)")
    ids = np.zeros(n, dtype=np.int64)
    for key, structure_id in session.execute(known, {"ids": list(entry_of)}):
        ids[place[key]] = structure_id
    _write_descriptors(session, run_id, ids, crystals, [facts for _, facts, _ in chosen.values()])
    _write_labels(session, run_id, crystals, [entry_of[int(key)] for key in ids], rng)
    _write_failures(session, run_id, list(chosen), rng)
    return n


def _write_descriptors(
    session: Session, run_id: int, ids: NDArray[np.int64], crystals: Sequence[Crystal], facts: Sequence[StructureFacts]
) -> None:
    known = {"space_group_number": np.array([f.space_group_number or np.nan for f in facts], dtype=np.float64)}
    order = np.argsort(ids)
    for name in SETS:
        about = descriptor_set(name)
        set_id = store.ensure_descriptor_set(
            session,
            name=name,
            version=about.version,
            columns=about.columns,
            description=about.description,
            package_versions={},
        )
        chunk = compute(name, crystals, known)
        store.write_descriptors(
            session, run_id, set_id, ids[order], values=chunk.values[order], seconds=chunk.seconds[order]
        )


def _write_labels(
    session: Session, run_id: int, crystals: Sequence[Crystal], entries: Sequence[int], rng: np.random.Generator
) -> None:
    labels = []
    for i in np.flatnonzero(rng.random(len(crystals)) < LABELLED).tolist():
        stiff = stiffness(crystals[i].species) * rng.lognormal(0.0, 0.15)
        for name, share in zip(PROPERTIES, (1.0, 0.6), strict=True):
            record = LabelRecord(name, share * stiff, LABEL_METHOD, f"source:{SOURCE.name}")
            labels.append((crystals[i].content_hash, record, entries[i]))
    write_labels(session, run_id, labels)


def _write_failures(session: Session, run_id: int, hashes: Sequence[str], rng: np.random.Generator) -> None:
    failed = [hashes[i] for i in np.flatnonzero(rng.random(len(hashes)) < _FAILED).tolist()]
    kinds = (("relax", "OracleError"), ("label", "OracleError"), ("descriptor", "TimeLimitExceeded"))
    records = [
        FailureRecord(*kinds[i % 3][:1], key, kinds[i % 3][1], f"number {i} did not converge", 1.5, "", key)
        for i, key in enumerate(failed)
    ]
    write_failures(session, run_id, records)


def stiffness(species: Sequence[str]) -> float:
    """Return a made-up bulk modulus in GPa that follows the elements: the Reuss mean of theirs."""
    return len(species) / sum(_SOFTNESS[symbol] for symbol in species)


def _softness(symbol: str) -> float:
    modulus = Element(symbol).data.get("Bulk modulus")
    return 1.0 / float(modulus or 30.0)


_SOFTNESS = {symbol: _softness(symbol) for symbol in (Element.from_Z(z).symbol for z in range(1, 99))}
