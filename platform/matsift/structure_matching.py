"""Which of several crystals are the same one, whatever cell, origin, orientation and order of sites describe it."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from matsift.errors import BadStructureError

if TYPE_CHECKING:
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core import Structure

    from matsift.crystal import Crystal

#: Name of the rule; its number is raised when the same settings give other groups.
RULE_NAME = "structure_matcher-1"


class MatchSettings(BaseModel):
    """The tolerances of pymatgen's StructureMatcher; the defaults are its own, which Materials Project uses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length_tolerance: Annotated[float, Field(gt=0, lt=1, description="of cell edges, as a fraction")] = 0.2
    site_tolerance: Annotated[
        float, Field(gt=0, lt=1, description="of sites, as a fraction of the cube root of the volume per site")
    ] = 0.3
    angle_tolerance_deg: Annotated[float, Field(gt=0, le=30, description="of cell angles, degrees")] = 5.0
    scale: Annotated[
        bool, Field(description="compare at equal volume per site, so that only the shape of the cell counts")
    ] = True


@dataclass(frozen=True)
class Matches:
    """What n crystals are the same as.

    Parameters
    ----------
    representative
        (n,) position of the first crystal that each one is the same as, its own where it is the first; None where it
        could not be compared.
    rms_displacement
        (n,) root mean square distance of its sites to those of that crystal, as a fraction of the cube root of the
        volume per site; None where it is the first itself.
    failures
        Position -> class and sentence of what kept a crystal from being compared.
    """

    representative: tuple[int | None, ...]
    rms_displacement: tuple[float | None, ...]
    failures: dict[int, tuple[str, str]] = field(default_factory=dict)


def rule_hash(settings: MatchSettings) -> str:
    """Return the SHA-256 of the rule's name and tolerances."""
    said = json.dumps([RULE_NAME, settings.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def match(crystals: Sequence[Crystal], n_representative: int, settings: MatchSettings) -> Matches:
    """Return which crystals are the same; each is compared with the first of every kind met before it.

    Being the same within tolerances is neither symmetric nor transitive, so the order decides: give those that others
    were compared with earlier first. Cells are reduced to Niggli's primitive one first, so that supercells match;
    crystals whose reduced cells differ in the number of sites that hold an element cannot match and are not compared.
    Mirror images are the same crystal. Occupancies of shared sites have to agree.

    Parameters
    ----------
    crystals
        n crystals of one chemical system, in the order in which they are met.
    n_representative
        So many of the first ones are known to be different crystals, and are not compared with each other.
    settings
        The tolerances.
    """
    matcher = _matcher(settings)
    of_kind: dict[tuple[object, ...], list[tuple[int, Structure]]] = {}
    representative: list[int | None] = []
    displacement: list[float | None] = []
    failures: dict[int, tuple[str, str]] = {}
    for i, crystal in enumerate(crystals):
        same: int | None = i
        rms = None
        try:
            reduced = _reduced(crystal)
            rivals = of_kind.setdefault(_kind(reduced), [])
            if i >= n_representative:
                same, rms = _first_same(matcher, reduced, rivals) or (i, None)
            if same == i:
                rivals.append((i, reduced))
        except BadStructureError as error:
            same = None
            failures[i] = type(error).__name__, str(error)
        representative.append(same)
        displacement.append(rms)
    return Matches(tuple(representative), tuple(displacement), failures)


def match_bucket(payload: tuple[Sequence[Crystal], int, MatchSettings]) -> Matches:
    """Return `match` of one payload, for a worker process."""
    return match(*payload)


def _matcher(settings: MatchSettings) -> StructureMatcher:
    from pymatgen.analysis.structure_matcher import StructureMatcher  # noqa: PLC0415  slow to import

    return StructureMatcher(
        ltol=settings.length_tolerance,
        stol=settings.site_tolerance,
        angle_tol=settings.angle_tolerance_deg,
        scale=settings.scale,
        primitive_cell=False,  # the cells are reduced already
        attempt_supercell=False,
    )


def _reduced(crystal: Crystal) -> Structure:
    """Return Niggli's cell of the primitive crystal, as StructureMatcher would make it for each comparison anew.

    Raises
    ------
    BadStructureError
        If pymatgen cannot reduce the cell.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return crystal.to_pymatgen().get_reduced_structure(reduction_algo="niggli").get_primitive_structure()
    except (ValueError, ArithmeticError, RuntimeError, MemoryError, np.linalg.LinAlgError) as error:
        raise BadStructureError(f"its cell cannot be reduced, so it was compared with nothing ({error})") from error


def _kind(reduced: Structure) -> tuple[object, ...]:
    """Return what crystals that match have in common: how many sites, and how many of them hold each element."""
    holds = Counter(element.symbol for site in reduced for element in site.species)
    return len(reduced), tuple(sorted(holds.items()))


def _first_same(
    matcher: StructureMatcher, reduced: Structure, rivals: Sequence[tuple[int, Structure]]
) -> tuple[int, float] | None:
    for i, rival in rivals:
        if matcher.fit(rival, reduced, skip_structure_reduction=True):
            found = matcher.get_rms_dist(rival, reduced)  # type: ignore[no-untyped-call]
            return i, float(found[0]) if found else matcher.stol  # it looks for a closer match, and may find none
    return None
