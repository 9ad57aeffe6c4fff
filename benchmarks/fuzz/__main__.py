"""Fuzz the parsers, and print a Markdown table of what became of the inputs; ends with 1 if there are defects.

make bench-fuzz
python -m benchmarks.fuzz cif study --inputs 100000 --seconds 600
python -m benchmarks.fuzz cif --seed 4711
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.fuzz.child import judged
from benchmarks.fuzz.registry import NAMES, parser_of
from benchmarks.fuzz.session import HEADING, fuzzed


def main() -> int:
    """Fuzz what is asked for; return 1 if a parser has a defect."""
    options = settings()
    names = options.parsers or list(NAMES)
    if strangers := sorted(set(names) - set(NAMES)):
        raise SystemExit(f"there is no parser {strangers[0]!r}; name some of {', '.join(NAMES)}")
    if options.seed is not None:
        return replayed(names, options.seed, options.keep)
    print("\n".join(HEADING), flush=True)
    sessions = []
    for name in names:
        done = fuzzed(name, options.start, options.inputs, limit_s=options.limit, seconds=options.seconds)
        print(done.row(), flush=True)
        sessions.append(done)
    for done in sessions:
        print("\n".join(done.told()), flush=True)
    return int(any(done.defects for done in sessions))


def replayed(names: list[str], seed: int, keep: Path | None) -> int:
    """Read one input of each parser in this process and tell what became of it; return 1 for a defect."""
    n_defect = 0
    for name in names:
        content = parser_of(name).input(seed)
        if keep is not None:
            keep.write_bytes(content)
        verdict = judged(name, content)
        print(f"{name} {seed}: {len(content)} bytes; {verdict}")
        n_defect += verdict.defect is not None
    return int(n_defect > 0)


def settings(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parsers", nargs="*", help="names of parsers; default: all")
    parser.add_argument("--inputs", type=int, default=100_000, help="inputs for each parser")
    parser.add_argument("--start", type=int, default=0, help="number of the first input")
    parser.add_argument("--limit", type=float, default=2.0, help="wall-clock limit for one input, seconds")
    parser.add_argument("--seconds", type=float, help="go on to the next parser after so long; default: no limit")
    parser.add_argument("--seed", type=int, help="replay the input of this number, in this process")
    parser.add_argument("--keep", type=Path, help="with --seed: write the input to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
