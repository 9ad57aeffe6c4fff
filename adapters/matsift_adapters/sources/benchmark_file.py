"""The file of a benchmark set: a local copy or fetched once, and in either case the one whose checksum is pinned."""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import version
from pathlib import Path

from matsift.errors import SourceError
from matsift.study.benchmarks import BenchmarkSource
from matsift_adapters.sources.benchmark_sets import Pinned
from matsift_adapters.sources.compressed import sha256_of
from matsift_adapters.sources.web import Answer, Asker, FetchError, Politeness

#: The largest sets that matminer knows are a few hundred MiB.
_MAX_BYTES = 2 * 1024 * 1024 * 1024


def file_of(settings: BenchmarkSource, pinned: Pinned, base_dir: Path, cache: Path) -> tuple[Path, str]:
    """Return the file of a set and its SHA-256.

    Parameters
    ----------
    settings
        What the study says.
    pinned
        What matminer says.
    base_dir, cache
        Where a local copy is looked for, and where a fetched file is kept.

    Raises
    ------
    SourceError
        If there is none, or it is another one than was pinned.
    """
    expected = settings.sha256 or pinned.sha256
    if settings.path is not None:
        path = base_dir / settings.path
        _refuse_another(path, expected, pinned.dataset, "fetch it again")
        return path, expected
    path = cache / f"{pinned.dataset}.{pinned.file_type}"
    if path.exists():
        _refuse_another(path, expected, pinned.dataset, "remove it, so that it is fetched again")
    else:
        _fetch(settings, settings.mirror or pinned.url, expected, path)
    return path, expected


def _refuse_another(path: Path, expected: str, dataset: str, remedy: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise SourceError(
            str(path),
            f"its SHA-256 is {found}, that of {dataset} is {expected}",
            f'{remedy}, or write sha256 = "{found}" in the study if it is this file that is meant',
        )


def _fetch(settings: BenchmarkSource, url: str, expected: str, path: Path) -> None:
    """Fetch a file whole or not at all.

    matminer's own loader knows no time limit, and decodes the file into whatever classes it names.
    """
    politeness = Politeness(timeout_s=settings.timeout_s, attempts=settings.attempts, max_bytes=_MAX_BYTES)
    found = ""

    def problem(answer: Answer) -> str | None:
        nonlocal found
        found = hashlib.sha256(answer.content).hexdigest()
        return None if found == expected else f"it gives a file with the SHA-256 {found}, that of the set is {expected}"

    try:
        with Asker(f"matsift/{version('matsift')} (materials screening; python-httpx)", politeness) as asker:
            content = asker.get(url, check=problem).content
    except FetchError as error:
        raise SourceError(
            settings.dataset,
            f"the file cannot be fetched ({error})",
            "fetch it by hand and name it as path, or try again when the network is there",
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.with_name(f"{path.name}.{os.getpid()}.part")
    torn.write_bytes(content)
    torn.replace(path)
