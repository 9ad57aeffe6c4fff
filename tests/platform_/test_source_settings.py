"""What a study may say of its sources, and how a slip is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

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
    ],
    ids=["files", "table", "bundled"],
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
