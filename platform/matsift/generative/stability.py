"""Whether a relaxed candidate may exist: what its hull lacks, mechanical stability, what the relaxation changed.

The relaxation itself is an oracle's (`matsift_adapters.oracles.chgnet:label` with ``("energy", crystal)`` or
``("elasticity", crystal)``, in a `matsift.execution.killable.KillablePool`); here is what its numbers mean. Its
place among the known phases is `matsift.candidates.phases`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.candidates.phases import Phases
from matsift.crystal import Crystal
from matsift.elasticity.moduli import born_stable, moduli, smallest_eigenvalue
from matsift.elasticity.symmetry import space_group_number
from matsift.formulae import formulae
from matsift.generative.competitors import binary_competitors
from matsift.screening.structure_quality import structure_holds
from matsift.structure_facts import density


def missing_salts(amounts: Mapping[str, int], phases: Phases) -> tuple[str, ...]:
    """Return the reduced formulas of a composition's binary salts (`binary_competitors`) that are among no phases.

    With them a distance to the hull may be larger.
    """
    return tuple(formulae(salt).reduced for salt in binary_competitors(amounts) if not phases.knows(salt))


@dataclass(frozen=True)
class Mechanics:
    """What an elastic tensor says of a crystal.

    Parameters
    ----------
    is_stable
        Whether every small strain costs energy (Born; Mouhat and Coudert, Phys. Rev. B 90, 224104 (2014)).
    smallest_eigenvalue_gpa
        Of the tensor in Mandel notation, which does not depend on the axes.
    bulk_gpa, shear_gpa, young_gpa, poisson, pugh
        Hill averages K and G, E = 9KG / (3K + G), Poisson's ratio, K/G; NaN of an unstable or singular tensor.
    reason
        Why it counts as unstable; None where it is stable.
    """

    is_stable: bool
    smallest_eigenvalue_gpa: float
    bulk_gpa: float
    shear_gpa: float
    young_gpa: float
    poisson: float
    pugh: float
    reason: str | None


def mechanics(tensor: NDArray[np.float64]) -> Mechanics:
    """Return what an elastic tensor (6, 6), GPa, in Voigt notation, says of a crystal."""
    c = np.asarray(tensor, dtype=np.float64).reshape(1, 6, 6)
    smallest = float(smallest_eigenvalue(c)[0])
    if not bool(born_stable(c)[0]):
        return Mechanics(
            is_stable=False,
            smallest_eigenvalue_gpa=smallest,
            bulk_gpa=math.nan,
            shear_gpa=math.nan,
            young_gpa=math.nan,
            poisson=math.nan,
            pugh=math.nan,
            reason=f"the elastic tensor is not positive definite: its smallest eigenvalue is {smallest:.1f} GPa",
        )
    averages = moduli(c)
    k, g = float(averages.k_vrh[0]), float(averages.g_vrh[0])
    return Mechanics(
        is_stable=True,
        smallest_eigenvalue_gpa=smallest,
        bulk_gpa=k,
        shear_gpa=g,
        young_gpa=9 * k * g / (3 * k + g),
        poisson=(3 * k - 2 * g) / (2 * (3 * k + g)),
        pugh=k / g,
        reason=None,
    )


@dataclass(frozen=True)
class RelaxationChange:
    """What a relaxation did to a crystal: volume per atom over that before, space groups, why it does not count."""

    volume_factor: float
    space_group_before: int
    space_group_after: int
    reason: str | None


def relaxation_change(start: Crystal, relaxed: Crystal) -> RelaxationChange:
    """Return what a relaxation changed; a reason where the result is no crystal of the composition that began."""
    if formulae(Counter(start.species)).reduced != formulae(Counter(relaxed.species)).reduced:
        reason = "the relaxed crystal has another composition"
    elif holds := structure_holds(relaxed, density(relaxed)):
        reason = f"the relaxed crystal is implausible: {', '.join(holds)}"
    else:
        reason = None
    return RelaxationChange(
        relaxed.volume / relaxed.n_site / (start.volume / start.n_site),
        space_group_number(start),
        space_group_number(relaxed),
        reason,
    )
