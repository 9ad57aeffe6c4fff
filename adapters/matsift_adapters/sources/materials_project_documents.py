"""From documents of the Materials Project to entries: structure, labels, licence, and what else is worth keeping."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matsift.crystal import Crystal
from matsift.errors import BadLabelError, BadStructureError
from matsift.records import EntryRecord, FailureRecord, LabelRecord
from matsift.study.materials_project import MP_LICENCE, MaterialsProjectSource, thermo_method
from matsift_adapters.sources.materials_project_ids import canonical
from matsift_adapters.sources.pymatgen_json import from_pymatgen
from matsift_adapters.sources.values import as_json, bad_label, from_value

#: Raised when documents give other entries than before, so that all of them are read again.
READER = 1

ELASTICITY_METHOD = "mp-elasticity"
BAND_GAP_METHOD = "mp-electronic-structure"
NON_COMMERCIAL = "CC-BY-NC-4.0"
PAGE = "https://next-gen.materialsproject.org/materials/{}"

SUMMARY_FIELDS = (
    "material_id",
    "structure",
    "deprecated",
    "deprecation_reasons",
    "builder_meta",
    "formula_pretty",
    "symmetry",
    "theoretical",
    "database_IDs",
    "origins",
    "has_props",
    "band_gap",
)
THERMO_FIELDS = (
    "material_id",
    "thermo_type",
    "energy_per_atom",
    "uncorrected_energy_per_atom",
    "formation_energy_per_atom",
    "energy_above_hull",
    "is_stable",
    "energy_type",
)
ELASTICITY_FIELDS = (
    "material_id",
    "bulk_modulus",
    "shear_modulus",
    "elastic_tensor",
    "order",
    "state",
    "fitting_method",
    "warnings",
)
_REMEDY = "the service states it so; the label is left out"


@dataclass(frozen=True)
class Documents:
    """What the collections say of one material."""

    summary: Mapping[str, Any]
    thermo: Sequence[Mapping[str, Any]] = ()
    elasticity: Mapping[str, Any] | None = None


def revision(document: Mapping[str, Any], settings: MaterialsProjectSource, release: str) -> str:
    """Return the mark of the state of an entry, made of what the list says of it and of how it is read.

    `last_updated` is the summary document's own; thermo and elasticity documents change with the release of the
    database, which counts where they are read. Which entries are wanted does not count: another filter changes none.
    """
    meta = meta_of(document)
    others = bool(settings.energies or settings.moduli)
    state = [
        READER,
        sorted(settings.properties),
        sorted(settings.thermo_types) if settings.energies else None,
        release if others else None,
        document.get("last_updated"),
        bool(document.get("deprecated")),
        meta.get("license"),
        meta.get("batch_id"),
    ]
    return hashlib.sha256(json.dumps(state, default=str).encode()).hexdigest()[:32]


def entry(documents: Documents, settings: MaterialsProjectSource, *, mark: str, release: str) -> EntryRecord:
    """Return the entry of a material.

    One without a usable structure has a failure and no revision, so that the next reading asks for it again.
    """
    external_id, number = canonical(str(documents.summary["material_id"]))
    failures: list[FailureRecord] = []
    crystal: Crystal | None = None
    try:
        crystal = _crystal(documents.summary.get("structure"), settings.max_site)
    except BadStructureError as error:
        failures.append(FailureRecord("parse", external_id, type(error).__name__, f"{external_id}: {error}"))
    labels: list[LabelRecord] = []
    payload: dict[str, Any] = {}
    try:
        payload = _payload(documents)
        values = list(_values(documents, settings)) if crystal else []
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        crystal, values = None, []
        told = f"{external_id}: its documents are not of the form that emmet-core gives them ({error!r})"
        failures.append(FailureRecord("parse", external_id, type(error).__name__, told, detail="documents"))
    for name, method, value in values:
        if value is None:
            continue
        origin = f"source:{settings.name}"
        try:
            labels.append(from_value(value, property_name=name, unit=None, method=method, origin=origin))
        except BadLabelError as error:
            failures.append(bad_label(external_id, f"{name} by {method}", error, _REMEDY))
    return EntryRecord(
        external_id=external_id,
        crystal=crystal,
        version=settings.version or release,
        licence=licence(documents.summary),
        url=PAGE.format(external_id),
        payload=payload,
        labels=tuple(labels),
        failures=tuple(failures),
        canonical_number=number,
        revision=mark if crystal else None,
    )


def licence(summary: Mapping[str, Any]) -> str:
    """Return the licence of an entry: CC-BY-4.0 unless the document, or its batch, is GNoME's."""
    meta = meta_of(summary)
    is_gnome = str(meta.get("batch_id") or "").startswith("gnome")
    return NON_COMMERCIAL if meta.get("license") == "BY-NC" or is_gnome else MP_LICENCE


def meta_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a document says of how it was built, nothing where that is no table."""
    meta = document.get("builder_meta")
    return meta if isinstance(meta, dict) else {}


def _crystal(raw: Any, max_site: int) -> Crystal:
    if not raw:
        raise BadStructureError("the service states no structure; the next reading asks again")
    crystal = from_pymatgen(raw)
    if crystal.n_site > max_site:
        raise BadStructureError(f"it has {crystal.n_site} sites, more than the {max_site} that the source allows")
    return crystal


def _values(documents: Documents, settings: MaterialsProjectSource) -> Iterator[tuple[str, str, Any]]:
    """Yield property, method and value of what is asked for and stated."""
    elasticity = documents.elasticity or {}
    moduli = {"k": elasticity.get("bulk_modulus"), "g": elasticity.get("shear_modulus")}
    for name in settings.properties:
        if name == "band_gap":
            yield name, BAND_GAP_METHOD, documents.summary.get("band_gap")
        elif name in settings.moduli:
            kind, _, average = name.partition("_")
            yield name, ELASTICITY_METHOD, (moduli[kind] or {}).get(average)
        else:
            for thermo in documents.thermo:
                yield name, thermo_method(thermo["thermo_type"]), thermo.get(name)


def _payload(documents: Documents) -> dict[str, Any]:
    """Return what else is kept; no time and no release stands in it, for they change where nothing else does."""
    summary, elasticity = documents.summary, documents.elasticity
    symmetry = summary.get("symmetry") or {}
    kept = {
        "formula": summary.get("formula_pretty"),
        "symmetry": {
            key: symmetry[key] for key in ("crystal_system", "symbol", "number", "symprec") if key in symmetry
        },
        "theoretical": summary.get("theoretical"),
        "database_ids": {name: sorted(ids) for name, ids in (summary.get("database_IDs") or {}).items() if ids},
        "origins": {o["name"]: canonical(str(o["task_id"]))[0] for o in summary.get("origins") or () if o},
        "has_charge_density": bool((summary.get("has_props") or {}).get("charge_density")),
        "deprecated": [str(reason) for reason in summary.get("deprecation_reasons") or ["no reason stated"]]
        if summary.get("deprecated")
        else None,
        "thermo": {t["thermo_type"]: _without(t, "material_id", "thermo_type") for t in documents.thermo},
        "elasticity": _elasticity(elasticity) if elasticity else None,
    }
    return dict(as_json({key: value for key, value in kept.items() if value not in (None, {}, [])}))


def _elasticity(document: Mapping[str, Any]) -> dict[str, Any]:
    tensor = (document.get("elastic_tensor") or {}).get("ieee_format")
    said = {key: document.get(key) for key in ("order", "state", "fitting_method", "warnings")}
    return {key: value for key, value in {**said, "tensor_gpa": tensor}.items() if value not in (None, [], {})}


def _without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in names and value is not None}
