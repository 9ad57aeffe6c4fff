"""Charge densities of the Materials Project: calculations of materials and the open data, on one port."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from pymatgen.io.vasp import Chgcar, Poscar
from tests.factories.field_files import density
from tests.servers.faulty import Request, Response
from tests.servers.materials_project import KEY, MaterialsProject

from matsift.crystal import Crystal

BUCKET = "/materialsproject-parsed/chgcars/"


@dataclass
class DensityService:
    """The service and the bucket.

    `calculations` are material id -> task id -> type of calculation, `updated` task id -> time, `objects` the files of
    the bucket by task id.
    """

    calculations: dict[str, dict[str, str]] = field(default_factory=dict)
    updated: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        if request.path.startswith(BUCKET):
            return self._object(request.path.removeprefix(BUCKET).removesuffix(".json.gz"))
        name = request.path.strip("/")
        if name not in ("materials/core", "materials/tasks") or request.headers.get("x-api-key") != KEY:
            return MaterialsProject()(request)
        if name == "materials/core":
            asked = request.query["material_ids"].split(",")
            found: list[dict[str, Any]] = [
                {"calc_types": self.calculations[key]} for key in asked if key in self.calculations
            ]
        else:
            tasks = request.query["task_ids"].split(",")
            found = [{"task_id": key, "last_updated": self.updated[key]} for key in tasks if key in self.updated]
        return Response.of({"data": found, "meta": {"total_doc": len(found)}})

    def _object(self, task_id: str) -> Response:
        if task_id not in self.objects:
            body = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
            return Response(404, {"Content-Type": "application/xml"}, body)
        headers = {"ETag": '"1"', "Last-Modified": "Sat, 01 Nov 2025 00:00:00 GMT", "Accept-Ranges": "bytes"}
        return Response(200, headers, self.objects[task_id])


def chgcar_object(crystal: Crystal, n_electron: float = 8.0, n_unpaired: float = 0.0) -> bytes:
    """Return the file of the bucket for a density with spin, as emmet writes it."""
    data = {"total": density(crystal, n_electron), "diff": density(crystal, n_unpaired or 1.0) * bool(n_unpaired)}
    chgcar = Chgcar(Poscar(crystal.to_pymatgen()), {name: each * crystal.volume for name, each in data.items()})
    said = chgcar.as_dict()
    said["data"] = {
        name: {"@module": "numpy", "@class": "array", "dtype": "float64", "data": each.tolist()}
        for name, each in chgcar.data.items()
    }
    said["data_aug"] = {}
    return gzip.compress(json.dumps({"data": said}, default=str).encode())
