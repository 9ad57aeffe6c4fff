"""What the Materials Project really said: the recorded summary of mp-149 and the recorded entries of Cu-Zn-S."""

from __future__ import annotations

import gzip
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from emmet.core.summary import SummaryDoc
from pymatgen.core import Structure
from tests.servers.faulty import FaultyServer
from tests.servers.materials_project import KEY, MaterialsProject
from tests.servers.materials_project_reading import read, settings_for

from matsift_adapters.sources.materials_project_ids import canonical

RECORDED = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / "api"
SILICON = {
    "material_id": "mp-149",
    "deprecated": False,
    "last_updated": datetime(2022, 10, 5, 22, 0, 26, 541000, tzinfo=UTC),
    "builder_meta": {"emmet_version": "0.36.9", "build_date": datetime(2022, 10, 5, tzinfo=UTC)},
    "band_gap": 0.6105,
    "bulk_modulus": {"voigt": 83.0113, "reuss": 83.0113, "vrh": 83.0113},
    "shear_modulus": {"voigt": 62.9507, "reuss": 59.3714, "vrh": 61.161},
    "theoretical": False,
    "database_IDs": {"icsd": ["icsd-60388", "icsd-29287"]},
    "has_props": {"charge_density": True},
}


@pytest.fixture
def recorded() -> str:
    """The text of the recorded document."""
    path = RECORDED / "mp_summary_doc_mp-149_rendered_README.md"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path.read_text(encoding="utf-8")


def test_silicon_is_read_as_it_is_recorded(recorded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = dict(re.findall(r"^\|(\w+)\|(.*)\|$", recorded, re.MULTILINE))
    said = {key: rows[key] for key in ("band_gap", "k_vrh", "g_vrh", "last_updated", "material_id")}
    assert said == {
        "band_gap": "0.6105",
        "k_vrh": "83.0113",
        "g_vrh": "61.161",
        "last_updated": "2022-10-05T22:00:26.541000",
        "material_id": "mp-149",
    }
    lattice = re.findall(r"[\d.]+", rows["structure"].partition("matrix")[2])[:9]
    matrix = [[float(x) for x in lattice[i : i + 3]] for i in (0, 3, 6)]
    structure = Structure(matrix, ["Si", "Si"], [[0.25] * 3, [0.0] * 3])
    document = json.loads(SummaryDoc.from_structure(meta_structure=structure, **SILICON).model_dump_json())
    monkeypatch.setenv("MP_API_KEY", KEY)
    with FaultyServer(MaterialsProject(summary=[document])) as server:
        entry = read(settings_for(server, properties=("band_gap",))).entries["mp-149"]
    assert entry.crystal is not None
    assert entry.crystal.volume == pytest.approx(float(rows["volume"]), abs=1e-3)
    assert entry.payload["symmetry"]["number"] == 227
    assert "symbol -&gt; Fd-3m, number -&gt; 227" in rows["symmetry"]
    assert [label.value for label in entry.labels] == [0.6105]
    assert (entry.licence, entry.canonical_number, entry.payload["has_charge_density"]) == ("CC-BY-4.0", 149, True)


def test_recorded_ids_are_kept_as_they_are() -> None:
    path = RECORDED / "mp_Cu-Zn-S_computed_entries_226.json.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    ids = [entry["entry_id"] for entry in json.loads(gzip.decompress(path.read_bytes()))]
    assert len(ids) == 226
    assert [canonical(text)[0] for text in ids] == ids
