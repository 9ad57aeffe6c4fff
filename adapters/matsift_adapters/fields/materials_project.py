"""Charge densities of the Materials Project, by its own client: which calculation, then its CHGCAR from the open data.

The client finds the static calculations of a material, of which the latest is taken, and loads
``chgcars/TASK.json.gz`` from the bucket of the parsed calculations. It would make objects of whatever class the JSON
names; here the numbers are taken from it and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.density.grid import DensityGrid
from matsift.errors import FieldError
from matsift.study.materials_project import MaterialsProjectFilter, MaterialsProjectSource
from matsift_adapters.fields.read_field import ReadField, check_points, checked_density, told
from matsift_adapters.sources.materials_project_client import MaterialsProjectClient
from matsift_adapters.sources.web import FetchError

#: Calculations whose densities are taken, as the Materials Project names them.
STATIC = ("GGA Static", "GGA+U Static")

_BUCKET, _REGION = "materialsproject-parsed", "us-east-1"
_TIMEOUT_S, _ATTEMPTS = 60, 3


@dataclass(frozen=True)
class Calculation:
    """The calculation of a material that a density is of."""

    material_id: str
    task_id: str
    calc_type: str
    last_updated: str

    @property
    def method(self) -> str:
        """Method of the field, for example ``mp-gga-static``."""
        return f"mp-{self.calc_type.lower().replace(' ', '-')}"


class ChargeDensities(MaterialsProjectClient):
    """A session with the Materials Project that gives charge densities.

    Raises
    ------
    SourceError
        If there is no usable key in the environment, the client is not installed, or the service does not answer.
    """

    def __init__(self, material_ids: Sequence[str]) -> None:
        self.material_ids = tuple(material_ids)
        wanted = MaterialsProjectFilter(material_ids=self.material_ids)
        super().__init__(MaterialsProjectSource(kind="materials_project", filter=wanted))
        from mp_api.client.routes.materials.materials import MaterialsRester  # noqa: PLC0415  heavy, not everybody's
        from mp_api.client.routes.materials.tasks import TaskRester  # noqa: PLC0415

        self._materials = self._rester(MaterialsRester)
        self._tasks = self._rester(TaskRester, s3_client=_open_data())

    def read(self) -> Iterator[tuple[str, Calculation | None, ReadField | FieldError]]:
        """Yield each id with its calculation and density, or with the error that says why there is none."""
        for material_id in self.material_ids:
            calculation = None
            try:
                calculation = self.calculation(material_id)
                yield material_id, calculation, self.density(calculation)
            except FetchError as error:
                yield material_id, calculation, FieldError(f"{material_id}: {self.without_key(error)}")
            except FieldError as error:
                yield material_id, calculation, error

    def calculation(self, material_id: str) -> Calculation:
        """Return the latest static calculation of a material.

        Raises
        ------
        FetchError
            If the service does not answer.
        FieldError
            If the material is not known, or has none.
        """
        found = self._asked(
            self._materials, material_ids=[material_id], fields=["calc_types"], chunk_size=1, num_chunks=1
        )
        if not found.documents:
            raise FieldError(f"{material_id}: the Materials Project has no such material")
        types = {str(task): _text(kind) for task, kind in (found.documents[0].get("calc_types") or {}).items()}
        static = {task: kind for task, kind in types.items() if kind in STATIC}
        if not static:
            raise FieldError(f"{material_id}: the Materials Project has no static calculation of it, so no density")
        tasks = self._asked(
            self._tasks,
            task_ids=sorted(static),
            fields=["task_id", "last_updated"],
            chunk_size=len(static),
            num_chunks=1,
        )
        dated = [(str(task["last_updated"]), str(task["task_id"])) for task in tasks.documents]
        dated = [(when, task) for when, task in dated if task in static]
        if not dated:
            raise FieldError(f"{material_id}: the Materials Project lists calculations and gives none of them")
        when, task_id = max(dated)
        return Calculation(material_id, task_id, static[task_id], when)

    def density(self, calculation: Calculation) -> ReadField:
        """Return the valence density of a calculation, checked as that of a CHGCAR.

        Raises
        ------
        FieldError
            If the open data have none, or it cannot be read.
        """
        from emmet.core.mpid import AlphaID  # noqa: PLC0415  heavy, and not everybody's
        from mp_api.client.core.exceptions import MPRestError  # noqa: PLC0415
        from mp_api.client.core.utils import load_json  # noqa: PLC0415

        task = AlphaID(calculation.task_id.split("-")[-1], prefix="mp").string
        named = f"{calculation.material_id} ({calculation.task_id})"
        try:
            documents, _ = self._tasks._query_open_data(_BUCKET, f"chgcars/{task}.json.gz", decoder=load_json)  # noqa: SLF001  the client's only way
        except MPRestError as error:
            raise FieldError(f"{named}: the open data of the Materials Project hold no density of it") from error
        except Exception as error:  # boto3 and gzip raise anything
            raise FieldError(f"{named}: its density could not be loaded ({told(error)}); try again later") from error
        return _field(named, documents, calculation.method)


def _field(named: str, documents: Sequence[Any], method: str) -> ReadField:
    """Return the density of a CHGCAR in JSON."""
    try:
        chgcar = documents[0]["data"]
        crystal = _crystal(chgcar["poscar"]["structure"])
        total = _array(chgcar["data"]["total"])
        spin = chgcar["data"].get("diff")
        unpaired = None if spin is None else float(_array(spin).mean())
    except Exception as error:  # pymatgen makes the structure, and raises anything
        raise FieldError(f"{named}: its density cannot be read ({told(error)})") from error
    check_points(named, total.shape)
    grid = DensityGrid(total / crystal.volume, crystal.lattice)
    return checked_density(named, crystal, method, grid, electrons="valence", n_unpaired=unpaired)


def _crystal(structure: dict[str, Any]) -> Crystal:
    from pymatgen.core import Structure  # noqa: PLC0415  takes a second to import

    crystal = Crystal.from_pymatgen(Structure.from_dict(structure))
    crystal.check()
    return crystal


def _array(said: Any) -> NDArray[np.float64]:
    return np.asarray(said["data"] if isinstance(said, dict) else said, dtype=np.float64)


def _text(kind: Any) -> str:
    return str(getattr(kind, "value", kind))


def _open_data() -> Any:
    """Return the client of the bucket, without a key and bounded in time; AWS_ENDPOINT_URL_S3 names another place."""
    import boto3  # noqa: PLC0415  heavy, and not everybody's
    from botocore import UNSIGNED  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        signature_version=UNSIGNED,
        connect_timeout=_TIMEOUT_S,
        read_timeout=_TIMEOUT_S,
        retries={"total_max_attempts": _ATTEMPTS},
    )
    return boto3.client("s3", config=config, region_name=_REGION)
