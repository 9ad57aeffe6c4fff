"""The tables of a package in the order in which they are taken in, each with what its rows name and hold."""

from __future__ import annotations

from matsift_schema.store.portable.keys import (
    DESCRIPTOR_SET,
    ENTRY,
    LABEL,
    MODEL,
    PROPERTY,
    RUN,
    RUN_HASH,
    SCREEN,
    SNAPSHOT,
    SOURCE,
    STRUCTURE,
)
from matsift_schema.store.portable.table import PortableTable, Reference


def _typed(listed: str) -> dict[str, str]:
    """Return column -> type of what is listed as ``column type, column type``."""
    return dict(pair.split(maxsplit=1) for pair in listed.split(", "))


_RUN = Reference("run_id", RUN)
_OF_MODEL = "t.model_version_id IN (SELECT id FROM packed_model)"
_MODEL = Reference("model_version_id", MODEL)
_STRUCTURE = Reference("structure_id", STRUCTURE)
_SET = Reference("descriptor_set_id", DESCRIPTOR_SET)
_STATED_OTHERWISE = """
    i.withdrawn_at IS NULL AND EXISTS (
        SELECT FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
        WHERE o.name = i.source AND e.external_id = i.external_id AND e.withdrawn_at IS NULL)
"""
_INTERVAL = {"mean": "float8", "spread": "float8", "lower": "float8", "upper": "float8"}

RUNS = PortableTable(
    "run",
    (),
    _typed(
        "run_hash text, flow text, study text, parameters jsonb, code_version text, environment_hash text, started_at "
        "timestamptz, ended_at timestamptz, status text, counts jsonb, message text"
    ),
    ("run_hash",),
    "t.id IN (SELECT id FROM packed_run)",
    # What goes on here has ended there, as far as anybody there will ever know.
    written={
        "run_hash": RUN_HASH.format("t"),
        "ended_at": "coalesce(t.ended_at, t.started_at)",
        "status": "CASE t.status WHEN 'running' THEN 'interrupted' ELSE t.status END",
    },
)
SOURCES = PortableTable(
    "source",
    (),
    {"name": "text", "kind": "text", "description": "text", "licence": "text"},
    ("name",),
    "t.id IN (SELECT source_id FROM matsift.source_entry WHERE id IN (SELECT id FROM packed_entry))",
    told=("kind",),
)
STRUCTURES = PortableTable(
    "structure",
    (_RUN,),
    _typed(
        "content_hash text, lattice float8[], species text[], frac_coords float8[], occupancies float8[], site_index "
        "int4[], n_site int4, n_element int4, formula text, reduced_formula text, anonymous_formula text, "
        "chemical_system text, elements text[], space_group_number int2, space_group_symbol text, crystal_system "
        "text, volume_angstrom3 float8, density_g_per_cm3 float8, is_ordered bool, holds text[], created_at "
        "timestamptz"
    ),
    ("content_hash",),
    "t.id IN (SELECT id FROM packed_structure)",
)
ENTRIES = PortableTable(
    "source_entry",
    (_RUN, Reference("source_id", SOURCE), Reference("structure_id", STRUCTURE, optional=True)),
    _typed(
        "external_id text, canonical_number int8, version text, content_hash text, licence text, url text, payload "
        "jsonb, created_at timestamptz, withdrawn_at timestamptz, revision text, withdrawn_reason text"
    ),
    ("source", "external_id", "content_hash"),
    "t.id IN (SELECT id FROM packed_entry)",
    # Where its source states something else here, that stays current.
    taken={
        "withdrawn_at": f"CASE WHEN {_STATED_OTHERWISE} THEN greatest(i.created_at, clock_timestamp()) "
        "ELSE i.withdrawn_at END",
        "withdrawn_reason": f"CASE WHEN {_STATED_OTHERWISE} THEN 'superseded' ELSE i.withdrawn_reason END",
    },
)
LABELS = PortableTable(
    "label",
    (_RUN, _STRUCTURE, Reference("property_id", PROPERTY), Reference("source_entry_id", ENTRY, optional=True)),
    _typed("method text, origin text, revision int4, value float8, uncertainty float8, created_at timestamptz"),
    LABEL.names,
    "t.id IN (SELECT id FROM packed_label)",
    told=("value",),
)
VERDICTS = PortableTable(
    "label_verdict",
    (_RUN, Reference("label_id", LABEL)),
    {"rule_set": "text", "verdict": "text", "rule": "text", "value_seen": "float8"},
    (*LABEL.names, "rule_set"),
    "t.label_id IN (SELECT id FROM packed_label)",
)
DESCRIPTOR_SETS = PortableTable(
    "descriptor_set",
    (),
    _typed(
        "name text, version text, column_names text[], n_column int4, description text, package_versions jsonb, "
        "created_at timestamptz"
    ),
    ("name", "version"),
    "t.id IN (SELECT id FROM packed_set)",
    told=("column_names",),
)
DESCRIPTORS = PortableTable(
    "descriptor",
    (_RUN, _STRUCTURE, _SET),
    {"vector": "vector", "missing_columns": "int2[]", "seconds": "float8"},
    (*DESCRIPTOR_SET.names, *STRUCTURE.names),
    "t.descriptor_set_id IN (SELECT id FROM packed_set) AND t.structure_id IN (SELECT id FROM packed_structure)",
)
SNAPSHOTS = PortableTable(
    "dataset_snapshot",
    (_RUN, Reference("property_id", PROPERTY)),
    _typed("content_hash text, strategy text, settings jsonb, seed int8, n_row int4, created_at timestamptz"),
    ("content_hash",),
    "t.id IN (SELECT id FROM packed_snapshot)",
)
SNAPSHOT_ROWS = PortableTable(
    "dataset_row",
    (Reference("snapshot_id", SNAPSHOT), Reference("label_id", LABEL)),
    {"role": "text", "fold": "int4"},
    (*SNAPSHOT.names, *LABEL.names),
    "t.snapshot_id IN (SELECT id FROM packed_snapshot)",
    told=("role",),
)
MODELS = PortableTable(
    "model_version",
    (_RUN, Reference("snapshot_id", SNAPSHOT), Reference("property_id", PROPERTY)),
    _typed(
        "content_hash text, learner text, purpose text, settings jsonb, seed int8, column_names text[], calibration "
        "jsonb, artifact_sha256 text, code_version text, created_at timestamptz"
    ),
    ("content_hash",),
    "t.id IN (SELECT id FROM packed_model)",
    watched=("artifact_sha256",),
    taken={"artifact_uri": "CAST(:artifacts AS jsonb) ->> i.artifact_sha256"},
)
MODEL_SETS = PortableTable(
    "model_descriptor_set", (_MODEL, _SET), {"position": "int4"}, (*MODEL.names, *DESCRIPTOR_SET.names), _OF_MODEL
)
EVALUATIONS = PortableTable(
    "evaluation",
    (_RUN, _MODEL),
    {"metric": "text", "subset": "text", "value": "float8", "n_row": "int4"},
    (*MODEL.names, "metric", "subset"),
    _OF_MODEL,
)
HELD_OUT = PortableTable(
    "held_out_prediction",
    (_RUN, _MODEL, Reference("label_id", LABEL)),
    _INTERVAL,
    (*MODEL.names, *LABEL.names),
    _OF_MODEL,
)
IMPORTANCES = PortableTable(
    "feature_importance",
    (_RUN, _MODEL, Reference("descriptor_set_id", DESCRIPTOR_SET, optional=True)),
    {"column_name": "text", "gain_fraction": "float8", "rank": "int4"},
    (*MODEL.names, "column_name"),
    _OF_MODEL,
)
PREDICTIONS = PortableTable(
    "prediction",
    (_RUN, _MODEL, _STRUCTURE, Reference("property_id", PROPERTY)),
    {**_INTERVAL, "coverage": "float8", "members": "float8[]"},
    (*MODEL.names, *STRUCTURE.names),
    f"{_OF_MODEL} AND t.structure_id IN (SELECT id FROM packed_structure)",  # noqa: S608  a constant
    watched=("mean",),
)
SCREENS = PortableTable(
    "screen",
    (_RUN,),
    {"content_hash": "text", "name": "text", "study": "text", "criteria": "jsonb", "created_at": "timestamptz"},
    ("content_hash",),
    "t.id IN (SELECT id FROM packed_screen)",
)
OUTCOMES = PortableTable(
    "screen_outcome",
    (_RUN, Reference("screen_id", SCREEN), _STRUCTURE),
    {"criterion": "text", "outcome": "text", "value_seen": "float8", "detail": "text"},
    (*SCREEN.names, *STRUCTURE.names, "criterion"),
    "t.screen_id IN (SELECT id FROM packed_screen) AND t.structure_id IN (SELECT id FROM packed_structure)",
)

#: What refers to a table stands behind it.
TABLES = (
    *(RUNS, SOURCES, STRUCTURES, ENTRIES, LABELS, VERDICTS, DESCRIPTOR_SETS, DESCRIPTORS, SNAPSHOTS, SNAPSHOT_ROWS),
    *(MODELS, MODEL_SETS, EVALUATIONS, HELD_OUT, IMPORTANCES, PREDICTIONS, SCREENS, OUTCOMES),
)
