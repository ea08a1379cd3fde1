"""The gateway over TLS, as it is in earnest."""

import ipaddress
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clients.intacct.errors import Unavailable, Uncertain
from clients.intacct.gateway import Gateway, Login
from schemas.intacct.functions import read_entity_details
from tests.unit.scripted_server import ScriptedServer, answering, dripping

LOGIN = Login("acme", "user", "pa55word")
CALLS = [("op-1", read_entity_details())]
GOOD = (
    b"<response><control><status>success</status></control><operation><authentication><status>success</status>"
    b"</authentication></operation></response>"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))


def test_an_unknown_certificate_keeps_the_request_here(tls: ssl.SSLContext) -> None:
    with ScriptedServer([answering(GOOD)], tls) as server, Gateway(server.url, "s", "p", allow_local=True) as gateway:
        with pytest.raises(Unavailable, match="TLS"):
            gateway.send(LOGIN, CALLS, unique=False, deadline_s=5)
        assert server.requests == []


def test_no_tls_where_it_is_wanted_keeps_the_request_here() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 hello, this is no TLS\r\n")
                connection.recv(65536)

        greeter = threading.Thread(target=greet)
        greeter.start()
        with (
            Gateway(f"https://127.0.0.1:{listener.getsockname()[1]}/", "s", "p", allow_local=True) as gateway,
            pytest.raises(Unavailable, match="TLS"),
        ):
            gateway.send(LOGIN, CALLS, unique=False, deadline_s=5)
        greeter.join()


@pytest.mark.usefixtures("trusted")
def test_a_connection_is_kept_over_tls(tls: ssl.SSLContext) -> None:
    with ScriptedServer([answering(GOOD)], tls) as server, Gateway(server.url, "s", "p", allow_local=True) as gateway:
        for _ in range(3):
            gateway.send(LOGIN, CALLS, unique=False, deadline_s=5)
        assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Drip: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ],
    ids=["head", "body", "body without length"],
)
def test_a_server_cannot_stretch_the_deadline_over_tls(head: bytes, tls: ssl.SSLContext) -> None:
    with (
        ScriptedServer([dripping(head)], tls) as server,
        Gateway(server.url, "s", "p", allow_local=True) as gateway,
    ):
        started = time.monotonic()
        with pytest.raises(Uncertain, match=r"0\.5 s"):
            gateway.send(LOGIN, CALLS, unique=False, deadline_s=0.5)
        assert time.monotonic() - started < 3
