"""Hostile HTTP on the wire: a real server in a process of its own, and bytes that no client library would send."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.wire import Wire, statuses
from tests.cli.processes import get

TOKEN = "/oauth2/token"
POSTS = (TOKEN, "/oauth2/introspect", "/oauth2/revoke", "/login", "/consent", "/oauth2/authorize")
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.mark.case("HT-03")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([f"X-Long: {'a' * 1_000_000}"], {431}),
        ([f"X-{number}: a" for number in range(20_000)], {431}),
        ([f"X-{number}: a" for number in range(150)], {431}),
        ([f"Cookie: signet_browser={'a' * 65_536}"], {431}),
    ],
    ids=["1 MB", "20,000", "150", "cookie"],
)
def test_large_heads_are_refused(wire: Wire, headers: list[str], expected: set[int]) -> None:
    """In one header or in many."""
    assert set(statuses(wire.send(wire.head("GET / HTTP/1.1", *headers)))) == expected


@pytest.mark.case("HT-04")
@pytest.mark.parametrize("length", [100_000, 1_000_000])
@pytest.mark.parametrize("beginning", ["/oauth2/authorize?state=", "/"])
def test_long_targets_are_refused(wire: Wire, beginning: str, length: int) -> None:
    """In the path or in the query."""
    assert statuses(wire.send(wire.head(f"GET {beginning}{'a' * length} HTTP/1.1"))) in ([414], [400])


@pytest.mark.case("HT-05")
@pytest.mark.parametrize("path", POSTS)
def test_large_bodies_are_refused_early(wire: Wire, path: str) -> None:
    """Announced, in chunks, or as fields; the memory stays as it is."""
    before = wire.resident_megabytes()
    announced = wire.head(f"POST {path} HTTP/1.1", FORM, "Content-Length: 2097152")
    chunk = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
    chunked = wire.head(f"POST {path} HTTP/1.1", FORM, "Transfer-Encoding: chunked")
    assert statuses(wire.send(announced + b"a" * 2_097_152)) == [413]
    assert statuses(wire.send(announced)) == [413]
    assert statuses(wire.send(chunked + chunk * 32)) == [413]
    many = b"&".join(b"a%d=1" % number for number in range(5_000))
    assert statuses(wire.send(wire.head(f"POST {path} HTTP/1.1", FORM, f"Content-Length: {len(many)}") + many))[0] in {
        400,
        413,
    }
    assert wire.resident_megabytes() - before < 30


@pytest.mark.case("HT-07")
def test_encoded_bodies_are_refused(wire: Wire) -> None:
    """Nothing is unpacked."""
    request = wire.head(f"POST {TOKEN} HTTP/1.1", FORM, "Content-Encoding: gzip", "Content-Length: 4")
    assert statuses(wire.send(request + b"\x1f\x8b\x08\x00")) == [415]


BODY = "grant_type=x"
AMBIGUOUS = {
    "length and encoding": ["Content-Length: 12", "Transfer-Encoding: chunked"],
    "encoding and length": ["Transfer-Encoding: chunked", "Content-Length: 12"],
    "two lengths": ["Content-Length: 12", "Content-Length: 13"],
    "the same length twice": ["Content-Length: 12", "Content-Length: 12"],
    "another encoding": ["Transfer-Encoding: xchunked"],
    "two encodings": ["Transfer-Encoding: gzip, chunked"],
    "encoding twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    "signed length": ["Content-Length: +5"],
    "negative length": ["Content-Length: -1"],
    "hexadecimal length": ["Content-Length: 0xc"],
    "length in a list": ["Content-Length: 12, 12"],
    "folded": ["X-Folded: a", " b"],
    "space before the colon": ["Content-Length : 12"],
    "NUL": ["X-Nul: a\0b"],
    "no colon": ["X-Nothing"],
    "CR within": ["X-Cr: a\rb"],
    "empty name": [": a"],
}


@pytest.mark.case("HT-08")
@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_two_readers_could_read_differently(wire: Wire, name: str) -> None:
    """One refusal, and the connection ends: what follows is never taken for a request."""
    head = wire.head(f"POST {TOKEN} HTTP/1.1", FORM, *AMBIGUOUS[name]).replace(b"Connection: close\r\n", b"")
    smuggled = wire.head("GET /health/live HTTP/1.1")
    assert statuses(wire.send(head + BODY.encode() + smuggled)) == [400]


@pytest.mark.case("HT-08")
@pytest.mark.parametrize(
    "chunks", [b"zz\r\nab\r\n0\r\n\r\n", b"-2\r\nab\r\n0\r\n\r\n", b"2\nab\n0\n\n", b"2\r\nabc\r\n"]
)
def test_chunks_that_are_none(wire: Wire, chunks: bytes) -> None:
    """The connection ends with one refusal."""
    head = wire.head(f"POST {TOKEN} HTTP/1.1", FORM, "Transfer-Encoding: chunked")
    assert statuses(wire.send(head + chunks + wire.head("GET /health/live HTTP/1.1"))) == [400]


@pytest.mark.case("HT-09")
@pytest.mark.parametrize(
    "hosts", [[], ["a", "b"], ["evil/x?"], ["good@evil"], ["evil"], ["evil\tx"], [""], ["[::1"], ["127.0.0.1:99999999"]]
)
@pytest.mark.parametrize("path", ["/oauth2/authorize", "/health/live"])
def test_hosts(wire: Wire, hosts: list[str], path: str) -> None:
    """Only health answers under another name, and that never shows it."""
    lines = [f"GET {path} HTTP/1.1", *(f"Host: {host}" for host in hosts), "Connection: close", "", ""]
    answer = wire.send("\r\n".join(lines).encode())
    allowed = {400, 421} | ({200} if path == "/health/live" and hosts == ["evil"] else set())
    assert set(statuses(answer)) <= allowed
    assert b"evil" not in answer


@pytest.mark.case("HT-09")
@pytest.mark.parametrize("target", ["http://evil/login", "@evil", "evil:443", "*", "http://evil@127.0.0.1/", "//[x"])
def test_targets(wire: Wire, target: str) -> None:
    """A target of another host, or none."""
    answer = wire.send(wire.head(f"GET {target} HTTP/1.1"))
    assert statuses(answer)[0] in {400, 404, 421}
    assert b"evil" not in answer


@pytest.mark.case("HT-12")
@pytest.mark.parametrize("path", ["/", TOKEN, "/.well-known/jwks.json", "/login", "/static/signet.css"])
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "get", "PUT", "PATCH"])
def test_methods(wire: Wire, method: str, path: str) -> None:
    """Others are refused, with what is allowed where the path is known."""
    answer = wire.send(wire.head(f"{method} {path} HTTP/1.1"))
    assert statuses(answer) in ([405], [400])
    assert statuses(answer) == [400] or b"\r\nallow: " in answer


@pytest.mark.case("HT-15")
@pytest.mark.parametrize("path", [b"/\xff", b"/%ff", b"/%c0%af", b"/%u0041", b"/a b", b"/%", b"/\x00"])
def test_paths_of_odd_bytes(wire: Wire, path: bytes) -> None:
    """No such page, or no request at all."""
    head = wire.head("GET PATH HTTP/1.1").replace(b"PATH", path)
    assert statuses(wire.send(head)) in ([400], [404])


@pytest.mark.case("HT-22", "HT-23")
@pytest.mark.parametrize("request_line", ["GET / HTTP/1.1", "GET /nothing HTTP/1.1", "PUT / HTTP/1.1", "NONSENSE"])
def test_every_answer_is_guarded(wire: Wire, request_line: str) -> None:
    """Refusals of the protocol too: security headers, no version, no echo."""
    answer = wire.send(wire.head(request_line))
    for header in (b"x-content-type-options: nosniff", b"referrer-policy: no-referrer", b"content-security-policy: "):
        assert header in answer
    assert b"\r\nserver:" not in answer.lower()
    assert b"uvicorn" not in answer.lower()
    assert b"NONSENSE" not in answer


@pytest.mark.case("HT-26")
def test_pipelined_requests_are_answered_in_order(wire: Wire) -> None:
    """Each once, none taken for another."""
    one = wire.head("GET /health/live HTTP/1.1").replace(b"Connection: close\r\n", b"")
    two = wire.head("GET /nothing HTTP/1.1").replace(b"Connection: close\r\n", b"")
    last = wire.head("GET /health/live HTTP/1.1")
    assert statuses(wire.send(one + two + one + last)) == [200, 404, 200, 200]


@pytest.mark.case("HT-26")
@pytest.mark.parametrize(
    ("version", "headers", "expected"),
    [
        ("HTTP/1.0", [], [200]),
        ("HTTP/1.1", ["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"], [200]),
        ("HTTP/1.1", ["Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"], [200]),
        ("HTTP/2.0", [], [400]),
        ("HTTP/0.9", [], [400]),
        ("HTTP/1.2", [], [400]),
    ],
)
def test_versions_and_upgrades(wire: Wire, version: str, headers: list[str], expected: list[int]) -> None:
    """HTTP/1.1 and 1.0 are spoken, and nothing is upgraded to."""
    found = statuses(wire.send(wire.head(f"GET /health/live {version}", *headers)))
    assert found == expected or (expected == [400] and found == [505])


@pytest.mark.case("HT-26")
def test_a_body_is_asked_for(wire: Wire) -> None:
    """`Expect: 100-continue` is answered, unless the body will not be read anyway (RFC 9110 §10.1.1)."""
    head = wire.head(f"POST {TOKEN} HTTP/1.1", FORM, "Content-Length: 12", "Expect: 100-continue")
    assert statuses(wire.send(head + BODY.encode())) == [100, 401]
    large = wire.head(f"POST {TOKEN} HTTP/1.1", FORM, "Content-Length: 999999", "Expect: 100-continue")
    assert statuses(wire.send(large)) == [413]


@pytest.mark.case("HT-26")
def test_a_half_closed_connection_is_answered(wire: Wire) -> None:
    """Who has said all may still listen."""
    with socket.create_connection(("127.0.0.1", wire.port), timeout=15) as peer:
        peer.sendall(wire.head("GET /nothing HTTP/1.1"))
        peer.shutdown(socket.SHUT_WR)
        assert statuses(wire.read(peer)) == [404]


@pytest.mark.case("HT-24")
def test_ranges_are_ignored(wire: Wire) -> None:
    """Ten thousand of them change nothing."""
    ranges = "bytes=" + ",".join("0-1" for _ in range(10_000))
    assert statuses(wire.send(wire.head("GET /static/signet.css HTTP/1.1", f"Range: {ranges}"))) in ([200], [431])


@pytest.mark.case("HT-27")
def test_clients_that_leave(wire: Wire) -> None:
    """In the middle of a body, or before the answer: nothing of it stays."""
    whole = wire.head(f"POST {TOKEN} HTTP/1.1", FORM, f"Content-Length: {len(BODY)}") + BODY.encode()

    def leave(length: int) -> None:
        with socket.create_connection(("127.0.0.1", wire.port), timeout=15) as peer:
            peer.sendall(whole[: length or len(whole)])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(leave, [0, len(whole) - 5] * 150))
    assert get(wire.port, "/health/ready", wire.host).status == 200
    answer = wire.send(whole)
    assert statuses(answer) == [401]
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"] == "invalid_client"


@pytest.mark.case("HT-31")
@pytest.mark.parametrize("name", ["Accept", "Accept-Language", "Cookie", "Authorization", "If-None-Match", "Origin"])
@pytest.mark.parametrize("value", ["\x80\xff;,=", "a" * 16_384, ",;=,;=" * 500, "%00%ff"])
def test_junk_in_headers(wire: Wire, name: str, value: str) -> None:
    """As if it were not there."""
    answer = wire.send(wire.head("GET /.well-known/openid-configuration HTTP/1.1", f"{name}: {value}"))
    assert statuses(answer) == [200]
