"""The APIs of Bank and Shop: the one token that opens them, and its refused neighbours."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey

from demo_clients.relying_party.jwks import MAX_LIFETIME_SECONDS, REFETCH_INTERVAL_SECONDS
from tests.demo_clients.provider import BANK, ISSUER, MISSING, SHOP, SUBJECT, b64
from tests.demo_clients.wire import World, sign_in

pytestmark = pytest.mark.anyio

NOW = 1_900_000_000
JWKS = "/.well-known/jwks.json"


async def call(world: World, token: str) -> httpx2.Response:
    """Call the Bank's API."""
    return await world.call_api(BANK, "/api/accounts", f"Bearer {token}")


def assert_refused(response: httpx2.Response, status: int, error: str, words: str) -> None:
    """A refusal of RFC 6750 §3 with its reason, in the challenge and in the body."""
    challenge = response.headers["www-authenticate"]
    assert response.status_code == status, response.text
    assert challenge.startswith('Bearer realm="bank"')
    assert f'error="{error}"' in challenge
    assert words in challenge
    assert words in response.json()["error_description"]
    assert response.headers["cache-control"] == "no-store"


async def test_right_token_opens_the_api(world: World) -> None:
    """Right audience, scope and role: the accounts of the token's subject."""
    response = await call(world, world.provider.access_token())
    assert response.status_code == 200
    assert response.json()["sub"] == SUBJECT
    assert [account["id"] for account in response.json()["accounts"]] == ["current", "savings"]
    assert response.headers["cache-control"] == "no-store"


async def test_shops_api_has_a_guard_of_its_own(world: World) -> None:
    """The Shop's API takes a token for the Shop and refuses one for the Bank."""
    good = world.provider.access_token(aud=f"{SHOP}/api", scope="orders.read")
    assert (await world.call_api(SHOP, "/api/orders", f"Bearer {good}")).json() == {"sub": SUBJECT, "orders": []}
    other = await world.call_api(SHOP, "/api/orders", f"Bearer {world.provider.access_token()}")
    assert other.status_code == 401


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
async def test_scheme_is_case_insensitive(world: World, scheme: str) -> None:
    """RFC 9110 §11.1: the name of the scheme has no case; several spaces may follow."""
    response = await world.call_api(BANK, "/api/accounts", f"{scheme} {world.provider.access_token()}")
    assert response.status_code == 200


@pytest.mark.requirement("RFC 6750", "3.1")
@pytest.mark.parametrize("credentials", [(), ("Basic dTpw",), ("",)])
async def test_no_token_gets_a_challenge_without_error(world: World, credentials: tuple[str, ...]) -> None:
    """Who did not try to authenticate is told how, not what went wrong."""
    response = await world.call_api(BANK, "/api/accounts", *credentials)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="bank"'


async def test_malformed_requests_are_bad_requests(world: World) -> None:
    """Two headers, a token in the address, a header that is no bearer credential: 400."""
    token = world.provider.access_token()
    two = await world.call_api(BANK, "/api/accounts", f"Bearer {token}", f"Bearer {token}")
    assert_refused(two, 400, "invalid_request", "more than one")
    in_query = await world.call_api(BANK, f"/api/accounts?access_token={token}")
    assert_refused(in_query, 400, "invalid_request", "address")
    for header in ("Bearer", "Bearer ", f"Bearer {token} {token}", f"Bearer {token},", "Bearer ü"):
        assert_refused(await world.call_api(BANK, "/api/accounts", header), 400, "invalid_request", "well-formed")


@pytest.mark.requirement("RFC 9068", "4")
@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("audience", {"aud": ISSUER}),
        ("audience", {"aud": f"{SHOP}/api"}),
        ("audience", {"aud": f"{BANK}/api/"}),
        ("audience", {"aud": MISSING}),
        ("issuer", {"iss": f"{ISSUER}/"}),
        ("issuer", {"iss": MISSING}),
        ("expiry", {"exp": NOW - 10}),
        ("expiry", {"exp": MISSING}),
        ("expiry", {"exp": str(NOW + 60)}),
        ("expiry", {"exp": float(NOW + 60)}),
        ("issued at", {"iat": NOW + 60}),
        ("issued at", {"iat": MISSING}),
        ("not before", {"nbf": NOW + 60}),
        ("subject", {"sub": MISSING}),
        ("client_id", {"client_id": MISSING}),
        ("jti", {"jti": MISSING}),
        ("type", {"typ": "JWT"}),
        ("type", {"typ": MISSING}),
        ("key", {"kid": "unknown"}),
        ("key", {"kid": ""}),
        ("key", {"kid": 7}),
    ],
)
async def test_wrong_token_is_refused_with_the_reason(world: World, check: str, changes: dict[str, Any]) -> None:
    """Each neighbour of the right token is refused by its own check."""
    assert_refused(await call(world, world.provider.access_token(**changes)), 401, "invalid_token", f"{check}:")


async def test_token_that_names_no_key(world: World, signing_keys: tuple[RSAKey, RSAKey, RSAKey]) -> None:
    """It passes while the provider has one key only, and is refused as soon as there are two."""
    assert (await call(world, world.provider.access_token(kid=MISSING))).status_code == 200
    world.provider.keys.append(signing_keys[1])
    world.clock.at += MAX_LIFETIME_SECONDS
    assert_refused(await call(world, world.provider.access_token(kid=MISSING)), 401, "invalid_token", "key:")


async def test_skew_of_a_few_seconds_is_forgiven(world: World) -> None:
    """A token that expired nine seconds ago by our clock still passes."""
    assert (await call(world, world.provider.access_token(exp=NOW - 9))).status_code == 200


@pytest.mark.parametrize("scope", [MISSING, "", "orders.read", "accounts.read.all", "ACCOUNTS.READ", ["accounts.read"]])
async def test_wrong_scope_is_insufficient(world: World, scope: object) -> None:
    """A genuine token without the scope gets 403 and the scope that it lacks."""
    response = await call(world, world.provider.access_token(scope=scope))
    assert_refused(response, 403, "insufficient_scope", "accounts.read")
    assert 'scope="accounts.read"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("roles", [MISSING, [], ["clerk"], "customer", {"customer": True}, [["customer"]]])
async def test_wrong_role_is_insufficient(world: World, roles: object) -> None:
    """A genuine token whose bearer has not the role gets 403."""
    response = await call(world, world.provider.access_token(roles=roles))
    assert_refused(response, 403, "insufficient_scope", "role customer")


def forgeries(token: str, key: RSAKey) -> dict[str, str]:
    """The forgeries of the catalogue, from a genuine token."""
    header, payload, signature = token.split(".")
    octets = base64.urlsafe_b64decode(signature + "==")

    def reheaded(**changes: object) -> str:
        members = json.loads(base64.urlsafe_b64decode(header + "=="))
        return b64(json.dumps({**members, **changes}).encode())

    confused = f"{reheaded(alg='HS256')}.{payload}"
    mac = hmac.new(key.as_pem(private=False), confused.encode(), hashlib.sha256).digest()
    return {
        "flipped byte": f"{header}.{payload}.{b64(bytes([octets[0] ^ 128]) + octets[1:])}",
        "alg none": f"{reheaded(alg='none')}.{payload}.",
        "alg none with signature": f"{reheaded(alg='none')}.{payload}.{signature}",
        "no signature": f"{header}.{payload}.",
        "HS256 with the public key": f"{confused}.{b64(mac)}",
        "two parts": f"{header}.{payload}",
        "not a token": "abc",
    }


@pytest.mark.case("JO-01", "JO-02", "JO-16")
@pytest.mark.parametrize("forgery", list(forgeries("e30.e30.AAAA", RSAKey.generate_key(2048, {"kid": "k"}))))
async def test_forged_token_is_refused(world: World, forgery: str) -> None:
    """No forgery that the public key and one genuine token allow gets through."""
    token = forgeries(world.provider.access_token(), world.provider.keys[0])[forgery]
    assert_refused(await call(world, token), 401, "invalid_token", "The ")


@pytest.mark.case("JO-12")
async def test_id_token_opens_no_api(world: World, browser: httpx2.AsyncClient) -> None:
    """A genuine ID Token of this very provider is refused."""
    seen: list[str] = []
    world.provider.id_token_forger = lambda token: seen.append(token) or token  # type: ignore[func-returns-value]
    await sign_in(browser)
    assert_refused(await call(world, seen[0]), 401, "invalid_token", "type:")


async def test_logout_token_opens_no_api(world: World) -> None:
    """Nor does a logout token."""
    assert_refused(await call(world, world.provider.logout_token(aud=f"{BANK}/api")), 401, "invalid_token", "type:")


async def test_foreign_key_under_a_known_name(world: World, signing_keys: tuple[RSAKey, RSAKey, RSAKey]) -> None:
    """A signature by another key that claims to be ours is refused."""
    token = world.provider.access_token(key=signing_keys[2], kid="key-1")
    assert_refused(await call(world, token), 401, "invalid_token", "signature:")


async def test_rotation_needs_no_restart(world: World, signing_keys: tuple[RSAKey, RSAKey, RSAKey]) -> None:
    """A new key is fetched when a token names it; a token of the old key still passes."""
    old = world.provider.access_token()
    assert (await call(world, old)).status_code == 200
    world.clock.at += REFETCH_INTERVAL_SECONDS
    world.provider.keys = [signing_keys[1], signing_keys[0]]
    assert (await call(world, world.provider.access_token())).status_code == 200
    assert (await call(world, old)).status_code == 200
    assert world.provider.count(JWKS) == 2


async def test_unknown_keys_cause_one_fetch_only(world: World) -> None:
    """A flood of invented key names reaches the provider once in a while, not each time."""
    await call(world, world.provider.access_token())
    world.clock.at += REFETCH_INTERVAL_SECONDS
    for number in range(20):
        assert (await call(world, world.provider.access_token(kid=f"k{number}"))).status_code == 401
    assert world.provider.count(JWKS) == 2
    world.clock.at += REFETCH_INTERVAL_SECONDS
    await call(world, world.provider.access_token(kid="again"))
    assert world.provider.count(JWKS) == 3


async def test_hopeless_tokens_cause_no_fetch(world: World) -> None:
    """A token that will be refused for its algorithm is not worth asking for a key."""
    token = forgeries(world.provider.access_token(), world.provider.keys[0])["alg none"]
    await call(world, token)
    assert world.provider.count(JWKS) == 0


async def test_provider_away_is_not_the_callers_fault(world: World) -> None:
    """Without any keys the API answers 503; with known ones it does not need the provider."""
    token = world.provider.access_token()
    away = world.servers.apps.pop(ISSUER)
    response = await call(world, token)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    world.clock.at += 1
    world.servers.apps[ISSUER] = away
    assert (await call(world, token)).status_code == 200
    world.servers.apps.pop(ISSUER)
    assert (await call(world, token)).status_code == 200


@pytest.mark.parametrize("change", [lambda claims: claims, lambda claims: {**claims, "sid": "another"}])
async def test_token_of_an_ended_session_is_refused(
    world: World, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    """After a back-channel logout the API refuses tokens of that session that were made before."""
    ended = change({"sid": world.provider.sid})
    token = world.provider.access_token(**ended)
    world.clock.at += 1
    await world.post_logout_token(world.provider.logout_token(aud="bank"), BANK)
    response = await call(world, token)
    if ended["sid"] == world.provider.sid:
        assert_refused(response, 401, "invalid_token", "has ended")
    else:
        assert response.status_code == 200
    world.clock.at += 1
    assert (await call(world, world.provider.access_token())).status_code == 200, "made later, with offline_access"


async def test_cookie_opens_no_api(world: World, browser: httpx2.AsyncClient) -> None:
    """Being signed in to the Bank's pages is no token for its API."""
    await sign_in(browser, BANK)
    assert (await browser.get(f"{BANK}/api/accounts")).status_code == 401


async def test_other_methods_are_refused_as_json(world: World) -> None:
    """The API takes GET; anything else is 405 in JSON."""
    async with httpx2.AsyncClient(transport=world.servers, trust_env=False) as client:
        response = await client.post(f"{BANK}/api/accounts")
    assert (response.status_code, response.json()["error"]) == (405, "invalid_request")
    assert "GET" in response.headers["allow"]
