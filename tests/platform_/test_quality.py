"""Quality rules: each on the label that it is there for, and on its neighbours."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from matsift.screening.labels import NOT_BORN_STABLE, LabelRow, LabelTable
from matsift.screening.quality import QualityRule, judge, paper_rules, rule_set_hash

OUTLIERS = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / "elastic" / "outliers_40.json.gz"
ADAPTER: TypeAdapter[QualityRule] = TypeAdapter(QualityRule)


def entry(
    name: str, elements: tuple[str, ...] = ("Cl", "Na"), flags: tuple[str, ...] = (), **values: float
) -> list[LabelRow]:
    return [LabelRow(name, p, v, elements, frozenset(flags)) for p, v in values.items()]


def verdicts(rules: list[dict[str, object]], *entries: list[LabelRow]) -> list[tuple[str | None, float | None]]:
    """Return (rule, value seen) of each label."""
    rows = [row for rows in entries for row in rows]
    result = judge([ADAPTER.validate_python(rule) for rule in rules], LabelTable.of_rows(rows))
    assert [rule is None for rule in result.rule] == result.accepted.tolist()
    return [
        (rule, None if np.isnan(value) else float(value))
        for rule, value in zip(result.rule, result.value_seen, strict=True)
    ]


def test_a_negative_modulus_takes_its_companion_with_it() -> None:
    assert verdicts(
        [{"kind": "negative_modulus"}],
        entry("a", k_vrh=90.0, g_vrh=-3.0, band_gap=1.0),
        entry("b", k_vrh=90.0, g_vrh=0.0),
    ) == [("negative_modulus", -3.0), ("negative_modulus", -3.0), (None, None), (None, None), (None, None)]


@pytest.mark.parametrize(
    ("either", "k", "g", "rejected"),
    [
        pytest.param(False, 501.0, 701.0, True, id="both over, and"),
        pytest.param(False, 501.0, 700.0, False, id="one over, and"),
        pytest.param(True, 501.0, 700.0, True, id="bulk over, or"),
        pytest.param(True, 500.0, 701.0, True, id="shear over, or"),
        pytest.param(True, 500.0, 700.0, False, id="at the bounds"),
    ],
)
def test_moduli_out_of_range(either: bool, k: float, g: float, rejected: bool) -> None:
    seen = verdicts([{"kind": "modulus_out_of_range", "any": either}], entry("a", k_vrh=k, g_vrh=g))
    assert seen == ([("modulus_out_of_range", k), ("modulus_out_of_range", g)] if rejected else [(None, None)] * 2)


@pytest.mark.parametrize(
    ("kind", "elements", "rejected"),
    [
        ("contains_noble_gas", ("F", "Xe"), True),
        ("contains_noble_gas", ("F", "Na"), False),
        ("contains_radioactive", ("O", "U"), True),
        ("contains_radioactive", ("O", "Tc"), True),
        ("contains_radioactive", ("Bi", "O"), False),
    ],
    ids=["XeF2", "NaF", "UO2", "TcO2", "Bi2O3"],
)
def test_elements(kind: str, elements: tuple[str, ...], rejected: bool) -> None:
    seen = verdicts([{"kind": kind}], entry("a", elements, band_gap=2.0))
    assert seen == [(kind, 2.0) if rejected else (None, None)]


def test_reuss_above_voigt() -> None:
    seen = verdicts(
        [{"kind": "reuss_exceeds_voigt"}],
        entry("a", k_vrh=10.0, k_voigt=10.0, k_reuss=10.005, g_voigt=5.0, g_reuss=4.0),
        entry("b", g_vrh=10.0, g_voigt=8.0, g_reuss=11.0),
        entry("c", k_vrh=10.0, k_voigt=1.0),
    )
    assert seen == [(None, None)] * 5 + [("reuss_exceeds_voigt", 3.0)] * 3 + [(None, None)] * 2


def test_a_shear_modulus_far_above_the_bulk_modulus() -> None:
    seen = verdicts(
        [{"kind": "poisson_ratio_out_of_range"}],
        entry("ZrPd, mp-13496", k_vrh=138.768, g_vrh=665.664, band_gap=0.0),
        entry("diamond", k_vrh=443.0, g_vrh=535.0),
        entry("negative", k_vrh=-10.0, g_vrh=30.0),
        entry("alone", g_vrh=665.664),
    )
    ratio = pytest.approx((3 * 138.768 - 2 * 665.664) / (2 * (3 * 138.768 + 665.664)))
    assert seen == [("poisson_ratio_out_of_range", ratio)] * 2 + [(None, None)] * 6
    lenient = verdicts(
        [{"kind": "poisson_ratio_out_of_range", "lower": -0.5}], entry("a", k_vrh=138.768, g_vrh=665.664)
    )
    assert lenient == [(None, None)] * 2


#: What published labels hold that no crystal has (Materials Project, January 2025, by way of matcalc).
ABSURD = {"LuIr2", "HfMo2", "BePd", "PrO2", "ZrPd", "SiB", "Ti3Ga"}


@pytest.mark.skipif(not OUTLIERS.exists(), reason=f"{OUTLIERS} is not there")
def test_absurd_published_moduli_are_rejected_and_the_hardest_real_ones_are_not() -> None:
    published = json.loads(gzip.decompress(OUTLIERS.read_bytes()))
    rows = [
        row
        for said in published
        for row in entry(f"mp-{said['mp_id']}", ("X",), k_vrh=said["bulk_modulus_vrh"], g_vrh=said["shear_modulus_vrh"])
    ]
    rules: list[dict[str, object]] = [
        {"kind": "modulus_out_of_range", "any": True},
        {"kind": "poisson_ratio_out_of_range"},
    ]
    result = judge([ADAPTER.validate_python(rule) for rule in rules], LabelTable.of_rows(rows))
    formula = {f"mp-{said['mp_id']}": said["formula"] for said in published}
    rejected = {formula[str(row.entry)]: rule for row, rule in zip(rows, result.rule, strict=True) if rule is not None}
    assert set(rejected) == ABSURD
    assert {name for name, rule in rejected.items() if rule == "modulus_out_of_range"} == {
        "LuIr2", "HfMo2", "BePd", "PrO2",
    }  # fmt: skip
    assert result.counts() == {"modulus_out_of_range": 8, "poisson_ratio_out_of_range": 6}
    as_printed = judge(paper_rules(), LabelTable.of_rows(rows))
    assert as_printed.counts() == {}


def test_bounds_are_those_of_the_property() -> None:
    seen = verdicts(
        [{"kind": "outside_bounds"}],
        entry("a", k_vrh=1000.5, g_vrh=30.0, formation_energy_per_atom=-40.0),
        entry("b", band_gap=-0.1),
    )
    assert seen == [("outside_bounds", 1000.5), (None, None), (None, None), ("outside_bounds", -0.1)]


def test_an_unstable_crystal_loses_its_moduli_and_keeps_its_gap() -> None:
    seen = verdicts([{"kind": "not_born_stable"}], entry("a", flags=(NOT_BORN_STABLE,), k_vrh=50.0, band_gap=1.0))
    assert seen == [("not_born_stable", 50.0), (None, None)]


def test_the_first_rule_that_is_broken_is_named() -> None:
    rules: list[dict[str, object]] = [{"kind": "contains_radioactive"}, {"kind": "negative_modulus"}]
    rows = entry("a", ("O", "U"), k_vrh=-5.0)
    assert verdicts(rules, rows) == [("contains_radioactive", -5.0)]
    assert verdicts(rules[::-1], rows) == [("negative_modulus", -5.0)]


def test_a_label_that_is_no_number_is_never_accepted() -> None:
    result = judge([], LabelTable.of_rows(entry("a", k_vrh=float("inf"), g_vrh=float("nan"), band_gap=1.0)))
    assert result.rule == ("not_finite", "not_finite", None)
    assert result.value_seen[0] == np.inf


def test_entries_do_not_mix() -> None:
    seen = verdicts([{"kind": "negative_modulus"}], entry("dft", k_vrh=50.0), entry("chgnet", k_vrh=-1.0))
    assert seen == [(None, None), ("negative_modulus", -1.0)]


def test_rejections_are_counted() -> None:
    rows = [*entry("a", k_vrh=-1.0, g_vrh=2.0), *entry("b", ("U",), k_vrh=1.0), *entry("c", k_vrh=1.0)]
    assert judge(paper_rules(), LabelTable.of_rows(rows)).counts() == {"negative_modulus": 2, "contains_radioactive": 1}


def test_no_labels_no_verdicts() -> None:
    result = judge(paper_rules(), LabelTable.of_rows([]))
    assert len(result.accepted) == len(result.rule) == 0


def test_the_hash_names_rules_settings_and_order() -> None:
    rules = paper_rules()
    assert rule_set_hash(rules) == "912d34f0b3f4814f"
    changed = ADAPTER.validate_python({"kind": "modulus_out_of_range", "any": True})
    hashes = {rule_set_hash(r) for r in (rules, rules[::-1], rules[:3], (rules[0], changed, *rules[2:]))}
    assert len(hashes) == 4
    assert rule_set_hash([ADAPTER.validate_json(r.model_dump_json()) for r in rules]) == rule_set_hash(rules)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValidationError, match="does not match any of the expected tags"):
        ADAPTER.validate_python({"kind": "looks_wrong"})
