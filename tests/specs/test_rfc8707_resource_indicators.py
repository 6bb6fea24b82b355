"""RFC 8707: `resource` chooses the audience, and the scopes go with it."""

import pytest

from tests.provider import API, ISSUER, House, claims_of, response_params

OTHER = "https://other.example"


@pytest.fixture(autouse=True)
def _other_resource(house: House) -> None:
    house.add_resource(OTHER, **{"other.read": "Read others"})


@pytest.mark.requirement("RFC 8707", "2")
def test_without_resource_the_audience_is_the_issuer(house: House) -> None:
    """The token is for UserInfo, and the API's scope is not in it."""
    claims = claims_of(house.browser().tokens(scope="openid roles api.read")["access_token"])
    assert (claims["aud"], claims["scope"]) == (ISSUER, "openid roles")


@pytest.mark.requirement("RFC 8707", "2.2")
def test_token_request_picks_among_the_granted(house: House) -> None:
    """One grant over two resources gives one token for each, each with what its audience knows."""
    browser = house.browser()
    answer = browser.code_flow(scope="openid roles api.read", resource=[ISSUER, API])
    first = browser.exchange(answer["code"], resource=ISSUER).json()
    second = browser.refresh(first["refresh_token"], resource=API).json()
    both = browser.refresh(second["refresh_token"]).json()
    assert claims_of(first["access_token"])["aud"] == ISSUER
    assert (claims_of(second["access_token"])["aud"], second["scope"]) == (API, "roles api.read")
    assert claims_of(both["access_token"])["aud"] == [ISSUER, API]
    assert browser.userinfo(first["access_token"]).status_code == 200
    assert browser.userinfo(second["access_token"]).status_code == 401


@pytest.mark.requirement("RFC 8707", "2")
@pytest.mark.parametrize(
    "resource", ["relative", "/path", "https://api.example/v1#f", "https://unknown.example", OTHER, "https://[x", "::"]
)
def test_bad_resource_is_an_invalid_target(house: House, resource: str) -> None:
    """Relative, with fragment, unknown, or without a scope that the client may have: refused at the client."""
    assert response_params(house.browser().authorize(resource=resource))["error"] == "invalid_target"


@pytest.mark.requirement("RFC 8707", "2.2")
def test_resource_that_was_not_granted_costs_nothing(house: House) -> None:
    """A refresh for another resource is refused, and the refresh token still works."""
    browser = house.browser()
    tokens = browser.tokens(scope="openid api.read", resource=API)
    refused = browser.refresh(tokens["refresh_token"], resource=ISSUER)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    assert browser.refresh(tokens["refresh_token"], resource=API).status_code == 200


@pytest.mark.requirement("RFC 6749", "4.4")
def test_client_credentials_for_a_resource(house: House) -> None:
    """A client acting for itself names its resource; its token has no account, no roles, no ID Token."""
    browser = house.browser()
    answer = browser.token("svc", grant_type="client_credentials", resource=API, scope="api.read").json()
    claims = claims_of(answer["access_token"])
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("svc", API, "api.read")
    assert {"roles", "sid", "auth_time"} & set(claims) == set()
    assert {"id_token", "refresh_token"} & set(answer) == set()
    assert browser.token("svc", grant_type="client_credentials", resource=OTHER).json()["error"] == "invalid_target"
