"""The guarded client over TLS: whose certificate counts, and for which name."""

import datetime
import socket
import ssl
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from idp.outbound.guard import (
    OutboundClient,
    OutboundFailed,
    OutboundRefused,
    Outcome,
    UnusableAuthorities,
    trust,
)
from tests.outbound.servers import Server, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def _self_signed(path: Path, name: str) -> Path:
    """Write a certificate for a name, and its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path.write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


class _TlsServer(Server):
    """A server that answers 200 behind TLS."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        super().__init__(lambda connection, _ending: connection.sendall(OK))

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(connection, server_side=True) as secured:
            super()._serve(secured)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for rp.localhost."""
    return _self_signed(tmp_path_factory.mktemp("tls") / "rp.pem", "rp.localhost")


def _client(certificate: Path | None) -> OutboundClient:
    return OutboundClient(
        allow_loopback=True,
        authorities=partial(ssl.create_default_context, cafile=certificate) if certificate else trust,
    )


def test_trusted_certificate(certificate: Path) -> None:
    """A trusted certificate for the name that was asked for counts."""
    server = _TlsServer(certificate)
    try:
        assert _client(certificate).post_form(server.url("rp.localhost", scheme="https"), {"a": "b"}) == Outcome(200)
        assert server.requests[0].endswith(b"a=b")
    finally:
        server.close()


def test_untrusted_certificate_and_wrong_name(certificate: Path) -> None:
    """An unknown authority, or a certificate for another name, is refused before anything is sent."""
    server = _TlsServer(certificate)
    try:
        for client, host in ((_client(None), "rp.localhost"), (_client(certificate), "other.localhost")):
            with pytest.raises(OutboundFailed, match="certificate"):
                client.post_form(server.url(host, scheme="https"), {"a": "b"})
        assert server.requests == []
    finally:
        server.close()


def test_handshake_that_hangs(certificate: Path) -> None:
    """A server that goes silent within the handshake meets the deadline."""

    def hang(_connection: socket.socket, ending: threading.Event) -> None:
        ending.wait(5)

    with serving(hang) as server:
        client = OutboundClient(allow_loopback=True, deadline_seconds=0.2)
        with pytest.raises(OutboundFailed, match="timed out"):
            client.get(server.url("rp.localhost", scheme="https"))


def test_an_extra_authority_counts_beside_the_systems(certificate: Path, tmp_path: Path) -> None:
    """Those of the file are added, none is taken away; a file that is none is told."""
    context = trust(certificate)
    assert context.cert_store_stats()["x509"] > trust(None).cert_store_stats()["x509"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    for bad in (tmp_path / "absent.pem", Path(__file__)):
        with pytest.raises(UnusableAuthorities, match="outbound_ca_file"):
            trust(bad)


def test_only_named_hosts_are_reached_at_home(tmp_path: Path) -> None:
    """The operator's own names lead to private addresses, verified as ever; no other name does, and never by http."""
    server = _TlsServer(_self_signed(tmp_path / "rp.pem", "rp.internal"))

    def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    client = OutboundClient(
        allow_loopback=False,
        authorities=partial(trust, tmp_path / "rp.pem"),
        resolve=resolve,
        trusted_hosts=("RP.internal",),
    )
    try:
        assert client.post_form(server.url("rp.internal", scheme="https"), {"a": "b"}) == Outcome(200)
        for url in (server.url("other.internal", scheme="https"), server.url("rp.internal", scheme="http")):
            with pytest.raises(OutboundRefused):
                client.post_form(url, {"a": "b"})
    finally:
        server.close()
