"""What a study says about which structures are the same crystal."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from matsift.structure_matching import MatchSettings


class DuplicateSettings(MatchSettings):
    """`[duplicates]`: tolerances, and how long one bucket of structures may take."""

    time_limit_s: Annotated[
        float, Field(gt=0, description="hard wall-clock limit for the structures of one formula and space group, s")
    ] = 300.0

    @property
    def tolerances(self) -> MatchSettings:
        """What makes up the rule; a longer limit is no other rule."""
        return MatchSettings(**self.model_dump(include=set(MatchSettings.model_fields)))
