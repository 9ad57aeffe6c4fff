"""What to do next with a database: sentences, each with the command that does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from matsift_schema.store.overview import CampaignState, Overview, StudyState, UnfinishedRun

#: Flows that a mirror runs: a file of sources alone, which has no models and no report.
_OF_MIRRORS = {"ingest", "group", "judge"}
#: Folder of files of sources alone.
_MIRRORS = "sources"
_FIRST = "studies/na_electrolytes.toml"


@dataclass(frozen=True)
class Step:
    """Something to do: why, and the command."""

    why: str
    command: str


def next_steps(found: Overview | None, files: Mapping[str, Path], program: str = "matsift") -> list[Step]:
    """Return what to do next, the most urgent first.

    Parameters
    ----------
    found
        What the database holds; None where there is none.
    files
        Study name -> its file, as far as they are known here.
    program
        How the command is called.
    """
    return [Step(step.why, f"{program} {step.command}") for step in _steps(found, files)]


def never_run(found: Overview | None, files: Mapping[str, Path]) -> list[Path]:
    """Return the study files that the database knows nothing of; those of sources alone lack nothing."""
    known = set() if found is None else {study.name for study in found.studies}
    return sorted(path for name, path in files.items() if name not in known and path.parent.name != _MIRRORS)


def _steps(found: Overview | None, files: Mapping[str, Path]) -> list[Step]:
    """Return the steps, their commands without the program."""
    if found is None or not (found.sources or found.studies):
        here = sorted(map(str, files.values()))
        first = _FIRST if _FIRST in here or not here else here[0]
        where = "" if here else ", in the folder of the project"
        return [
            Step(f"Nothing is here yet; a whole study, from crystal structures to a ranking{where}", f"run {first}")
        ]
    return [
        *_unfinished(found, files),
        *_waiting(found, files),
        *_unreported(found, files),
        *_going_on(found, files),
        *_failed(found, files),
        *_reported(found, files),
    ]


def _unfinished(found: Overview, files: Mapping[str, Path]) -> Iterator[Step]:
    told = {study.name for study in found.studies if study.is_running}
    for run in found.unfinished:
        if run.study is not None and run.study not in told:
            told.add(run.study)
            yield Step(_what_ended(run), f"{_verb_of(run, found)} {_file(run.study, files)}")


def _what_ended(run: UnfinishedRun) -> str:
    if run.status == "failed":
        return f"{run.study} failed in {run.flow} ({run.message}); once that is mended"
    return f"{run.study} was interrupted in {run.flow}; the same command continues it"


def _verb_of(run: UnfinishedRun, found: Overview) -> str:
    study = next((study for study in found.studies if study.name == run.study), None)
    return "ingest" if study is not None and _is_mirror(study) else "run"


def _waiting(found: Overview, files: Mapping[str, Path]) -> Iterator[Step]:
    for study in dict.fromkeys(campaign.study for campaign in found.campaigns):
        own = [campaign for campaign in found.campaigns if campaign.study == study]
        n_open, n_held = sum(c.n_open for c in own), sum(c.n_claimed for c in own)
        path = _file(study, files)
        if n_held:
            yield Step(_held(study, own, n_held), f"label {path} --from DIR")
        if n_open:
            yield Step(
                f"{_count(n_open, 'acquisition')} of {study} wait for somebody to compute them",
                f"claim {path} --worker NAME --out DIR",
            )


def _held(study: str, campaigns: list[CampaignState], n: int) -> str:
    holders = ", ".join(sorted({holder for campaign in campaigns for holder in campaign.holders}))
    n_expired = sum(campaign.n_expired for campaign in campaigns)
    ended = f", {n_expired} beyond their lease" if n_expired else ""
    return f"{_count(n, 'acquisition')} of {study} wait for results of {holders}{ended}"


def _unreported(found: Overview, files: Mapping[str, Path]) -> Iterator[Step]:
    unfinished = {run.study for run in found.unfinished}
    for study in found.studies:
        if study.report_uri is None and not study.is_running and study.name not in unfinished and not _is_mirror(study):
            yield Step(f"{study.name} has no report yet", f"run {_file(study.name, files)}")


def _going_on(found: Overview, files: Mapping[str, Path]) -> Iterator[Step]:
    """Yield the campaigns of which nothing is open, and which no rule has stopped."""
    can = [c.study for c in found.campaigns if c.stopped_by is None and not c.n_open + c.n_claimed and c.n_round]
    busy = {c.study for c in found.campaigns if c.n_open + c.n_claimed}
    for study in dict.fromkeys(can):
        if study not in busy:
            yield Step(f"Campaigns of {study} can go on", f"campaign resume {_file(study, files)}")


def _failed(found: Overview, files: Mapping[str, Path]) -> Iterator[Step]:
    by_study: dict[str, int] = {}
    for failure in found.failures:
        if failure.n_computed and failure.study is not None:
            by_study[failure.study] = by_study.get(failure.study, 0) + failure.n_computed
    for study, n in by_study.items():
        yield Step(
            f"{_count(n, 'computation')} for {study} failed; if the cause is gone, they are tried again by",
            f"run {_file(study, files)} --retry-failed",
        )
    n_unreadable = sum(source.n_unreadable for source in found.sources)
    if n_unreadable:
        yield Step(
            f"{_count(n_unreadable, 'entry', 'entries')} gave no structure; why, each in a sentence",
            "db shell -c \"SELECT subject, message FROM analysis.failure WHERE stage = 'parse'\"",
        )


def _reported(found: Overview, files: Mapping[str, Path]) -> Iterator[Step]:
    reported = [study for study in found.studies if study.reported_at is not None]
    for study in sorted(reported, key=lambda study: str(study.reported_at), reverse=True)[:1]:
        yield Step(f"The newest report is that of {study.name}", f"rank {_file(study.name, files)} --top 10")


def _is_mirror(study: StudyState) -> bool:
    return bool(study.flows) and set(study.flows) <= _OF_MIRRORS


def _file(study: str, files: Mapping[str, Path]) -> str:
    """Return the file of a study, or a word in capitals to put it in the place of."""
    return str(files.get(study, f"{study.upper()}.toml"))


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n} {one}" if n == 1 else f"{n} {many or one + 's'}"
