"""CR: addresses that clients register: what is fetched, from where, for how long, and who waits for it (R14, R18)."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from idp.jose.algorithms import ALGORITHMS, OwnKey
from tests.attacks.cases import case
from tests.attacks.oracle import assert_refused, unchanged
from tests.jose.conftest import forge
from tests.outbound.servers import Server, answer, drip, serving
from tests.provider import House
from tests.registering import CALLBACK, register, registering, send

KEY = OwnKey.generate(ALGORITHMS["ES256"])
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LIST = json.dumps([CALLBACK]).encode()
# R14 allows five seconds for a fetch; the rest is for a busy machine.
LONGEST_SECONDS = 9.5


@pytest.fixture
def canaries() -> Iterator[tuple[Server, Server]]:
    """Listeners on both loopback addresses, which nobody may reach."""
    with serving(answer(HEAD + b"\r\n" + LIST)) as four, serving(answer(HEAD + b"\r\n" + LIST), "::1") as six:
        yield four, six
        assert (four.connections, six.connections) == (0, 0)


PRIVATE = [
    case("CR-06", "https://127.0.0.1:{four}/"),
    case("CR-06", "https://localhost:{four}/"),
    case("CR-06", "https://app.localhost:{four}/"),
    case("CR-06", "https://[::1]:{six}/"),
    case("CR-06", "https://[::ffff:127.0.0.1]:{four}/"),
    case("CR-06", "https://2130706433:{four}/"),
    case("CR-06", "https://0x7f.1:{four}/"),
    case("CR-06", "https://0.0.0.0:{four}/"),
    case("CR-06", "https://10.0.0.1:{four}/"),
    case("CR-06", "https://192.168.0.1/"),
    case("CR-06", "https://169.254.169.254/latest/meta-data/"),
    case("CR-06", "https://[fd00::1]/"),
    case("CR-06", "http://127.0.0.1:{four}/"),
    case("CR-06", "http://169.254.169.254/"),
    case("CR-06", "file:///etc/passwd"),
    case("CR-06", "gopher://127.0.0.1:{four}/_x"),
    case("CR-06", "https://user@127.0.0.1:{four}/"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_sector_at_a_private_address(house: House, canaries: tuple[Server, Server], address: str) -> None:
    """Nothing is asked there, and the client is refused."""
    uri = address.format(four=canaries[0].port, six=canaries[1].port)
    with unchanged(house):
        response = send(registering(house).browser(), subject_type="pairwise", sector_identifier_uri=uri)
        assert_refused(response, "invalid_client_metadata")


@pytest.mark.parametrize("address", PRIVATE)
def test_keys_at_a_private_address(house: House, canaries: tuple[Server, Server], address: str) -> None:
    """The client is refused, or its keys are never had; why is not told."""
    open_house = registering(house)
    uri = address.format(four=canaries[0].port, six=canaries[1].port)
    response = send(open_house.browser(), jwks_uri=uri, token_endpoint_auth_method="private_key_jwt")
    if response.status_code == 201:
        assert_refused(authenticate(open_house, response.json()["client_id"]), "invalid_client", status=401)
    else:
        assert_refused(response, "invalid_client_metadata")


def authenticate(house: House, client_id: str, jti: str = "1") -> httpx2.Response:
    """Send a token request that a good key would prove."""
    now = house.clock.now()
    claims = {"iss": client_id, "sub": client_id, "aud": "https://idp.example", "jti": jti, "iat": now, "exp": now + 60}
    form = {
        "grant_type": "authorization_code",
        "code": "x",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": forge(KEY, {"alg": "ES256", "kid": KEY.kid}, claims),
    }
    return house.browser().post("/oauth2/token", data=form)


@pytest.fixture
def fetching(house: House) -> House:
    """A provider whose clients may keep their keys on loopback, so that these tests can play their servers."""
    return registering(house, allow_loopback_outbound=True, allow_loopback_clients=True)


def add_slow_client(house: House, server: Server, path: str = "/") -> str:
    """Register a client whose keys are at a server."""
    client = register(house.browser(), jwks_uri=server.url(path=path), token_endpoint_auth_method="private_key_jwt")
    found: str = client["client_id"]
    return found


@pytest.mark.case("CR-08", "OP-36")
def test_dripping_key_server_holds_up_nobody_else(fetching: House) -> None:
    """While some clients wait for their keys, which come a byte a second, others get their tokens; after five seconds
    the slow ones are refused, and the next time at once."""
    with serving(drip(HEAD + b"\r\n", b" ", 1)) as server:
        slow = [add_slow_client(fetching, server, f"/{number}") for number in range(12)]
        refusals: list[tuple[httpx2.Response, float]] = []

        def wait_for_keys(client_id: str) -> None:
            started = time.monotonic()
            refusals.append((authenticate(fetching, client_id), time.monotonic() - started))

        threads = [threading.Thread(target=wait_for_keys, args=(client_id,)) for client_id in slow]
        for thread in threads:
            thread.start()
        served = 0
        while any(thread.is_alive() for thread in threads):
            started = time.monotonic()
            assert "access_token" in fetching.browser().tokens()
            assert time.monotonic() - started < LONGEST_SECONDS / 2
            served += 1
        assert len(refusals) == len(slow)
        for response, seconds in refusals:
            assert_refused(response, "invalid_client", status=401)
            assert seconds < LONGEST_SECONDS
        assert served > 3
        started = time.monotonic()
        assert_refused(authenticate(fetching, slow[0], "2"), "invalid_client", status=401)
        assert time.monotonic() - started < LONGEST_SECONDS / 3
        assert server.connections <= 2 * len(slow)


def endless(connection: Any, ending: threading.Event) -> None:
    """Send and send."""
    connection.sendall(HEAD + b"\r\n")
    while not ending.is_set():
        connection.sendall(b"[" * 65_536)


def many_keys() -> bytes:
    """Return a set of ten thousand keys, as short as keys can be."""
    return b'{"keys":[' + b",".join([b'{"kty":"x"}'] * 10_000) + b"]}"


@pytest.mark.parametrize(
    "behave",
    [
        case("CR-08", endless),
        case("CR-08", answer(HEAD + b"Content-Length: 1000000000\r\n\r\n" + b" " * 70_000)),
        case("CR-08", answer(HEAD + b"Content-Encoding: gzip\r\n\r\n" + b"\x1f\x8b" + b"\0" * 100)),
        case("CR-08", answer(HEAD + b"\r\n" + many_keys())),
        case("CR-08", answer(HEAD + b"\r\n" + b'{"keys":[' + b",".join([b'{"kty":"x"}'] * 21) + b"]}")),
        case("CR-08", answer(HEAD + b"\r\n" + b"[" * 60_000)),
        case("CR-08", answer(HEAD + b"\r\n" + b'{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}')),
        case("CR-08", answer(b"HTTP/1.1 302 Found\r\nLocation: https://new.example/\r\n\r\n")),
        case("CR-08", answer(b"HTTP/1.1 500 No\r\n\r\n" + LIST)),
        case("CR-08", answer(b"rubbish\r\n\r\n")),
    ],
)
def test_key_servers_that_answer_badly(
    fetching: House, behave: Callable[[Any, threading.Event], None], caplog: pytest.LogCaptureFixture
) -> None:
    """The client is refused by the one text, soon, with little read, and the failure is kept."""
    with serving(behave) as server:
        client_id = add_slow_client(fetching, server)
        started = time.monotonic()
        for number in range(3):
            response = authenticate(fetching, client_id, str(number))
            assert_refused(response, "invalid_client", status=401)
            assert response.json()["error_description"] == "Client authentication failed (RFC 6749 section 5.2)."
        assert time.monotonic() - started < LONGEST_SECONDS
        assert server.connections <= 2


@pytest.mark.parametrize(
    "body",
    [
        case("CR-09", json.dumps(["https://other.example/cb"]).encode()),
        case("CR-09", json.dumps([CALLBACK + "/"]).encode()),
        case("CR-09", b"no JSON"),
        case("CR-09", json.dumps({"redirect_uris": [CALLBACK]}).encode()),
        case("CR-09", b'["' + b"x" * 10_000_000 + b'"]'),
    ],
)
def test_sector_document_must_list_the_redirect_uri(fetching: House, body: bytes) -> None:
    """When registering, and when changing to it."""
    with serving(answer(HEAD + b"\r\n" + body)) as server, unchanged(fetching):
        response = send(fetching.browser(), subject_type="pairwise", sector_identifier_uri=server.url())
        assert_refused(response, "invalid_client_metadata")


@pytest.mark.case("CR-11")
def test_no_address_for_people_is_fetched(fetching: House) -> None:
    """Logo, home page, policy and terms are for the browser; the pages name the logo alone in their policy."""
    with serving(answer(HEAD + b"\r\n" + LIST)) as server:
        logo = server.url(path="/logo.svg;v=1,2?user=tracked")
        uris = {"client_uri": server.url(), "policy_uri": server.url(path="/p"), "tos_uri": server.url(path="/t")}
        browser = fetching.browser()
        client = register(browser, redirect_uris=["https://rp.example/cb"], logo_uri=logo, **uris)
        page = browser.follow(browser.authorize(client["client_id"]))
        consent = browser.sign_in(page)
        for shown in (page, consent):
            assert f'src="{logo}" alt="Logo of' in shown.text
            assert 'referrerpolicy="no-referrer"' in shown.text
            assert (
                f"img-src 'self' {server.url(path='/logo.svg%3Bv=1%2C2')};" in shown.headers["content-security-policy"]
            )
            assert f'href="{server.url(path="/p")}" rel="noopener noreferrer"' in shown.text
        other = browser.get("/")
        assert "img-src 'self';" in other.headers["content-security-policy"]
        assert server.connections == 0


@pytest.mark.parametrize(
    "name",
    [
        case("CR-10", "<script>alert(1)</script>"),
        case("CR-10", "{{7*7}}{% raw %}${7*7}"),
        case("CR-10", "Signet"),
        case("CR-10", "x" * 200),
        case("CR-10", "متجر"),
    ],
)
def test_name_is_text_and_marked(house: House, name: str) -> None:
    """Escaped, beside where the response goes, and said to be nobody's word but the client's."""
    browser = registering(house).browser()
    claimed = "https://idp.example/"
    client = register(browser, client_name=name, redirect_uris=["https://rp.example/cb"], client_uri=claimed)
    page = browser.sign_in(browser.follow(browser.authorize(client["client_id"])))
    escaped = name.replace("<", "&lt;").replace(">", "&gt;")
    assert f"<bdi>{escaped}</bdi>" in page.text
    assert "<script>alert" not in page.text
    assert "registered itself" in page.text
    assert "Not verified by Signet" in page.text
    assert "<bdi>rp.example</bdi>" in page.text


@pytest.mark.parametrize(
    "name",
    [
        case("CR-10", "x" * 10_000),
        case("CR-10", "Shop\u202egnp.exe"),
        case("CR-10", "\u2066Shop\u2069"),
        case("CR-10", "Shop\nVerified by Signet"),
        case("CR-10", "\x1b[31mShop"),
        case("CR-10", "Si\u200bgnet"),
        case("CR-10", " \t "),
        case("CR-10", "\u3000"),
    ],
)
def test_name_that_is_refused(house: House, name: str) -> None:
    """Too long, turned about, not seen, or of several lines."""
    with unchanged(house):
        assert_refused(send(registering(house).browser(), client_name=name), "invalid_client_metadata")
