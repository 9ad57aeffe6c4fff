"""TLS to a server that matsift does not run: the certificate is checked, and a stranger's is refused in one sentence.

The server is Debian's PostgreSQL 15; the wheel's has no TLS. It has no pgvector either, which is told in its turn.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import text
from tests.postgres import PostgresServer

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres import check_server
from matsift_schema.engine import make_engine, require_ready

PASSWORD = "correct-horse"
DEBIAN = Path("/usr/lib/postgresql/15/bin")

pytestmark = pytest.mark.skipif(
    not (DEBIAN / "postgres").exists(), reason="needs a PostgreSQL with TLS (Debian: apt-get install postgresql-15)"
)


class TlsServer(PostgresServer):
    """Debian's PostgreSQL with a certificate for 127.0.0.1 alone; over TCP nobody comes in without TLS."""

    def __init__(self) -> None:
        super().__init__(DEBIAN)

    def use_certificate(self, certificate: bytes, key: bytes) -> None:
        """Serve TLS with a certificate from now on."""
        data = self.folder / "data"
        for name, content in (("server.crt", certificate), ("server.key", key)):
            path = data / name
            path.write_bytes(content)
            path.chmod(0o600)
            os.chown(path, data.stat().st_uid, data.stat().st_gid)
        (data / "pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
        with psycopg.connect(self.url("postgres"), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET ssl = on")
            admin.execute(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")
            admin.execute("SELECT pg_reload_conf()")


class Authority:
    """Whoever signs certificates, in a file."""

    def __init__(self, path: Path) -> None:
        self.path, self._key = path, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.stem)])
        signed = self._builder(self._name, self._key.public_key())
        signed = signed.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        path.write_bytes(signed.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def signed(self, address: str) -> tuple[bytes, bytes]:
        """Return a certificate for an address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "matsift's database")])
        builder = self._builder(name, key.public_key())
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), False)
        certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        plain = serialization.NoEncryption()
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return certificate, key.private_bytes(pem, form, plain)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca") / "ours.pem")


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[TlsServer]:
    found = TlsServer()
    try:
        found.use_certificate(*authority.signed("127.0.0.1"))
        yield found
    finally:
        found.stop()


@pytest.fixture
def url(server: TlsServer, authority: Authority) -> str:
    """The address of the server for whoever checks its certificate."""
    return f"{server.tcp_url('postgres', 'postgres', PASSWORD)}?sslmode=verify-full&sslrootcert={authority.path}"


def test_the_certificate_is_checked_and_all_is_encrypted(url: str) -> None:
    query = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    with psycopg.connect(url) as connection:
        assert connection.execute(query).fetchone() == (True, "TLSv1.3")
    own = make_engine(url)
    with own.connect() as connection:
        assert connection.execute(text(query)).one() == (True, "TLSv1.3")
    own.dispose()


def test_nobody_comes_in_without_tls(server: TlsServer) -> None:
    plain = server.tcp_url("postgres", "postgres", PASSWORD) + "?sslmode=disable"
    with pytest.raises(DatabaseError, match=r"no pg_hba.conf entry .* no encryption"):
        check_server(plain)


@pytest.mark.parametrize("look", [check_server, require_ready])
def test_a_stranger_is_refused_in_a_sentence(server: TlsServer, look: Callable[[str], object], tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger.pem")
    url = f"{server.tcp_url('postgres', 'postgres', PASSWORD)}?sslmode=verify-full&sslrootcert={stranger.path}"
    with pytest.raises(DatabaseError, match=r"\(.*certificate verify failed\)") as refused:
        look(url)
    assert_plain(str(refused.value))


@pytest.mark.parametrize("look", [check_server, require_ready])
def test_another_name_is_refused_in_a_sentence(url: str, look: Callable[[str], object]) -> None:
    by_name = url.replace("@127.0.0.1:", "@localhost:") + "&hostaddr=127.0.0.1"
    with pytest.raises(DatabaseError, match=r'\(.*does not match host name "localhost"\)') as refused:
        look(by_name)
    assert_plain(str(refused.value))


@pytest.mark.parametrize("look", [check_server, require_ready])
def test_an_authority_that_is_not_there_is_told(url: str, look: Callable[[str], object], tmp_path: Path) -> None:
    with pytest.raises(
        DatabaseError, match=r"root certificate file .* does not exist|Either provide the file"
    ) as refused:
        look(f"{url.partition('&sslrootcert')[0]}&sslrootcert={tmp_path}/none.pem")
    assert_plain(str(refused.value))


def test_the_command_tells_that_the_server_has_no_pgvector(url: str, tmp_path: Path) -> None:
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MATSIFT_HOME": str(tmp_path / "home")}
    own["MATSIFT_DATABASE_URL"] = url
    command = [sys.executable, "-c", "from matsift_flows.cli import main; main()", "db", "check"]
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "matsift: PostgreSQL at 127.0.0.1, database postgres: the extension vector is not installed on it; "
        "install the package pgvector on the server\n"
    )


def assert_plain(sentence: str) -> None:
    """Assert that a sentence is one, and tells no password."""
    assert len(sentence.splitlines()) == 1
    assert PASSWORD not in sentence
