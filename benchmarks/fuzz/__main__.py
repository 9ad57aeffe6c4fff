"""Fuzz the parsers, and print a Markdown table of what became of the inputs; ends with 1 if there are defects.

A run that was stopped goes on where it was; to begin anew, after a change of the parsers, remove the folder of --home.

make bench-fuzz
python -m benchmarks.fuzz cif study --inputs 100000 --seconds 600
python -m benchmarks.fuzz cif --seed 4711
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from benchmarks.fuzz.child import judged
from benchmarks.fuzz.registry import NAMES, parser_of
from benchmarks.fuzz.session import HEADING, fuzzed, keep, kept


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
        session = kept(options.home, name)
        limits = {"limit_s": options.limit, "seconds": options.seconds}
        fuzzed(session, options.inputs, **limits, keep=partial(keep, options.home))
        print(session.row(), flush=True)
        sessions.append(session)
    for session in sessions:
        for line in session.told():
            print(line, flush=True)
    return int(any(session.defects for session in sessions))


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
    parser.add_argument("--inputs", type=int, default=100_000, help="inputs for each parser, those of earlier runs too")
    parser.add_argument("--home", type=Path, default=Path(".matsift/fuzz"), help="keeps what became of the inputs")
    parser.add_argument("--limit", type=float, default=2.0, help="wall-clock limit for one input, seconds")
    parser.add_argument("--seconds", type=float, help="go on to the next parser after so long")
    parser.add_argument("--seed", type=int, help="replay the input of this number, in this process")
    parser.add_argument("--keep", type=Path, help="with --seed: write the input to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
