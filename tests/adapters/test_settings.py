"""Where data lives, read from the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matsift.errors import UserInputError
from matsift_adapters.settings import Settings, available_cpus


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("MATSIFT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_lie_in_the_working_directory(tmp_path: Path) -> None:
    settings = Settings.load()
    assert settings.home == tmp_path / ".matsift"
    assert settings.artifact_url == str(tmp_path / ".matsift" / "artifacts")
    assert settings.database_url is None
    assert settings.workers == available_cpus() >= 1


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATSIFT_HOME", "some/home")
    monkeypatch.setenv("MATSIFT_ARTIFACT_URL", "s3://bucket/artifacts")
    monkeypatch.setenv("MATSIFT_WORKERS", "3")
    settings = Settings.load()
    assert settings.home == tmp_path / "some" / "home"
    assert settings.artifact_url == "s3://bucket/artifacts"
    assert settings.workers == 3
    assert Settings.load(home="other", workers=None).home == tmp_path / "other"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DATABASE_URL", "")
    assert Settings.load().database_url is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgresql://me:pw@host/db", "postgresql://me:pw@host/db"),
        ("postgres://me:pw@host/db", "postgres://me:pw@host/db"),
        ("postgresql+psycopg://me:pw@host/db", "postgresql://me:pw@host/db"),
        (" postgresql:///db?host=/tmp/x ", "postgresql:///db?host=/tmp/x"),
    ],
    ids=["libpq", "short_scheme", "sqlalchemy", "spaces"],
)
def test_addresses_become_libpq_addresses(given: str, kept: str) -> None:
    settings = Settings.load(database_url=given)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == kept
    assert "pw" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "MATSIFT_DATABASE_URL",
            "mysql://me:s3cret@host/db",
            "MATSIFT_DATABASE_URL is not usable: give it as postgresql",
        ),
        ("MATSIFT_WORKERS", "0", "MATSIFT_WORKERS is not usable: Input should be greater than or equal to 1"),
        ("MATSIFT_WORKERS", "many", "MATSIFT_WORKERS is not usable: Input should be a valid integer"),
        ("MATSIFT_DATABSE_URL", "x", "MATSIFT_DATABSE_URL is unknown; did you mean MATSIFT_DATABASE_URL"),
        ("MATSIFT_WORKER", "2", "MATSIFT_WORKER is unknown; did you mean MATSIFT_WORKERS"),
    ],
    ids=["other_database", "no_worker", "not_a_number", "misspelt", "singular"],
)
def test_bad_values_are_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserInputError, match=said) as caught:
        Settings.load()
    assert "s3cret" not in str(caught.value)


def test_the_address_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "address"
    secret.write_text("postgresql://me:s3cret@host/db\nsecond line\n", encoding="utf-8")
    monkeypatch.setenv("MATSIFT_DATABASE_URL_FILE", str(secret))
    settings = Settings.load()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://me:s3cret@host/db"
    assert "s3cret" not in repr(settings)
    monkeypatch.setenv("MATSIFT_DATABASE_URL", "postgresql://other/db")
    other = Settings.load().database_url
    assert other is not None
    assert other.get_secret_value() == "postgresql://other/db"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "DATABASE_URL_FILE is not usable: the file .* cannot be read .No such file"),
        (b"", "DATABASE_URL is not usable: give it as postgresql"),
        (b"\xff\xfe", "DATABASE_URL_FILE is not usable: the file .* cannot be read .it is no text"),
    ],
    ids=["missing", "empty", "no_text"],
)
def test_a_file_without_an_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, said: str
) -> None:
    secret = tmp_path / "address"
    if content is not None:
        secret.write_bytes(content)
    monkeypatch.setenv("MATSIFT_DATABASE_URL_FILE", str(secret))
    with pytest.raises(UserInputError, match=said):
        Settings.load()


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DATA", "/data")
    assert Settings.load().database_url is None


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(UserInputError, match="MATSIFT_COLOUR is not usable: Extra inputs are not permitted"):
        Settings.load(colour="blue")


def test_the_home_is_made(tmp_path: Path) -> None:
    assert Settings.load(home=tmp_path / "a" / "b").prepare_home() == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserInputError, match=r"file/home cannot be written \(Not a directory\); make it writable or set"
    ):
        Settings.load(home=tmp_path / "file" / "home").prepare_home()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_home(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(UserInputError, match=r"cannot be written \(Permission denied\)"):
        Settings.load(home=tmp_path).prepare_home()
