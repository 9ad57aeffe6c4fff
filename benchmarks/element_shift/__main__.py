"""``make bench-element-shift``: intervals of Fm-3m crystals of an element that was left out, by three calibrations."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import time
from pathlib import Path

from benchmarks.element_shift.shift import BARS_COMPARED, Rows, lines_of, table
from benchmarks.repro_003 import described, paper
from benchmarks.repro_003.rows import PROPERTIES, rows
from benchmarks.telling import has_data, tell

from matsift.descriptors.registry import descriptor_set
from matsift.learners.moduli_bars import BARS


def main() -> int:
    """Print the table; 2 if there are no data."""
    options = _options()
    if not has_data():
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process a core, one thread each
    begin = time.monotonic()
    crystals = rows(options.home, n_worker=options.workers, tell=tell)
    data = described.described(options.home, crystals, n_worker=options.workers, tell=tell)
    found = []
    for name in PROPERTIES:
        for title in options.learner or BARS_COMPARED:
            sets = BARS[title].descriptor_sets
            columns = [column for one in sets for column in descriptor_set(one).columns]
            learned = Rows(data.table(sets)[0], tuple(columns), crystals.moduli[name], crystals.elements)
            tell(f"{name}: {title}")
            found += lines_of(
                name, title, learned, more_than=options.more_than, among=tuple(paper.ELEMENTS), n_worker=options.workers
            )
    print(
        f"{dt.datetime.now(tz=dt.UTC).date()}: {len(crystals)} Fm-3m crystals of Materials Project, "
        f"90 % wanted; elements in more than {options.more_than} compounds are left out, each counts as one. "
        f"{(time.monotonic() - begin) / 60:.0f} min, {options.workers} processes.\n"
    )
    print("\n".join(table(found)))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.element_shift", description=__doc__)
    parser.add_argument("--more-than", type=int, default=20, help="compounds of an element that is left out (20)")
    parser.add_argument("--learner", action="append", choices=BARS_COMPARED, help="only this one; may be repeated")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: cores)")
    parser.add_argument("--home", type=Path, default=Path(".matsift/repro_003"), help="what repro-003 has parsed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
