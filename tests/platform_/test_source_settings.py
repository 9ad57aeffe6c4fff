"""What a study may say of its sources, and how a slip is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from matsift.study.cod import CodMirror, CodSearch
from matsift.study.loading import load_mirror
from matsift.study.optimade import OptimadeSource
from matsift.study.sources import BundledSource, FilesSource, SourceSettings, TableSource

ADAPTER: TypeAdapter[Any] = TypeAdapter(SourceSettings)
TABLE: dict[str, Any] = {"kind": "table", "name": "t", "path": "t.csv", "structure": {"column": "cif"}}
LABEL = {"column": "K", "property": "k_vrh", "method": "pbe"}


@pytest.mark.parametrize(
    ("raw", "model"),
    [
        ({"kind": "files", "name": "cod", "path": "cifs.zip"}, FilesSource),
        ({**TABLE, "labels": [{**LABEL, "unit": "log10 GPa"}]}, TableSource),
        ({"kind": "bundled"}, BundledSource),
        ({"kind": "cod", "name": "cod", "path": "cif"}, CodMirror),
        ({"kind": "cod_search", "name": "cod", "year": 1963}, CodSearch),
        ({"kind": "optimade", "name": "x", "base_url": "https://x.org"}, OptimadeSource),
    ],
    ids=["files", "table", "bundled", "cod", "cod_search", "optimade"],
)
def test_kind_chooses_the_model(raw: dict[str, Any], model: type) -> None:
    assert type(ADAPTER.validate_python(raw)) is model


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"kind": "folder", "name": "x", "path": "x"}, "'files', 'table', 'bundled'"),
        ({"kind": "files", "name": "x", "path": "x", "pth": "y"}, "pth"),
        ({"kind": "files", "name": "a b", "path": "x"}, "name"),
        ({**TABLE, "labels": [{**LABEL, "property": "hardness"}]}, "there is no property 'hardness'; use one of k_vrh"),
        ({**TABLE, "labels": [{**LABEL, "unit": "eV"}]}, "k_vrh stands in GPa, into which 'eV' cannot be converted"),
        ({**TABLE, "structure": {"column": "i", "format": "file"}}, "go together"),
        ({**TABLE, "structure": {"column": "i", "files": "x.zip"}}, "go together"),
        (
            {**TABLE, "structure": {"column": "i", "format": "file", "files": "x", "file_name": "x.cif"}},
            "holds {} exactly once",
        ),
    ],
    ids=["kind", "unknown-key", "name", "property", "unit", "file-alone", "files-alone", "file-name"],
)
def test_slip_is_told(raw: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(raw)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "studies" / "sources").glob("*.toml")), ids=lambda path: path.stem
)
def test_every_example_of_a_source_is_one(path: Path) -> None:
    mirror = load_mirror(path)
    assert mirror.name == path.stem
    assert all(source.schedule for source in mirror.sources)
