"""Where matsift keeps its data and which PostgreSQL it uses: the one settings class of the project.

Every field is read from the environment: ``MATSIFT_HOME``, ``MATSIFT_DATABASE_URL``, ``MATSIFT_ARTIFACT_URL``,
``MATSIFT_WORKERS``, ``MATSIFT_LOG``, ``MATSIFT_DASK_SCHEDULER``, and ``MATSIFT_DATABASE_URL_FILE`` for an address that
is kept as a secret. Nothing else is configured by the environment; what a study computes stands in its study file.
"""

import difflib
import os
import tempfile
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from matsift.errors import UserInputError

_PREFIX = "MATSIFT_"
_SCHEMES = ("postgresql://", "postgres://")


def available_cpus() -> int:
    """Processors that this process may use: the affinity mask, cut to the container's quota where it has one."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return count
    return count if quota == "max" else max(1, min(count, int(quota) // int(period)))


class Settings(BaseSettings):
    """Where data lives and how much of the machine to use."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, validate_default=True
    )

    home: Path = Field(
        default=Path(".matsift"),
        description="Folder of the embedded database, the artifacts and the reports; relative to the working directory",
    )
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL 15+ with pgvector to use in place of the embedded server"
    )
    database_url_file: Path | None = Field(
        default=None, description="file with that address in its first line, for secrets; database_url comes before it"
    )
    artifact_url: str = Field(
        default="", description="fsspec URL or folder of the artifact store; the folder `artifacts` of home by default"
    )
    workers: int = Field(default_factory=available_cpus, ge=1, description="Worker processes, one thread each")
    log: Literal["plain", "json", "file"] = Field(
        default="plain", description="Lines on stderr: plain or json; file = plain, and JSON in the folder logs of home"
    )
    dask_scheduler: str = Field(
        default="",
        description="Dask scheduler whose workers compute, as tcp://host:8786; processes of this machine by default",
    )

    @model_validator(mode="before")
    @classmethod
    def _address_from_file(cls, given: Any) -> Any:
        path = given.get("database_url_file")
        if path is None or given.get("database_url") is not None:
            return given
        try:
            lines = Path(path).read_text(encoding="utf-8").split("\n", 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise ValueError(f"the file {path} with the address of the database cannot be read ({reason})") from None
        return {**given, "database_url": lines[0].strip()}

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        try:
            return home.expanduser().absolute()
        except (RuntimeError, OSError):
            raise ValueError("there is no such home or working directory; give the whole path of a folder") from None

    @field_validator("artifact_url")
    @classmethod
    def _inside_home(cls, url: str, info: Any) -> str:
        return url or str(info.data.get("home", Path()) / "artifacts")

    @field_validator("dask_scheduler")
    @classmethod
    def _with_protocol(cls, address: str) -> str:
        protocol, separator, rest = address.strip().partition("://")
        if address and not (protocol and separator and rest):
            raise ValueError("give it as tcp://host:8786, or tls://host:8786 where the scheduler wants certificates")
        return address.strip()

    @field_validator("database_url")
    @classmethod
    def _libpq_form(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        scheme, separator, rest = url.get_secret_value().strip().partition("://")
        plain = f"{scheme.partition('+')[0]}{separator}{rest}"
        if not plain.startswith(_SCHEMES) or not _is_address(plain):
            raise ValueError(
                "give it as postgresql://user:password@host:5432/database, with characters of the password that are "
                "neither letters nor digits as %XX"
            )
        return SecretStr(plain)

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Settings from the environment, with `overrides` (None means: not given) on top.

        Raises
        ------
        UserInputError
            A value is not usable, or a variable's name is nearly but not quite one of ours.
        """
        _refuse_misspelt_variables(cls)
        try:
            return cls(**{key: value for key, value in overrides.items() if value is not None})
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = _PREFIX + (str(first["loc"][0]) if first["loc"] else "database_url_file").upper()
            raise UserInputError(f"{name} is not usable: {first['msg'].removeprefix('Value error, ')}") from None

    def prepare_home(self) -> Path:
        """The home folder, made if need be and tried for writing.

        Raises
        ------
        UserInputError
            It cannot be made or written; the sentence names the folder and the remedy.
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.home) as probe:
                probe.write(b"matsift")
        except OSError as error:
            raise UserInputError(
                f"the data folder {self.home} cannot be written ({error.strerror}); "
                "make it writable or set MATSIFT_HOME to a folder that is"
            ) from error
        return self.home


def _is_address(url: str) -> bool:
    """Whether libpq and everybody else can take the address apart; their own complaints would print the password."""
    try:
        conninfo_to_dict(url)
        _ = urlsplit(url).port
    except (psycopg.Error, ValueError):
        return False
    return "\x00" not in url


def _refuse_misspelt_variables(settings: type[Settings]) -> None:
    known = [_PREFIX + name.upper() for name in settings.model_fields]
    for name in os.environ:
        if name.startswith(_PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
            if close:
                raise UserInputError(f"the environment variable {name} is unknown; did you mean {close[0]}?")
