"""Where a study is disturbed: its server, the network to it, disks that can fill up, a clock that can jump."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
from tests.chaos.link import Link
from tests.flows.preloaded import Preloaded, Starter
from tests.flows.restarting import RestartingServer

#: Enough for the server and the database of one study beside the calm ones.
_SERVER_MIB, _HOME_MIB = 3000, 200


class Disk:
    """A folder on a disk of its own, where this user may mount one; else a plain folder that never fills up."""

    def __init__(self, mib: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="msft-"))
        command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=1777", "small", str(self.folder)]
        self.is_small = subprocess.run(command, check=False, capture_output=True).returncode == 0
        self._ballast = self.folder / "ballast"

    def full_for(self, seconds: float) -> bool:
        """Leave no room for a while; False where that cannot be done here."""
        if self.is_small:
            self._fill()
            time.sleep(seconds)
            self.free()
        return self.is_small

    def _fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(1 << 20)) == 1 << 20:
                    pass
                while file.write(bytes(512)):
                    pass
            except OSError:
                return

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove it with all that it holds."""
        if self.is_small:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)
        shutil.rmtree(self.folder)


class Surroundings:
    """A server, disks and a clock, for one study after the other."""

    def __init__(self, folder: Path, python_path: Path) -> None:
        self.server_disk, self.home_disk = Disk(_SERVER_MIB), Disk(_HOME_MIB)
        (self.server_disk.folder / "s").mkdir()
        self.server = RestartingServer(self.server_disk.folder / "s")
        self._clock = folder / "clock"
        self.set_clock(0)
        self.commands = Starter(folder, python_path, {"MATSIFT_TEST_CLOCK": str(self._clock)})

    def set_clock(self, seconds: int) -> None:
        """Let the clock of all commands be so much ahead of the server's, or behind it, from now on."""
        new = self._clock.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self._clock)

    def close(self) -> None:
        """End all of it."""
        self.commands.close()
        self.server.close()
        for disk in (self.server_disk, self.home_disk):
            disk.close()


@dataclass
class Place:
    """A study in a database of its own, reached over the network."""

    around: Surroundings
    study: Path
    database: str

    def __post_init__(self) -> None:
        self.link = Link(self._socket)
        self.home = self.around.home_disk.folder / self.database
        self.started: list[Preloaded] = []

    def _socket(self) -> str:
        (folder,) = parse_qs(urlsplit(self.url).query)["host"]
        return f"{folder}/.s.PGSQL.5432"

    @property
    def url(self) -> str:
        """The address of the database on this machine, which no fault of the network touches."""
        return self.around.server.url(self.database)

    def start(self, *words: str) -> Preloaded:
        """Start a command on the study; its path comes last."""
        user = urlsplit(self.url).username or ""
        command = self.around.commands.start(
            *(words or ("run",)),
            str(self.study),
            MATSIFT_DATABASE_URL=f"postgresql://{user}@127.0.0.1:{self.link.port}/{self.database}",
            MATSIFT_HOME=str(self.home),
            MATSIFT_WORKERS="2",
        )
        self.started.append(command)
        return command

    def server_processes(self) -> list[psutil.Process]:
        """Return the server and its backends, as far as they run."""
        pid = self.around.server.pid
        if pid is None:
            return []
        postmaster = psutil.Process(pid)
        return [postmaster, *postmaster.children()]

    def heal(self) -> None:
        """End whatever fault lasts."""
        self.around.server_disk.free()
        self.around.home_disk.free()
        self.around.set_clock(0)

    def close(self) -> None:
        """Throw the database away."""
        for command in self.started:
            if command.is_running:
                command.kill()
        self.link.close()
        self.around.server.drop(self.database)
        shutil.rmtree(self.home, ignore_errors=True)


#: Tables by whose rows it is told how far a study has come.
_MILESTONES = (
    *("structure", "source_entry", "descriptor", "label_verdict", "bond_valence_variant", "bond_valence_relaxation"),
    *("structure_group_member", "diffraction_profile", "volumetric_field", "model_version", "prediction"),
    *("held_out_prediction", "campaign_round", "candidate_score", "acquisition", "label", "generation", "suggestion"),
    *("generated_composition", "generated_structure", "screen_outcome", "evaluation"),
)
_COUNTS = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM matsift.{name}" for name in _MILESTONES)


def milestones(url: str) -> dict[str, int]:
    """Return table -> rows, for the tables that tell how far a study has come."""
    with psycopg.connect(url) as connection:
        found: dict[str, int] = dict(connection.execute(_COUNTS.encode()).fetchall())
    return found


def progress(url: Callable[[], str], calm: dict[str, int]) -> float:
    """Return how far a study has come, 0 to 1: the mean over tables of the share of the calm run's rows."""
    now = milestones(url())
    shares = [min(1.0, now[name] / n) for name, n in calm.items() if n]
    return sum(shares) / len(shares)
