"""Powder diffraction: ideal profiles of structures, measured patterns, and what networks and searches say of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, REAL, CheckConstraint, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    Base,
    finite,
    identity,
    json_object,
    not_empty,
    one_of,
    reference,
    run_reference,
    sha256_hex,
    timestamp,
)

#: Bins of a profile: 1/d from 0.1131 to 1.0625 per angstrom.
N_BIN = 10001

_GROUP = "BETWEEN 1 AND 230"
_VOLUME = "volume > 0 AND volume < 'Infinity' AND volume_lower > 0 AND volume_upper < 'Infinity'"
_ORDERED = "volume_lower <= volume_upper"
_ALL_OR_NONE = "num_nulls(volume, volume_lower, volume_upper) IN (0, 3)"


class StructureType(Base):
    """The structure type of one crystal: space group and what each kind of atom occupies."""

    __tablename__ = "structure_type"
    __table_args__ = (
        not_empty("method"),
        not_empty("name"),
        Index(None, "run_id"),
        {"comment": "The structure type of a crystal: space group, multiplicity and symmetry of its sites by kind."},
    )

    structure_id: Mapped[int] = reference("structure.id", "the structure", primary_key=True)
    method: Mapped[str] = mapped_column(
        primary_key=True, comment="how it was found, as the labels of the space group say"
    )
    name: Mapped[str] = mapped_column(comment="the type, for example 225: 4 m-3m | 4 m-3m; what occupies has no name")
    run_id: Mapped[int] = run_reference()


class DiffractionProfile(Base):
    """The ideal powder profile of one structure, as its occupied bins."""

    __tablename__ = "diffraction_profile"
    __table_args__ = (
        CheckConstraint("cardinality(bins) = cardinality(intensities) AND cardinality(bins) > 0", name="arrays_agree"),
        CheckConstraint(f"0 <= ALL (bins) AND {N_BIN} > ALL (bins)", name="bins_exist"),
        CheckConstraint("0 < ALL (intensities) AND 1 >= ALL (intensities)", name="intensities_are_fractions"),
        CheckConstraint("seconds >= 0 AND seconds < 'Infinity'", name="seconds_is_a_duration"),
        Index(None, "descriptor_set_id", "structure_id"),
        Index(None, "run_id"),
        {"comment": "The ideal powder profile of one structure in one descriptor set, as its occupied bins."},
    )

    structure_id: Mapped[int] = reference("structure.id", "the structure", primary_key=True)
    descriptor_set_id: Mapped[int] = reference("descriptor_set.id", "the descriptor set", primary_key=True)
    bins: Mapped[list[int]] = mapped_column(
        ARRAY(SmallInteger),
        comment=f"occupied bins, ascending, from 0: {N_BIN} of equal width, 1/d from 0.1131 to 1.0625 per angstrom",
    )
    intensities: Mapped[list[float]] = mapped_column(
        ARRAY(REAL), comment="sum of |F|^2 in each of these bins, over the largest"
    )
    seconds: Mapped[float] = mapped_column(comment="time that the computation took, s")
    run_id: Mapped[int] = run_reference()


class HeldOutSpaceGroup(Base):
    """What a network ensemble says of the space group of a structure that it was not trained on."""

    __tablename__ = "held_out_space_group"
    __table_args__ = (
        CheckConstraint(f"predicted {_GROUP}", name="predicted_is_a_space_group"),
        CheckConstraint("probability BETWEEN 0 AND 1", name="probability_is_one"),
        CheckConstraint("true_probability BETWEEN 0 AND 1", name="true_probability_is_one"),
        CheckConstraint(
            "cardinality(member_predicted) > 0 AND cardinality(member_predicted) = cardinality(member_probabilities)",
            name="members_agree",
        ),
        CheckConstraint("true_rank > 0", name="true_rank_is_positive"),
        CheckConstraint("set_size >= 0", name="set_size_is_not_negative"),
        one_of("relation", "same", "subgroup", "supergroup", "both", "unrelated"),
        CheckConstraint(_VOLUME, name="volumes_are_positive"),
        CheckConstraint(_ORDERED, name="quartiles_are_ordered"),
        CheckConstraint(_ALL_OR_NONE, name="volume_has_quartiles"),
        Index(None, "label_id"),
        Index(None, "run_id"),
        {"comment": "What a network ensemble says of the space group of a structure that it was not trained on."},
    )

    model_version_id: Mapped[int] = reference("model_version.id", "the ensemble", primary_key=True)
    label_id: Mapped[int] = reference("label.id", "the true space group", primary_key=True)
    predicted: Mapped[int] = mapped_column(SmallInteger, comment="most probable space group, number")
    probability: Mapped[float] = mapped_column(comment="its calibrated probability, fraction of 1")
    true_probability: Mapped[float] = mapped_column(
        comment="calibrated probability of the true space group, fraction of 1; 0 = the ensemble does not know it"
    )
    true_rank: Mapped[int | None] = mapped_column(
        SmallInteger, comment="place of the true space group, from 1; NULL = the ensemble does not know it"
    )
    member_predicted: Mapped[list[int]] = mapped_column(
        ARRAY(SmallInteger), comment="most probable space group of each member, numbers"
    )
    member_probabilities: Mapped[list[float]] = mapped_column(
        comment="probability that each member gives the predicted space group, fraction of 1"
    )
    in_set: Mapped[bool] = mapped_column(comment="whether the conformal set holds the true space group")
    set_size: Mapped[int] = mapped_column(SmallInteger, comment="space groups in the conformal set, count")
    relation: Mapped[str | None] = mapped_column(
        comment="the predicted to the true group: same, subgroup, supergroup, both or unrelated; NULL = unknown"
    )
    volume: Mapped[float | None] = mapped_column(
        comment="volume of the primitive cell, angstrom3; NULL = the network says none"
    )
    volume_lower: Mapped[float | None] = mapped_column(comment="lower quartile of it, angstrom3; NULL = as the volume")
    volume_upper: Mapped[float | None] = mapped_column(comment="upper quartile of it, angstrom3; NULL = as the volume")
    run_id: Mapped[int] = run_reference()


class MeasuredPattern(Base):
    """A powder diffraction pattern that somebody measured."""

    __tablename__ = "measured_pattern"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        not_empty("name"),
        CheckConstraint("wavelength_angstrom > 0 AND wavelength_angstrom < 'Infinity'", name="wavelength_is_positive"),
        CheckConstraint(
            "cardinality(two_theta_deg) = cardinality(intensity) AND cardinality(intensity) > 0", name="arrays_agree"
        ),
        Index(None, "run_id"),
        {"comment": "A powder diffraction pattern that somebody measured."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of wavelength, angles and intensities")
    name: Mapped[str] = mapped_column(comment="name that the experimentalist gave it")
    wavelength_angstrom: Mapped[float] = mapped_column(comment="wavelength of the radiation, angstrom")
    two_theta_deg: Mapped[list[float]] = mapped_column(comment="diffraction angles 2 theta, degree")
    intensity: Mapped[list[float]] = mapped_column(comment="measured intensity at each angle, arbitrary unit")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class PatternIdentification(Base):
    """One answer to the question what a measured pattern shows: peaks, cell volume, and whether it is sure."""

    __tablename__ = "pattern_identification"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        sha256_hex("index_hash"),
        CheckConstraint(
            "(descriptor_set_id IS NULL) = (index_hash IS NULL) AND (index_hash IS NULL) = (n_indexed IS NULL)",
            name="index_is_named",
        ),
        CheckConstraint("n_indexed >= 0", name="n_indexed_is_not_negative"),
        CheckConstraint(_VOLUME, name="volumes_are_positive"),
        CheckConstraint(_ORDERED, name="quartiles_are_ordered"),
        CheckConstraint(_ALL_OR_NONE, name="volume_has_quartiles"),
        Index(None, "measured_pattern_id"),
        Index(None, "model_version_id"),
        Index(None, "run_id"),
        {"comment": "One answer to what a measured pattern shows: by which networks, among which stored profiles."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(
        comment="SHA-256 of pattern, peaks, ensemble, searched profiles and settings"
    )
    measured_pattern_id: Mapped[int] = reference("measured_pattern.id", "the pattern")
    model_version_id: Mapped[int | None] = reference(
        "model_version.id", "the network ensemble; NULL = none was asked", nullable=True
    )
    descriptor_set_id: Mapped[int | None] = reference(
        "descriptor_set.id", "set of the searched profiles; NULL = none were searched", nullable=True
    )
    index_hash: Mapped[str | None] = mapped_column(
        comment="SHA-256 of the structures whose profiles were searched; NULL = none"
    )
    n_indexed: Mapped[int | None] = mapped_column(comment="profiles that were searched, count; NULL = none")
    settings: Mapped[dict[str, Any]] = json_object("settings of peak search, profile search and ranking")
    peaks: Mapped[dict[str, Any]] = json_object(
        "lists of equal length: two_theta_deg (degree), q (1/d, per angstrom), intensity (over the largest), fwhm_deg"
    )
    is_sure: Mapped[bool] = mapped_column(comment="whether the set that holds the true group is one group alone")
    reason: Mapped[str] = mapped_column(comment="one sentence: why it is sure or not")
    volume: Mapped[float | None] = mapped_column(
        comment="volume of the primitive cell by the networks, angstrom3; NULL = they say none"
    )
    volume_lower: Mapped[float | None] = mapped_column(comment="lower quartile of it, angstrom3; NULL = as the volume")
    volume_upper: Mapped[float | None] = mapped_column(comment="upper quartile of it, angstrom3; NULL = as the volume")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class PatternSpaceGroup(Base):
    """One space group in the ranking that an answer gives."""

    __tablename__ = "pattern_space_group"
    __table_args__ = (
        CheckConstraint(f"space_group_number {_GROUP}", name="is_a_space_group"),
        UniqueConstraint("identification_id", "rank"),
        CheckConstraint("rank > 0", name="rank_is_positive"),
        CheckConstraint("probability BETWEEN 0 AND 1", name="probability_is_one"),
        CheckConstraint("network_probability BETWEEN 0 AND 1", name="network_probability_is_one"),
        CheckConstraint("0 <= ALL (member_probabilities) AND 1 >= ALL (member_probabilities)", name="members_are_ones"),
        CheckConstraint("search_score BETWEEN 0 AND 1", name="search_score_is_one"),
        Index(None, "run_id"),
        {"comment": "The space groups that an answer ranks, most probable first."},
    )

    identification_id: Mapped[int] = reference("pattern_identification.id", "the answer", primary_key=True)
    space_group_number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, comment="space group, number")
    rank: Mapped[int] = mapped_column(SmallInteger, comment="1 for the most probable")
    probability: Mapped[float] = mapped_column(
        comment="calibrated probability by all evidence, networks and search together, fraction of 1"
    )
    network_probability: Mapped[float | None] = mapped_column(
        comment="calibrated probability by the networks alone, fraction of 1; NULL = they do not know the group"
    )
    member_probabilities: Mapped[list[float]] = mapped_column(
        comment="probability by each network, fraction of 1; empty = they do not know the group"
    )
    search_score: Mapped[float | None] = mapped_column(
        comment="score, 0 to 1, of the best stored profile of this group; NULL = none fits, or none were searched"
    )
    in_set: Mapped[bool] = mapped_column(
        comment="whether it is in the set that holds the true group as often as the settings say"
    )
    run_id: Mapped[int] = run_reference()


class PatternPhase(Base):
    """One stored structure whose ideal profile fits a pattern."""

    __tablename__ = "pattern_phase"
    __table_args__ = (
        UniqueConstraint("identification_id", "fit", "rank"),
        one_of("fit", "alone", "mixture"),
        CheckConstraint("rank > 0", name="rank_is_positive"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score_is_one"),
        CheckConstraint("share BETWEEN 0 AND 1", name="share_is_one"),
        CheckConstraint("cell_scale > 0 AND cell_scale < 'Infinity'", name="cell_scale_is_positive"),
        finite("zero_shift_deg"),
        Index(None, "structure_id"),
        Index(None, "run_id"),
        {"comment": "Stored structures whose ideal profiles fit a pattern, best first."},
    )

    identification_id: Mapped[int] = reference("pattern_identification.id", "the answer", primary_key=True)
    structure_id: Mapped[int] = reference("structure.id", "the structure", primary_key=True)
    fit: Mapped[str] = mapped_column(
        primary_key=True, comment="alone = it explains the pattern by itself; mixture = together with the others"
    )
    rank: Mapped[int] = mapped_column(SmallInteger, comment="1 for the best alone, or the strongest of the mixture")
    score: Mapped[float] = mapped_column(comment="how well it fits, from 0 to 1")
    share: Mapped[float] = mapped_column(comment="measured intensity that its lines explain, fraction of 1")
    zero_shift_deg: Mapped[float] = mapped_column(comment="measured minus true 2 theta, degree")
    cell_scale: Mapped[float] = mapped_column(comment="edges of the measured cell over those of the structure, unit 1")
    run_id: Mapped[int] = run_reference()
