"""Responses made for one client: signed as it registered, and encrypted to it if it did (OIDC Core §10, §16.14).

What needs the store or the client's keys is found within the unit of work, as a `Protection`; the signature is made
after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.accounts.clients import open_secrets
from idp.jose.algorithms import ALGORITHMS, DEFAULT_ALGORITHM
from idp.jose.compact import InvalidToken
from idp.jose.encryption import NoEncryptionKey, encrypt, select_encryption_key
from idp.jose.foreign import Jwk
from idp.jose.signing import TokenSigner
from idp.jose.symmetric import sign_with_secret, unsecured
from idp.protocol.client_keys import REFETCH_SECONDS, find_keys
from idp.protocol.context import Context
from idp.protocol.errors import InvalidRequest
from idp.protocol.messages import encode_json
from idp.stores.records import Client

# OIDC Registration §2: what `..._encrypted_response_enc` is when it is absent.
DEFAULT_ENC = "A128CBC-HS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How a response is protected: signed by `alg`, None for plain JSON, with `secret` where that is an HMAC; then, if
    there is a `key`, encrypted to it."""

    alg: str | None = DEFAULT_ALGORITHM
    secret: str = ""
    key: Jwk | None = None
    key_alg: str = ""
    enc: str = DEFAULT_ENC


SIGNED = Protection()


def id_token_alg(client: Client) -> str:
    """Return what the client's ID Tokens are signed with (OIDC Registration §2)."""
    return client.value("id_token_signed_response_alg") or DEFAULT_ALGORITHM


def protection_of_id_token(client: Client, context: Context) -> Protection:
    """Return how ID Tokens for a client are protected. Raises as `protection_of`."""
    return protection_of("id_token", id_token_alg(client), client, context)


def protection_of_logout_token(client: Client, context: Context) -> Protection:
    """Return how logout tokens for a client are protected: as its ID Tokens, but never unsigned (OIDC Back-Channel
    Logout §2.4). Raises as `protection_of`."""
    alg = id_token_alg(client)
    return protection_of("id_token", DEFAULT_ALGORITHM if alg == "none" else alg, client, context)


def protection_of(kind: str, alg: str | None, client: Client, context: Context) -> Protection:
    """Return how responses of a kind are protected, by the client's metadata `<kind>_encrypted_response_alg`.

    Raises `InvalidRequest` when the client registered for encryption and has no key for it, or for an algorithm that
    nothing is signed with any more."""
    key_alg = client.value(f"{kind}_encrypted_response_alg")
    if key_alg is None and alg == DEFAULT_ALGORITHM:
        return SIGNED
    if alg in ALGORITHMS and alg not in context.settings.keys.algorithms:
        raise InvalidRequest("The client registered for an algorithm that is out of use; register it anew.")
    return Protection(
        alg=alg,
        secret=_secret_for(alg, client, context),
        key=_encryption_key(key_alg, client, context) if key_alg else None,
        key_alg=key_alg or "",
        enc=client.value(f"{kind}_encrypted_response_enc") or DEFAULT_ENC,
    )


def protect(claims: Mapping[str, Any], protection: Protection, tokens: TokenSigner, *, typ: str | None) -> str:
    """Return the claims as a JWT under this protection: a JWS, or a JWE with a JWS or plain JSON in it."""
    if protection.key is None:
        return _signed(claims, protection, tokens, typ)
    if protection.alg is None:
        payload, cty = encode_json(claims), None
    else:
        payload, cty = _signed(claims, protection, tokens, typ).encode(), "JWT"
    return encrypt(payload, key=protection.key, alg=protection.key_alg, enc=protection.enc, cty=cty)


def _signed(claims: Mapping[str, Any], protection: Protection, tokens: TokenSigner, typ: str | None) -> str:
    alg = protection.alg or "none"
    if alg in ALGORITHMS:
        return tokens.sign(claims, typ=typ, alg=alg)
    if alg == "none":
        return unsecured(claims, typ)
    return sign_with_secret(claims, secret=protection.secret, alg=alg, typ=typ)


def _secret_for(alg: str | None, client: Client, context: Context) -> str:
    if alg is None or not alg.startswith("HS"):
        return ""
    secrets = open_secrets(client, context.server.vault, context.now)
    if not secrets:
        raise InvalidRequest("The client registered for an HMAC and has no secret; give it a new one.")
    return secrets[0]


def _encryption_key(alg: str, client: Client, context: Context) -> Jwk:
    try:
        return _select_key(alg, client, context)
    except (NoEncryptionKey, InvalidToken) as fault:
        raise InvalidRequest(
            "The client registered for encrypted responses, but has no key that fits.",
            hint="Publish one for its alg, with use enc, in jwks or at jwks_uri.",
            detail=str(fault),
        ) from fault


def _select_key(alg: str, client: Client, context: Context) -> Jwk:
    try:
        return select_encryption_key(find_keys(client, context), alg)
    except NoEncryptionKey:
        newer = find_keys(client, context, fresh_seconds=REFETCH_SECONDS)
        return select_encryption_key(newer, alg)
