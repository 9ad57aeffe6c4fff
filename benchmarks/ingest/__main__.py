"""How fast structures come in, printed as Markdown: reading CIFs, what becomes of bad ones, bulk load, end to end.

make bench-ingest
python -m benchmarks.ingest --only load end-to-end --limit 5000
"""

from __future__ import annotations

import argparse
import importlib
import warnings
from pathlib import Path

from benchmarks.ingest import samples

from matsift_adapters.settings import available_cpus

_PARTS = {"cif-rate": "cif_rate", "bad-cifs": "bad_cifs", "load": "load", "end-to-end": "end_to_end"}


def main() -> None:
    """Print the parts asked for, all unless some are named."""
    options = settings()
    warnings.filterwarnings("ignore", module="pymatgen")
    if not samples.archive().exists():
        raise SystemExit(f"{samples.archive()} is missing; name the folder of the published data in MATSIFT_DATA")
    for part in options.only:
        module = importlib.import_module(f"benchmarks.ingest.{_PARTS[part]}")
        print("\n".join(module.section(options)), flush=True)


def settings(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=list(_PARTS))
    parser.add_argument("--limit", type=int, help="take only the first so many structures or files; default: all")
    parser.add_argument("--structures", type=int, default=2000, help="structures that single stages are timed on")
    parser.add_argument("--rounds", type=int, default=3, help="how often the ways of bulk load take turns")
    parser.add_argument("--workers", type=int, default=available_cpus())
    parser.add_argument("--home", type=Path, default=Path(".matsift/bench_ingest"), help="folder of what is written")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
