"""A relying party that no one here wrote: Authlib drives the whole life of a sign-in."""

import httpx2
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.provider import ISSUER, SECRET, House


@pytest.mark.requirement("RFC 6749", "4.1")
@pytest.mark.requirement("OIDC Core 1.0", "3.1.3.7")
def test_authlib_signs_in_refreshes_and_revokes(house: House) -> None:
    """Discovery, code with PKCE, ID Token by the JWKS, refresh, introspection, revocation."""
    browser = house.browser()
    document = browser.get("/.well-known/openid-configuration").json()
    client = OAuth2Client(
        "web",
        SECRET,
        redirect_uri="https://rp.example/cb",
        scope="openid profile",
        code_challenge_method="S256",
        transport=browser._transport,
    )
    verifier = "authlib-" + "v" * 50
    url, state = client.create_authorization_url(document["authorization_endpoint"], code_verifier=verifier, nonce="n")
    page = browser.sign_in(browser.follow(browser.get(url)))
    token = client.fetch_token(
        document["token_endpoint"], authorization_response=page.headers["location"], state=state, code_verifier=verifier
    )
    keys = KeySet.import_key_set(browser.get(document["jwks_uri"]).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    assert (decoded.claims["iss"], decoded.claims["aud"], decoded.claims["nonce"]) == (ISSUER, "web", "n")
    info = client.get(document["userinfo_endpoint"])
    assert info.json()["sub"] == decoded.claims["sub"]
    renewed = client.refresh_token(document["token_endpoint"], refresh_token=token["refresh_token"])
    assert renewed["refresh_token"] != token["refresh_token"]
    active = client.introspect_token(document["introspection_endpoint"], token=renewed["access_token"])
    assert active.json()["active"] is True
    client.revoke_token(document["revocation_endpoint"], token=renewed["refresh_token"])
    after = client.introspect_token(document["introspection_endpoint"], token=renewed["access_token"])
    assert after.json() == {"active": False}
    assert isinstance(info, httpx2.Response)
    client.close()
