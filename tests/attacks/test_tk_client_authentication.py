"""TK: client authentication: the registered method, the right secret, one text for every failure (R7, R10-R12)."""

import base64
from typing import Any
from urllib.parse import quote, quote_plus

import httpx2
import pytest

from idp.accounts.clients import rotate_secret
from tests.attacks.cases import case
from tests.attacks.oracle import assert_refused, unchanged
from tests.attacks.raw import FORM, ask_raw
from tests.provider import SECRET, Browser, House

FORM_OF_SVC = {"grant_type": "client_credentials"}


def basic(client_id: str, secret: str, scheme: str = "Basic ") -> dict[str, str]:
    """Return an Authorization header with credentials as they are."""
    return {"authorization": scheme + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def ask(browser: Browser, headers: dict[str, str] | None = None, **form: str) -> httpx2.Response:
    """Send a token request of `svc` with these headers and further fields."""
    return browser.post("/oauth2/token", data=FORM_OF_SVC | form, headers=headers)


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        case("TK-28", {}, {}),
        case("TK-28", {}, {"client_id": "svc"}),
        case("TK-28", {}, {"client_id": "svc", "client_secret": ""}),
        case("TK-28", basic("svc", ""), {}),
        case("TK-28", {"authorization": "Bearer x"}, {"client_id": "svc"}),
        case("TK-28", {"authorization": "Basic"}, {"client_id": "svc"}),
        case("TK-29", basic("svc", "wrong"), {}),
        case("TK-29", basic("svc", SECRET + "s"), {}),
        case("TK-29", basic("svc", SECRET[:-1]), {}),
        case("TK-29", basic("svc", SECRET.upper()), {}),
        case("TK-29", basic("nobody", SECRET), {}),
        case("TK-29", basic("", SECRET), {}),
        case("TK-29", basic("svc2", "wrong"), {}),
        case("TK-29", {}, {"client_id": "svc2", "client_secret": "wrong"}),
        case("TK-29", {}, {"client_id": "nobody", "client_secret": SECRET}),
        case("TK-30", {}, {"client_id": "svc", "client_secret": SECRET}),
        case("TK-30", basic("svc2", SECRET), {}),
        case("TK-30", {}, {"client_id": "pub", "client_secret": SECRET}),
        case("TK-30", basic("pub", SECRET), {}),
        case("TK-30", basic("svc", SECRET), {"client_id": "svc2"}),
        case("TK-34", basic("svc", SECRET, "Basic"), {}),
        case("TK-34", {"authorization": "Basic !!!!"}, {}),
        case("TK-34", {"authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}, {}),
        case("TK-34", {"authorization": "Basic " + base64.b64encode(b"svc").decode()}, {}),
        case("TK-34", basic("svc", SECRET, "Basic x "), {}),
    ],
)
def test_client_that_cannot_prove_itself(house: House, headers: dict[str, str], form: dict[str, str]) -> None:
    """Missing, wrong, foreign or misplaced credentials: the same 401, with a challenge if Authorization was sent."""
    house.add_client("svc2", grant_types=["client_credentials"], token_endpoint_auth_method="client_secret_post")
    with unchanged(house):
        refused = ask(house.browser(), headers, **form)
    assert_refused(refused, "invalid_client", status=401)
    assert refused.headers.get("www-authenticate", "").startswith("Basic ") is bool(headers)
    assert refused.json()["error_description"] == "Client authentication failed (RFC 6749 section 5.2)."


@pytest.mark.case("TK-29", "TK-38")
def test_unknown_and_known_clients_read_alike(house: House) -> None:
    """The answers for an unknown client, a wrong secret and another method differ in nothing but the request id."""
    browser = house.browser()
    answers = [ask(browser, basic(name, "wrong")) for name in ("svc", "nobody", "post", "pub")]
    heads = [{k: v for k, v in answer.headers.items() if k != "x-request-id"} for answer in answers]
    assert all(head == heads[0] for head in heads)
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1


@pytest.mark.case("TK-30")
def test_two_methods_at_once_are_refused(house: House) -> None:
    """Credentials in two places are refused, even when both are right (RFC 6749 §2.3)."""
    browser = house.browser()
    with unchanged(house):
        refused = ask(browser, basic("svc", SECRET), client_id="svc", client_secret=SECRET)
        assert_refused(refused, "invalid_request")
        header = basic("svc", SECRET)["authorization"].encode()
        twice = [(b"authorization", header)] * 2
        body = b"grant_type=client_credentials"
        assert_refused(ask_raw(house, "POST", "/oauth2/token", FORM, *twice, body=body), "invalid_request")


SECRETS = ["a:b", "a%b", "a+b", "a b", "ü", "%41", "a&b=c", ": :", "+%+"]


@pytest.mark.case("TK-33")
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("encode", [quote_plus, lambda text: quote(text, safe="")])
def test_secret_is_form_urlencoded_in_basic(house: House, secret: str, encode: Any) -> None:
    """Any character may stand in a secret when it is encoded as RFC 6749 §2.3.1 says, a space either way."""
    house.add_client("odd", secret=secret, grant_types=["client_credentials"])
    assert ask(house.browser(), basic("odd", encode(secret))).status_code == 200


@pytest.mark.case("TK-33")
@pytest.mark.parametrize(("secret", "status"), [("a:b", 200), ("a%b", 200), ("ü", 200), ("a+b", 401), ("%41", 401)])
def test_secret_that_is_not_encoded(house: House, secret: str, status: int) -> None:
    """Unencoded, a secret counts only where decoding leaves it as it is; `a+b` reads as `a b`."""
    house.add_client("odd", secret=secret, grant_types=["client_credentials"])
    assert ask(house.browser(), basic("odd", secret)).status_code == status


@pytest.mark.case("TK-34")
@pytest.mark.parametrize(("scheme", "end"), [("bAsIc ", ""), ("Basic  ", ""), ("BASIC ", "  "), ("basic ", "\t")])
def test_lenient_basic_headers(house: House, scheme: str, end: str) -> None:
    """The scheme is of any case, and blanks around the credentials do not matter."""
    header = basic("svc", SECRET, scheme)["authorization"] + end
    assert ask(house.browser(), {"authorization": header}).status_code == 200


@pytest.mark.case("TK-35")
@pytest.mark.parametrize("query", [f"client_id=svc&client_secret={SECRET}", f"client_secret={SECRET}", "client_id=svc"])
def test_credentials_in_the_query_are_refused(house: House, query: str) -> None:
    """Secrets in an address would be logged; the autouse oracle sees that they are not."""
    with unchanged(house):
        browser = house.browser()
        assert_refused(browser.post(f"/oauth2/token?{query}", data=FORM_OF_SVC), "invalid_request")
        headers = basic("svc", SECRET)
        assert_refused(browser.post(f"/oauth2/token?{query}", data=FORM_OF_SVC, headers=headers), "invalid_request")


@pytest.mark.case("TK-36")
def test_rotated_secret_ends_after_its_grace(house: House) -> None:
    """Old and new secret count during the grace; after it the new one alone, and one rotated out twice never."""
    browser = house.browser()

    def rotate() -> str:
        with house.storage.begin() as uow:
            client = uow.clients.find("svc")
            assert client is not None
            return rotate_secret(uow, client, house.clock.now(), 100)

    second = rotate()
    house.clock.move(99)
    assert [ask(browser, basic("svc", secret)).status_code for secret in (SECRET, second)] == [200, 200]
    third = rotate()
    statuses = [ask(browser, basic("svc", secret)).status_code for secret in (SECRET, second, third)]
    assert statuses == [401, 200, 200]
    house.clock.move(100)
    statuses = [ask(browser, basic("svc", secret)).status_code for secret in (SECRET, second, third)]
    assert statuses == [401, 401, 200]


@pytest.mark.case("TK-37")
def test_guessing_a_secret_is_throttled(house: House) -> None:
    """After a hundred failures an address is told to wait; the real client, here or elsewhere, is served."""
    guesser = house.browser(client=("192.0.2.66", 1))
    statuses = [ask(guesser, basic("svc", f"guess{number}")).status_code for number in range(110)]
    assert statuses == [401] * 100 + [429] * 10
    paused = ask(guesser, basic("svc", "guess"))
    assert_refused(paused, "temporarily_unavailable", status=429)
    assert int(paused.headers["retry-after"]) > 0
    elsewhere = house.browser(client=("192.0.2.67", 1))
    assert ask(elsewhere, basic("svc", SECRET)).status_code == 200
    house.clock.move(901)
    assert ask(guesser, basic("svc", "guess")).status_code == 401
