"""The implicit and hybrid flows, the response modes, and the profile that admits them."""

import base64
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from idp.stores.sql.storage import SqlStorage
from tests.provider import House, claims_of, make_house

ALL = ("id_token", "id_token token", "code id_token", "code token", "code id_token token")


def add_legacy(house: House, **more: Any) -> None:
    """Add a client that speaks every older dialect."""
    house.add_client(
        "legacy",
        **{
            "profile": "oidc_legacy",
            "response_types": ["code", *ALL],
            "grant_types": ["authorization_code", "implicit", "refresh_token"],
        }
        | more,
    )


def fragment_of(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters in the fragment; nothing may be in the query."""
    parts = urlsplit(response.headers["location"])
    assert parts.query == ""
    return dict(parse_qsl(parts.fragment, keep_blank_values=True))


def half(value: str) -> str:
    """Return the left half of a SHA-256 as OIDC Core §3.1.3.6 has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()


def flow(house: House, **more: Any) -> httpx2.Response:
    """Sign in through the legacy client, without PKCE, and return the authorization response."""
    browser = house.browser()
    unprotected = {"code_challenge": None, "code_challenge_method": None}
    return browser.sign_in(browser.follow(browser.authorize("legacy", **(unprotected | more))))


@pytest.mark.requirement("OIDC Core 1.0", "3.3.2.5")
@pytest.mark.parametrize("response_type", [*ALL, "token id_token code"])
def test_each_response_type_gives_exactly_its_parts(house: House, response_type: str) -> None:
    """The parts are in the fragment, and the ID Token is tied to code and access token."""
    add_legacy(house)
    members = fragment_of(flow(house, response_type=response_type))
    words = set(response_type.split())
    named = {"code": "code", "token": "access_token", "id_token": "id_token"}
    assert {named[word] for word in words} == set(members) & set(named.values())
    assert members["state"] == "st"
    if "id_token" in words:
        claims = claims_of(members["id_token"])
        assert claims["nonce"] == "n-0"
        assert claims.get("at_hash") == (half(members["access_token"]) if "token" in words else None)
        assert claims.get("c_hash") == (half(members["code"]) if "code" in words else None)
    if "token" in words:
        assert members["token_type"] == "Bearer"
        assert house.browser().userinfo(members["access_token"]).status_code == 200
    if "code" in words:
        answer = house.browser().exchange(members["code"], "legacy", code_verifier=None)
        assert answer.status_code == 200
        assert claims_of(answer.json()["id_token"])["sub"] == claims_of(answer.json()["access_token"])["sub"]


@pytest.mark.requirement("OIDC Core 1.0", "5.4")
def test_claims_go_into_the_id_token_only_where_there_is_no_userinfo(house: House) -> None:
    """Without an access token the scopes' claims have nowhere else to go."""
    add_legacy(house)
    alone = claims_of(fragment_of(flow(house, response_type="id_token", scope="openid email"))["id_token"])
    assert alone["email"] == "alice@example.org"
    beside = fragment_of(flow(house, response_type="id_token token", scope="openid email"))
    assert "email" not in claims_of(beside["id_token"])


@pytest.mark.requirement("OIDC Core 1.0", "3.2.2.1")
@pytest.mark.parametrize("response_type", ["id_token", "id_token token", "code id_token", "code id_token token"])
def test_an_id_token_in_front_needs_a_nonce(house: House, response_type: str) -> None:
    """Without nonce the refusal is in the fragment; `code token` and `code` do without."""
    add_legacy(house)
    refused = house.browser().authorize("legacy", response_type=response_type, nonce=None)
    assert fragment_of(refused)["error"] == "invalid_request"
    code = fragment_of(flow(house, response_type="code token", nonce=None))["code"]
    later = house.browser().exchange(code, "legacy", code_verifier=None).json()
    assert "nonce" not in claims_of(later["id_token"])


def test_an_id_token_needs_the_scope_openid(house: House) -> None:
    """OAuth alone knows no ID Token."""
    add_legacy(house)
    refused = house.browser().authorize("legacy", response_type="id_token", scope="profile")
    assert fragment_of(refused)["error"] == "invalid_scope"


def test_tokens_never_travel_in_a_query(house: House) -> None:
    """A server would log it, so response_mode=query is refused for them."""
    add_legacy(house)
    refused = house.browser().authorize("legacy", response_type="id_token token", response_mode="query")
    assert fragment_of(refused)["error"] == "invalid_request"


@pytest.mark.case("AZ-23")
def test_strict_clients_stay_strict_beside_a_legacy_one(house: House) -> None:
    """One client's profile loosens nothing for others."""
    add_legacy(house)
    house.add_client("strict", response_types=["code", "id_token"])
    browser = house.browser()
    refused = browser.authorize("strict", response_type="id_token")
    assert "error=unsupported_response_type" in refused.headers["location"]
    unprotected = browser.authorize("strict", code_challenge=None, code_challenge_method=None)
    assert "error=invalid_request" in unprotected.headers["location"]


def test_legacy_clients_still_cannot_use_plain(house: House) -> None:
    """A challenge that is sent must be S256."""
    add_legacy(house)
    refused = house.browser().authorize("legacy", code_challenge_method=None)
    assert "error=invalid_request" in refused.headers["location"]


@pytest.mark.requirement("OIDC Discovery 1.0", "3")
def test_discovery_tells_the_servers_profile(tmp_path: Path) -> None:
    """What every client may use is listed, and works for a client with no profile of its own."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    storage.migrate()
    house = make_house(storage, tmp_path / "key-encryption.key", profile="oidc_legacy")
    house.add_account("alice")
    document = house.browser().get("/.well-known/openid-configuration").json()
    assert set(document["response_types_supported"]) == {"code", *ALL}
    assert "implicit" in document["grant_types_supported"]
    add_legacy(house, profile=None)
    assert "id_token" in fragment_of(flow(house, response_type="id_token"))
    house.add_client("tight", profile="strict")
    refused = house.browser().authorize("tight", code_challenge=None, code_challenge_method=None)
    assert "error=invalid_request" in refused.headers["location"]
    storage.close()


@pytest.mark.case("AZ-26")
def test_form_post_carries_the_response_byte_for_byte(house: House) -> None:
    """The values are escaped, the page is not cached, and its form may lead to the client alone."""
    import html
    import re

    add_legacy(house)
    state = "\"><img src=x onerror=alert(1)>'&amp;%20+ü"
    page = flow(house, response_type="code id_token", response_mode="form_post", state=state)
    assert page.status_code == 200
    assert "<img src=x" not in page.text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    assert html.unescape(fields["state"]) == state
    assert {"code", "id_token", "iss"} <= set(fields)
    assert "form-action 'self' https://rp.example;" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_form_post_carries_refusals_too(house: House) -> None:
    """Errors go the way that was asked for, even when the response type is missing."""
    add_legacy(house)
    for more in ({"prompt": "none"}, {"response_type": None}):
        page = house.browser().authorize("legacy", **({"response_mode": "form_post"} | more))
        assert page.status_code == 200
        assert 'name="error"' in page.text


def test_the_front_channels_access_token_ends_with_the_session(house: House) -> None:
    """A sign-out takes it away as it does any other (R7)."""
    add_legacy(house)
    browser = house.browser()
    page = browser.follow(browser.authorize("legacy", response_type="id_token token"))
    members = fragment_of(browser.sign_in(page))
    assert browser.userinfo(members["access_token"]).status_code == 200
    browser.get("/oauth2/logout", params={"id_token_hint": members["id_token"]})
    assert browser.userinfo(members["access_token"]).status_code == 401


def test_the_how_to_is_true(tmp_path: Path) -> None:
    """The command of docs/how-to/older-clients.md registers a client that may use a hybrid flow."""
    from click.testing import CliRunner

    from idp.cli import main

    arguments = ["--set", f"home={tmp_path}", "--set", f"key_encryption_key_file={tmp_path}/key"]
    told = "client add old-shop --profile oidc_legacy --redirect-uri https://old.example.org/cb --response-type code"
    more = ["--response-type", "code id_token", "--grant-type", "authorization_code", "--grant-type", "implicit"]
    assert CliRunner().invoke(main, [*arguments, "migrate"]).exit_code == 0
    assert CliRunner().invoke(main, [*arguments, *told.split(), *more]).exit_code == 0
    shown = CliRunner().invoke(main, [*arguments, "client", "show", "old-shop", "--json"]).output
    assert '"oidc_legacy"' in shown
    assert '"code id_token"' in shown
