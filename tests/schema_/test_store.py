"""What the store writes goes in once and comes out as it was, ordered by structure content hash."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.factories.crystals import many, rock_salt
from tests.factories.entries import entry, ingest, label
from tests.factories.runs import run, run_id

from matsift.records import FailureRecord, LabelRecord
from matsift_schema.store import datasets, descriptors, failures, labels, models, predictions, screening
from matsift_schema.store.counts import row_counts
from matsift_schema.store.label_rows import LabelCounts
from matsift_schema.store.runs import interrupt_unfinished
from matsift_schema.store.structures import load_structures
from matsift_schema.store.syncs import withdraw_missing

NACL = rock_salt().content_hash


def test_a_run_that_computes_nothing_leaves_no_row(session: Session) -> None:
    idle = run()
    idle.finish(session, counts={"seen": 3})
    assert not idle.has_row
    assert row_counts(session)["run"] == 0


def test_a_run_is_inserted_once_and_closed(session: Session) -> None:
    working = run("train", parameters={"seed": 1})
    assert working.id(session) == working.id(session)
    working.finish(session, "failed", {"models": 1}, "out of memory")
    row = session.execute(
        text("SELECT flow, status, parameters, counts, message, ended_at >= started_at FROM matsift.run")
    )
    assert tuple(row.one()) == ("train", "failed", {"seed": 1}, {"models": 1}, "out of memory", True)


def test_runs_killed_without_notice_are_closed_by_the_next(session: Session) -> None:
    run().id(session)
    assert interrupt_unfinished(session, "shelf_study") == 1
    assert interrupt_unfinished(session, "shelf_study") == 0
    assert session.execute(text("SELECT status FROM matsift.run")).scalar_one() == "interrupted"


def failure(subject: str = NACL, **rest: str) -> FailureRecord:
    return FailureRecord(
        "descriptor", subject, "TimeLimitExceeded", "took longer than 60 s", 60.0, structure_hash=NACL, **rest
    )


def test_a_failure_is_written_once_an_attempt(session: Session) -> None:
    first = run_id(session)
    ingest(session, first, [entry()])
    assert failures.write_failures(session, first, [failure(detail="voronoi@1"), failure(detail="voronoi@1")]) == 1
    assert failures.write_failures(session, first, [failure(detail="voronoi@1")]) == 0
    assert failures.write_failures(session, first, [failure(detail="voronoi@1")], retried=True) == 1
    assert session.scalars(text("SELECT attempt FROM matsift.failure ORDER BY attempt")).all() == [1, 2]
    assert failures.failed_structures(session, "descriptor", "voronoi@1") == set(load_structures(session).ids.tolist())
    assert failures.failed_structures(session, "descriptor", "magpie@1") == set()
    [counted] = failures.failure_counts(session)
    assert (counted.count, counted.error_class) == (1, "TimeLimitExceeded")


def test_labels_are_ordered_by_structure_and_idempotent(session: Session) -> None:
    entries = pipeline.labelled_entries(5)
    first = run_id(session)
    assert ingest(session, first, entries).labels == 10
    assert ingest(session, first, entries).labels == 0
    table = labels.label_table(session, ["k_vrh"])
    truth = {e.crystal.content_hash: e.labels[0].value for e in entries}
    assert list(table.structure_hashes) == sorted(truth)
    assert table.values.tolist() == [truth[key] for key in table.structure_hashes]
    assert set(table.verdicts) == {None}
    assert table.elements[0] == ("Cl", "Na")
    assert len(labels.label_table(session, ["k_vrh"], methods=["experiment"])) == 0


def test_a_revised_label_counts_and_the_first_stays(session: Session) -> None:
    first = run_id(session)
    ingest(session, first, [entry("a", labels=(label(value=24.0),))])
    ingest(session, first, [entry("a", labels=(label(value=25.0),), version="2")])
    assert labels.label_table(session, ["k_vrh"]).values.tolist() == [25.0]
    assert session.scalars(text("SELECT value FROM matsift.label ORDER BY revision")).all() == [24.0, 25.0]


def test_a_label_counts_as_long_as_its_source_describes_the_structure(session: Session) -> None:
    first = run_id(session)
    ingest(session, first, [entry("a", labels=(label(),)), entry("b")])
    withdraw_missing(session, "shelf", ["b"])
    assert labels.label_table(session, ["k_vrh"]).values.tolist() == [24.5]
    withdraw_missing(session, "shelf", [])
    assert len(labels.label_table(session, ["k_vrh"])) == 0
    assert session.execute(text("SELECT count(*) FROM analysis.label")).scalar_one() == 0
    ingest(session, first, [entry("b")])
    assert labels.label_table(session, ["k_vrh"]).values.tolist() == [24.5]


def test_two_entries_that_contradict_each_other_give_a_failure(session: Session) -> None:
    first = run_id(session)
    counts = ingest(session, first, [entry("a", labels=(label(value=24.0),)), entry("b", labels=(label(value=30.0),))])
    assert counts.labels == 1
    assert labels.label_table(session, ["k_vrh"]).values.tolist() == [24.0]
    message = session.execute(text("SELECT message FROM matsift.failure")).scalar_one()
    assert message.startswith("two entries of source:shelf give the same structure k_vrh 24 and 30 by pbe-dft")


def test_what_an_oracle_said_first_stays(session: Session) -> None:
    first = run_id(session)
    ingest(session, first, [entry()])
    said = LabelRecord("k_vrh", 24.0, "chgnet-0.3.0-finite-strain", "oracle:chgnet")
    again = LabelRecord("k_vrh", 24.1, "chgnet-0.3.0-finite-strain", "oracle:chgnet")
    assert labels.write_labels(session, first, [(NACL, said, None)]) == LabelCounts(1, 0)
    assert labels.write_labels(session, first, [(NACL, again, None)]) == LabelCounts(0, 0)
    [key] = load_structures(session).ids
    assert labels.property_values(session, "k_vrh", [key]).tolist() == [24.0]
    assert math.isnan(labels.property_values(session, "band_gap", [key])[0])
    assert labels.label_id(session, key, "k_vrh", "chgnet-0.3.0-finite-strain") is not None


def test_the_first_method_asked_for_decides(session: Session) -> None:
    first = run_id(session)
    ingest(session, first, [entry(labels=(label(value=1.0, method="a"), label(value=2.0, method="b")))])
    [key] = load_structures(session).ids
    assert labels.property_values(session, "k_vrh", [key]).tolist() == [1.0]
    assert labels.property_values(session, "k_vrh", [key], methods=["b", "a"]).tolist() == [2.0]


def test_verdicts_of_two_rule_sets_are_kept_side_by_side(session: Session) -> None:
    first = run_id(session)
    ingest(session, first, pipeline.labelled_entries(2))
    ids = labels.label_table(session, ["k_vrh"]).label_ids
    for rule_set, good in (("a" * 16, [True, False]), ("b" * 16, [True, True])):
        assert labels.labels_without_verdict(session, rule_set, ids) == set(ids.tolist())
        rules = [None if ok else "negative_modulus" for ok in good]
        seen = [math.nan, -1.0]
        write = (session, first, rule_set, ids)
        assert labels.write_verdicts(*write, accepted=good, rules=rules, values_seen=seen) == 2
        assert labels.write_verdicts(*write, accepted=good, rules=rules, values_seen=seen) == 0
        assert labels.labels_without_verdict(session, rule_set, ids) == set()
    table = labels.label_table(session, ["k_vrh"], rule_set="a" * 16)
    assert table.verdicts == ("accepted", "rejected")
    assert table.rules == (None, "negative_modulus")
    assert labels.label_table(session, ["k_vrh"], rule_set="b" * 16).verdicts == ("accepted", "accepted")


def test_descriptors_come_back_with_what_is_unknown(session: Session) -> None:
    first = run_id(session)
    ingest(session, first, [entry(str(i), c) for i, c in enumerate(many(4))])
    ids = load_structures(session).ids
    a, b = (pipeline.descriptor_set(session, name) for name in ("a", "b"))
    assert pipeline.descriptor_set(session, "a") == a
    assert descriptors.missing_descriptors(session, "a", "1").tolist() == ids.tolist()
    values = np.array([[1.5, np.nan], [0.1, 2.0], [1e300, -4.0]])
    seconds = np.zeros(3)
    assert descriptors.write_descriptors(session, first, a, ids[:3], values=values, seconds=seconds) == 3
    assert descriptors.write_descriptors(session, first, a, ids[:3], values=values, seconds=seconds) == 0
    assert descriptors.write_descriptors(session, first, b, ids[1:2], values=values[1:2], seconds=[0.0]) == 1
    assert descriptors.missing_descriptors(session, "a", "1").tolist() == ids[3:].tolist()
    assert descriptors.has_descriptors(session, [a, b], ids).tolist() == [False, True, False, False]
    matrix, columns = descriptors.load_matrix(session, [b, a], ids[::-1])
    assert columns == ["b_a", "b_b", "a_a", "a_b"]
    nan = np.nan
    expected = [[nan] * 4, [nan, nan, nan, -4.0], [np.float32(0.1), 2.0, np.float32(0.1), 2.0], [nan, nan, 1.5, nan]]
    np.testing.assert_array_equal(matrix, np.array(expected))


def test_failed_descriptors_are_missing_only_on_request(session: Session) -> None:
    first = run_id(session)
    ingest(session, first, [entry()])
    ids = load_structures(session).ids
    failures.write_failures(session, first, [failure(detail=descriptors.failure_detail("voronoi", "1"))])
    assert descriptors.missing_descriptors(session, "voronoi", "1", ids).tolist() == []
    assert descriptors.missing_descriptors(session, "voronoi", "1", ids, retry_failed=True).tolist() == ids.tolist()
    assert descriptors.missing_descriptors(session, "voronoi", "2", ids).tolist() == ids.tolist()
    there, failed = descriptors.descriptor_states(session, "voronoi", "1", ids)
    assert (there.tolist(), failed.tolist()) == ([False], [True])


def test_other_columns_under_a_known_version_are_refused(session: Session) -> None:
    pipeline.descriptor_set(session, "a")
    with pytest.raises(ValueError, match="raise its version"):
        descriptors.ensure_descriptor_set(
            session, name="a", version="1", columns=["x"], description="", package_versions={}
        )


def test_a_snapshot_is_written_once_and_read_in_order(session: Session) -> None:
    first = run_id(session)
    ingest(session, first, pipeline.labelled_entries(4))
    table = labels.label_table(session, ["k_vrh"])
    shuffled = table.label_ids[::-1]
    key = pipeline.snapshot(session, first, shuffled)
    assert pipeline.snapshot(session, first, shuffled) == key
    assert datasets.find_snapshot(session, pipeline.digest("snapshot")) == key
    back = datasets.load_snapshot(session, key)
    assert back.structure_hashes == table.structure_hashes
    assert back.values.tolist() == table.values.tolist()
    assert back.roles.tolist() == ["test", "validation", "train", "train"]
    assert (back.property_name, back.settings, back.seed) == ("k_vrh", {"threshold": 350.0}, 1)
    with pytest.raises(KeyError):
        datasets.load_snapshot(session, 987654321)


def test_a_model_comes_back_as_it_was_written(session: Session) -> None:
    study = pipeline.small_study(session)
    record = pipeline.model_record(study.snapshot, study.set_id)
    assert models.find_model(session, record.content_hash) == study.model
    assert models.write_model(session, study.run, record) == study.model
    assert models.load_model(session, study.model) == record
    evaluations = {e.metric: e.value for e in models.load_evaluations(session, [study.model])}
    assert evaluations == {"r2": 0.95, "mae": 3.0, "rmse": 4.0, "interval_coverage": 0.9}
    held = models.load_held_out(session, study.model)
    assert (held.roles, held.mean.tolist(), held.upper.tolist()) == (("test",), [30.0], [35.0])
    assert models.load_importances(session, study.model) == [(1, "volume_angstrom3", "mp", 1.0)]


def test_undefined_metrics_are_kept_as_unknown(session: Session) -> None:
    study = pipeline.small_study(session)
    models.write_evaluations(session, study.run, study.model, subset="test:Na", metrics={"r2": math.nan}, n_row=1)
    [found] = [e for e in models.load_evaluations(session, [study.model]) if e.subset == "test:Na"]
    assert math.isnan(found.value)


def test_predictions_come_back_bit_for_bit_and_ordered(session: Session) -> None:
    study = pipeline.small_study(session)
    model = models.write_model(session, study.run, pipeline.model_record(study.snapshot, study.set_id, seed=2))
    ids = study.structure_ids[::-1]
    assert predictions.structures_without_prediction(session, model, ids).tolist() == study.structure_ids.tolist()
    mean = np.random.default_rng(0).normal(50, 20, len(ids))

    def write() -> int:
        upper = mean + 1 / 3
        return predictions.write_predictions(
            session,
            study.run,
            model,
            structure_ids=ids,
            mean=mean,
            spread=abs(mean) / 3,
            lower=mean - 0.1,
            upper=upper,
            coverage=0.9,
        )

    assert [write(), write()] == [len(ids), 0]
    assert len(predictions.structures_without_prediction(session, model, ids)) == 0
    back = predictions.load_predictions(session, model)
    assert back.structure_ids.tolist() == study.structure_ids.tolist()
    np.testing.assert_array_equal(back.mean, mean[::-1])
    np.testing.assert_array_equal(back.upper, (mean + 1 / 3)[::-1])
    assert back.members.shape == (len(ids), 0)
    assert predictions.load_predictions(session, study.model).members[0].tolist() == [99.0, 101.0]
    assert len(predictions.load_predictions(session, model, ids[:2])) == 2


def test_outcomes_are_counted_by_criterion_in_the_order_of_the_study(session: Session) -> None:
    study = pipeline.small_study(session)
    assert len(screening.structures_without_outcome(session, study.screen, study.structure_ids)) == 0
    counted = screening.criterion_counts(session, study.screen)
    assert counted == [screening.CriterionCount("cell_size", 6, 0, 0), screening.CriterionCount("gap", 0, 0, 6)]
