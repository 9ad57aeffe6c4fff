"""The Materials Project's own client, without what surprises: no wait without end, no download of whole tables.

The resters are those of `mp_api`; what they ask goes by `materials_project_transport`. What the heartbeat says is asked
for in each reading and told to the resters, which else would ask for it without a timeout and remember the answer as
long as the process lives.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self

from matsift.errors import SourceError
from matsift.study.materials_project import MaterialsProjectSource
from matsift_adapters.sources.web import Asker, FetchError, Politeness

OFFICIAL = "https://api.materialsproject.org"
KEY_LENGTH = 32
_WHERE_KEYS_ARE = "get a key at https://materialsproject.org/api and set MP_API_KEY to it"


@dataclass(frozen=True)
class Page:
    """Documents, and how many the service counts for the whole question."""

    documents: list[dict[str, Any]]
    total: int


@dataclass(frozen=True)
class Heartbeat:
    """Which release of the database the service serves, and which batches only some keys may see."""

    version: str
    controlled_batches: tuple[str, ...]


class MaterialsProjectClient:
    """A session with the Materials Project.

    Raises
    ------
    SourceError
        If there is no usable key in the environment, the client is not installed, or the service does not answer.
    """

    def __init__(self, settings: MaterialsProjectSource) -> None:
        self._settings = settings
        self.endpoint = (settings.endpoint or os.environ.get("MP_API_ENDPOINT") or OFFICIAL).rstrip("/") + "/"
        self._key = _key(self.endpoint)
        classes, transport = _of_the_client()
        self._asker = _asker(settings, self._key)
        self._transport = transport(self._asker)
        try:
            self.heartbeat = self.ask_heartbeat()
            self._summary, self._thermo, self._elasticity = map(self._rester, classes)
        except FetchError as error:
            self._asker.close()
            raise self.unusable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asker.close()

    def ask_heartbeat(self) -> Heartbeat:
        """Return what the service says of itself now.

        Raises
        ------
        FetchError
            If it does not answer, or with something else.
        """
        url = self.endpoint + "heartbeat"
        said = self._asker.get_json(url)
        if not isinstance(said, dict) or not isinstance(said.get("db_version"), str):
            raise FetchError(url, "the answer names no database version (db_version)", is_passing=False)
        controlled = said.get("access_controlled_batch_ids") or []
        if not isinstance(controlled, list):
            told = "the answer does not list what may not be passed on (access_controlled_batch_ids)"
            raise FetchError(url, told, is_passing=False)
        return Heartbeat(said["db_version"], tuple(map(str, controlled)))

    def listed(self, page: int, fields: Sequence[str], *, deprecated: bool, material_ids: Sequence[str] = ()) -> Page:
        """Return one page of the list of what the filter selects, in order of the ids; pages count from 1.

        Raises
        ------
        FetchError
            If the page did not come, or the client does not take the filter.
        """
        asked = self._settings.filter.model_dump(exclude_defaults=True, exclude={"material_ids"})
        return self._asked(
            self._summary,
            **{name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()},
            material_ids=list(material_ids) or None,
            deprecated=deprecated,
            include_gnome=self._settings.include_gnome,
            fields=list(fields),
            chunk_size=self._settings.page_size,
            num_chunks=1,
            _page=page,
            _sort_fields="material_id",
        )

    def summaries(self, material_ids: Sequence[str], fields: Sequence[str], *, deprecated: bool = False) -> Page:
        """Return the summary documents of ids."""
        return self._asked(
            self._summary,
            material_ids=list(material_ids),
            deprecated=deprecated,
            include_gnome=self._settings.include_gnome,
            fields=list(fields),
            chunk_size=len(material_ids),
            num_chunks=1,
        )

    def thermo(self, material_ids: Sequence[str], fields: Sequence[str]) -> Page:
        """Return the thermo documents of ids, one for each of the hulls that are wanted."""
        types = self._settings.thermo_types
        return self._asked(
            self._thermo,
            material_ids=list(material_ids),
            thermo_types=list(types),
            fields=list(fields),
            chunk_size=len(material_ids) * len(types),
            num_chunks=1,
        )

    def elasticity(self, material_ids: Sequence[str], fields: Sequence[str]) -> Page:
        """Return the elasticity documents of ids; most materials have none."""
        return self._asked(
            self._elasticity,
            material_ids=list(material_ids),
            fields=list(fields),
            chunk_size=len(material_ids),
            num_chunks=1,
        )

    def _rester(self, rester: Any, **rest: Any) -> Any:
        """Return one of the client's resters, made of its class, that asks by the transport."""
        return _told(rester, self.heartbeat)(
            api_key=self._key,
            endpoint=self.endpoint,
            session=self._transport.session(),
            use_document_model=False,
            mute_progress_bars=True,
            db_version=self.heartbeat.version,
            include_user_agent=False,
            **rest,
        )

    def _asked(self, rester: Any, **question: Any) -> Page:
        from mp_api.client.core.exceptions import MPRestError  # noqa: PLC0415  heavy, and not everybody's

        try:
            documents = rester.search(**question)
        except (MPRestError, ValueError) as error:  # ValueError: an id that is none
            raise FetchError(self.endpoint, self.without_key(error), is_passing=False) from error
        except (TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            told = f"the client of the Materials Project cannot read the answer ({self.without_key(error)})"
            raise FetchError(self.endpoint, told, is_passing=False) from error
        return Page(list(documents), self._transport.total)

    def without_key(self, error: Exception) -> str:
        """Return what an error says, in one line, without the key, should the service have repeated it."""
        return " ".join(str(error).replace(self._key, "(the key)").split())

    def unusable(self, error: FetchError) -> SourceError:
        """Return the error of a service that gives nothing at all, with what to do about it."""
        if error.status in (401, 403):
            problem = f"the Materials Project refuses the key ({self.without_key(error)})"
            remedy = f"it may be mistyped or expired: {_WHERE_KEYS_ARE}"
        elif error.is_passing:
            problem, remedy = self.without_key(error), "try again later; https://status.materialsproject.org tells more"
        else:
            problem, remedy = self.without_key(error), "check the filter and the endpoint of the source"
        return SourceError(self.endpoint, problem, remedy)


def _key(endpoint: str) -> str:
    key = (os.environ.get("MP_API_KEY") or os.environ.get("PMG_MAPI_KEY") or "").strip()
    if not key:
        raise SourceError(endpoint, "the Materials Project wants a key and there is none", _WHERE_KEYS_ARE)
    if len(key) != KEY_LENGTH or not key.isascii():
        problem = f"the key in the environment has {len(key)} characters, a key of the Materials Project {KEY_LENGTH}"
        raise SourceError(endpoint, problem, _WHERE_KEYS_ARE)
    return key


def _asker(settings: MaterialsProjectSource, key: str) -> Asker:
    politeness = Politeness(
        requests_per_second=settings.requests_per_second,
        timeout_s=settings.timeout_s,
        attempts=settings.attempts,
        max_wait_s=settings.max_wait_s,
    )
    return Asker(_user_agent(), politeness, secret_headers={"x-api-key": key})


@cache
def _user_agent() -> str:
    return f"matsift/{version('matsift')} (mp-api/{version('mp-api')})"


def _of_the_client() -> tuple[tuple[Any, ...], Any]:
    """Return the client's classes that are used, and the transport; importing them asks nothing of the network."""
    try:
        from mp_api.client.routes.materials.elasticity import ElasticityRester  # noqa: PLC0415  heavy, not everybody's
        from mp_api.client.routes.materials.summary import SummaryRester  # noqa: PLC0415
        from mp_api.client.routes.materials.thermo import ThermoRester  # noqa: PLC0415

        from matsift_adapters.sources.materials_project_transport import Transport  # noqa: PLC0415
    except ImportError as error:
        problem = f"the client of the Materials Project is not installed ({error})"
        raise SourceError("mp-api", problem, "pip install 'matsift[mp]'") from error
    return (SummaryRester, ThermoRester, ElasticityRester), Transport


def _told(rester: Any, heartbeat: Heartbeat) -> Any:
    """Return a rester that knows the heartbeat and its fields; else it makes a schema for each field of a request."""

    class Told(rester):  # type: ignore[misc]  # the client is not typed
        available_fields = tuple(rester.document_model.model_fields)

        @staticmethod
        def _get_heartbeat_info(_endpoint: str) -> tuple[str, list[str]]:
            return heartbeat.version, list(heartbeat.controlled_batches)

    return Told
