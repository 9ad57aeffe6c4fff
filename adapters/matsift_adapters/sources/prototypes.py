"""The source of oxides that nobody stated: the decorations of prototypes with the ions that a study names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from matsift.bond_valence.decorations import (
    STARTING_LATTICE,
    decorations,
    formula,
    starting_crystal,
    starting_lattice_constant,
    tolerance_factor,
)
from matsift.bond_valence.ion_pairs import IonPair
from matsift.bond_valence.parameters import ion_name, read_ion
from matsift.records import EntryRecord
from matsift.structure_facts import describe
from matsift.study.prototypes import PrototypesSource
from matsift_adapters.sources.source import Source, state_hash

_DESCRIPTION = "charge-balanced decorations of oxide prototypes, with lattices to start a relaxation from"


def open_prototypes(settings: PrototypesSource) -> Source:
    """Return the source; nothing is read but the table of ions that comes with matsift."""
    found = tuple(_chosen(settings))
    listed = "\n".join(f"{pair.name} {starting_lattice_constant(pair):.4f}" for pair in found)
    content_hash = state_hash(hashlib.sha256(listed.encode()).hexdigest(), settings)
    version = settings.version or content_hash[:12]
    return Source(
        settings.name,
        settings.kind,
        version,
        settings.licence,
        settings.description or _DESCRIPTION,
        content_hash,
        lambda _: map(partial(entry_of, version=version, licence=settings.licence), found),
    )


def entry_of(pair: IonPair, *, version: str, licence: str) -> EntryRecord:
    """Return the entry of a decoration: its crystal, with the hold that says what its lattice is worth."""
    crystal = starting_crystal(pair)
    payload: dict[str, Any] = {"prototype": pair.prototype}
    payload |= {site: ion_name(ion.symbol, ion.oxidation) for site, ion in (("a", pair.a), ("b", pair.b))}
    if pair.prototype == "perovskite":
        payload["tolerance_factor"] = tolerance_factor(pair)
    return EntryRecord(
        external_id=f"{formula(pair)}-{pair.prototype}",
        crystal=crystal,
        version=version,
        licence=licence,
        payload=payload,
        holds=(STARTING_LATTICE,),
        facts=describe(crystal),
    )


def _chosen(settings: PrototypesSource) -> Iterator[IonPair]:
    ions = [read_ion(name) for name in settings.ions]
    for prototype in settings.prototypes:
        limits = {"tolerance_factors": settings.tolerance_factor}
        if prototype == "spinel":
            limits = {"radii_angstrom": settings.spinel_radius_angstrom}
        yield from decorations(prototype, ions, **limits)
