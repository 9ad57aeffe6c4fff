"""What becomes of the files that parsers' test suites are made of, printed as Markdown: stored, held, refused.

python -m benchmarks.ingest.bad_cifs
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

from benchmarks.repro_001.real_data import data_folder

from matsift.records import EntryRecord, FailureRecord
from matsift.study.sources import FilesSource
from matsift_adapters.settings import available_cpus
from matsift_adapters.sources import open_source

_TIME_LIMIT_S = 20
#: Reasons for a refusal by what their sentence holds, the first that fits.
_REASONS = (
    ("CIF syntax is broken", "CIF syntax is broken"),
    ("duplicate block name", "two blocks of one name"),
    ("has no data block", "empty, or nothing but comments"),
    ("the file is empty", "empty, or nothing but comments"),
    ("macromolecular", "macromolecular CIF"),
    ("has no atoms", "no atoms in it"),
    ("cell lengths are missing", "cell not given"),
    ("cell angles are missing", "cell not given"),
    ("occupancies of a site add up", "occupancies of a place add up to more than 1.02"),
    ("where a number must stand", "no number where one must stand"),
    ("no atom is left", "no atom with an element and an occupancy"),
    ("is no symmetry operation", "a symmetry operation that is none"),
    ("a cell length is", "a cell length or angle that is none"),
    ("a cell angle is", "a cell length or angle that is none"),
    ("not a chemical element", "not a chemical element"),
    ("is missing", "coordinates or labels not given"),
    ("max_site", "more sites than max_site"),
    ("cell is flat", "cell without volume"),
    ("took longer", "took longer than the time limit"),
)
_STORED, _HELD, _FAILED = "stored without a hold", "stored with holds", "refused"


def section(options: argparse.Namespace) -> list[str]:
    """Return the table of outcomes, a column an archive."""
    found = {path: outcomes(path, options.workers) for path in sorted((data_folder() / "bad_cifs").glob("*.tar.gz"))}
    names = [path.name.removesuffix(".tar.gz") for path in found]
    rows = list(found.values())
    lines = ["## Files of parsers' test suites", "", f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for kind, indent in (("files", ""), ("entries", ""), (_STORED, ""), (_HELD, ""), ("hold", "– "), (_FAILED, "")):
        lines += _lines(kind, indent, rows)
    return [*lines, *_lines("reason", "– ", rows), ""]


def _lines(kind: str, indent: str, rows: list[Counter[tuple[str, str]]]) -> list[str]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update({name: n for (key, name), n in row.items() if key == kind})
    ranked = sorted(total, key=lambda name: (-total[name], name))
    return [f"| {indent}{name or kind} | {' | '.join(str(row[kind, name]) for row in rows)} |" for name in ranked]


def outcomes(archive: Path, n_worker: int) -> Counter[tuple[str, str]]:
    """Return how often what happened to the entries of an archive, every file of which is read as CIF."""
    settings = FilesSource(
        kind="files",
        name="bad",
        path=archive.name,
        format="cif",
        id_from="path",
        time_limit_s=_TIME_LIMIT_S,
        include=("*",),
    )
    counts: Counter[tuple[str, str]] = Counter()
    files = set()
    for item in open_source(settings, archive.parent, n_worker=n_worker).iterate():
        if isinstance(item, FailureRecord):
            counts["reason", "two entries of one id (the same text twice)"] += 1
            counts[_FAILED, ""] += 1
        elif isinstance(item, EntryRecord):
            files.add(item.payload["file"])
            _count(counts, item)
    counts["files", ""] = len(files)
    return counts


def _count(counts: Counter[tuple[str, str]], entry: EntryRecord) -> None:
    counts["entries", ""] += 1
    if entry.crystal is None:
        (failure,) = entry.failures
        counts[_FAILED, ""] += 1
        counts["reason", _reason(failure)] += 1
        return
    counts[_HELD if entry.holds else _STORED, ""] += 1
    counts.update({("hold", f"`{hold}`"): 1 for hold in entry.holds})


def _reason(failure: FailureRecord) -> str:
    if failure.error_class not in {"BadStructureError", "TimeLimitExceeded"}:
        return failure.error_class
    for part, reason in _REASONS:
        if part in failure.message:
            return reason
    return re.sub(r"[\d.]+", "N", failure.message.split(": ", 1)[-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=available_cpus())
    print("\n".join(section(parser.parse_args())))


if __name__ == "__main__":
    main()
