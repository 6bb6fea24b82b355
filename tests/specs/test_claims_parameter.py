"""OIDC Core §5.5: single claims, asked for by the `claims` parameter."""

import json
from typing import Any

import pytest

from tests.provider import House, claims_of, response_params


def wish(**places: Any) -> str:
    """Return the parameter."""
    return json.dumps(places)


@pytest.mark.requirement("OIDC Core 1.0", "5.5")
def test_claims_come_where_they_were_asked_for(house: House) -> None:
    """`userinfo` and `id_token` are two places; voluntary and essential make no difference to what is given."""
    browser = house.browser()
    asked = wish(userinfo={"name": {"essential": True}}, id_token={"email": None})
    tokens = browser.tokens(claims=asked)
    assert browser.userinfo(tokens["access_token"]).json() == {
        "sub": claims_of(tokens["access_token"])["sub"],
        "name": "Alice Example",
    }
    assert claims_of(tokens["id_token"])["email"] == "alice@example.org"
    assert "name" not in claims_of(tokens["id_token"])


def test_a_refresh_remembers_what_was_asked_for(house: House) -> None:
    """The request belongs to the grant, not to its first token."""
    browser = house.browser()
    tokens = browser.tokens(claims=wish(userinfo={"name": None}, id_token={"email": None}))
    later = browser.refresh(tokens["refresh_token"]).json()
    assert browser.userinfo(later["access_token"]).json()["name"] == "Alice Example"
    assert claims_of(later["id_token"])["email"] == "alice@example.org"


def test_a_claim_is_consented_to_like_its_scope(house: House) -> None:
    """Asking for a claim must not be a way around the consent page (R5)."""
    browser = house.browser()
    browser.code_flow("third", scope="openid")
    page = browser.follow(browser.authorize("third", scope="openid", claims=wish(userinfo={"email": None})))
    assert 'id="consent-allow"' in page.text
    assert "See your e-mail address" in page.text
    silent = browser.authorize("third", scope="openid", prompt="none", claims=wish(id_token={"phone_number": None}))
    assert response_params(silent)["error"] == "consent_required"


def test_a_claim_outside_the_clients_scopes_is_not_given(house: House) -> None:
    """What a client may not ask for by scope it may not have by name either."""
    house.add_client("narrow", scope="openid")
    browser = house.browser()
    tokens = browser.tokens("narrow", claims=wish(userinfo={"email": {"essential": True}, "roles": None}))
    assert set(browser.userinfo(tokens["access_token"]).json()) == {"sub"}


@pytest.mark.parametrize(
    "claims",
    ["x", "[]", '"a"', '{"userinfo":[]}', '{"userinfo":{"name":1}}', '{"a":' * 300, '{"userinfo":{},"userinfo":{}}'],
)
def test_what_is_no_claims_request_is_refused(house: House, claims: str) -> None:
    """Each with the standard's error."""
    assert response_params(house.browser().authorize(claims=claims))["error"] == "invalid_request"


@pytest.mark.case("AZ-50")
@pytest.mark.requirement("OIDC Core 1.0", "5.5.1.1")
def test_an_essential_acr_that_cannot_be_met_is_refused(house: House) -> None:
    """A voluntary one is not."""
    browser = house.browser()
    essential = wish(id_token={"acr": {"essential": True, "values": ["no-such"]}})
    assert response_params(browser.authorize(claims=essential))["error"] == "unmet_authentication_requirements"
    assert "code" in browser.code_flow(claims=wish(id_token={"acr": {"values": ["no-such"]}}))


@pytest.mark.requirement("OIDC Core 1.0", "5.5.1")
def test_a_sub_says_who_must_be_here(house: House) -> None:
    """With prompt=none another End-User's session is no answer."""
    browser = house.browser()
    sub = claims_of(browser.tokens()["id_token"])["sub"]
    same = wish(id_token={"sub": {"value": sub}})
    other = wish(id_token={"sub": {"value": "someone-else"}})
    assert "code" in response_params(browser.authorize(prompt="none", claims=same))
    assert response_params(browser.authorize(prompt="none", claims=other))["error"] == "login_required"
