"""Models that learned nothing themselves: what follows for an oxide from the screening factor that another predicts.

They are rows of `model_version` of the purpose ``derived``; snapshot, columns and artifact are those of the model that
they rest on, which their settings name. Nothing here needs Prefect: a question about one oxide is to be answered soon.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from sqlalchemy.orm import Session

from matsift.bond_valence.derived import KIND, VERSION, Derived, Values
from matsift.bond_valence.derived import derive as derive_arrays
from matsift.bond_valence.ion_pairs import IonPair
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.parameters import ion_table_hash
from matsift.bond_valence.stability import Scope
from matsift.errors import ArtifactError
from matsift_schema.store.models import ModelRecord, find_model, load_model

#: Property that a model behind a derived one predicts.
SCREENING_FACTOR = "screening_factor"
#: Key of its content hash in the settings.
PARENT = "screening_factor_model"


@dataclass(frozen=True)
class ForceField:
    """The force field by which screening factors were learned, and the ions that an instability index counts."""

    variant: Variant
    scope: Scope

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, with the state of the table of ions."""
        return {"variant": asdict(self.variant), "gii_scope": self.scope, "ions": ion_table_hash()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> ForceField:
        """Return what `to_json` wrote."""
        return cls(Variant(**stored["variant"]), cast("Scope", stored["gii_scope"]))

    def derive(self, pairs: Sequence[IonPair], screening_factor: Values) -> Derived:
        """Return what predicted screening factors say of oxides."""
        return derive_arrays(pairs, screening_factor, self.variant, self.scope)


@dataclass(frozen=True)
class DerivedModel:
    """A derived model version: what it speaks of, by which force field, and the model that it rests on."""

    id: int
    content_hash: str
    property_name: str
    parent_id: int
    parent_hash: str
    force_field: ForceField


def derived_hash(parent_hash: str, property_name: str, force_field: ForceField) -> str:
    """Return the SHA-256 that names a derived model."""
    parts = [KIND, VERSION, parent_hash, property_name, force_field.to_json()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def record_of(parent: ModelRecord, property_name: str, force_field: ForceField, code_version: str) -> ModelRecord:
    """Return the record of a derived model."""
    return ModelRecord(
        content_hash=derived_hash(parent.content_hash, property_name, force_field),
        learner=KIND,
        purpose="derived",
        settings={PARENT: parent.content_hash, "version": VERSION, **force_field.to_json()},
        seed=parent.seed,
        snapshot_id=parent.snapshot_id,
        property_name=property_name,
        column_names=parent.column_names,
        calibration=parent.calibration,
        artifact_sha256=parent.artifact_sha256,
        artifact_uri=parent.artifact_uri,
        code_version=code_version,
        descriptor_set_ids=parent.descriptor_set_ids,
    )


def read_derived(session: Session, model_id: int) -> DerivedModel:
    """Return a derived model.

    Raises
    ------
    ArtifactError
        If the model that it rests on is gone, or the table of ions has changed since.
    """
    record = load_model(session, model_id)
    settings = dict(record.settings)
    parent_id = find_model(session, settings[PARENT])
    if parent_id is None:
        raise ArtifactError(f"the model {settings[PARENT][:12]} behind {record.property_name} is gone; train again")
    force_field = ForceField.from_json(settings)
    if force_field.to_json()["ions"] != settings["ions"]:
        raise ArtifactError(
            f"the ions' parameters have changed since {record.property_name} was derived; run the study again"
        )
    return DerivedModel(model_id, record.content_hash, record.property_name, parent_id, settings[PARENT], force_field)
