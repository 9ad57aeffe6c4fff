"""What a parser is to the fuzzer, and what anything that a parser accepts must satisfy."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from benchmarks.fuzz.mutation import changed_binary, changed_bytes, changed_value

from matsift.crystal import Crystal
from matsift.records import ClosingRecord, EntryRecord, FailureRecord, SourceItem
from matsift.structure_facts import StructureFacts, describe
from matsift_schema.store.entries import packed_entry
from matsift_schema.store.packing import text_field
from matsift_schema.store.structures import packed_structures

#: A folder in memory, or where there is none on the disk: each input of a parser of files is written there.
SHELF = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path("/tmp")

Make = Callable[[Random], bytes]
Read = Callable[[bytes, Path], str | None]


@dataclass(frozen=True)
class Parser:
    """One parser.

    Parameters
    ----------
    name
        What it is called on the command line.
    make
        Returns an input, whole or broken.
    seeds
        Whole inputs; the first numbers of a run are these, unchanged.
    read
        Reads an input, in a folder of its own, at the boundary that turns errors into failure rows. It returns None
        where something was accepted, and passed the checks; the class of the refusal where there is a failure row
        for it. An error of the project's own is a refusal too, any other error is a defect.
    """

    name: str
    make: Make
    seeds: Sequence[bytes]
    read: Read

    def input(self, number: int) -> bytes:
        """Return the input of a number, always the same."""
        if number < len(self.seeds):
            return self.seeds[number]
        return self.make(Random(f"{self.name} {number}"))


def of_text(name: str, seeds: Sequence[bytes], read: Read) -> Parser:
    """Return a parser of texts."""
    return Parser(name, lambda rng: changed_bytes(rng, rng.choice(seeds)), seeds, read)


def of_binary(name: str, seeds: Sequence[bytes], read: Read) -> Parser:
    """Return a parser of files that are no text."""
    return Parser(name, lambda rng: changed_binary(rng, rng.choice(seeds)), seeds, read)


def of_json(name: str, seeds: Sequence[Any], read: Read, *, torn: float = 0.2) -> Parser:
    """Return a parser of JSON; a share of the inputs is broken as text too."""
    whole = [json.dumps(seed).encode() for seed in seeds]

    def make(rng: Random) -> bytes:
        content = json.dumps(changed_value(rng, rng.choice(seeds))).encode()
        return changed_bytes(rng, content) if rng.random() < torn else content

    return Parser(name, make, whole, read)


def check_crystal(crystal: Crystal, facts: StructureFacts | None = None) -> None:
    """Assert that a crystal is one, and that its row can be written."""
    crystal.check()
    assert np.linalg.norm(crystal.lattice, axis=1).min() > 0, "a lattice vector has no length"
    facts = facts or describe(crystal)
    assert math.isfinite(facts.density_g_per_cm3), "the density is not finite"
    assert math.isfinite(facts.volume_angstrom3), "the volume is not finite"
    with np.errstate(all="raise"):
        packed_structures([(crystal, facts, ())])


def check_items(items: Iterable[SourceItem]) -> str | None:
    """Assert that what a source yields can be written; return the class of the first failure, None without any."""
    failure = None
    for item in items:
        if isinstance(item, EntryRecord):
            if item.crystal is not None:
                check_crystal(item.crystal, item.facts)
            assert all(math.isfinite(label.value) for label in item.labels), "a label is not finite"
            packed_entry(item)
            for one in item.failures:
                failure = failure or check_failure(one)
        elif isinstance(item, FailureRecord):
            failure = failure or check_failure(item)
        elif isinstance(item, ClosingRecord):
            assert item.n_stated is None or 0 <= item.n_stated < 2**63, "the count of a source is none"
            text_field(item.version)
    return failure


def check_failure(record: FailureRecord) -> str:
    """Assert that a failure is told in one line and can be written; return its class."""
    text_field(record.subject)
    text_field(record.message)
    check_sentence(record.message)
    return record.error_class


def check_sentence(told: str) -> None:
    """Assert that a sentence is one line of bearable length."""
    assert told.strip(), "an error says nothing"
    assert len(told) < 5000, f"a sentence has {len(told)} characters"
    assert "\n" not in told, "a sentence has several lines"
