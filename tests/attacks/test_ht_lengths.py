"""HT-20: a text at its bound is kept whole, one longer is refused; over both databases alike (R1)."""

from typing import Any

import pytest

from idp.accounts.names import LONGEST as LONGEST_NAME
from idp.protocol.client_metadata import LONGEST_TEXT, LONGEST_URI, MOST_URIS
from idp.protocol.parameters import LONGEST_VALUE
from tests.attacks.oracle import assert_page, assert_redirected, assert_refused
from tests.provider import House, response_params
from tests.registering import manage, register, registering, send

# Four bytes each in UTF-8, so that a bound in bytes would show.
WIDE = "😀"
URI = "https://new.example/"


@pytest.mark.case("HT-20")
def test_members_of_client_metadata(any_house: House) -> None:
    """Names, addresses and lists come back as they were sent, or not at all."""
    house = registering(any_house, throttle={"registrations": 1000})
    browser = house.browser()
    longest: dict[str, Any] = {
        "client_name": WIDE * LONGEST_TEXT,
        "client_uri": URI + "c" * (LONGEST_URI - len(URI)),
        "redirect_uris": [f"{URI}{number}" for number in range(MOST_URIS)],
        "post_logout_redirect_uris": [URI + "p" * (LONGEST_URI - len(URI))],
    }
    for name, value in longest.items():
        client = register(browser, **{name: value})
        assert client[name] == value
        assert manage(browser, "GET", client).json()[name] == value
        longer: Any = value + value[-1] if isinstance(value, str) else [*value, value[-1] + "x"]
        assert_refused(send(browser, None, **{name: longer}), "invalid_client_metadata", "invalid_redirect_uri")


@pytest.mark.case("HT-20")
def test_parameters_of_an_authorization_request(any_house: House) -> None:
    """A state comes back whole through a sign-in; one longer, of any parameter, is refused."""
    browser = any_house.browser()
    state = "s" * LONGEST_VALUE
    assert browser.code_flow(state=state)["state"] == state
    # A query would be longer than its own bound.
    wide = any_house.browser().code_flow(method="POST", state=WIDE * 5_000, nonce=WIDE * 200)
    assert wide["state"] == WIDE * 5_000
    assert_page(browser.authorize(client_id="c" * (LONGEST_VALUE + 1)))
    for name in ("state", "nonce", "scope", "login_hint", "claims_locales", "prompt"):
        longer = browser.authorize(method="POST", **{name: "x" * (LONGEST_VALUE + 1)})
        assert longer.status_code == 400 or response_params(longer)["error"] == "invalid_request"
    assert_redirected(browser.authorize(code_challenge="c" * 129), "invalid_request")


@pytest.mark.case("HT-20")
def test_names_and_passwords(any_house: House) -> None:
    """The longest name signs in; one longer, or a password of any length, is only wrong."""
    longest = "n" * LONGEST_NAME
    any_house.add_account(longest, email=None)
    browser = any_house.browser()
    for name, password in (
        (longest + "n", "x"),
        (longest, "p" * 10_000),
        (WIDE * 4_000, "x"),
        ("alice", WIDE * 4_097),
    ):
        answer = browser.sign_in(browser.follow(browser.authorize()), name, password)
        assert answer.status_code == 400
        assert 'id="login-submit"' in answer.text
    assert response_params(browser.sign_in(browser.follow(browser.authorize()), longest))["code"]


@pytest.mark.case("HT-20")
def test_what_clients_send(any_house: House) -> None:
    """Codes, tokens and credentials of any length are unknown ones."""
    browser = any_house.browser()
    for length in (LONGEST_VALUE, LONGEST_VALUE + 1, 60_000):
        text = "t" * length
        assert_refused(browser.exchange(text), "invalid_grant", "invalid_request")
        assert_refused(browser.refresh(text), "invalid_grant", "invalid_request")
        assert browser.post("/oauth2/revoke", data={"token": text}, auth=("web", "s" * 43)).status_code in {200, 400}
    assert_refused(browser.token("c" * 5_000, "s" * 5_000, grant_type="x"), "invalid_client", status=401)
    agent = any_house.browser(headers={"user-agent": "a" * 30_000, "accept-language": "x" * 20_000})
    assert agent.code_flow()["code"]
