"""Powder diffraction: ideal profiles, space groups of held-out structures, and answers to measured patterns.

WHY: a profile has 10,001 bins of which a structure fills some hundred, so it is kept as those bins and not as a vector.
A classification has no mean and spread: what networks say of held-out structures has its own table. An answer to a
measured pattern depends on the networks, the stored profiles and the peak search of its day, so it is a row of its own,
and the pattern keeps only what was measured.

Revision ID: 0022
Revises: 0021
Create Date: 2026-11-21
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from matsift_schema.migrations.helpers import drop_functions, drop_views, forbid_change, frozen_rows

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_PROPERTIES = "property_0022.csv"
_PATTERN = "A powder diffraction pattern that somebody measured."
_PATTERN_BEFORE = "A powder diffraction pattern that somebody measured, with the predictions made for it."
_TABLES = (
    "structure_type",
    "diffraction_profile",
    "held_out_space_group",
    "pattern_identification",
    "pattern_space_group",
    "pattern_phase",
)
_SMALL, _TEXT = sa.SmallInteger(), sa.Text()
_REAL: sa.REAL[float] = sa.REAL()
_FLOAT: sa.Double[float] = sa.Double()
_VOLUMES = {
    "volumes_are_positive": "volume > 0 AND volume < 'Infinity' AND volume_lower > 0 AND volume_upper < 'Infinity'",
    "quartiles_are_ordered": "volume_lower <= volume_upper",
    "volume_has_quartiles": "num_nulls(volume, volume_lower, volume_upper) IN (0, 3)",
}


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    _fill_property()
    for name in ("peaks", "predictions"):  # no flow ever filled them
        op.drop_column("measured_pattern", name, schema="matsift")
    op.create_table_comment("measured_pattern", _PATTERN, existing_comment=_PATTERN_BEFORE, schema="matsift")
    _create_types()
    _create_profiles()
    _create_held_out()
    _create_identifications()
    _create_space_groups()
    _create_phases()
    for table in _TABLES:
        op.create_index(op.f(f"ix_{table}__run_id"), table, ["run_id"], unique=False, schema="matsift")
        forbid_change(table)


def downgrade() -> None:
    """Take back; refused where a label names one of the properties."""
    drop_functions()
    drop_views()
    for table in reversed(_TABLES):
        op.drop_table(table, schema="matsift")
    op.create_table_comment("measured_pattern", _PATTERN_BEFORE, existing_comment=_PATTERN, schema="matsift")
    for name, comment in (
        ("peaks", "peaks that were found: positions in degree, heights in arbitrary unit"),
        ("predictions", "predicted space groups with probabilities, cell volume in cubic angstrom"),
    ):
        op.add_column("measured_pattern", _json(name, comment), schema="matsift")
    op.execute("ALTER TABLE matsift.property DISABLE TRIGGER property_keeps_rows")
    names = [row["name"] for row in frozen_rows(_PROPERTIES)]
    op.get_bind().execute(sa.text("DELETE FROM matsift.property WHERE name = ANY(:names)"), {"names": names})
    op.execute("ALTER TABLE matsift.property ENABLE TRIGGER property_keeps_rows")


def _fill_property() -> None:
    insert = sa.text(
        "INSERT INTO matsift.property (name, unit, definition, lower_bound, upper_bound) VALUES (:name, :unit,"
        " :definition, CAST(:lower_bound AS float8), CAST(:upper_bound AS float8))"
    )
    op.get_bind().execute(insert, frozen_rows(_PROPERTIES))


def _create_types() -> None:
    _create(
        "structure_type",
        (
            _key("structure_id", "the structure"),
            _column("method", _TEXT, "how it was found, as the labels of the space group say"),
            _column("name", _TEXT, "the type, for example 225: 4 m-3m | 4 m-3m; what occupies has no name"),
        ),
        {"method_is_not_empty": "method <> ''", "name_is_not_empty": "name <> ''"},
        {"structure_id": "structure"},
        primary_key=("structure_id", "method"),
        comment="The structure type of a crystal: space group, multiplicity and symmetry of its sites by kind.",
    )


def _create_profiles() -> None:
    _create(
        "diffraction_profile",
        (
            _key("structure_id", "the structure"),
            _key("descriptor_set_id", "the descriptor set"),
            _column(
                "bins",
                sa.ARRAY(_SMALL),
                "occupied bins, ascending, from 0: 10001 of equal width, 1/d from 0.1131 to 1.0625 per angstrom",
            ),
            _column("intensities", sa.ARRAY(_REAL), "sum of |F|^2 in each of these bins, over the largest"),
            _column("seconds", _FLOAT, "time that the computation took, s"),
        ),
        {
            "arrays_agree": "cardinality(bins) = cardinality(intensities) AND cardinality(bins) > 0",
            "bins_exist": "0 <= ALL (bins) AND 10001 > ALL (bins)",
            "intensities_are_fractions": "0 < ALL (intensities) AND 1 >= ALL (intensities)",
            "seconds_is_a_duration": "seconds >= 0 AND seconds < 'Infinity'",
        },
        {"structure_id": "structure", "descriptor_set_id": "descriptor_set"},
        primary_key=("structure_id", "descriptor_set_id"),
        comment="The ideal powder profile of one structure in one descriptor set, as its occupied bins.",
        indices=(("descriptor_set_id", "structure_id"),),
    )


def _create_held_out() -> None:
    _create(
        "held_out_space_group",
        (
            _key("model_version_id", "the ensemble"),
            _key("label_id", "the true space group"),
            _column("predicted", _SMALL, "most probable space group, number"),
            _column("probability", _FLOAT, "its calibrated probability, fraction of 1"),
            _column(
                "true_probability",
                _FLOAT,
                "calibrated probability of the true space group, fraction of 1; 0 = the ensemble does not know it",
            ),
            _column(
                "true_rank",
                _SMALL,
                "place of the true space group, from 1; NULL = the ensemble does not know it",
                nullable=True,
            ),
            _column("member_predicted", sa.ARRAY(_SMALL), "most probable space group of each member, numbers"),
            _column(
                "member_probabilities",
                sa.ARRAY(_FLOAT),
                "probability that each member gives the predicted space group, fraction of 1",
            ),
            _column("in_set", sa.Boolean(), "whether the conformal set holds the true space group"),
            _column("set_size", _SMALL, "space groups in the conformal set, count"),
            _column(
                "relation",
                _TEXT,
                "the predicted to the true group: same, subgroup, supergroup, both or unrelated; NULL = unknown",
                nullable=True,
            ),
            *_volume_columns("volume of the primitive cell, angstrom3; NULL = the network says none"),
        ),
        {
            "predicted_is_a_space_group": "predicted BETWEEN 1 AND 230",
            "probability_is_one": "probability BETWEEN 0 AND 1",
            "true_probability_is_one": "true_probability BETWEEN 0 AND 1",
            "members_agree": "cardinality(member_predicted) > 0"
            " AND cardinality(member_predicted) = cardinality(member_probabilities)",
            "true_rank_is_positive": "true_rank > 0",
            "set_size_is_not_negative": "set_size >= 0",
            "relation_is_known": "relation IN ('same', 'subgroup', 'supergroup', 'both', 'unrelated')",
            **_VOLUMES,
        },
        {"model_version_id": "model_version", "label_id": "label"},
        primary_key=("model_version_id", "label_id"),
        comment="What a network ensemble says of the space group of a structure that it was not trained on.",
        indices=(("label_id",),),
    )


def _create_identifications() -> None:
    sha256 = "length({0}) = 64 AND {0} !~ '[^0-9a-f]'"
    _create(
        "pattern_identification",
        (
            sa.Column(
                "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
            ),
            _column("content_hash", _TEXT, "SHA-256 of pattern, peaks, ensemble, searched profiles and settings"),
            _key("measured_pattern_id", "the pattern"),
            _column("model_version_id", sa.BigInteger(), "the network ensemble; NULL = none was asked", nullable=True),
            _column(
                "descriptor_set_id",
                sa.BigInteger(),
                "set of the searched profiles; NULL = none were searched",
                nullable=True,
            ),
            _column(
                "index_hash",
                _TEXT,
                "SHA-256 of the structures whose profiles were searched; NULL = none",
                nullable=True,
            ),
            _column("n_indexed", sa.Integer(), "profiles that were searched, count; NULL = none", nullable=True),
            _json("settings", "settings of peak search, profile search and ranking"),
            _json(
                "peaks",
                "lists of equal length: two_theta_deg (degree), q (1/d, per angstrom), intensity (over the largest),"
                " fwhm_deg",
            ),
            _column("is_sure", sa.Boolean(), "whether the set that holds the true group is one group alone"),
            _column("reason", _TEXT, "one sentence: why it is sure or not"),
            *_volume_columns("volume of the primitive cell by the networks, angstrom3; NULL = they say none"),
            sa.Column(
                "created_at",
                sa.DateTime(timezone=True),
                server_default=sa.text("clock_timestamp()"),
                nullable=False,
                comment="when the row was written",
            ),
        ),
        {
            "content_hash_is_sha256": sha256.format("content_hash"),
            "index_hash_is_sha256": sha256.format("index_hash"),
            "index_is_named": "(descriptor_set_id IS NULL) = (index_hash IS NULL)"
            " AND (index_hash IS NULL) = (n_indexed IS NULL)",
            "n_indexed_is_not_negative": "n_indexed >= 0",
            **_VOLUMES,
        },
        {
            "measured_pattern_id": "measured_pattern",
            "model_version_id": "model_version",
            "descriptor_set_id": "descriptor_set",
        },
        primary_key=("id",),
        unique=("content_hash",),
        comment="One answer to what a measured pattern shows: by which networks, among which stored profiles.",
        indices=(("measured_pattern_id",), ("model_version_id",)),
    )


def _create_space_groups() -> None:
    _create(
        "pattern_space_group",
        (
            _key("identification_id", "the answer"),
            _column("space_group_number", _SMALL, "space group, number"),
            _column("rank", _SMALL, "1 for the most probable"),
            _column(
                "probability",
                _FLOAT,
                "calibrated probability by all evidence, networks and search together, fraction of 1",
            ),
            _column(
                "network_probability",
                _FLOAT,
                "calibrated probability by the networks alone, fraction of 1; NULL = they do not know the group",
                nullable=True,
            ),
            _column(
                "member_probabilities",
                sa.ARRAY(_FLOAT),
                "probability by each network, fraction of 1; empty = they do not know the group",
            ),
            _column(
                "search_score",
                _FLOAT,
                "score, 0 to 1, of the best stored profile of this group; NULL = none fits, or none were searched",
                nullable=True,
            ),
            _column(
                "in_set",
                sa.Boolean(),
                "whether it is in the set that holds the true group as often as the settings say",
            ),
        ),
        {
            "is_a_space_group": "space_group_number BETWEEN 1 AND 230",
            "rank_is_positive": "rank > 0",
            "probability_is_one": "probability BETWEEN 0 AND 1",
            "network_probability_is_one": "network_probability BETWEEN 0 AND 1",
            "members_are_ones": "0 <= ALL (member_probabilities) AND 1 >= ALL (member_probabilities)",
            "search_score_is_one": "search_score BETWEEN 0 AND 1",
        },
        {"identification_id": "pattern_identification"},
        primary_key=("identification_id", "space_group_number"),
        unique=("identification_id", "rank"),
        comment="The space groups that an answer ranks, most probable first.",
    )


def _create_phases() -> None:
    _create(
        "pattern_phase",
        (
            _key("identification_id", "the answer"),
            _key("structure_id", "the structure"),
            _column("fit", _TEXT, "alone = it explains the pattern by itself; mixture = together with the others"),
            _column("rank", _SMALL, "1 for the best alone, or the strongest of the mixture"),
            _column("score", _FLOAT, "how well it fits, from 0 to 1"),
            _column("share", _FLOAT, "measured intensity that its lines explain, fraction of 1"),
            _column("zero_shift_deg", _FLOAT, "measured minus true 2 theta, degree"),
            _column("cell_scale", _FLOAT, "edges of the measured cell over those of the structure, unit 1"),
        ),
        {
            "fit_is_known": "fit IN ('alone', 'mixture')",
            "rank_is_positive": "rank > 0",
            "score_is_one": "score BETWEEN 0 AND 1",
            "share_is_one": "share BETWEEN 0 AND 1",
            "cell_scale_is_positive": "cell_scale > 0 AND cell_scale < 'Infinity'",
            "zero_shift_deg_is_finite": "zero_shift_deg > '-Infinity' AND zero_shift_deg < 'Infinity'",
        },
        {"identification_id": "pattern_identification", "structure_id": "structure"},
        primary_key=("identification_id", "structure_id", "fit"),
        unique=("identification_id", "fit", "rank"),
        comment="Stored structures whose ideal profiles fit a pattern, best first.",
        indices=(("structure_id",),),
    )


def _create(
    name: str,
    columns: tuple[sa.Column[Any], ...],
    checks: Mapping[str, str],
    references: Mapping[str, str],
    *,
    primary_key: tuple[str, ...],
    comment: str,
    unique: tuple[str, ...] = (),
    indices: tuple[tuple[str, ...], ...] = (),
) -> None:
    op.create_table(
        name,
        *columns,
        _key("run_id", "run that wrote this row"),
        *(sa.CheckConstraint(check, name=op.f(f"ck_{name}__{said}")) for said, check in checks.items()),
        *(
            sa.ForeignKeyConstraint([column], [f"matsift.{referred}.id"], name=op.f(f"fk_{name}__{column}__{referred}"))
            for column, referred in {**references, "run_id": "run"}.items()
        ),
        sa.PrimaryKeyConstraint(*primary_key, name=op.f(f"pk_{name}")),
        *([sa.UniqueConstraint(*unique, name=op.f(f"uq_{name}__{'_'.join(unique)}"))] if unique else []),
        schema="matsift",
        comment=comment,
    )
    for index in indices:
        op.create_index(op.f(f"ix_{name}__{'_'.join(index)}"), name, list(index), unique=False, schema="matsift")


def _column(name: str, kind: TypeEngine[Any], comment: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, comment=comment)


def _key(name: str, comment: str) -> sa.Column[Any]:
    return _column(name, sa.BigInteger(), comment)


def _json(name: str, comment: str) -> sa.Column[Any]:
    kind = postgresql.JSONB(astext_type=sa.Text())
    return sa.Column(name, kind, server_default=sa.text("'{}'::jsonb"), nullable=False, comment=comment)


def _volume_columns(comment: str) -> tuple[sa.Column[Any], ...]:
    return (
        _column("volume", _FLOAT, comment, nullable=True),
        _column("volume_lower", _FLOAT, "lower quartile of it, angstrom3; NULL = as the volume", nullable=True),
        _column("volume_upper", _FLOAT, "upper quartile of it, angstrom3; NULL = as the volume", nullable=True),
    )
