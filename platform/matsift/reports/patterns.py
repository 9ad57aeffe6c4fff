"""What is told of one identified powder pattern: a flow fills it, this room writes and draws it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import gemmi

from matsift.diffraction.group_relations import relation
from matsift.diffraction.identify import Identification, PhaseMatch, RankedGroup
from matsift.diffraction.measured import ProcessedPattern
from matsift.mirror_images import mirror_image

_RELATIVES = {"subgroup": "subgroup of 1", "supergroup": "supergroup of 1", "both": "sub- and supergroup of 1"}
_SCREW = re.compile(r"([2346])([12345])(?!\d)")


@dataclass(frozen=True)
class StoredPhase:
    """What the database knows of a structure whose lines fit; `sources` name its entries, ``COD 1000041``."""

    structure_hash: str
    formula: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PatternAnswer:
    """One pattern with all that is said of it.

    `stored` tells each structure of the identification by its id. `coverage` is the share of cases in which the set of
    groups holds the true one, `n_searched` the number of stored structures whose lines were looked at. `made_from`
    says of a demonstration pattern what it was made from, `true_group` its space group. `file_name` is that of the
    user's file.
    """

    processed: ProcessedPattern
    identification: Identification
    stored: Mapping[int, StoredPhase]
    study: str = ""
    coverage: float = 0.9
    n_searched: int = 0
    made_from: str = ""
    true_group: int | None = None
    file_name: str = ""

    @property
    def wavelength_angstrom(self) -> float:
        """The wavelength that turned the angles of the lines into 1/d."""
        return self.processed.peaks.wavelength_angstrom

    @property
    def name(self) -> str:
        """The name of the file, with that of the sample where it is another."""
        sample = self.processed.pattern.name
        if not self.file_name or self.file_name.startswith(sample):
            return self.file_name or sample or "pattern"
        return f"{self.file_name} ({sample})"

    @property
    def verdict(self) -> str:
        """Whether the answer on the space group is sure, and why: ``not sure: ...``."""
        found = self.identification
        return f"{'sure' if found.is_sure else 'not sure'}: {found.reason}"

    def phase(self, match: PhaseMatch) -> StoredPhase:
        """Return what the database knows of a match; one that it does not name is called by its id."""
        return self.stored.get(match.structure_id, StoredPhase("", f"structure {match.structure_id}"))


@cache
def space_group_symbol(number: int) -> str:
    """Return the Hermann-Mauguin symbol of a space group in its standard setting: ``C2/c``, ``P6_3/mmc``."""
    group = gemmi.find_spacegroup_by_number(number)
    parts = [_SCREW.sub(r"\1_\2", part) for part in group.hm.split()]
    if group.crystal_system_str() == "monoclinic":
        parts = [part for part in parts if part != "1"]
    return "".join(parts)


def group_words(number: int | None) -> str:
    """Return a space group as symbol and number, ``P6_3/mmc (194)``, or an en dash where it is not known."""
    return "–" if number is None else f"{space_group_symbol(number)} ({number})"


def hands_words(answer: PatternAnswer) -> str:
    """Return what is to be said of the likeliest group if it has a mirror image; nothing otherwise."""
    first = next(iter(answer.identification.groups), None)
    other = None if first is None else mirror_image(first.space_group_number)
    if first is None or other is None:
        return ""
    return f"no powder pattern tells {group_words(first.space_group_number)} from its mirror image {group_words(other)}"


def relative_words(answer: PatternAnswer, group: RankedGroup) -> str:
    """Return how a group of the set stands to the likeliest one: ``supergroup of 1``; nothing where they are unrelated.

    Between relatives weak lines decide, which noise and texture hide first.
    """
    first = answer.identification.groups[0]
    if not group.in_set:
        return ""
    return _RELATIVES.get(relation(first.space_group_number, group.space_group_number), "")


def sentence(text: str) -> str:
    """Return a text with a capital letter at its beginning and a stop at its end; nothing of nothing."""
    stripped = text.strip()
    return stripped[:1].upper() + stripped[1:] + ("" if not stripped or stripped[-1] in ".!?" else ".")
