"""Charge densities of the Materials Project: the real client against a service and a bucket on a port."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import numpy as np
import pytest
from tests.factories.crystals import rock_salt
from tests.factories.field_files import density
from tests.servers.faulty import FaultyServer, status
from tests.servers.materials_project import KEY
from tests.servers.materials_project_densities import DensityService, chgcar_object

from matsift.errors import FieldError, SourceError
from matsift_adapters.fields.materials_project import Calculation, ChargeDensities
from matsift_adapters.fields.read_field import ReadField

pytest.importorskip("mp_api", reason="needs mp-api, matsift[mp]")

SALT = rock_salt()


@pytest.fixture
def service() -> DensityService:
    """Salt with three calculations, of which the second static one is the latest, and a material without any."""
    return DensityService(
        calculations={
            "mp-22862": {"mp-1": "GGA Static", "mp-2": "GGA+U Static", "mp-3": "GGA Structure Optimization"},
            "mp-100": {"mp-4": "GGA Structure Optimization"},
        },
        updated={"mp-1": "2020-01-01T00:00:00", "mp-2": "2024-01-01T00:00:00", "mp-3": "2025-01-01T00:00:00"},
        objects={"mp-1": chgcar_object(SALT), "mp-2": chgcar_object(SALT, 14.0, 0.5)},
    )


@pytest.fixture
def server(service: DensityService, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """The service and the bucket on a port, and a key to them."""
    with FaultyServer(service) as running:
        monkeypatch.setenv("MP_API_KEY", KEY)
        monkeypatch.setenv("MP_API_ENDPOINT", running.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running.url)
        yield running


def read(*material_ids: str) -> list[tuple[str, Calculation | None, ReadField | FieldError]]:
    with ChargeDensities(material_ids) as client:
        return list(client.read())


def test_the_latest_static_calculation_is_taken(server: FaultyServer) -> None:
    ((material_id, calculation, found),) = read("mp-22862")
    assert isinstance(found, ReadField)
    assert calculation == Calculation("mp-22862", "mp-2", "GGA+U Static", "2024-01-01T00:00:00")
    assert (material_id, found.method, found.electrons) == ("mp-22862", "mp-gga+u-static", "valence")
    assert found.n_electron_expected == 14.0
    assert found.n_unpaired == pytest.approx(0.5)
    np.testing.assert_allclose(found.grid.values, density(SALT, 14.0), rtol=1e-12)
    np.testing.assert_allclose(found.grid.cell, SALT.lattice)
    assert found.crystal.species == SALT.species


def test_what_is_not_there_is_told_and_the_rest_comes(server: FaultyServer, service: DensityService) -> None:
    del service.objects["mp-2"]
    said = read("mp-7", "mp-100", "mp-22862")
    assert [str(found) for _, _, found in said] == [
        "mp-7: the Materials Project has no such material",
        "mp-100: the Materials Project has no static calculation of it, so no density",
        "mp-22862 (mp-2): the open data of the Materials Project hold no density of it",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (gzip.compress(b'{"data": {"poscar": {}}}'), "cannot be read"),
        (gzip.compress(b'{"data": '), "could not be loaded"),
        (chgcar_object(SALT, 14.0)[:500], "could not be loaded"),
        (chgcar_object(SALT, 9.5), "which the atoms cannot have"),
    ],
    ids=["no density", "no JSON", "cut", "electrons"],
)
def test_a_file_that_is_none(server: FaultyServer, service: DensityService, content: bytes, told: str) -> None:
    service.objects["mp-2"] = content
    ((_, _, found),) = read("mp-22862")
    assert told in str(found)


def test_no_class_of_the_file_is_made(server: FaultyServer, service: DensityService) -> None:
    harmful = gzip.decompress(service.objects["mp-2"]).replace(b'"numpy"', b'"nowhere"')
    service.objects["mp-2"] = gzip.compress(harmful)
    ((_, _, found),) = read("mp-22862")
    assert isinstance(found, ReadField)


def test_a_service_that_fails_is_told(server: FaultyServer) -> None:
    server.on(status(422), path="/materials/core")
    ((_, _, found),) = read("mp-22862")
    assert "422" in str(found)


def test_without_a_key_there_is_one_sentence(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MP_API_KEY")
    with pytest.raises(SourceError, match="wants a key"):
        read("mp-22862")
