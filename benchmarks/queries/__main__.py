"""What an analyst waits for when the database holds a million structures, printed as Markdown.

make bench-queries
python -m benchmarks.queries --structures 20000 --home /tmp/queries

The database is filled once and kept in the folder of --home; a filling that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

from benchmarks.queries import fingerprints, flow_steps, objectives, oxides, sizes, structures, study, timing
from sqlalchemy import text

from matsift_adapters.embedded_postgres import stop
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store.counts import row_counts


def main() -> None:
    """Fill the database where it is not yet, then print sizes and times."""
    asked = _settings()
    warnings.filterwarnings("ignore", module="pymatgen")
    home = asked.home / f"n_{asked.structures}"
    settings = Settings(home=home)
    try:
        with open_workspace(settings, Reporter(quiet=True)) as workspace:
            fill(workspace, asked.structures)
            report(workspace, asked.repeat, asked.limit)
    finally:
        stop(settings)


def fill(workspace: Workspace, n: int) -> None:
    """Write what is missing of n structures and of the study on them; say how long each half took."""
    started = time.perf_counter()
    for done in structures.fill(workspace, n):
        print(f"{done:,} structures after {time.perf_counter() - started:.0f} s", file=sys.stderr)
    between = time.perf_counter()
    is_new = [study.fill(workspace), oxides.fill(workspace), objectives.fill(workspace)]
    if fingerprints.fill(workspace) or any(is_new):
        with workspace.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM (ANALYZE)"))
        now = time.perf_counter()
        print(
            f"Filled in {between - started:.0f} s, and in {now - between:.0f} s more with predictions and campaigns.\n"
        )


def report(workspace: Workspace, repeat: int, limit_s: float) -> None:
    """Print the tables."""
    with workspace.sessions() as session:
        counts = row_counts(session)
        found = sizes.sizes(session, counts)
    n = counts["structure"]
    print(f"## On disk, with {n:,} structures\n")
    print("\n".join(sizes.table(found, n)) + "\n")
    print(f"## Queries of docs/sql.md, {repeat} times each on a warm server\n")
    url = workspace.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    print("\n".join(timing.table(list(timing.measure(url, repeat)))) + "\n")
    print("## What flows ask\n")
    print("\n".join(flow_steps.table(list(flow_steps.measure(workspace, limit_s)))))


def _settings() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, default=Path(".matsift/bench_queries"), help="where databases are kept")
    parser.add_argument("--repeat", type=int, default=50, help="times that each query is asked")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds after which a flow's question is given up")
    return parser.parse_args()


if __name__ == "__main__":
    main()
