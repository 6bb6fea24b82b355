"""ID Tokens that a hostile or broken provider sends: each check refuses alone, on the wire."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey

from demo_clients.relying_party.jwks import REFETCH_INTERVAL_SECONDS
from tests.demo_clients.provider import ISSUER, MISSING, b64
from tests.demo_clients.wire import World, answer_of_provider, is_signed_in, sign_in

pytestmark = pytest.mark.anyio

NOW = 1_900_000_000


async def refused_for(world: World, browser: httpx2.AsyncClient, check: str) -> None:
    """The sign-in must fail, and the page must name the check."""
    response = await browser.get(await answer_of_provider(browser))
    assert response.status_code == 400, response.text
    assert f"{check}:" in response.text
    assert world.provider.count("/oauth2/userinfo") == 0
    assert not await is_signed_in(browser)


@pytest.mark.case("RP-03")
@pytest.mark.parametrize("nonce", [MISSING, "wrong", "", None, 7])
async def test_wrong_nonce(world: World, browser: httpx2.AsyncClient, nonce: object) -> None:
    """A nonce that is missing or not the one of the request is refused."""
    world.provider.id_token_changes = {"nonce": nonce}
    await refused_for(world, browser, "nonce")


@pytest.mark.case("RP-03")
async def test_replayed_id_token(world: World, browser: httpx2.AsyncClient) -> None:
    """The genuine ID Token of an earlier sign-in is refused in a later one."""
    kept: list[str] = []
    world.provider.id_token_forger = lambda token: kept.append(token) or token  # type: ignore[func-returns-value]
    await sign_in(browser)
    world.provider.id_token_forger = lambda _: kept[0]
    world.provider.requests.clear()
    async with world.browser() as other:
        await refused_for(world, other, "nonce")


@pytest.mark.case("RP-04")
@pytest.mark.requirement("OIDC Core", "3.1.3.7")
@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("audience", {"aud": "bank"}),
        ("audience", {"aud": ["bank", "other"]}),
        ("audience", {"aud": MISSING}),
        ("audience", {"aud": ["shop", 7], "azp": "shop"}),
        ("authorized party", {"aud": ["shop", "bank"]}),
        ("authorized party", {"aud": ["shop", "bank"], "azp": "bank"}),
        ("authorized party", {"azp": "bank"}),
        ("issuer", {"iss": "https://evil.example"}),
        ("issuer", {"iss": f"{ISSUER}/"}),
        ("issuer", {"iss": MISSING}),
        ("expiry", {"exp": NOW - 11}),
        ("expiry", {"exp": MISSING}),
        ("expiry", {"exp": str(NOW + 300)}),
        ("expiry", {"exp": True}),
        ("expiry", {"exp": -1}),
        ("expiry", {"exp": 1e308}),
        ("issued at", {"iat": NOW + 60}),
        ("issued at", {"iat": NOW - 3600}),
        ("issued at", {"iat": MISSING}),
        ("not before", {"nbf": NOW + 60}),
        ("subject", {"sub": MISSING}),
        ("subject", {"sub": ""}),
        ("subject", {"sub": 7}),
        ("subject", {"sub": "s" * 256}),
        ("subject", {"sub": "é"}),
    ],
)
async def test_wrong_claim(world: World, browser: httpx2.AsyncClient, check: str, changes: dict[str, object]) -> None:
    """Each wrong claim is refused by its own check."""
    world.provider.id_token_changes = changes
    await refused_for(world, browser, check)


@pytest.mark.parametrize("changes", [{"aud": ["shop"]}, {"azp": "shop"}, {"aud": ["shop", "bank"], "azp": "shop"}])
async def test_allowed_forms_of_the_audience(
    world: World, browser: httpx2.AsyncClient, changes: dict[str, object]
) -> None:
    """A list, and a right azp, are as good as the plain text."""
    world.provider.id_token_changes = changes
    await sign_in(browser)


@pytest.mark.case("JO-27")
async def test_wrong_access_token_hash(world: World, browser: httpx2.AsyncClient) -> None:
    """An at_hash of another access token is refused: the tokens were swapped."""
    world.provider.id_token_changes = {"at_hash": b64(hashlib.sha256(b"other").digest()[:16])}
    await refused_for(world, browser, "access token hash")


@pytest.mark.case("RP-05", "JO-01")
@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", None, ["RS256"], MISSING])
async def test_unsigned_token(world: World, browser: httpx2.AsyncClient, algorithm: object) -> None:
    """No spelling of `none` is let through, with or without a signature part."""
    for keep_signature in (True, False):
        world.provider.id_token_forger = reheaded({"alg": algorithm}, keep_signature=keep_signature)
        async with world.browser() as fresh:
            await refused_for(world, fresh, "algorithm")


@pytest.mark.case("RP-05", "JO-02", "JO-03")
@pytest.mark.parametrize("secret", ["client secret", "pem", "pem without newline", "der", "jwk", "modulus"])
async def test_mac_with_a_known_secret(world: World, browser: httpx2.AsyncClient, secret: str) -> None:
    """HS256 with the client secret, or with the public key in any form, is refused."""
    world.provider.id_token_forger = signed_with_mac(secrets_of(world.provider.keys[0])[secret])
    await refused_for(world, browser, "algorithm")


@pytest.mark.case("JO-29")
@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "ES256", "EdDSA"])
async def test_swapped_algorithm(world: World, browser: httpx2.AsyncClient, algorithm: str) -> None:
    """Another algorithm name over a genuine signature is refused."""
    world.provider.id_token_forger = reheaded({"alg": algorithm})
    await refused_for(world, browser, "algorithm")


@pytest.mark.case("JO-07")
@pytest.mark.parametrize(
    "kid", ["unknown", "", 7, None, ["key-1"], "../../dev/null", "' OR 1=1 --", "k" * 10_000, "a\x00b"]
)
async def test_unknown_key(world: World, browser: httpx2.AsyncClient, kid: object) -> None:
    """A key that is not published under the stated name is refused."""
    world.provider.id_token_forger = reheaded({"kid": kid})
    await refused_for(world, browser, "key")


@pytest.mark.requirement("OIDC Core", "10.1")
@pytest.mark.parametrize("published", [{}, {"kid": MISSING}, {"kid": MISSING, "use": MISSING, "alg": MISSING}])
async def test_no_key_is_named_where_there_is_one(
    world: World, browser: httpx2.AsyncClient, published: dict[str, object]
) -> None:
    """A token without `kid` is verified with the provider's key for RS256 if that is the only one, named or not."""
    world.provider.id_token_header_changes = {"kid": MISSING}
    world.provider.jwk_changes = published
    await sign_in(browser)
    assert await is_signed_in(browser)
    page = (await browser.get("http://shop.localhost:9001/token")).text
    assert 'data-verifies="yes"' in page
    assert f'id="signed-by">{"a key without a name" if published else "key-1"}<' in page


@pytest.mark.requirement("OIDC Core", "10.1")
@pytest.mark.parametrize("published", [{}, {"kid": MISSING}])
async def test_no_key_is_named_where_there_are_two(
    world: World,
    browser: httpx2.AsyncClient,
    signing_keys: tuple[RSAKey, RSAKey, RSAKey],
    published: dict[str, object],
) -> None:
    """With several keys a token must name its own: nothing is tried out."""
    world.provider.keys.append(signing_keys[1])
    world.provider.id_token_header_changes = {"kid": MISSING}
    world.provider.jwk_changes = published
    await refused_for(world, browser, "key")


async def test_key_without_a_name_is_replaced(
    world: World, browser: httpx2.AsyncClient, signing_keys: tuple[RSAKey, RSAKey, RSAKey]
) -> None:
    """A signature that does not fit the only key is reason to ask for the keys of now; a forged one still fails."""
    world.provider.id_token_header_changes = {"kid": MISSING}
    world.provider.jwk_changes = {"kid": MISSING}
    await sign_in(browser)
    world.provider.keys[:] = [signing_keys[1]]
    world.clock.at += REFETCH_INTERVAL_SECONDS
    await sign_in(browser)
    assert world.provider.count("/.well-known/jwks.json") == 2
    world.clock.at += REFETCH_INTERVAL_SECONDS
    world.provider.requests.clear()
    world.provider.id_token_forger = lambda token: world.provider.sign(
        {"kid": MISSING}, payload_of(token), signing_keys[2]
    )
    async with world.browser() as other:
        await refused_for(world, other, "signature")


@pytest.mark.case("JO-04", "JO-05", "JO-06")
async def test_key_from_the_token_itself(
    world: World, browser: httpx2.AsyncClient, signing_keys: tuple[RSAKey, RSAKey, RSAKey]
) -> None:
    """Keys that the token brings along or points to are not even looked at."""
    own = signing_keys[2]
    helpful = {
        "kid": "key-1",
        "jwk": own.as_dict(private=False),
        "jku": "http://canary.localhost/jwks",
        "x5u": "http://canary.localhost/cert",
        "x5c": ["MIIB"],
    }
    world.provider.id_token_forger = lambda token: world.provider.sign(helpful, payload_of(token), own)
    await refused_for(world, browser, "signature")
    assert world.servers.urls("http://canary.localhost") == []


@pytest.mark.case("JO-10")
@pytest.mark.parametrize("header", [{"crit": ["x"], "x": 1}, {"crit": []}, {"crit": ["exp"]}, {"b64": False}])
async def test_critical_extension(world: World, browser: httpx2.AsyncClient, header: dict[str, object]) -> None:
    """A token that demands an extension is refused."""
    world.provider.id_token_forger = reheaded(header)
    await refused_for(world, browser, "critical extensions")


@pytest.mark.case("JO-12")
@pytest.mark.parametrize("kind", ["at+jwt", "logout+jwt", "application/at+jwt", 7])
async def test_token_of_another_kind(world: World, browser: httpx2.AsyncClient, kind: object) -> None:
    """An access token or logout token in the place of the ID Token is refused by its type."""
    world.provider.id_token_header_changes = {"typ": kind}
    await refused_for(world, browser, "type")


@pytest.mark.case("JO-16", "JO-17", "JO-18", "JO-21", "JO-22", "JO-23")
@pytest.mark.parametrize(
    "mangle",
    [
        lambda token: token.rpartition(".")[0],
        lambda token: token + ".x",
        lambda token: "." * 1000,
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: token.replace("-", "+").replace("_", "/") + "+",
        lambda token: json.dumps({"protected": token}),
        lambda token: "e" * 1_000_000,
        lambda token: b64(b"[" * 8000) + "." + token.partition(".")[2],
        lambda token: b64(b"\xff\xfe{}") + "." + token.partition(".")[2],
        lambda token: b64(b"\xef\xbb\xbf{}") + "." + token.partition(".")[2],
        lambda token: b64(b'{"alg":"RS256","alg":"none"}') + "." + token.partition(".")[2],
        lambda token: b64(b"[]") + "." + token.partition(".")[2],
        lambda token: b64(b'{"alg":"\\ud800"}') + "." + token.partition(".")[2],
        lambda token: b64(b'{"alg":NaN}') + "." + token.partition(".")[2],
        lambda token: spare_bits_set(token),
    ],
)
async def test_malformed_token(world: World, browser: httpx2.AsyncClient, mangle: Callable[[str], str]) -> None:
    """Texts that are no strict compact JWS are refused as such."""
    world.provider.id_token_forger = mangle
    await refused_for(world, browser, "format")


async def test_flipped_payload(world: World, browser: httpx2.AsyncClient) -> None:
    """Changed claims under the old signature are refused."""

    def richer(token: str) -> str:
        header, _, signature = token.split(".")
        return f"{header}.{b64(json.dumps({**payload_of(token), 'admin': True}).encode())}.{signature}"

    world.provider.id_token_forger = richer
    await refused_for(world, browser, "signature")


def payload_of(token: str) -> dict[str, Any]:
    """The claims of a token."""
    return decoded(token.split(".")[1])


def decoded(part: str) -> dict[str, Any]:
    """A part of a token as JSON."""
    members: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return members


def reheaded(changes: dict[str, Any], *, keep_signature: bool = True) -> Callable[[str], str]:
    """A forger that changes the header and signs nothing anew."""

    def forge(token: str) -> str:
        header, payload, signature = token.split(".")
        members = {name: value for name, value in {**decoded(header), **changes}.items() if value is not MISSING}
        return f"{b64(json.dumps(members).encode())}.{payload}.{signature if keep_signature else ''}"

    return forge


def secrets_of(key: RSAKey) -> dict[str, bytes]:
    """What an attacker might use as the secret of a MAC."""
    pem = key.as_pem(private=False)
    public = key.as_dict(private=False)
    return {
        "client secret": b"shop-secret",
        "pem": pem,
        "pem without newline": pem.strip(),
        "der": key.as_der(private=False),
        "jwk": json.dumps(public).encode(),
        "modulus": base64.urlsafe_b64decode(str(public["n"]) + "=="),
    }


def signed_with_mac(secret: bytes) -> Callable[[str], str]:
    """A forger that signs with HS256."""

    def forge(token: str) -> str:
        header, payload, _ = token.split(".")
        signing_input = f"{b64(json.dumps({**decoded(header), 'alg': 'HS256'}).encode())}.{payload}"
        return f"{signing_input}.{b64(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())}"

    return forge


def spare_bits_set(token: str) -> str:
    """The same signature octets in a second spelling: the unused bits of the last character are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
