"""The manifest of a data package: every member with its checksum, and what the package is of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from matsift.errors import PackageError

#: Name of the manifest in a package.
MANIFEST = "manifest.json"
#: Version of the form of packages; other members or columns are another version.
VERSION = 1

_SAFE_NAME = re.compile(r"(?:[a-z_]+/)?[A-Za-z0-9_][A-Za-z0-9_.-]*")
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Member(BaseModel):
    """One file of a package: its size, its checksum, and how many rows it has, None where it is no table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_byte: int = Field(ge=0)
    sha256: Sha256
    n_row: int | None = Field(default=None, ge=0)


class Manifest(BaseModel):
    """What a package holds.

    `snapshots` and `models` are content hashes; `structures` is the SHA-256 of the content hashes of all structures,
    sorted, one a line. It names no moment and no place, so that the same rows give the same manifest anywhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["matsift-package"] = "matsift-package"
    version: int = VERSION
    study: str = Field(min_length=1)
    title: str = ""
    matsift: str
    licences: tuple[str, ...]
    structures: Sha256
    snapshots: tuple[Sha256, ...]
    models: tuple[Sha256, ...]
    members: Mapping[str, Member]

    @model_validator(mode="after")
    def _names_are_safe(self) -> Manifest:
        for name in self.members:
            if not _SAFE_NAME.fullmatch(name) or name == MANIFEST:
                raise ValueError(f"{name!r} is no name of a member")
        return self

    def to_json(self) -> str:
        """Return the text of the manifest, the same for the same content."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: bytes, package: str) -> Manifest:
        """Return the manifest of a package.

        Raises
        ------
        PackageError
            If the text is none, or of another version.
        """
        try:
            manifest = cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "its text"
            raise PackageError(package, f"its manifest cannot be read ({place}: {first['msg']})") from error
        if manifest.version != VERSION:
            raise PackageError(
                package,
                f"it is of version {manifest.version}, this matsift reads version {VERSION}",
                "install it",
            )
        return manifest
