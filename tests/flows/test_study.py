"""A whole study: every table is filled, a second run adds nothing, the same seed says the same again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest
from tests.factories.small_study import small_records
from tests.flows.running import Finished, one, ranked, row_counts, rows, run_here, said

pytestmark = pytest.mark.slow

#: Tables that no step of this study writes.
_OF_OTHER_FLOWS = {
    *("bond_valence_variant", "bond_valence_relaxation"),
    *("generator_version", "generation", "generated_composition", "composition_prediction"),
    *("suggestion", "generated_structure"),
    *("structure_type", "diffraction_profile", "held_out_space_group"),
    *("measured_pattern", "pattern_identification", "pattern_space_group", "pattern_phase"),
    *("ranking", "ranking_objective", "ranking_place", "ranking_value"),
    "volumetric_field",
}


def test_every_table_has_rows(reference: Finished) -> None:
    empty = {name for name, n in reference.counts.items() if n == 0}
    assert empty <= _OF_OTHER_FLOWS
    n_entry = len(small_records())
    assert (reference.counts["source_entry"], reference.counts["structure"]) == (n_entry, n_entry)
    assert reference.counts["descriptor"] == 3 * n_entry
    assert reference.counts["campaign"] == 4  # two properties, two strategies
    assert reference.counts["campaign_round"] == 8  # the round after each start, and the last one
    assert reference.counts["acquisition"] == 8  # a batch of two for each campaign


def test_every_acquisition_ends_with_a_label_or_a_failure(reference: Finished) -> None:
    query = """
        SELECT a.status, l.method, l.origin, f.stage FROM matsift.acquisition a
        LEFT JOIN matsift.label l ON l.id = a.label_id LEFT JOIN matsift.failure f ON f.id = a.failure_id
    """
    labelled = ("labelled", "chgnet-0.3.0-finite-strain", "oracle:chgnet", None)
    found = set(rows(reference.url, query))
    assert labelled in found
    assert found <= {labelled, ("failed", None, None, "label")}


def test_every_run_is_completed(reference: Finished) -> None:
    query = "SELECT DISTINCT status, ended_at >= started_at, message FROM matsift.run"
    assert rows(reference.url, query) == [("completed", True, None)]


def test_the_page_holds_cards_with_crystals_patterns_neighbours_and_chains(reference: Finished) -> None:
    page = reference.report.read_text(encoding="utf-8")
    data = json.loads(page.split('id="candidate-data">')[1].split("</script>")[0])
    assert tuple(data["hash"][: data["n_ranked"]]) == reference.ranked
    assert set(data["details"]) == {str(n) for n in range(len(reference.ranked))}
    for detail in data["details"].values():
        assert detail["crystal"]
        assert max(detail["pattern"]["height"]) == 1000
        assert [one["symbol"] for one in detail["learned"]] == ["K_VRH", "G_VRH"]
        assert all(len(one["nearest"]) == 6 for one in detail["learned"])
    stories = [story for detail in data["details"].values() for story in detail["stories"]]
    assert {story["steps"][0][1] for story in stories} == {"proposed"}
    assert [[chain[0], *(step[0] for step in chain[1:])] for chain in data["chains"]] == [
        [name, "model", "snapshot", "labels", "descriptors"] for name in ("K_VRH", "G_VRH")
    ]
    assert [source[0] for source in data["cited"]] == ["matsift-prototypes"]
    assert "What this cannot tell you" in page
    assert 'data-plot="plot-elements"' in page


def test_last_models_learn_from_what_was_acquired(reference: Finished) -> None:
    query = """
        SELECT c.id, (SELECT count(*) FROM matsift.dataset_row d
                      WHERE d.snapshot_id = m.snapshot_id AND d.role = 'train') AS n
        FROM matsift.campaign_round r JOIN matsift.campaign c ON c.id = r.campaign_id
        JOIN matsift.model_version m ON m.id = r.model_version_id ORDER BY c.id, r.number
    """
    sizes: dict[int, list[int]] = {}
    for campaign, n in rows(reference.url, query):
        sizes.setdefault(campaign, []).append(n)
    accepted = """
        SELECT c.id, count(v.label_id) FROM matsift.campaign c JOIN matsift.acquisition a ON a.campaign_id = c.id
        LEFT JOIN matsift.label_verdict v ON v.label_id = a.label_id AND v.verdict = 'accepted' GROUP BY c.id
    """
    assert {campaign: after - before for campaign, (before, after) in sizes.items()} == dict(
        rows(reference.url, accepted)
    )


def test_test_rows_are_the_same_before_and_after_acquisition(reference: Finished) -> None:
    query = """
        SELECT count(DISTINCT tests) FROM (
            SELECT c.property_id, array_agg(d.label_id ORDER BY d.label_id) AS tests FROM matsift.campaign_round r
            JOIN matsift.campaign c ON c.id = r.campaign_id JOIN matsift.model_version m ON m.id = r.model_version_id
            JOIN matsift.dataset_row d ON d.snapshot_id = m.snapshot_id AND d.role = 'test' GROUP BY r.id, c.property_id
        ) AS of_round GROUP BY property_id
    """
    assert rows(reference.url, query) == [(1,), (1,)]


def test_the_report_says_of_every_round_what_its_intervals_held(reference: Finished) -> None:
    said = pyarrow.parquet.read_table(reference.report.parent / "calibration.parquet").to_pylist()
    # The study asks for intervals of 80 %: 1.28 deviations of a normal distribution.
    held_out = """
        SELECT p.name, c.strategy, r.number, count(*)::int,
               sum((abs(l.value - h.mean) <= 1.2815515655446004 * h.spread)::int)::int,
               sum((l.value BETWEEN h.lower AND h.upper)::int)::int
        FROM matsift.campaign_round r JOIN matsift.campaign c ON c.id = r.campaign_id
        JOIN matsift.property p ON p.id = c.property_id
        JOIN matsift.held_out_prediction h ON h.model_version_id = r.model_version_id
        JOIN matsift.label l ON l.id = h.label_id GROUP BY p.name, c.strategy, r.number
    """
    named, shares = ("property_name", "arm", "round_number", "n_row"), ("coverage_before", "coverage_after")
    rounds = {
        (*(row[name] for name in named), *(round(row[share] * row["n_row"], 6) for share in shares))
        for row in said
        if row["rows"] == "held out"
    }
    assert rounds == set(rows(reference.url, held_out))
    acquired = """
        SELECT p.name, c.strategy, count(*)::int FROM matsift.acquisition a
        JOIN matsift.campaign c ON c.id = a.campaign_id JOIN matsift.property p ON p.id = c.property_id
        JOIN matsift.label_verdict v ON v.label_id = a.label_id AND v.verdict = 'accepted' GROUP BY p.name, c.strategy
    """
    together = {
        (row["property_name"], row["arm"], row["n_row"])
        for row in said
        if row["rows"] == "acquired" and row["round_number"] is None
    }
    assert together == set(rows(reference.url, acquired))


def test_report_lies_beside_its_tables(reference: Finished) -> None:
    assert {path.suffix for path in reference.report.parent.iterdir()} >= {".html", ".csv", ".parquet"}
    assert reference.report.stat().st_size > 1_000_000  # plotly stands inside it
    assert one(reference.url, "SELECT uri FROM matsift.study_report") == reference.report.as_uri()
    assert len(reference.ranked) > 2


def test_second_run_adds_nothing(reference: Finished, study_path: Path) -> None:
    written = reference.report.stat().st_mtime_ns
    again = run_here(study_path, reference.url, reference.home)
    assert again.added == {}
    assert row_counts(reference.url) == reference.counts
    assert said(reference.url) == reference.said
    assert (again.written.is_new, again.written.path.stat().st_mtime_ns) == (False, written)
    assert ranked(again) == reference.ranked


def test_lost_report_is_written_again(reference: Finished, study_path: Path) -> None:
    reference.report.unlink()
    again = run_here(study_path, reference.url, reference.home)
    assert (again.added, again.written.is_new) == ({}, True)
    assert reference.report.exists()


def test_same_seed_says_the_same_in_another_database(
    reference: Finished, study_path: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    url = new_url()
    again = run_here(study_path, url, tmp_path, workers=1)
    assert said(url) == reference.said
    assert row_counts(url) == reference.counts
    assert ranked(again) == reference.ranked


def test_another_seed_is_another_split(
    reference: Finished, study_path: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    url = new_url()
    run_here(study_path, url, tmp_path, overrides=("study.seed=4", "campaign.rounds=0"))
    known = set(reference.said["snapshots"])
    assert not known.intersection(said(url)["snapshots"])
