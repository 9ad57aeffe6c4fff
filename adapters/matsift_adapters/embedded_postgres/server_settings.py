"""How the embedded server is set: safe against a power cut, private, and sized for a laptop."""

import os
from pathlib import Path

_MIB, _GIB = 2**20, 2**30
_SMALL_SHARED_MEMORY = _GIB // 2


def tunable() -> dict[str, str]:
    """Settings written once into postgresql.conf; a person may change them there or with ALTER SYSTEM.

    fsync stays on. `wal_level = minimal` spares the log of bulk loads: an embedded server has no replicas.
    """
    memory = memory_bytes()
    roomy = memory >= 4 * _GIB
    return {
        "shared_buffers": f"{_clipped(memory // 16, 128, 1024)}MB",
        "work_mem": "32MB" if roomy else "8MB",
        "maintenance_work_mem": "256MB" if roomy else "64MB",
        "effective_cache_size": f"{_clipped(memory // 4, 512, 16 * 1024)}MB",
        "random_page_cost": "1.1",
        # Two or three views of `analysis` in one question are a dozen tables.
        "join_collapse_limit": "12",
        "from_collapse_limit": "12",
        "geqo_threshold": "14",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_logical_replication_workers": "0",
        "max_wal_size": "2GB",
        "wal_compression": "pglz",
        "checkpoint_timeout": "15min",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
    }


def required(socket_dir: Path) -> dict[str, str]:
    """Settings given at every start: no network, one private socket, a log that shows that recovery moves on."""
    settings = {
        "cluster_name": "matsift",
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "port": "5432",
        "logging_collector": "off",
        "log_destination": "stderr",
        "log_startup_progress_interval": "10s",
    }
    if _is_small(Path("/dev/shm")):  # noqa: S108  64 MB in a container: a parallel hash join would fail there
        settings["dynamic_shared_memory_type"] = "mmap"
    return settings


def _is_small(folder: Path) -> bool:
    try:
        room = os.statvfs(folder)
    except OSError:
        return True
    return room.f_blocks * room.f_frsize < _SMALL_SHARED_MEMORY or not os.access(folder, os.W_OK)


def memory_bytes(limit_file: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """The memory of the machine, or of the container where that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(memory, int(limit_file.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no container, or one without a limit, which says "max"
        return memory


def _clipped(size: int, least_mib: int, most_mib: int) -> int:
    return max(least_mib, min(size // _MIB, most_mib))
