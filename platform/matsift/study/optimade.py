"""What a study says of an OPTIMADE provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from matsift.study.source_base import ServiceBase

ProviderField = Annotated[str, Field(pattern=r"^_[a-z0-9]+_[A-Za-z0-9_]+$")]


class OptimadeSource(ServiceBase):
    """The structures of one OPTIMADE provider that a filter selects."""

    kind: Literal["optimade"]
    base_url: str = Field(
        pattern=r"^https?://", description="address of the provider's database, with or without /v1 at its end"
    )
    filter: str | None = Field(None, description='OPTIMADE filter, for example elements HAS ALL "Na","Cl"')
    provider_fields: tuple[ProviderField, ...] = Field(
        (), description="fields of the provider's own to keep with the entry, for example _mp_band_gap"
    )
    page_limit: int = Field(100, gt=0, le=1000, description="structures asked for at once")
    ids_in_filter: int = Field(
        20, gt=0, le=200, description="changed structures asked for at once, each by its id in a filter"
    )
    url: str | None = Field(None, description="address of an entry for people, {} stands for its id")
