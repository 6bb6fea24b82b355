"""The provider serving https itself: a real process, a real certificate, real handshakes."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.cli import main
from idp.web.tls import UnusableCertificate, server_context
from tests.outbound.test_tls import _self_signed
from tests.ports import free_port

NAME = "login.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key in one file."""
    return _self_signed(tmp_path_factory.mktemp("tls") / "login.pem", NAME)


@pytest.fixture(scope="module")
def served(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, list[str]]]:
    """A provider that serves https; its port, and the settings it was started with."""
    with provider(certificate, tmp_path_factory.mktemp("home")) as (_, port, settings):
        yield port, settings


@contextmanager
def provider(certificate: Path, home: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, list[str]]]:
    """Run a provider that serves https, and stop it as an operator would."""
    port = free_port()
    values = {
        "issuer": f"https://{NAME}",
        "home": home,
        "key_encryption_key_file": home / "key",
        "port": port,
        "tls_certificate_file": certificate,
        "tls_key_file": certificate,
    }
    settings = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    process = subprocess.Popen([sys.executable, "-m", "idp", *settings, "serve"], cwd=home, env=dict(os.environ))
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end and process.poll() is None:
            if CliRunner().invoke(main, [*settings, "healthcheck"]).exit_code == 0:
                break
            time.sleep(0.1)
        yield process, port, settings
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def handshake(port: int, context: ssl.SSLContext) -> str | None:
    """Return the TLS version agreed on."""
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as secured,
    ):
        return secured.version()


def test_discovery_is_served_over_https(served: tuple[int, list[str]], certificate: Path) -> None:
    """A client that verifies the certificate gets the document; it speaks of https alone."""
    context = ssl.create_default_context(cafile=str(certificate))
    assert handshake(served[0], context) == "TLSv1.3"
    connection = http.client.HTTPConnection(NAME)
    connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", served[0]), 5), server_hostname=NAME)
    connection.request("GET", "/.well-known/openid-configuration")
    answer = connection.getresponse()
    document = json.loads(answer.read())
    assert answer.status == 200
    assert document["issuer"] == f"https://{NAME}"
    assert answer.getheader("strict-transport-security")
    connection.close()


def test_weak_tls_is_refused(served: tuple[int, list[str]], certificate: Path) -> None:
    """TLS 1.2 is spoken with forward secrecy and AEAD only, and nothing below it."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(served[0], context) == "TLSv1.2"
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    with pytest.raises(ssl.SSLError):
        handshake(served[0], context)


@pytest.fixture
def outdated() -> ssl.SSLContext:
    """A client that speaks TLS 1.1 only and would take any certificate."""
    if not ssl.HAS_TLSv1_1:
        pytest.skip("this OpenSSL cannot ask for TLS 1.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # OpenSSL 3 offers it at security level 0 only.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match=r"TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_tls_1_1_is_refused(served: tuple[int, list[str]], outdated: ssl.SSLContext) -> None:
    """RFC 8996 §5."""
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(served[0], outdated)


def test_tls_1_1_is_refused_for_its_version(certificate: Path, outdated: ssl.SSLContext) -> None:
    """And not for want of a common cipher suite, which the server, closing at once, does not tell a peer."""
    asked, answered = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        outdated.wrap_bio(answered, asked).do_handshake()
    with pytest.raises(ssl.SSLError) as refusal:
        server_context(certificate, certificate).wrap_bio(asked, answered, server_side=True).do_handshake()
    assert refusal.value.reason == "UNSUPPORTED_PROTOCOL"


def test_plain_http_is_not_answered(served: tuple[int, list[str]]) -> None:
    """A password sent to the wrong scheme meets no form."""
    connection = http.client.HTTPConnection("127.0.0.1", served[0], timeout=5)
    connection.request("GET", "/login")
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()


def test_an_idle_peer_does_not_hold_up_a_stop(certificate: Path, tmp_path: Path) -> None:
    """A connection kept alive by someone who answers nothing more ends within moments of the signal."""
    context = ssl.create_default_context(cafile=str(certificate))
    with provider(certificate, tmp_path) as (process, port, _):
        idle = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=NAME)
        idle.sendall(f"GET /health/live HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        assert b"200" in idle.recv(65_536)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        # The grace for requests under way is ten seconds; none is under way here.
        assert time.monotonic() - began < 8
        idle.close()


def test_files_that_cannot_be_used_are_named(tmp_path: Path, certificate: Path) -> None:
    """Missing, no PEM, and a key of another certificate: each is said with the setting's name."""
    other = _self_signed(tmp_path / "other.pem", "other.example")
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    only_key = tmp_path / "key.pem"
    text = other.read_text()
    only_key.write_text(text[text.index("-----BEGIN PRIVATE") :])
    for chain, key, said in (
        (tmp_path / "absent.pem", certificate, "tls_certificate_file"),
        (certificate, tmp_path / "absent.pem", "tls_key_file"),
        (empty, empty, "cannot be used"),
        (certificate, only_key, "do not belong together"),
    ):
        with pytest.raises(UnusableCertificate, match=said):
            server_context(chain, key)


def test_one_file_without_the_other_is_a_fault(tmp_path: Path, certificate: Path) -> None:
    """The fault names the one that is missing."""
    settings = ["--set", f"home={tmp_path}", "--set", f"tls_certificate_file={certificate}"]
    refused = CliRunner().invoke(main, [*settings, "serve"])
    assert refused.exit_code == 2
    assert "tls_key_file" in refused.output
