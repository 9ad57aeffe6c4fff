"""The compounds that a candidate should be weighed against, whether or not they are known.

A hull knows the phases of the database and no others: where the fluorides of a new fluoride's cations are missing it
says little. The salts of each cation with each anion, at the charges of the candidate, are the least it should hold.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from matsift.generative.ionic_charges import balanced_charges


def binary_competitors(amounts: Mapping[str, int]) -> tuple[dict[str, int], ...]:
    """Return the neutral binary compounds of each cation with each anion of a composition, cations first.

    The charges are the likeliest of the composition: of SrClF3 these are SrF2 and ClF, which the paper took its hull
    distance against. None for an alloy, and none for a binary compound itself.

    Parameters
    ----------
    amounts
        Element symbol -> whole number of atoms.
    """
    found = balanced_charges(amounts) if len(amounts) > 2 else ()
    if not found:
        return ()
    charges = found[0]
    cations = sorted(e for e, q in charges.items() if q > 0)
    anions = sorted(e for e, q in charges.items() if q < 0)
    return tuple(_neutral(c, charges[c], a, -charges[a]) for c in cations for a in anions)


def lacking(
    candidates: Iterable[Mapping[str, int]], knows: Callable[[Mapping[str, int]], bool]
) -> tuple[dict[str, int], ...]:
    """Return the binary competitors of candidates that are not known, each once, by how many candidates ask for it.

    Parameters
    ----------
    candidates
        Element symbol -> whole number of atoms, of each.
    knows
        Whether a composition is known, for example `matsift.candidates.phases.Phases.knows`.
    """
    asked = Counter(tuple(salt.items()) for amounts in candidates for salt in binary_competitors(amounts))
    ordered = sorted(asked, key=lambda salt: (-asked[salt], salt))
    return tuple(dict(salt) for salt in ordered if not knows(dict(salt)))


def _neutral(cation: str, charge: int, anion: str, other_charge: int) -> dict[str, int]:
    divisor = math.gcd(charge, other_charge)
    return {cation: other_charge // divisor, anion: charge // divisor}
