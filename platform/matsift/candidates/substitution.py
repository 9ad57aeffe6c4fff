"""Likely substitutions in a prototype: ionic ones by charge, likelihood and radii, metallic ones by likeness."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from matsift.candidates.ions import IONS, exchange_likelihood, ionic_radius
from matsift.candidates.prototypes import Prototype, shortest_bonds

METALS = tuple(
    "Li Na K Rb Cs Be Mg Ca Sr Ba Sc Y La Nd Gd Er Lu Ti Zr Hf V Nb Ta Cr Mo W Mn Re Fe Ru Os Co Rh Ir Ni Pd Pt "
    "Cu Ag Au Zn Cd Hg Al Ga In Tl Si Ge Sn Pb As Sb Bi B C".split()
)
_RADIUS_WEIGHT = 6.0
_LIKELIHOOD_WEIGHT = 0.35
_OTHER_CHARGES_PENALTY = 1.2
_INVERTED_PENALTY = 1.4
_HYDRIDE_PENALTY = 1.0
_CARBIDE_PENALTY = 0.5
_QUATERNARY_PENALTY = 0.5
_ALLOY_RADIUS_WEIGHT = 8.0
_LARGEST_CHARGE = 6
_OPTIONS_A_SITE = 9
_OPTIONS_A_METAL = 8
_SCALE_BOUNDS = (0.6, 1.6)

#: Prototypes with whole-numbered charges on paper whose bonding is molecular, covalent in layers of their own, or
#: metallic: other ions do not take their places.
_NOT_IONIC = frozenset(
    (
        "CO CeNiC2 CNCl H3N CHN HC KCNS KCSN CrB FeB MnP NbP MoB BMo TiAs CoAs CuTe LiBC MoC ZrPbO3 Ba2YCu3O7 "
        "Fe2C Ti2C PdS CuS CoSi Co2Si NbO AlPS4 TlSe"
    ).split()
)


@dataclass(frozen=True, eq=False)
class Substitution:
    """Elements put in the place of a prototype's own, their charges (0 in a metal), a score (higher is likelier)."""

    prototype: Prototype
    mapping: tuple[tuple[str, str], ...]
    charges: tuple[int, ...]
    score: float

    @property
    def family(self) -> tuple[str, tuple[int, ...]]:
        """Prototype label and charges: substitutions of one family are chemically alike."""
        return self.prototype.label, self.charges

    @property
    def elements(self) -> frozenset[str]:
        """Elements of the new crystal."""
        return frozenset(new for _, new in self.mapping)

    @property
    def scale(self) -> float:
        """The factor on all lengths that fits the shortest bonds to the new radii."""
        old = {o: radius(o, self.prototype.charges.get(o, 0)) for o, _ in self.mapping}
        new = {o: radius(n, q) for (o, n), q in zip(self.mapping, self.charges, strict=True)}
        return length_factor(shortest_bonds(self.prototype), old, new)

    @property
    def text(self) -> str:
        """The substitution in words, for example ``Ca->Na Ti->Mg O->F``."""
        return " ".join(f"{old}->{new}" for old, new in self.mapping)


def ionic_substitutions(prototype: Prototype) -> Iterator[Substitution]:
    """Yield the charge-balanced ionic substitutions of a prototype that has charges, itself excluded.

    The charges may differ from the prototype's own as long as they balance (KMgF3 in the type of CaTiO3), and all signs
    may be inverted (Na3OCl in the type of KMgF3: an antiperovskite).
    """
    if not prototype.charges or prototype.formula in _NOT_IONIC:
        return
    olds = prototype.crystal.elements
    for charges in _balanced_charges(prototype):
        inverted = charges[0] * prototype.charges[olds[0]] < 0
        if inverted and not _may_be_inverted(prototype):
            continue
        options = [_options(old, prototype.charges[old], q) for old, q in zip(olds, charges, strict=True)]
        for news in itertools.product(*options):
            if len(set(news)) < len(olds) or news == olds or not _polar(news, charges):
                continue
            score = _ionic_score(prototype, news, charges, inverted=inverted)
            yield Substitution(prototype, tuple(zip(olds, news, strict=True)), charges, score)


def metallic_substitutions(prototype: Prototype) -> Iterator[Substitution]:
    """Yield substitutions by elements alike in size and electronegativity, of a prototype that has no charges."""
    olds = prototype.crystal.elements
    if prototype.charges or len(olds) < 2 or not set(olds) <= set(METALS):
        return
    options = [_metals_like(old) for old in olds]
    for news in itertools.product(*options):
        if len(set(news)) < len(olds) or news == olds:
            continue
        spread = _radius_mismatch([metallic_radius(o) for o in olds], [metallic_radius(n) for n in news])
        unlikeness = sum(_unlikeness(o, n) for o, n in zip(olds, news, strict=True))
        score = -unlikeness - _ALLOY_RADIUS_WEIGHT * spread
        yield Substitution(prototype, tuple(zip(olds, news, strict=True)), (0,) * len(olds), score)


def length_factor(
    bonds: Sequence[tuple[str, str, float]], old_radii: Mapping[str, float], new_radii: Mapping[str, float]
) -> float:
    """Return the factor on all lengths that fits bonds to new radii: the mean of each bond's own, within bounds.

    Parameters
    ----------
    bonds
        The bonds of the old crystal, as `matsift.candidates.prototypes.shortest_bonds_of` gives them.
    old_radii, new_radii
        By the old element's symbol, its radius and that of the element that takes its place, angstrom.
    """
    ratios = [(new_radii[a] + new_radii[b]) / (old_radii[a] + old_radii[b]) for a, b, _ in bonds]
    return min(max(sum(ratios) / len(ratios), _SCALE_BOUNDS[0]), _SCALE_BOUNDS[1])


def radius(symbol: str, charge: int) -> float:
    """Return the radius of an ion, angstrom; of a neutral atom in a metal where the charge is 0."""
    return ionic_radius(symbol, charge) if charge else metallic_radius(symbol)


@cache
def metallic_radius(symbol: str) -> float:
    """Return the radius of a neutral atom in a metal, angstrom; an enlarged covalent radius where there is none."""
    from pymatgen.core import Element  # noqa: PLC0415  slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an element without a metallic radius is expected
        element = Element(symbol)
        return float(element.metallic_radius or 1.15 * float(element.atomic_radius or 1.2))


@cache
def _metals_like(old: str) -> tuple[str, ...]:
    """The metals nearest in size, electronegativity and valence, itself among them."""
    return tuple(sorted(METALS, key=lambda new: (_unlikeness(old, new), new))[:_OPTIONS_A_METAL])


def _unlikeness(old: str, new: str) -> float:
    from pymatgen.core import Element  # noqa: PLC0415  slow to import

    size = abs(math.log(metallic_radius(new) / metallic_radius(old)))
    valence = abs(_valence_electrons(old) - _valence_electrons(new))
    return 5.0 * size + abs(Element(old).X - Element(new).X) + 0.25 * valence


@cache
def _valence_electrons(symbol: str) -> int:
    from pymatgen.core import Element  # noqa: PLC0415  slow to import

    group = Element(symbol).group
    return group if group <= 12 else group - 10


def _may_be_inverted(prototype: Prototype) -> bool:
    """Whether anions and cations may change places: not where that gives the same type or was never seen."""
    counts = sorted(prototype.counts.values())
    return counts[0] != counts[-1] and (len(counts) == 2 or prototype.label == "AB3C_cP5_221_a_c_b")


def _balanced_charges(prototype: Prototype) -> list[tuple[int, ...]]:
    olds = prototype.crystal.elements
    counts = [prototype.counts[old] for old in olds]
    signs = [1 if prototype.charges[old] > 0 else -1 for old in olds]
    found = []
    for sizes in itertools.product(range(1, _LARGEST_CHARGE + 1), repeat=len(olds)):
        for sense in (1, -1):
            charges = tuple(sense * s * q for s, q in zip(signs, sizes, strict=True))
            if all(q in IONS for q in charges) and sum(n * q for n, q in zip(counts, charges, strict=True)) == 0:
                found.append(charges)
    return sorted(found)


@cache
def _options(old: str, old_charge: int, charge: int) -> tuple[str, ...]:
    """The likeliest ions of a charge for a site; sodium always among the monovalent cations."""

    def unfit(new: str) -> tuple[float, str]:
        misfit = abs(math.log(ionic_radius(new, charge) / ionic_radius(old, old_charge)))
        likelihood = math.log(exchange_likelihood(new, charge, old, old_charge))
        return (3.0 * misfit if old_charge * charge > 0 else 0.0) - 0.2 * likelihood, new

    best = sorted(IONS[charge], key=unfit)[:_OPTIONS_A_SITE]
    return tuple(sorted({*best, "Na"} if charge == 1 else best))


def _polar(news: tuple[str, ...], charges: tuple[int, ...]) -> bool:
    """Whether every anion is more electronegative than every cation."""
    from pymatgen.core import Element  # noqa: PLC0415  slow to import

    cations = [Element(n).X for n, q in zip(news, charges, strict=True) if q > 0]
    anions = [Element(n).X for n, q in zip(news, charges, strict=True) if q < 0]
    return min(anions) > max(cations)


def _ionic_score(prototype: Prototype, news: tuple[str, ...], charges: tuple[int, ...], *, inverted: bool) -> float:
    olds = prototype.crystal.elements
    old_charges = [prototype.charges[o] for o in olds]
    old_radii = [ionic_radius(o, q) for o, q in zip(olds, old_charges, strict=True)]
    new_radii = [ionic_radius(n, q) for n, q in zip(news, charges, strict=True)]
    rare = (
        _HYDRIDE_PENALTY * ("H" in news)
        + _CARBIDE_PENALTY * (min(charges) <= -4)
        + _QUATERNARY_PENALTY * (len(news) > 3)
    )
    if inverted:
        return -_INVERTED_PENALTY - rare - 0.25 * _RADIUS_WEIGHT * _radius_mismatch(old_radii, new_radii)
    score = -_RADIUS_WEIGHT * _radius_mismatch(old_radii, new_radii) - rare
    if list(charges) != old_charges:
        return score - _OTHER_CHARGES_PENALTY
    logs = [
        math.log(exchange_likelihood(n, q, o, p))
        for n, q, o, p in zip(news, charges, olds, old_charges, strict=True)
        if n != o
    ]
    return score + _LIKELIHOOD_WEIGHT * sum(logs) / len(logs)


def _radius_mismatch(old: list[float], new: list[float]) -> float:
    """Root mean square change of the logarithms of the radii, a change common to all left aside."""
    changes = [math.log(b / a) for a, b in zip(old, new, strict=True)]
    mean = sum(changes) / len(changes)
    return math.sqrt(sum((c - mean) ** 2 for c in changes) / len(changes))
