"""What `matsift db` does: plain functions of the settings, for the embedded server and for an outside one alike."""

import os
from typing import NoReturn

from matsift.errors import UserInputError
from matsift_adapters.embedded_postgres.client import client_command
from matsift_adapters.embedded_postgres.locks import Tell
from matsift_adapters.embedded_postgres.outside import check_server
from matsift_adapters.embedded_postgres.server import EmbeddedPostgres, ServerStatus, tell_nobody
from matsift_adapters.settings import Settings


def ensure_running(settings: Settings, *, tell: Tell = tell_nobody) -> str:
    """The address of the database, ``postgresql://...``, for libpq and psycopg; every command begins with it.

    With MATSIFT_DATABASE_URL that address; else the embedded server's, initialised and started on demand.

    Raises
    ------
    UserInputError
        The home folder cannot be written.
    DatabaseError
        The embedded server cannot run here.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return _embedded(settings, tell, prepare=True).start()


def ensure_usable(settings: Settings, *, tell: Tell = tell_nobody) -> str:
    """The address of `ensure_running`, an outside server's only once it is sure that our schema can live there.

    Raises
    ------
    UserInputError, DatabaseError
        As `ensure_running` and `check_server` do.
    """
    url = ensure_running(settings, tell=tell)
    if settings.database_url is not None:
        check_server(url)
    return url


def start(settings: Settings, *, tell: Tell = tell_nobody) -> ServerStatus:
    """The state of the embedded server after starting it."""
    _refuse_outside(settings)
    server = _embedded(settings, tell, prepare=True)
    server.start()
    return server.status()


def stop(settings: Settings, *, tell: Tell = tell_nobody) -> bool:
    """Whether an embedded server was running; it has ended when this returns."""
    _refuse_outside(settings)
    return _embedded(settings, tell).stop()


def status(settings: Settings) -> ServerStatus:
    """The state of the embedded server, without starting it."""
    _refuse_outside(settings)
    return _embedded(settings, tell_nobody).status()


def shell(settings: Settings, arguments: list[str] | None = None, *, tell: Tell = tell_nobody) -> NoReturn:
    """Become psql, connected to the database; `arguments` go to psql (for example ``["-c", "TABLE analysis.x"]``)."""
    command, environment = client_command("psql", ensure_running(settings, tell=tell), arguments or [])
    os.execve(command[0], command, environment)  # noqa: S606  psql takes over the terminal; its path is the package's


def _embedded(settings: Settings, tell: Tell, *, prepare: bool = False) -> EmbeddedPostgres:
    home = settings.prepare_home() if prepare else settings.home
    return EmbeddedPostgres(home / "postgres", tell=tell)


def _refuse_outside(settings: Settings) -> None:
    if settings.database_url is not None:
        raise UserInputError(
            "MATSIFT_DATABASE_URL names a server that matsift does not run; start and stop it with its own tools, or "
            "unset the variable to use the embedded one"
        )
