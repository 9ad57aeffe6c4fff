"""The manifest of a backup: what it is of, and every file in it with its checksum."""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from matsift.errors import UserInputError

#: Names in a backup.
MANIFEST = "manifest.json"
DATABASE = "database.dump"
#: Version of the form of backups; other files or fields are another version.
VERSION = 1

_ARTIFACT = re.compile(r"artifacts/(?P<folder>[0-9a-f]{2})/(?P<sha256>[0-9a-f]{64})(?P<suffix>(?:\.[A-Za-z0-9]+)*)")
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def artifact_name(sha256: str, suffix: str) -> str:
    """Return where an artifact lies in a backup: unpacked, `artifacts` is an artifact folder.

    An ending of a file's name that the store does not give (``-copy``) is left out.
    """
    name = f"artifacts/{sha256[:2]}/{sha256}"
    return f"{name}{suffix}" if _ARTIFACT.fullmatch(f"{name}{suffix}") else name


class Member(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    n_byte: int = Field(ge=0)
    sha256: Sha256

    @property
    def suffix(self) -> str:
        """Ending of an artifact's name."""
        return self.name.partition(self.sha256)[2]


class About(BaseModel):
    """What a backup is of: versions of matsift and of the server, and the revision of the schema.

    `schema_revision` is None where the database held no schema of matsift.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    made_at: AwareDatetime
    matsift: str
    postgresql: str
    schema_revision: str | None


class Manifest(About):
    """What a backup holds; `artifacts` is None where only the database was asked for.

    `missing` are those that rows of the database name and that the artifact folder did not hold whole.
    """

    format: Literal["matsift-backup"] = "matsift-backup"
    version: int = VERSION
    database: Member
    artifacts: tuple[Member, ...] | None
    missing: tuple[Sha256, ...] = ()

    @property
    def members(self) -> dict[str, Member]:
        """Every file of the backup but the manifest, by its name."""
        return {member.name: member for member in (self.database, *(self.artifacts or ()))}

    @model_validator(mode="after")
    def _names_are_ours(self) -> Manifest:
        if self.database.name != DATABASE:
            raise ValueError(f"{self.database.name!r} is no name of a database")
        for member in self.artifacts or ():
            found = _ARTIFACT.fullmatch(member.name)
            if found is None or (found["folder"], found["sha256"]) != (member.sha256[:2], member.sha256):
                raise ValueError(f"{member.name!r} is no name of an artifact")
        return self

    def to_json(self) -> str:
        """Return the text of the manifest."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: bytes, backup: str) -> Manifest:
        """Return the manifest of a backup.

        Raises
        ------
        UserInputError
            If the text is none, or that of a newer matsift.
        """
        try:
            version = json.loads(text)["version"]
            if isinstance(version, int) and version > VERSION:
                raise UserInputError(
                    f"{backup} is a backup of form {version} and this matsift reads form {VERSION}; install a newer one"
                )
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            problem = f"{'.'.join(map(str, first['loc'])) or 'its text'}: {first['msg']}"
        except (ValueError, LookupError, TypeError):
            problem = "it is no JSON of a backup"
        raise UserInputError(
            f"{backup} is not a whole backup of matsift, its manifest cannot be read ({problem}); use another backup"
        )
