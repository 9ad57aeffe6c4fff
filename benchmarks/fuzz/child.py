"""One input in a worker process: its memory is bounded here, its time by the pool, which kills the worker."""

from __future__ import annotations

import ast
import atexit
import resource
import shutil
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import spglib
from benchmarks.fuzz.parser import SHELF, check_sentence
from benchmarks.fuzz.registry import parser_of

from matsift import structure_facts
from matsift.errors import MatsiftError
from matsift.execution.pool import Outcome
from matsift_adapters.sources.compressed import BrokenOffError
from matsift_adapters.sources.parsing import prepare_worker

#: Memory that an input may take beyond what the worker has when it begins, bytes.
MEMORY = 2 << 30
_N_CELL_KNOWN = 10_000
_GIVEN: dict[str, Path] = {}


@dataclass(frozen=True)
class Verdict:
    """What became of an input: the class of the refusal (None: accepted), and the defect, with where it arose."""

    refusal: str | None = None
    defect: str | None = None
    where: str = ""


@dataclass(frozen=True)
class Read:
    """An input that was read: its number, the verdict, and the seconds that it took."""

    number: int
    verdict: Verdict
    seconds: float

    @classmethod
    def of_killed(cls, number: int, outcome: Outcome) -> Read:
        """Return it for an input that hung, or whose process died: a defect."""
        return cls(number, Verdict(None, f"{outcome.error_class}: {outcome.message}"), outcome.seconds)


def prepare(name: str, place: str) -> None:
    """Make the inputs of a parser, read the whole ones, which must be accepted, and bound the memory.

    `place` is the folder for its inputs; what a process that was killed left there goes.
    """
    shutil.rmtree(place, ignore_errors=True)
    Path(place).mkdir(parents=True)
    _GIVEN[name] = Path(place)
    warnings.simplefilter("ignore")
    prepare_worker()
    known = SimpleNamespace(**(vars(spglib) | {"get_symmetry_dataset": _symmetry}))
    mock.patch.object(structure_facts, "spglib", known).start()
    parser = parser_of(name)
    folder(name)
    for seed in parser.seeds:
        verdict = judged(name, seed)
        if verdict.defect is not None:
            raise ValueError(f"a whole input of {name} is a defect: {verdict.defect} at {verdict.where}")
    held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))


def _symmetry(cell: tuple[Any, Any, Any], symprec: float) -> Any:
    """Return what spglib says of a cell; asked once of each, as most inputs hold crystals that are still whole."""
    return _symmetry_of(repr(cell), symprec)


@lru_cache(_N_CELL_KNOWN)
def _symmetry_of(cell: str, symprec: float) -> Any:
    return spglib.get_symmetry_dataset(ast.literal_eval(cell), symprec=symprec)


def run(item: tuple[str, int, int]) -> list[Read]:
    """Return what became of the inputs of a parser from a number on, so many of them."""
    name, first, count = item
    return [_read(name, number) for number in range(first, first + count)]


def _read(name: str, number: int) -> Read:
    content = parser_of(name).input(number)
    begun = time.perf_counter()
    verdict = judged(name, content)
    return Read(number, verdict, time.perf_counter() - begun)


def judged(name: str, content: bytes) -> Verdict:
    """Return the verdict on an input of a parser."""
    try:
        return Verdict(parser_of(name).read(content, folder(name)))
    except (MatsiftError, BrokenOffError) as error:
        try:
            check_sentence(str(error))
        except AssertionError as fault:
            return Verdict(type(error).__name__, f"AssertionError: {fault}", str(error)[:200])
        return Verdict(type(error).__name__)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  whatever escapes is what is looked for
        return Verdict(None, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}", _where(error))


@cache
def folder(name: str) -> Path:
    """Return the folder of a parser's inputs in this process: the given one, or a new one that ends with it."""
    if name in _GIVEN:
        return _GIVEN[name]
    made = tempfile.TemporaryDirectory(prefix=f"matsift-fuzz-{name}-", dir=SHELF)
    atexit.register(made.cleanup)
    return Path(made.name)


def _where(error: BaseException) -> str:
    """Return the last line of our own, and the last line, that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/matsift" in frame.filename or "benchmarks" in frame.filename]
    told = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in (*ours[-1:], *frames[-1:])]
    return " < ".join(dict.fromkeys(reversed(told)))
