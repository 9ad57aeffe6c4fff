"""The artifact store keeps what it was given, whole, and says in one sentence why it cannot."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matsift.errors import ArtifactError
from matsift_adapters.artifacts import ArtifactStore

NOBODY = 65534


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that this process, as a plain user, may read and not write."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_put_is_got_by_its_hash(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "a folder")
    artifact = store.put(b"tree\nversion=v4\n", ".txt")
    assert artifact.sha256 == hashlib.sha256(b"tree\nversion=v4\n").hexdigest()
    assert artifact.uri == f"file://{tmp_path}/a folder/{artifact.sha256[:2]}/{artifact.sha256}.txt"
    assert store.get(artifact.sha256) == b"tree\nversion=v4\n"


@given(content=st.binary(max_size=2000))
def test_any_content_comes_back_from_any_filesystem(content: bytes) -> None:
    store = ArtifactStore("memory://artifacts")
    assert store.get(store.put(content, ".bin").sha256) == content


def test_the_same_content_is_one_file_whatever_the_suffix(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    assert store.put(b"x", ".txt") == store.put(b"x", ".json") == store.put(b"x")
    assert len(files_in(tmp_path)) == 1


@pytest.mark.parametrize("sha256", ["", "abc", "../" * 21 + "x", "A" * 64], ids=["empty", "short", "path", "capitals"])
def test_what_is_no_hash_is_refused(tmp_path: Path, sha256: str) -> None:
    with pytest.raises(ArtifactError, match="is no SHA-256"):
        ArtifactStore(tmp_path).get(sha256)


@pytest.mark.parametrize("suffix", ["txt", "/../x", ".t/x", "."])
def test_what_is_no_suffix_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ArtifactError, match="is no ending of a file name"):
        ArtifactStore(tmp_path).put(b"x", suffix)


def test_missing_artifact_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=f"there is no artifact {'0' * 64} in {tmp_path}"):
        ArtifactStore(tmp_path).get("0" * 64)


def test_damaged_artifact_is_refused_and_mended_by_the_next_put(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    artifact = store.put(b"right", ".txt")
    (path,) = files_in(tmp_path)
    path.write_bytes(b"wrong")
    with pytest.raises(ArtifactError, match="is damaged: its content is not what its name says"):
        store.get(artifact.sha256)
    assert store.put(b"right", ".txt") == artifact
    assert store.get(artifact.sha256) == b"right"


def test_read_only_folder_is_told(read_only_folder: Path) -> None:
    with pytest.raises(ArtifactError, match=r"may not be written by this user; change its rights or name another"):
        ArtifactStore(read_only_folder / "artifacts").put(b"x")


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot be written"):
        ArtifactStore(tmp_path / "artifacts").put(b"x")


FULL_DISK = """
import sys
from matsift.errors import ArtifactError
from matsift_adapters.artifacts import ArtifactStore
store = ArtifactStore(sys.argv[1])
kept = store.put(b"small")
try:
    store.put(bytes(1 << 20))
except ArtifactError as error:
    print(error)
assert store.get(kept.sha256) == b"small"
"""


def test_full_disk(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=64k none "$1" && "$2" -c "$3" "$1"; code=$?; find "$1" -name "*.part"; exit $code'
    command = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        str(tmp_path),
        sys.executable,
        FULL_DISK,
    ]
    if shutil.which("unshare") is None or subprocess.run([*command[:3], "true"], check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if "mount:" in ended.stderr:
        pytest.skip("this machine lets nobody mount a small disk")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == (
        f"the disk under the artifact folder {tmp_path} is full; free some space or name another folder\n"
    )


def test_file_size_limit_leaves_no_torn_file(tmp_path: Path) -> None:
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += f"resource.setrlimit(resource.RLIMIT_FSIZE, (65536, {resource.RLIM_INFINITY}))"
    ended = subprocess.run(
        [sys.executable, "-B", "-c", limit + FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "is full; free some space" in ended.stdout
    assert [path.stat().st_size for path in files_in(tmp_path)] == [5]


def test_what_a_killed_writer_leaves_is_no_artifact_and_is_known_as_unfinished(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from matsift_adapters.artifacts import ArtifactStore; "
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL); ArtifactStore(sys.argv[1]).put(bytes(99), '.bin')"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    store = ArtifactStore(tmp_path)
    assert store.sizes() == {}
    assert store.unfinished() == {}  # a file as young as this one may be somebody's at work
    assert list(store.unfinished(older_than_s=-1.0).values()) == [99]
    store.put(bytes(99), ".bin")
    assert store.get(hashlib.sha256(bytes(99)).hexdigest()) == bytes(99)
