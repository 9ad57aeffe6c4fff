"""What a study says about a published benchmark set."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from matsift.study.label_column import LabelColumn
from matsift.study.source_base import ParsedBase

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BenchmarkSource(ParsedBase):
    """One data set of matminer or matbench, fetched or from a local copy, its checksum pinned.

    What stands in which column is known for the usual sets; `labels`, `structure`, `id_column` and `payload` say it for
    the others, and override it for these.
    """

    kind: Literal["benchmark"]
    dataset: Annotated[str, Field(min_length=1, description="name in matminer, for example matbench_log_kvrh")]
    path: Annotated[str | None, Field(description="a local copy of the file; default: it is fetched once and kept")] = (
        None
    )
    sha256: Annotated[Sha256 | None, Field(description="checksum of the file; default: the one that matminer pins")] = (
        None
    )
    mirror: Annotated[
        str | None, Field(description="address to fetch the file from; default: the one that matminer knows")
    ] = None
    timeout_s: Annotated[float, Field(gt=0, description="wall-clock limit for one attempt to fetch it, seconds")] = (
        900.0
    )
    attempts: Annotated[int, Field(ge=1, le=20, description="how often fetching it is tried")] = 3
    structure: Annotated[str | None, Field(description="column of the structures; default: as known")] = None
    id_column: Annotated[
        str | None,
        Field(description="column of the entry id; default: as known, or the row's number in the set's name"),
    ] = None
    labels: Annotated[
        tuple[LabelColumn, ...] | None, Field(description="columns that hold values of properties; default: as known")
    ] = None
    payload: Annotated[
        tuple[str, ...] | None, Field(description="further columns to keep with the entry; default: as known")
    ] = None
