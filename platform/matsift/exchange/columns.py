"""Columns of a table that leaves the database, whatever file it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What a column holds; ``singles`` are numbers in single precision.
Kind = Literal["text", "integer", "number", "boolean", "moment", "json", "texts", "integers", "numbers", "singles"]

#: Name of the column that says under which licences a row may be used.
LICENCES = "licences"


@dataclass(frozen=True)
class Column:
    """One column: its name, what it holds, and what it means, with its unit."""

    name: str
    kind: Kind
    comment: str = ""
