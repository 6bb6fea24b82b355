"""The guarded HTTP client against servers that mean harm, over real sockets."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence

import httpcore2
import pytest

from idp.outbound.guard import MOST_BYTES, OutboundClient, OutboundFailed, OutboundRefused, Outcome
from tests.outbound.servers import OK, Server, answer, drip, serving, silence


@pytest.fixture
def canary() -> Iterator[Server]:
    """A server that nothing may reach."""
    with serving(answer(OK)) as server:
        yield server


def _client(*, seconds: float = 5.0) -> OutboundClient:
    return OutboundClient(allow_loopback=True, deadline_seconds=seconds)


def test_form_is_posted() -> None:
    """A form reaches the server as a form, with the name it was sent to as Host and no more headers than needed."""
    with serving(answer(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        outcome = _client().post_form(server.url("shop.localhost", "/out?x=1"), {"logout_token": "a.b+c", "ü": "1 2"})
        assert outcome == Outcome(204)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /out?x=1 HTTP/1.1"
    assert f"Host: shop.localhost:{server.port}".encode() in lines
    assert b"Content-Type: application/x-www-form-urlencoded" in lines
    assert body == b"logout_token=a.b%2Bc&%C3%BC=1+2"
    assert not any(line.lower().startswith((b"cookie", b"authorization")) for line in lines)


def test_document_is_fetched() -> None:
    """The body of a 200 answer comes back as sent, chunked or not."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    for response in (OK, chunked, b"HTTP/1.0 200 OK\r\n\r\nok"):
        with serving(answer(response)) as server:
            assert _client().get(server.url()) == b"ok"
            assert b"accept-encoding: identity" in server.requests[0].lower()


def test_ipv6_loopback() -> None:
    """An IPv6 address is connected to, and its Host has brackets."""
    with serving(answer(OK), "::1") as server:
        assert _client().get(server.url("[::1]")) == b"ok"
        assert f"Host: [::1]:{server.port}".encode() in server.requests[0]


@pytest.mark.case("SS-12", "AZ-57")
@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "0177.1",
            "0x7f.0.0.0x1",
        ),
        *("localhost", "LOCALHOST", "localhost.", "shop.localhost", "0.0.0.0", "0", "[::1]", "[::]"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"),
        *(
            "[2002:7f00:1::]",
            "user@127.0.0.1",
            "rp.example@127.0.0.1",
            "127.0.0.1#@rp.example",
            "127.0.0.1\\.rp.example",
        ),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_loopback_is_not_reached(canary: Server, host: str, scheme: str) -> None:
    """No spelling of loopback is connected to unless that is allowed."""
    client = OutboundClient(allow_loopback=False, deadline_seconds=2)
    with pytest.raises((OutboundRefused, OutboundFailed)):
        client.post_form(canary.url(host, scheme=scheme), {"logout_token": "t"})
    with pytest.raises((OutboundRefused, OutboundFailed)):
        client.get(canary.url(host, scheme=scheme))
    assert canary.connections == 0


@pytest.mark.case("SS-12")
@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "fe80::1%lo"]
)
def test_name_of_a_private_address_is_not_reached(canary: Server, address: str) -> None:
    """A public name with a private address, alone or beside a public one, is refused after resolution."""
    for answers in ([address], ["93.184.216.34", address]):
        client = OutboundClient(allow_loopback=False, resolve=lambda _host, _port, found=answers: found)  # type: ignore[misc]
        with pytest.raises(OutboundRefused, match="not a public"):
            client.post_form(canary.url("rp.example", scheme="https"), {})
    assert canary.connections == 0


@pytest.mark.case("SS-12")
def test_dns_rebinding(canary: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is resolved once and the judged address is connected to, whatever the name says next."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    connected: list[str] = []

    def connect(_self: object, host: str, *_arguments: object) -> httpcore2.NetworkStream:
        connected.append(host)
        raise httpcore2.ConnectError("no network in tests")

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect)
    client = OutboundClient(allow_loopback=False, resolve=lambda _host, _port: next(answers))
    with pytest.raises(OutboundFailed):
        client.get(canary.url("rp.example", scheme="https"))
    assert connected == ["93.184.216.34"]
    assert next(answers) == ["127.0.0.1"]


def test_other_addresses_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first address of a name does not answer the next one is tried."""
    with serving(answer(OK)) as server:
        client = OutboundClient(allow_loopback=True, resolve=lambda _host, _port: ["127.0.0.2", "127.0.0.1"])
        assert client.get(server.url("rp.example")) == b"ok"


def test_http_to_a_public_address_is_refused() -> None:
    """With loopback allowed, http still goes nowhere else."""
    client = OutboundClient(allow_loopback=True, resolve=lambda _host, _port: ["93.184.216.34"])
    with pytest.raises(OutboundRefused):
        client.get("http://rp.example/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(canary: Server, status: int) -> None:
    """A redirect is an answer like any other, never followed."""
    response = f"HTTP/1.1 {status} Go\r\nLocation: {canary.url()}\r\nContent-Length: 0\r\n\r\n".encode()
    with serving(answer(response)) as server:
        assert _client().post_form(server.url(), {}) == Outcome(status)
        with pytest.raises(OutboundFailed, match=f"answered {status}"):
            _client().get(server.url())
    assert canary.connections == 0


def test_proxies_of_the_environment_are_not_used(canary: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy variable sends our requests elsewhere."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, canary.url())
    with serving(answer(OK)) as server:
        assert _client().get(server.url()) == b"ok"
    assert canary.connections == 0


@pytest.mark.parametrize(
    ("prefix", "piece"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_dripping_server_meets_the_deadline(prefix: bytes, piece: bytes) -> None:
    """A server that keeps a request alive byte by byte is left at the deadline, wherever it drips."""
    with serving(drip(prefix, piece, 0.02)) as server:
        started = time.monotonic()
        with pytest.raises(OutboundFailed, match=r"timed out|not valid HTTP"):
            _client(seconds=0.3).get(server.url())
        assert time.monotonic() - started < 1


def test_silent_servers_meet_the_deadline() -> None:
    """A server that never answers, or never accepts, is left at the deadline."""
    with serving(silence) as server, socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        full = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for url in (server.url(), full):
            started = time.monotonic()
            with pytest.raises(OutboundFailed, match="timed out"):
                _client(seconds=0.2).post_form(url, {})
            assert time.monotonic() - started < 1


def test_dripped_body_does_not_hold_up_a_notice() -> None:
    """The status of a notice is known before the body, which nobody waits for."""
    with serving(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x", 0.02)) as server:
        started = time.monotonic()
        assert _client().post_form(server.url(), {}) == Outcome(200)
        assert time.monotonic() - started < 1


def test_size_limits() -> None:
    """A body of the limit comes back, one byte more fails, declared, chunked or without an end."""
    for size, chunk in ((100, b"x" * 100), (101, b"x" * 101)):
        for head in (f"Content-Length: {size}\r\n".encode(), b"Connection: close\r\n"):
            with serving(answer(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + chunk)) as server:
                if size == 100:
                    assert _client().get(server.url(), 100) == chunk
                else:
                    with pytest.raises(OutboundFailed, match="too large"):
                        _client().get(server.url(), 100)


@pytest.mark.parametrize(
    ("prefix", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", b"x" * 65_536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 65_536 + b"\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nX: " + b"y" * 8_192 + b"\r\n\r\n"),
    ],
)
def test_endless_answers(prefix: bytes, piece: bytes) -> None:
    """An answer that never ends is left as soon as it is too large, header or body."""
    with serving(drip(prefix, piece, 0)) as server:
        started = time.monotonic()
        with pytest.raises(OutboundFailed, match=r"too large|not valid HTTP"):
            _client().get(server.url())
        assert time.monotonic() - started < 2


def test_limits_of_the_limit() -> None:
    """Nobody can ask for more than 1 MB."""
    for wrong in (0, -1, MOST_BYTES + 1):
        with pytest.raises(ValueError, match="max_bytes"):
            _client().get("https://rp.example/", wrong)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"identity, gzip"])
def test_content_codings_are_refused(coding: bytes) -> None:
    """What was not asked for is not unfolded."""
    response = b"HTTP/1.1 200 OK\r\nContent-Encoding: " + coding + b"\r\nContent-Length: 2\r\n\r\n\x1f\x8b"
    with serving(answer(response)) as server, pytest.raises(OutboundFailed, match="coding"):
        _client().get(server.url())


@pytest.mark.parametrize("status", [201, 204, 400, 404, 500, 503])
def test_statuses(status: int) -> None:
    """A notice gives any status back, a document counts with 200 only."""
    response = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()
    with serving(answer(response)) as server:
        assert _client().post_form(server.url(), {}).status == status
        with pytest.raises(OutboundFailed, match=f"answered {status}"):
            _client().get(server.url())


@pytest.mark.parametrize(
    "response", [b"", b"SSH-2.0-x\r\n", b"\x00" * 50, b"HTTP/9.9 xx\r\n\r\n", b"HTTP/1.1 200 OK\r\nA"]
)
def test_answers_that_are_not_http(response: bytes) -> None:
    """Rubbish, or a connection that breaks off, is a failure."""
    with serving(answer(response)) as server, pytest.raises(OutboundFailed):
        _client().post_form(server.url(), {})


def test_refused_connection() -> None:
    """Where nobody listens the request fails at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OutboundFailed, match="refused"):
        _client().post_form(f"http://127.0.0.1:{port}/", {})


def test_plain_server_behind_https() -> None:
    """A server that does not speak TLS is not talked to."""
    with serving(answer(OK)) as server, pytest.raises(OutboundFailed, match=r"TLS|broke"):
        _client().get(server.url(scheme="https"))


def test_default_context_verifies() -> None:
    """By default certificates and names are verified."""
    context = OutboundClient(allow_loopback=False)._authorities()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_resolver_is_asked_for_the_name(canary: Server) -> None:
    """The system's resolver is asked for exactly the host of the URL, once a request."""
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["10.0.0.1"]

    with pytest.raises(OutboundRefused):
        OutboundClient(allow_loopback=False, resolve=resolve).get("https://RP.example:8443/x")
    assert asked == [("rp.example", 8443)]
