"""Who asks the Materials Project, with which key, where and how fast; and that nobody else is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.servers.faulty import FaultyServer, Response
from tests.servers.materials_project import EXPIRED_KEY, KEY
from tests.servers.materials_project_reading import read, settings_for

from matsift.errors import SourceError


@pytest.mark.parametrize(
    ("key", "told"),
    [
        pytest.param("", "wants a key and there is none; get a key at", id="none"),
        pytest.param("short", "has 5 characters, a key of the Materials Project 32; get a key at", id="short"),
        pytest.param("w" * 32, "refuses the key .*401.*mistyped or expired: get a key at", id="wrong"),
        pytest.param(EXPIRED_KEY, "refuses the key .*403.*mistyped or expired: get a key at", id="expired"),
    ],
)
def test_a_key_that_does_not_open_is_told_without_showing_it(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, key: str, told: str
) -> None:
    monkeypatch.setenv("MP_API_KEY", key)
    monkeypatch.delenv("PMG_MAPI_KEY", raising=False)
    with pytest.raises(SourceError, match=told) as raised:
        read(settings_for(server))
    assert not key or key not in str(raised.value)


def test_a_client_that_is_not_installed_is_told(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mp_api.client.routes.materials.summary", None)
    with pytest.raises(SourceError, match=r"is not installed .*; pip install 'matsift\[mp\]'"):
        read(settings_for(server))
    assert server.requests == []


def test_the_key_may_stand_where_pymatgen_looks_for_it(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MP_API_KEY")
    monkeypatch.setenv("PMG_MAPI_KEY", KEY)
    assert len(read(settings_for(server)).entries) == 12


def test_the_endpoint_may_stand_in_the_environment(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_API_ENDPOINT", server.url + "/")
    assert len(read(settings_for(server, endpoint=None)).entries) == 12


def test_no_request_carries_the_key_elsewhere(server: FaultyServer) -> None:
    with FaultyServer(lambda _: Response.of({})) as elsewhere:
        server.on(lambda _request, _response: Response(307, {"Location": elsewhere.url + "/x"}), path="summary")
        with pytest.raises(SourceError, match="307"):
            read(settings_for(server))
        assert elsewhere.requests == []


def test_the_service_is_asked_at_the_pace_that_is_set(server: FaultyServer) -> None:
    read(settings_for(server, requests_per_second=20, properties=()))
    assert len(server.pauses()) == 7
    assert sum(server.pauses()) > 0.28  # a busy machine delays single ones
    assert max(r.alongside for r in server.requests) == 0


def test_nothing_is_written_under_the_home_folder_and_nobody_else_is_asked(
    server: FaultyServer, tmp_path: Path
) -> None:
    script = """
import socket, sys
connect = socket.socket.connect
def guarded(self, address):
    if self.family != socket.AF_UNIX and address[0] != "127.0.0.1":
        raise SystemExit(f"asked {address}")
    return connect(self, address)
socket.socket.connect = guarded
from matsift.study.materials_project import MaterialsProjectSource
from matsift_adapters.sources.materials_project import open_materials_project
settings = MaterialsProjectSource(kind="materials_project", filter={"num_elements": (1, 20)}, endpoint=sys.argv[1],
                                  properties=("k_vrh", "energy_above_hull"), requests_per_second=100)
print(len([item for item in open_materials_project(settings).iterate() if hasattr(item, "crystal")]))
"""
    place = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "MP_API_KEY": KEY,
        "MPLCONFIGDIR": str(tmp_path / "plots"),
    }
    done = subprocess.run(
        [sys.executable, "-c", script, server.url], env=place, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout.strip()) == (0, "12"), done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"plots"}
