"""Elemental crystals: the references that formation energies are taken against."""

from __future__ import annotations

from collections.abc import Iterator

from matsift.candidates.prototypes import Prototype, load_prototypes, shortest_bonds, substituted
from matsift.candidates.substitution import metallic_radius
from matsift.crystal import Crystal

_CLOSE_PACKED = ("A_cF4_225_a:Cu", "A_cI2_229_a:W", "A_hP2_194_c:Mg")
_DIAMOND = "A_cF8_227_a:C"

#: Further elemental prototypes for elements with directed bonds or packings of their own ("AFLOW label:element").
_OWN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("H", "N"), ("A_cP8_205_c:N", "A_tP4_136_f:N", "A_cP8_198_2a:N", "A_hR2_166_c:O")),
    "O": ("A_mC4_12_i:O", "A_hR2_166_c:O", "A_cP8_205_c:N", "A_tP4_136_f:N"),
    **dict.fromkeys(("F", "Cl", "Br", "I"), ("A_oC8_64_f:I", "A_tP16_138_j:Cl", "A_mC4_12_i:O", "A_cP8_205_c:N")),
    **dict.fromkeys(("S", "Se", "Te"), ("A_hP3_152_a:Se", "A_cP1_221_a:Po", "A_hR1_166_a:Po", "A_oC8_64_f:I")),
    **dict.fromkeys(("P", "As", "Sb", "Bi"), ("A_hR2_166_c:As", "A_oC8_64_f:P", "A_cP1_221_a:Po", _DIAMOND)),
    "C": (_DIAMOND, "A_hP4_194_bc:C", "A_hR2_166_c:C", "A_hP4_194_f:C"),
    "B": ("A_hR12_166_2h:B", _DIAMOND),
    **dict.fromkeys(("Si", "Ge", "Sn"), (_DIAMOND, "A_tI4_141_a:Sn", "A_hP1_191_a:Sn", "A_hP4_194_f:C")),
    "Ga": ("A_oC8_64_f:Ga", "A_tI2_139_a:In"),
    "In": ("A_tI2_139_a:In",),
    "Hg": ("A_hR1_166_a:Hg", "A_tI2_139_a:In"),
    **dict.fromkeys(("La", "Ce", "Nd", "Sm", "Gd"), ("A_hP4_194_ac:La", "A_hR3_166_ac:Sm")),
    "U": ("A_oC4_63_c:U",),
}
_MOLECULES = frozenset(("H", "N", "O", "F", "Cl", "Br", "I"))
_SMALLEST_MOLECULE_SCALE = 0.7

#: Metals and semiconductors whose crystal at low temperature is one of these types: they get an elastic tensor too.
_STABLE_AS: dict[str, str] = {
    **dict.fromkeys("Ca Sr Rh Ir Ni Pd Pt Cu Ag Au Al Pb Ce Th".split(), "A_cF4_225_a:Cu"),
    **dict.fromkeys("Li Na K Rb Cs Ba V Nb Ta Cr Mo W Fe Eu".split(), "A_cI2_229_a:W"),
    **dict.fromkeys("Be Mg Sc Y Ti Zr Hf Tc Re Ru Os Co Zn Cd Gd Er Lu Tl".split(), "A_hP2_194_c:Mg"),
    **dict.fromkeys(("C", "Si", "Ge"), _DIAMOND),
    **dict.fromkeys(("As", "Sb", "Bi"), "A_hR2_166_c:As"),
    **dict.fromkeys(("Se", "Te"), "A_hP3_152_a:Se"),
    "La": "A_hP4_194_ac:La", "Nd": "A_hP4_194_ac:La", "Sm": "A_hR3_166_ac:Sm", "In": "A_tI2_139_a:In",
    "Ga": "A_oC8_64_f:Ga", "P": "A_oC8_64_f:P", "Hg": "A_hR1_166_a:Hg", "Sn": "A_tI4_141_a:Sn",
}  # fmt: skip


def elemental_crystals(element: str) -> Iterator[tuple[Prototype, Crystal, bool]]:
    """Yield (prototype, crystal, whether it is the element's stable type) for the types that an element may take."""
    names = dict.fromkeys((*_OWN.get(element, ()), *(() if element in _MOLECULES else _CLOSE_PACKED)))
    known = {f"{p.label}:{p.crystal.elements[0]}": p for p in load_prototypes() if len(p.crystal.elements) == 1}
    for name in names:
        prototype = known[name]
        old = prototype.crystal.elements[0]
        if old == element:
            continue  # the prototype itself is a candidate of its own
        scale = _scale(prototype, element)
        yield prototype, substituted(prototype, {old: element}, scale), _STABLE_AS.get(element) == name


def _scale(prototype: Prototype, element: str) -> float:
    """The factor that makes the shortest bond as long as the element's radius asks for."""
    if element in _MOLECULES:
        old = prototype.crystal.elements[0]
        return max(metallic_radius(element) / metallic_radius(old), _SMALLEST_MOLECULE_SCALE)
    shortest = min(length for _, _, length in shortest_bonds(prototype))
    return 2 * metallic_radius(element) / shortest
