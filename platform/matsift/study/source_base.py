"""What every source of a study may say of itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from matsift.crystal import ELEMENT_SYMBOLS


def _elements(symbols: tuple[str, ...]) -> tuple[str, ...]:
    if strangers := [symbol for symbol in symbols if symbol not in ELEMENT_SYMBOLS]:
        raise ValueError(f"not a chemical element: {', '.join(strangers)}")
    return symbols


SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Elements = Annotated[tuple[str, ...], AfterValidator(_elements)]


class SourceTable(BaseModel):
    """Base of all tables of a source: an unknown key is an error, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceBase(SourceTable):
    """What a source of any kind says."""

    name: SourceName = Field(description="name of the source in the database")
    licence: str = Field("unknown", description="licence of the rows, for example CC-BY-4.0")
    version: str | None = Field(
        None, description="version of the source; default: a hash of its content and of how it is read"
    )
    description: str = ""
    schedule: str | None = Field(
        None, description="cron expression (UTC) of the source's own deployment under `matsift serve`"
    )


class LimitedBase(SourceBase):
    """What a source says whose structures stand under limits."""

    time_limit_s: float = Field(30.0, gt=0, description="wall-clock limit for parsing one file, seconds")
    max_site: int = Field(1000, gt=0, description="structures with more sites are refused")


class ParsedBase(LimitedBase):
    """What a source says whose structures are parsed from text that lies on a disk."""

    folder: str = Field(".", description="folder that all paths of the source start from; relative to the study")


class ServiceBase(LimitedBase):
    """What a source says that is asked over the network."""

    requests_per_second: float = Field(1.0, gt=0, le=100, description="requests a second at most")
    timeout_s: float = Field(60.0, gt=0, description="wall-clock limit for one request with its answer, seconds")
    attempts: int = Field(5, ge=1, le=20, description="how often a request is tried before it counts as failed")
    max_wait_s: float = Field(300.0, ge=0, description="longest pause before another attempt, seconds")
