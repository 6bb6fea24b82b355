"""`idp serve` and `idp dev`: what they refuse, how they start and stop."""

import gc
import re
import signal
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from idp.web.http_connections import Connections
from idp.web.serving import leave_out_of_collections
from tests.cli.conftest import CommandLine
from tests.cli.processes import ROOT, clean_environment, get, running, wait_for
from tests.cli.threaded import threaded
from tests.ports import answers, free_port

KEY = "kT3x0zq1M2c9J4bV5nL6pQ7rS8tU9vWxYzA0BcDeFgH"


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"IDP_DEVELOPMENT": "true"}, "development"),
        ({"IDP_ISSUER": "http://login.example.org"}, "issuer"),
        ({"IDP_ISSUER": "https://a.example", "IDP_ALLOW_ANY_HOST": "true"}, "allow_any_host"),
        ({"IDP_ISSUER": "https://a.example", "IDP_ALLOW_LOOPBACK_CLIENTS": "true"}, "allow_loopback_clients"),
        ({"IDP_ISSUER": "https://a.example", "IDP_ALLOW_LOOPBACK_OUTBOUND": "true"}, "allow_loopback_outbound"),
        ({"IDP_TRUSTED_PROXIES": "0.0.0.0/0"}, "trusted_proxies"),
        ({"IDP_ARGON2__MEMORY_KIB": "64"}, "argon2.memory_kib"),
        ({"IDP_KEY_ENCRYPTION_KEY_FILE": "/dev/null/key"}, "key_encryption_key_file"),
        ({"IDP_KEY_ENCRYPTION_KEY_FILE": "open.key"}, "key_encryption_key_file"),
        ({"IDP_DATABASE_URL": "sqlite:///open.sqlite3"}, "database_url"),
    ],
)
def test_unsafe_settings_are_refused(bare: CommandLine, environment: dict[str, str], key: str) -> None:
    """Each by its key, with the line that mends it; nothing is made and nothing listens."""
    for name in ("open.key", "open.sqlite3"):
        Path(name).write_text(KEY)
        Path(name).chmod(0o644)
    bare.environment = environment
    said = bare.refused("serve", "--port", str(free_port()))
    assert "Refusing to serve" in said
    assert re.search(rf"^  {re.escape(key)} \(.*\): .+\n      .+", said, re.MULTILINE), said
    assert not Path(".signet").exists()
    assert not Path("keys").exists()


@pytest.mark.case("OP-25")
@pytest.mark.parametrize("key", ["", "changeme", "12345678"])
def test_a_weak_key_is_refused(bare: CommandLine, key: str) -> None:
    """Before anything else happens."""
    bare.environment = {"IDP_KEY_ENCRYPTION_KEY": key}
    assert "key_encryption_key" in bare.refused("serve", status=2)
    assert not Path(".signet").exists()


def test_a_key_that_is_not_random_is_refused(bare: CommandLine) -> None:
    """It has the right length, and is one letter."""
    bare.environment = {"IDP_KEY_ENCRYPTION_KEY": "A" * 43}
    said = bare.refused("serve", "--port", str(free_port()))
    assert "not random" in said
    assert "AAAA" not in said


def test_serve_starts_tells_and_stops(tmp_path: Path) -> None:
    """From an empty directory to ready; one JSON object a line; a signal ends it with status 0."""
    port = free_port()
    options = ("serve", "--issuer", f"http://idp.localhost:{port}", "--port", str(port))
    with running(tmp_path, *options) as provider:
        wait_for(lambda: answers(port), provider.said())
        answer = get(port, "/health/ready")
        assert answer.status == 200
        assert "uvicorn" not in str(answer.headers).lower()
        assert answer.headers["date"]
        get(port, "/login?code=very-secret", f"idp.localhost:{port}").read()
        assert provider.stop() == 0
        events = {event["event"]: event for event in provider.events()}
        assert len(provider.said().splitlines()) == len(provider.events())
    assert events["starting"]["issuer"] == f"http://idp.localhost:{port}"
    assert events["serving"]["listening"] == f"127.0.0.1:{port}"
    assert "stopped" in events
    assert "very-secret" not in provider.said()
    assert "dangerous" not in provider.said()
    assert stat.S_IMODE((tmp_path / "keys/key-encryption.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / ".signet").stat().st_mode) == 0o700


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_start_takes_what_is_there(tmp_path: Path, number: int) -> None:
    """The same keys; and Ctrl-C stops as cleanly as SIGTERM does."""
    port = free_port()
    options = ("serve", "--issuer", f"http://idp.localhost:{port}", "--port", str(port))
    keys = []
    for _ in range(2):
        with running(tmp_path, *options) as provider:
            wait_for(lambda: answers(port), provider.said())
            keys.append(get(port, "/.well-known/jwks.json", f"idp.localhost:{port}").read())
            assert provider.stop(number) == 0
    assert keys[0] == keys[1]
    assert b'"kid"' in keys[0]


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """Before the database is made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running(tmp_path, "serve", "--port", port) as provider:
            assert provider.process.wait(60) == 1
        assert f"cannot listen on 127.0.0.1, port {port}: another program listens there" in provider.said()
        assert "Next: choose another with --port" in provider.said()
        assert not (tmp_path / ".signet").exists()


def test_a_schema_is_not_touched_when_told_so(tmp_path: Path) -> None:
    """With `migrate_on_start = false` an empty database is refused."""
    (tmp_path / "idp.toml").write_text("migrate_on_start = false\n")
    with running(tmp_path, "serve", "--port", str(free_port())) as provider:
        assert provider.process.wait(60) == 1
    assert "idp migrate" in provider.said()


def test_a_trickling_request_head_is_cut_off() -> None:
    """A connection whose head does not arrive is closed, the first time and after an answered request."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with threaded(application, Connections(head_seconds=0.3)) as (port, _):
        for beginning in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
                if beginning:
                    peer.sendall(beginning)
                    assert b"204" in peer.recv(4096)
                peer.sendall(b"GET / HTTP/1.1\r\nHost")
                assert peer.recv(4096) == b""


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: x=1", b"a\nb", b"a\rb", b"a\0b"])
def test_a_field_that_would_end_a_line_does_not_go_out(value: bytes) -> None:
    """Nor does anything else of that answer; the next connection is served."""
    fields = [(b"content-length", b"0")]

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b""})

    with threaded(application, Connections()) as (port, _):
        for sent in ((b"location", value), (b"x-y", b"plain\ttext")):
            fields[1:] = [sent]
            with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = peer.recv(4096)
        assert b"x-y: plain\ttext\r\n" in answer
        assert b"location" not in answer


@pytest.mark.case("HT-09")
def test_two_hosts_are_refused(tmp_path: Path) -> None:
    """By the parser that reads requests where no proxy stands in front."""
    port = free_port()
    with running(tmp_path, "dev", "--temporary", "--port", str(port)) as provider:
        wait_for(lambda: answers(port), provider.said())
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            peer.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            assert peer.recv(4096).startswith(b"HTTP/1.1 400")
        assert provider.stop() == 0


def test_dev_tells_where_it_is_and_how_to_use_it(tmp_path: Path) -> None:
    """Its home has its settings, so that other commands can be pointed at it; the switches are logged."""
    port = free_port()
    with running(tmp_path, "dev", "--port", str(port)) as provider:
        wait_for(lambda: answers(port), provider.said())
        assert get(port, "/health/ready").status == 200
        with running(tmp_path, "--config", ".signet/dev/idp.toml", "keys", "list") as listing:
            assert listing.process.wait(60) == 0
            assert "active" in listing.said()
        assert provider.stop() == 0
    assert "idp --config .signet/dev/idp.toml user add NAME" in provider.said()
    switches = {event.get("setting") for event in provider.events() if event["event"] == "a dangerous switch is on"}
    assert switches == {"development", "allow_loopback_clients", "allow_loopback_outbound"}


def test_a_temporary_home_is_gone_afterwards(tmp_path: Path) -> None:
    """Nothing is kept."""
    port = free_port()
    with running(tmp_path, "dev", "--temporary", "--port", str(port)) as provider:
        wait_for(lambda: answers(port), provider.said())
        (home,) = re.findall(r"state in (\S+)\.", provider.said())
        assert Path(home, "signet.sqlite3").exists()
        assert provider.stop() == 0
    assert not Path(home).exists()
    assert not (tmp_path / ".signet").exists()


@pytest.mark.parametrize(
    "environment", [{"IDP_ISSUER": "https://login.example.org"}, {"IDP_HOST": "0.0.0.0"}, {"IDP_HOST": "::"}]
)
def test_dev_serves_this_machine_only(bare: CommandLine, environment: dict[str, str]) -> None:
    """What shows internals must not be reached by others."""
    bare.environment = environment
    said = bare.refused("dev", "--temporary", status=2)
    assert "serves this machine only" in said
    assert "Next: idp serve" in said


def test_healthcheck(tmp_path: Path) -> None:
    """Asks the provider that the settings name."""
    port = free_port()
    with running(tmp_path, "dev", "--temporary", "--port", str(port)) as provider:
        wait_for(lambda: answers(port), provider.said())
        for options, said in (((), "ready"), (("--live",), "live")):
            with running(tmp_path, "--set", f"port={port}", "healthcheck", *options) as check:
                assert check.process.wait(60) == 0
                assert check.said() == f"{said}\n"
        assert provider.stop() == 0


def test_a_request_under_way_is_finished_at_a_stop(tmp_path: Path) -> None:
    """The signal comes while half of the body is there; the answer still does, and the status is 0."""
    port = free_port()
    body = b"grant_type=authorization_code&code=x"
    head = f"POST /oauth2/token HTTP/1.1\r\nHost: idp.localhost:{port}\r\nContent-Length: {len(body)}\r\n"
    with running(tmp_path, "dev", "--temporary", "--port", str(port)) as provider:
        wait_for(lambda: answers(port), provider.said())
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body[:10])
            wait_for(lambda: get(port, "/health/live").status == 200, "it answers others meanwhile")
            provider.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not answers(port), "it takes no more connections")
            peer.sendall(body[10:])
            assert peer.recv(4096).startswith(b"HTTP/1.1 401")
        assert provider.process.wait(60) == 0


def test_a_request_that_is_on_its_way_is_answered_at_a_stop(tmp_path: Path) -> None:
    """The other end of a kept connection does not know yet; its request is the last one there, and says so."""
    port = free_port()
    request = f"GET /health/live HTTP/1.1\r\nHost: idp.localhost:{port}\r\n\r\n".encode()
    with running(tmp_path, "dev", "--temporary", "--port", str(port)) as provider:
        wait_for(lambda: answers(port), provider.said())
        with ExitStack() as opened:
            connect = partial(socket.create_connection, ("127.0.0.1", port), timeout=10)
            used, unused, silent = (opened.enter_context(connect()) for _ in range(3))
            for peer in (used, silent):
                peer.sendall(request)
                assert b"\r\nconnection: close" not in peer.recv(4096)
            provider.process.send_signal(signal.SIGTERM)
            wait_for(lambda: "stopping" in provider.said(), "it stops")
            for peer in (used, unused):
                peer.sendall(request)
                answer = peer.recv(4096)
                assert answer.startswith(b"HTTP/1.1 200")
                assert b"\r\nconnection: close" in answer
            assert [peer.recv(1) for peer in (used, unused, silent)] == [b"", b"", b""]
        assert provider.process.wait(60) == 0


def test_what_does_not_end_is_ended_after_the_grace(tmp_path: Path) -> None:
    """A peer that never finishes cannot keep the provider from stopping."""
    port = free_port()
    options = ("--set", "shutdown_seconds=1", "dev", "--temporary", "--port", str(port))
    with running(tmp_path, *options) as provider:
        wait_for(lambda: answers(port), provider.said())
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(
                f"POST /oauth2/token HTTP/1.1\r\nHost: idp.localhost:{port}\r\nContent-Length: 9\r\n\r\n".encode()
            )
            assert get(port, "/health/live").status == 200
            assert provider.stop() == 0


@pytest.mark.case("OP-38")
def test_serving_goes_on_when_nobody_reads_the_log(tmp_path: Path) -> None:
    """The other end of the pipe is closed; requests are answered, and the stop is clean."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "idp", "dev", "--temporary", "--port", str(port)],
        cwd=tmp_path,
        env=clean_environment() | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(lambda: answers(port), "it serves")
        assert process.stdout is not None
        process.stdout.close()
        for _ in range(5):
            assert get(port, "/health/ready").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_there_are_collections_once_it_serves() -> None:
    """A start does without them, and leaves out what it made."""
    gc.disable()
    try:
        leave_out_of_collections()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.enable()
