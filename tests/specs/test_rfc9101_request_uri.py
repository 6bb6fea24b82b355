"""RFC 9101 section 5.2 and OIDC Core section 6.2: request objects by reference, from a server that really answers."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from idp.stores.sql.storage import SqlStorage
from tests.attacks.oracle import assert_page, assert_redirected, unchanged
from tests.outbound.servers import Server, serving
from tests.provider import House, make_house, response_params
from tests.request_objects import ask, encrypt, jwks, key_for, members, providers_key, register, sign, unsigned


class Host:
    """A client's web server: what it answers can be changed, and what it was asked is known."""

    def __init__(self) -> None:
        self.body, self.status = b"", b"200 OK"
        self.headers: tuple[bytes, ...] = ()
        self.server: Server | None = None

    def behave(self, connection: socket.socket, _ending: threading.Event) -> None:
        """Answer as told."""
        lines = (b"HTTP/1.1 " + self.status, b"Content-Length: %d" % len(self.body), *self.headers, b"", self.body)
        connection.sendall(b"\r\n".join(lines))

    def url(self, path: str = "/r") -> str:
        """Return a URL of this server."""
        assert self.server is not None
        return self.server.url(path=path)

    @property
    def asked(self) -> list[str]:
        """The request targets, in order."""
        assert self.server is not None
        return [request.split(b" ")[1].decode() for request in self.server.requests]


@pytest.fixture
def host() -> Iterator[Host]:
    """A running server of a client."""
    made = Host()
    with serving(made.behave) as server:
        made.server = server
        yield made


@pytest.fixture
def house(tmp_path: Path, ready_keys: None) -> Iterator[House]:
    """A provider that may speak to loopback, where the client's server is."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    storage.migrate()
    key_file = tmp_path / "key-encryption.key"
    made = make_house(storage, key_file, allow_loopback_clients=True, allow_loopback_outbound=True)
    made.add_account("alice")
    yield made
    storage.close()


def fetch(house: House, uri: str, **outside: Any) -> httpx2.Response:
    """Send a request by reference."""
    return ask(house.browser(), None, request_uri=uri, **outside)


def assert_uri_refused(house: House, uri: str, error: str = "invalid_request_uri") -> None:
    """Expect the refusal at the client, and nothing stored."""
    with unchanged(house):
        assert_redirected(fetch(house, uri), error)


def state_of(response: httpx2.Response) -> str:
    """Return the state of a refusal, by which it is told which object was read."""
    return response_params(response)["state"]


@pytest.mark.requirement("RFC 9101", "5.2")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("profile", ["strict", "oidc_legacy"])
def test_request_by_reference(house: House, host: Host, method: str, profile: str) -> None:
    """It is fetched once, without its fragment, and the flow goes by it."""
    register(house, profile=profile, request_uris=[host.url("/r#hash")])
    host.body = sign(members()).encode()
    browser = house.browser()
    outside = {"response_type": "code", "scope": "openid"}
    begun = ask(browser, None, method, request_uri=host.url("/r#hash"), **outside)
    assert response_params(browser.sign_in(browser.follow(begun)))["state"] == "inside"
    assert host.asked == ["/r"]


def test_content_type_is_of_no_meaning(house: House, host: Host) -> None:
    """RFC 9101 names one, OIDC Core none; and encrypted objects may come by reference too."""
    register(house, request_uris=[host.url()])
    host.body = encrypt(sign(members(prompt="none")), providers_key(house)).encode()
    host.headers = (b"Content-Type: text/html",)
    assert state_of(fetch(house, host.url())) == "inside"


@pytest.mark.requirement("OIDC Core 1.0", "6.2")
def test_fragment_is_a_version(house: House, host: Host) -> None:
    """Another fragment than the registered one is another version, fetched anew; the same one is kept for a moment."""
    register(house, request_uris=[host.url("/r#first"), host.url("/plain")])
    for path, body, expected in (
        ("/r#first", "1", "1"),
        ("/r#first", "2", "1"),
        ("/r#other", "3", "3"),
        ("/r", "4", "4"),
        ("/r#", "5", "5"),
        ("/plain#new", "6", "6"),
    ):
        host.body = sign(members(prompt="none", state=body)).encode()
        assert state_of(fetch(house, host.url(path))) == expected
    assert host.asked == ["/r", "/r", "/r", "/r", "/plain"]


def test_object_may_change_without_a_fragment(house: House, host: Host) -> None:
    """After a few seconds it is fetched again."""
    register(house, request_uris=[host.url()])
    for seconds, expected in ((0, "0"), (2, "0"), (1, "2"), (3, "3")):
        house.clock.move(seconds)
        host.body = sign(members(prompt="none", state=expected)).encode()
        assert state_of(fetch(house, host.url())) == expected
    assert len(host.asked) == 3


@pytest.mark.requirement("OIDC Core 1.0", "10.1.1")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_keys_come_by_reference_too(house: House, host: Host, method: str) -> None:
    """The object and then the keys are fetched for one request; keys that changed are fetched again."""
    register(house, request_uris=[host.url("/r")])
    with serving(lambda connection, ending: keys.behave(connection, ending)) as server:
        keys = Host()
        keys.server = server
        with house.storage.begin() as uow:
            client = uow.clients.find("jar")
            assert client is not None
            here = {name: value for name, value in client.metadata.items() if name != "jwks"}
            uow.clients.replace(replace(client, metadata=here | {"jwks_uri": keys.url("/jwks")}))
        for owner, asked in (("jar", 1), ("jar", 1), ("next", 2)):
            house.clock.move(5)
            host.body = sign(members(prompt="none"), key=key_for("RS256", owner)).encode()
            keys.body = json.dumps(jwks("RS256", owner=owner)).encode()
            browser = house.browser()
            refused = browser.follow(ask(browser, None, method, request_uri=host.url("/r")))
            assert_redirected(refused, "login_required", state="inside")
            assert len(keys.asked) == asked
        house.clock.move(5)
        host.body = sign(members(prompt="none")).encode()
        assert_uri_refused(house, host.url("/r"), "invalid_request_object")


@pytest.mark.case("AZ-57")
def test_what_is_not_registered_is_never_fetched(house: House, host: Host) -> None:
    """Neighbours of the registered one, and addresses of any other kind; no connection is made."""
    register(house, request_uris=[host.url()])
    register(house, "other", request_uris=[host.url("/other")])
    register(house, "none")
    for path in ("/", "/r/", "/R", "/r?x=1", "/r;x", "/other", "/%72", "/r%23", "//r", "/r#" + "x" * 512):
        assert_uri_refused(house, host.url(path))
    near = host.url()
    for uri in (
        near.upper(),
        near.replace("127.0.0.1", "localhost"),
        near + "\n",
        " " + near,
        near.replace("http", "https"),
    ):
        assert_uri_refused(house, uri)
    for uri in (
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "urn:x",
        "x",
        "#",
        "urn:ietf:params:oauth:request_uri:x",
    ):
        assert_uri_refused(house, uri)
    with unchanged(house):
        assert_page(fetch(house, near, client_id="nobody"))
        assert_redirected(fetch(house, near, client_id="none"), "invalid_request_uri")
    assert host.server is not None
    assert host.server.connections == 0


@pytest.mark.requirement("RFC 9101", "7")
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (b"404 Not Found", b"", "invalid_request_uri"),
        (b"500 Internal Server Error", b"", "invalid_request_uri"),
        (b"302 Found\r\nLocation: /elsewhere", b"", "invalid_request_uri"),
        (b"200 OK\r\nContent-Encoding: gzip", b"x", "invalid_request_uri"),
        (b"200 OK", b"x" * 70_000, "invalid_request_uri"),
        (b"200 OK", "é".encode(), "invalid_request_uri"),
        (b"200 OK", b"", "invalid_request_object"),
        (b"200 OK", b"{}", "invalid_request_object"),
        (b"200 OK", b"x" * 60_000, "invalid_request_object"),
    ],
)
def test_server_that_has_no_object(house: House, host: Host, status: bytes, body: bytes, error: str) -> None:
    """Told at the client by the two errors; nobody is asked twice meanwhile."""
    register(house, request_uris=[host.url()])
    host.status, host.body = status, body
    assert_uri_refused(house, host.url(), error)
    assert_uri_refused(house, host.url(), error)
    assert host.asked == ["/r"]


def test_object_is_the_whole_document(house: House, host: Host) -> None:
    """Not even white space around it; and what is refused by value is refused by reference."""
    register(house, request_uris=[host.url()])
    good = sign(members(prompt="none"))
    stranger = sign(members(), key=key_for("RS256", "stranger"))
    for number, body in enumerate((good + "\n", " " + good, good + "\r\n", unsigned(members()), stranger)):
        host.body = body.encode()
        assert_uri_refused(house, host.url(f"/r#{number}"), "invalid_request_object")
    host.body = good.encode()
    assert_redirected(fetch(house, host.url("/r#good")), "login_required", state="inside")


def test_refusal_without_a_place_to_go_is_a_page(house: House, host: Host) -> None:
    """With only client_id and request_uri outside nobody knows where a refusal should go."""
    register(house, request_uris=[host.url()])
    host.status = b"404 Not Found"
    for outside in ({"redirect_uri": None}, {"redirect_uri": "https://evil.example/cb"}):
        with unchanged(house):
            assert_page(fetch(house, host.url(), **outside))


@pytest.mark.case("CR-06")
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.0.1", "169.254.169.254"])
def test_addresses_of_the_inside_are_not_reached(tmp_path: Path, ready_keys: None, host: Host, name: str) -> None:
    """Registered by https, which is no reason to connect to them."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    storage.migrate()
    house = make_house(storage, tmp_path / "key-encryption.key")
    assert host.server is not None
    uri = f"https://{name}:{host.server.port}/r"
    register(house, request_uris=[uri])
    assert_uri_refused(house, uri)
    assert host.server.connections == 0
    storage.close()
