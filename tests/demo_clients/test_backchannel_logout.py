"""The back-channel logout receivers: what ends a session, and what must not."""

import json
from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey

from tests.demo_clients.provider import BANK, EVENT, ISSUER, MISSING, SHOP, b64
from tests.demo_clients.wire import World, is_signed_in, sign_in

pytestmark = pytest.mark.anyio

NOW = 1_900_000_000


@pytest.mark.requirement("Back-Channel Logout", "2.8")
async def test_logout_token_ends_the_session(world: World, browser: httpx2.AsyncClient) -> None:
    """A valid logout token signs the person out, and the page says why."""
    await sign_in(browser)
    response = await world.post_logout_token(world.provider.logout_token())
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    page = (await browser.get(f"{SHOP}/")).text
    assert "You were signed out, because" in page
    assert 'id="who"' not in page


@pytest.mark.parametrize("changes", [{"sid": MISSING}, {"sub": MISSING}])
async def test_session_or_subject_suffices(world: World, browser: httpx2.AsyncClient, changes: dict[str, Any]) -> None:
    """A token may name the session, the subject or both."""
    await sign_in(browser)
    assert (await world.post_logout_token(world.provider.logout_token(**changes))).status_code == 200
    assert not await is_signed_in(browser)


@pytest.mark.parametrize("changes", [{"sid": "another"}, {"sub": "another"}, {"sub": "another", "sid": MISSING}])
async def test_other_sessions_stay(world: World, browser: httpx2.AsyncClient, changes: dict[str, Any]) -> None:
    """A token about another session or subject is answered with 200 and ends nothing here."""
    await sign_in(browser)
    assert (await world.post_logout_token(world.provider.logout_token(**changes))).status_code == 200
    assert await is_signed_in(browser)


async def test_only_the_named_application_signs_out(world: World, browser: httpx2.AsyncClient) -> None:
    """A token for the Shop does not sign out at the Bank, nor is it accepted there."""
    await sign_in(browser)
    await sign_in(browser, BANK)
    token = world.provider.logout_token()
    assert (await world.post_logout_token(token, BANK)).status_code == 400
    assert (await world.post_logout_token(token)).status_code == 200
    assert await is_signed_in(browser, BANK)
    assert not await is_signed_in(browser)


@pytest.mark.case("RP-10")
@pytest.mark.requirement("Back-Channel Logout", "2.6")
@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("nonce", {"nonce": "n"}),
        ("event", {"events": MISSING}),
        ("event", {"events": {}}),
        ("event", {"events": [EVENT]}),
        ("event", {"events": {EVENT: True}}),
        ("event", {"events": {"http://schemas.openid.net/event/other": {}}}),
        ("audience", {"aud": "bank"}),
        ("audience", {"aud": MISSING}),
        ("issuer", {"iss": f"{ISSUER}/"}),
        ("issuer", {"iss": MISSING}),
        ("type", {"typ": "JWT"}),
        ("type", {"typ": MISSING}),
        ("type", {"typ": "at+jwt"}),
        ("issued at", {"iat": MISSING}),
        ("issued at", {"iat": NOW + 60}),
        ("issued at", {"iat": NOW - 301}),
        ("expiry", {"exp": MISSING}),
        ("expiry", {"exp": NOW - 11}),
        ("jti", {"jti": MISSING}),
        ("jti", {"jti": 7}),
        ("subject", {"sub": MISSING, "sid": MISSING}),
        ("session", {"sid": 7}),
        ("session", {"sid": ""}),
        ("session", {"sub": ["u"]}),
        ("key", {"kid": "unknown"}),
    ],
)
async def test_wrong_logout_token_ends_nothing(
    world: World, browser: httpx2.AsyncClient, check: str, changes: dict[str, Any]
) -> None:
    """Each neighbour of the right token is refused with 400 and the reason; the session stays."""
    await sign_in(browser)
    response = await world.post_logout_token(world.provider.logout_token(**changes))
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert reason_fits(check, response.json()["error_description"])
    assert await is_signed_in(browser)


def reason_fits(check: str, reason: str) -> bool:
    """Whether the reason is the one that the check gives."""
    words = {
        "nonce": "has a nonce",
        "event": "announce a logout",
        "audience": "somebody else",
        "issuer": "another issuer",
        "type": "another kind",
        "issued at": "believable time",
        "expiry": "expired",
        "jti": "jti is missing",
        "subject": "whom it is about",
        "session": "session or a subject",
        "key": "no key",
    }
    return words[check] in reason


@pytest.mark.case("RP-10")
async def test_replayed_logout_token_ends_nothing(world: World, browser: httpx2.AsyncClient) -> None:
    """A token works once: a second delivery is refused and the new session stays."""
    token = world.provider.logout_token()
    await sign_in(browser)
    assert (await world.post_logout_token(token)).status_code == 200
    world.clock.at += 1
    await sign_in(browser)
    again = await world.post_logout_token(token)
    assert again.status_code == 400
    assert "used before" in again.json()["error_description"]
    assert await is_signed_in(browser)


@pytest.mark.case("RP-10")
async def test_refused_token_is_not_used_up(world: World, browser: httpx2.AsyncClient) -> None:
    """Only an accepted token spends its jti: nobody can spend it by a forged copy."""
    await sign_in(browser)
    token = world.provider.logout_token()
    assert (await world.post_logout_token(token[:-8] + "AAAAAAAA")).status_code == 400
    assert (await world.post_logout_token(token)).status_code == 200


@pytest.mark.case("RP-10")
async def test_id_token_is_no_logout_token(world: World, browser: httpx2.AsyncClient) -> None:
    """The genuine ID Token of the session does not end it."""
    seen: list[str] = []
    world.provider.id_token_forger = lambda token: seen.append(token) or token  # type: ignore[func-returns-value]
    await sign_in(browser)
    assert (await world.post_logout_token(seen[0])).status_code == 400
    assert await is_signed_in(browser)


@pytest.mark.case("RP-05")
async def test_forged_logout_tokens(
    world: World, browser: httpx2.AsyncClient, signing_keys: tuple[RSAKey, RSAKey, RSAKey]
) -> None:
    """Without a signature, or with one by another key, nothing ends."""
    await sign_in(browser)
    header, payload, signature = world.provider.logout_token().split(".")
    unsigned = b64(json.dumps({"alg": "none", "typ": "logout+jwt"}).encode())
    forged = [
        f"{unsigned}.{payload}.",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature}.x",
        world.provider.logout_token(key=signing_keys[2], kid="key-1"),
        "",
    ]
    for token in forged:
        assert (await world.post_logout_token(token)).status_code == 400
    assert await is_signed_in(browser)


async def test_other_requests_are_refused(world: World, browser: httpx2.AsyncClient) -> None:
    """GET is 405; JSON, a repeated field and an endless body are refused."""
    token = world.provider.logout_token()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    await sign_in(browser)
    url = f"{SHOP}/backchannel-logout"
    assert (await browser.get(f"{url}?logout_token={token}")).status_code == 405
    assert (await browser.post(url, json={"logout_token": token})).status_code == 400
    twice = f"logout_token={token}&logout_token={token}"
    assert (await browser.post(url, content=twice, headers=form)).status_code == 400
    assert (await browser.post(url, content="logout_token=" + "a" * 70_000, headers=form)).status_code == 413
    assert await is_signed_in(browser)


async def test_provider_away_means_try_again(world: World) -> None:
    """Without keys the receiver cannot tell: 503, so that the delivery is repeated."""
    token = world.provider.logout_token()
    away = world.servers.apps.pop(ISSUER)
    assert (await world.post_logout_token(token)).status_code == 503
    world.clock.at += 1
    world.servers.apps[ISSUER] = away
    assert (await world.post_logout_token(token)).status_code == 200
