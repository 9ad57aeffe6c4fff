"""What can befall a command at work; each fault lasts as long as its function."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import psycopg
from tests.chaos.place import Place
from tests.flows.preloaded import Preloaded

#: What happens to a command in its place; returns False where this machine cannot do it.
Fault = Callable[[Place, Preloaded, random.Random], bool]


def kill_command(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """The command is killed with all its processes."""
    command.kill()
    return True


def kill_worker(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """One of the processes that compute for the command is killed."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(command.pid).children(recursive=True)
        if children:
            chance.choice(children).kill()
    return True


def press_ctrl_c(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """Ctrl-C, which reaches the command and its workers."""
    with suppress(ProcessLookupError):
        os.killpg(command.pid, signal.SIGINT)
    return True


def crash_server(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """PostgreSQL dies as in a power cut and is started again."""
    place.around.server.crash(chance.choice((signal.SIGKILL, signal.SIGQUIT)))
    time.sleep(chance.uniform(0.0, 1.0))
    _ = place.url
    return True


def restart_server(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """PostgreSQL is stopped in an orderly way under the command and started again."""
    place.around.server.crash(signal.SIGINT)
    time.sleep(chance.uniform(0.0, 1.0))
    _ = place.url
    return True


def kill_backend(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """One process of PostgreSQL is killed; the server ends all connections and recovers by itself."""
    chance.choice(place.server_processes()[1:]).kill()
    _until_it_answers(place)
    return True


def cut_network(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """All connections break, on both sides, and nobody gets through for a while."""
    place.link.cut(chance.uniform(0.0, 2.0))
    return True


def half_open_network(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """All connections break, but the server waits for clients that are gone."""
    place.link.cut(chance.uniform(0.0, 1.0), server_notices_after=chance.uniform(1.0, 3.0))
    return True


def stall_network(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """Nothing gets through for a while, and nobody is told."""
    place.link.stall(chance.uniform(0.5, 3.0))
    return True


def freeze_server(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """The server stands still, as on a disk that does not answer."""
    processes = place.server_processes()
    try:
        for process in processes:
            process.suspend()
        time.sleep(chance.uniform(0.5, 3.0))
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()
    return True


def fill_home(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """The disk of artifacts and reports is full for a while."""
    return place.around.home_disk.full_for(chance.uniform(0.5, 3.0))


def fill_server(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """The disk of the database is full for a while."""
    was_full = place.around.server_disk.full_for(chance.uniform(0.5, 2.0))
    _until_it_answers(place)
    return was_full


def jump_clock(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """The clock of the command jumps, and stays wrong."""
    place.around.set_clock(chance.choice((-1, 1)) * chance.choice((90, 3600, 86400, 400 * 86400)))
    return True


def second_operator(place: Place, command: Preloaded, chance: random.Random) -> bool:
    """Somebody else starts the same study."""
    place.start().wait()
    return True


FAULTS: tuple[Fault, ...] = (
    *(kill_command, kill_worker, press_ctrl_c, crash_server, restart_server, kill_backend, cut_network),
    *(half_open_network, stall_network, freeze_server, fill_home, fill_server, jump_clock, second_operator),
)


def _until_it_answers(place: Place) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(psycopg.Error):
            psycopg.connect(place.url).close()
            return
        time.sleep(0.05)
    raise TimeoutError("the server does not come back")
