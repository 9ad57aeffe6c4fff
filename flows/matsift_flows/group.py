"""Grouping: structures that are the same crystal get one group, bucket by bucket, in killable processes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.execution.pool import Outcome
from matsift.execution.pools import open_pool
from matsift.records import FailureRecord
from matsift.structure_matching import RULE_NAME, Matches, MatchSettings, match_bucket, rule_hash
from matsift.study.duplicates import DuplicateSettings
from matsift.study.settings import Mirror
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.progress import Advance
from matsift_flows.workspace import Workspace
from matsift_schema.store import groups as store
from matsift_schema.store.failures import write_failures
from matsift_schema.store.groups import Bucket, write_members
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.structures import load_crystals, structure_digest

#: Structures, or seconds, after which what is known is written.
CHUNK = 2000
WRITE_EVERY_S = 20.0

Member = tuple[int, int, float | None]


@dataclass
class _Found:
    """What is known and not written yet."""

    members: list[Member] = field(default_factory=list)
    failures: list[FailureRecord] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def __len__(self) -> int:
        return len(self.members) + len(self.failures)

    @property
    def is_due(self) -> bool:
        return len(self) >= CHUNK or (len(self) > 0 and time.monotonic() - self.since > WRITE_EVERY_S)


@inner_flow("group")
def group(workspace: Workspace, study: Mirror) -> int:
    """Give the structures of a study's sources that lack one a group; return how many are new in a group.

    They are compared with each other and with what stands in groups already, of whatever source: under one rule a
    structure has one group in the whole database.
    """
    settings = study.duplicates or DuplicateSettings()
    rule = settings.tolerances
    key = rule_hash(rule)
    sources = [source.name for source in study.sources]
    with store.alone_on_rule(workspace.engine, key):
        with workspace.sessions.begin() as session:
            buckets = store.missing_buckets(session, key, sources=sources, retry_failed=workspace.retry_failed)
            of_structures = structure_digest(session, sources) if buckets else ""
        if not buckets:
            return 0
        parameters = {"rule": key, "structures": of_structures, "retry_failed": workspace.retry_failed}
        total = sum(len(bucket.missing_ids) for bucket in buckets)
        written = 0
        with (
            workspace.run("group", study.name, parameters) as run,
            workspace.reporter.work("group", total, "structures") as advance,
        ):
            for found in _in_chunks(_alone(buckets, advance), _compared(workspace, buckets, settings, advance)):
                written += invoke(write_chunk, workspace, run, rule, found)
        _tell(workspace, key)
    return written


@task(name="group chunk", cache_policy=NO_CACHE)
def write_chunk(workspace: Workspace, run: LazyRun, rule: MatchSettings, found: _Found) -> int:
    """Write the members of whole buckets, and what failed; return how many members are new."""
    with workspace.sessions.begin() as session:
        rule_id = store.ensure_rule(
            session,
            run.id(session),
            name=RULE_NAME,
            settings=rule.model_dump(mode="json"),
            content_hash=rule_hash(rule),
        )
        write_failures(session, run.id(session), found.failures, retried=workspace.retry_failed)
        return write_members(session, run.id(session), rule_id, found.members)


def _in_chunks(*streams: Iterator[_Found]) -> Iterator[_Found]:
    """Yield what the streams find, put together until it is worth a transaction."""
    waiting = _Found()
    for stream in streams:
        for found in stream:
            waiting.members += found.members
            waiting.failures += found.failures
            if waiting.is_due:
                yield waiting
                waiting = _Found()
    if len(waiting):
        yield waiting


def _alone(buckets: Sequence[Bucket], advance: Advance) -> Iterator[_Found]:
    """Yield the structures that there is nothing to compare with."""
    for bucket in buckets:
        if _is_alone(bucket):
            [key] = bucket.missing_ids
            yield _Found([(key, key, None)])
            advance()


def _compared(
    workspace: Workspace, buckets: Sequence[Bucket], settings: DuplicateSettings, advance: Advance
) -> Iterator[_Found]:
    """Yield what comparing the structures of each other bucket gives, as the buckets are done."""
    rule = settings.tolerances
    wanted = {bucket.key: bucket for bucket in buckets if not _is_alone(bucket)}
    target = f"{match_bucket.__module__}:{match_bucket.__name__}"
    with open_pool(target, n_worker=workspace.n_worker, time_limit_s=settings.time_limit_s) as pool:
        for outcome in pool.run(_payloads(workspace, wanted, rule)):
            bucket = wanted[str(outcome.key)]
            found = _of_outcome(bucket, outcome, rule_hash(rule))
            advance(len(bucket.missing_ids), failed=len(found.failures))
            yield found


def _payloads(
    workspace: Workspace, wanted: dict[str, Bucket], rule: MatchSettings
) -> Iterator[tuple[str, tuple[object, ...]]]:
    for key, bucket in wanted.items():
        with workspace.sessions.begin() as session:
            crystals = load_crystals(session, [*bucket.representative_ids, *bucket.missing_ids])
        yield key, (crystals, len(bucket.representative_ids), rule)


def _is_alone(bucket: Bucket) -> bool:
    return not bucket.representative_ids and len(bucket.missing_ids) == 1


def _of_outcome(bucket: Bucket, outcome: Outcome, rule: str) -> _Found:
    """Return the members and failures of a bucket; where the whole bucket failed each of its structures did."""
    n_known = len(bucket.representative_ids)
    if not outcome.ok:
        message = (
            f"comparing the {len(bucket.missing_ids) + n_known} structures of {bucket.key} {outcome.message}; "
            "raise duplicates.time_limit_s and use --retry-failed"
        )
        said = (str(outcome.error_class), message)
        failed = dict.fromkeys(range(len(bucket.missing_ids)), said)
        return _Found(failures=_failures(bucket, failed, rule, outcome.seconds))
    matches: Matches = outcome.value
    ids = (*bucket.representative_ids, *bucket.missing_ids)
    members = [
        (ids[i], ids[same], rms)
        for i, (same, rms) in enumerate(zip(matches.representative, matches.rms_displacement, strict=True))
        if same is not None and i >= n_known
    ]
    failed = {i - n_known: said for i, said in matches.failures.items() if i >= n_known}
    return _Found(members, _failures(bucket, failed, rule, outcome.seconds))


def _failures(bucket: Bucket, failed: dict[int, tuple[str, str]], rule: str, seconds: float) -> list[FailureRecord]:
    return [
        FailureRecord(store.STAGE, bucket.missing_hashes[i], *said, seconds, rule, bucket.missing_hashes[i])
        for i, said in sorted(failed.items())
    ]


def _tell(workspace: Workspace, key: str) -> None:
    with workspace.sessions.begin() as session:
        n_structure, n_group, n_several = store.group_counts(session, key)
    workspace.reporter.say(
        f"  group: {n_structure} structures are {n_group} crystals, {n_several} of which are there more than once "
        "(matsift db shell: TABLE analysis.structure_group)"
    )
