"""Hundreds of files from the test suites of CIF parsers: nothing crashes, every file has its outcome."""

from __future__ import annotations

import os
import tarfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from matsift.records import EntryRecord, FailureRecord
from matsift.structure_facts import describe
from matsift.study.sources import FilesSource
from matsift_adapters.sources import open_source

DATA = Path(os.environ.get("MATSIFT_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def outcomes(archive: Path, include: str = "*") -> None:
    """Read every member as CIF and assert that each ends as a described structure or a failure with a sentence."""
    if not archive.exists():
        pytest.skip(f"{archive} is not there; set MATSIFT_DATA to the folder of the published data")
    settings = FilesSource(
        kind="files", name="bad", path=archive.name, format="cif", id_from="path", time_limit_s=20, include=(include,)
    )
    seen = set()
    for item in open_source(settings, archive.parent, n_worker=2).iterate():
        if isinstance(item, FailureRecord):
            assert item.error_class == "DuplicateIdError"
            continue
        assert isinstance(item, EntryRecord)
        seen.add(item.payload["file"])
        if item.crystal is None:
            (failure,) = item.failures
            assert failure.error_class in {"BadStructureError", "TimeLimitExceeded"}
            assert failure.message.startswith(f"{archive.name}:{item.payload['file']}")
            assert "\n" not in failure.message
            assert len(failure.message) < 700
        else:
            assert item.failures == ()
            assert describe(item.crystal).n_site == item.crystal.n_site
    with tarfile.open(archive) as tar:
        files = [info.name for info in tar if info.isreg()]
    assert seen == {name for name in files if fnmatch(name, include)}


@pytest.mark.parametrize("name", ["codtools_codcif_inputs", "gemmi_test_cifs", "pycifrw_test_cifs"])
def test_small_suites(name: str) -> None:
    outcomes(DATA / "bad_cifs" / f"{name}.tar.gz")


def test_sample_of_the_largest_suite() -> None:
    outcomes(DATA / "bad_cifs" / "cod_tools_inputs.tar.gz", "*[37].cif")


@pytest.mark.bench
@pytest.mark.parametrize("name", ["cod_tools_inputs", "codtools_codcif_outputs"])
def test_large_suites(name: str) -> None:
    outcomes(DATA / "bad_cifs" / f"{name}.tar.gz")
