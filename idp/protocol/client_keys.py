"""The keys of clients: what they sign is verified by them, and what is for them alone is encrypted to them.

Keys at a `jwks_uri` are kept for an hour, and looked at again when they do not verify something: the client may have
changed them (OIDC Core §10.1.1). While the client's server is away its last keys count for a day.
"""

from collections.abc import Container
from typing import Any

from idp.accounts.clients import open_secrets
from idp.jose.compact import InvalidToken, parse_compact, parse_object
from idp.jose.foreign import SECRET_OCTETS, Jwk, parse_jwks, verify_foreign
from idp.jose.symmetric import secret_jwk
from idp.outbound.documents import DocumentUnavailable
from idp.protocol.context import Context
from idp.stores.records import Client

FRESH_SECONDS = 3_600
STALE_SECONDS = 86_400
# Whoever sends rubbish in a client's name must not have its keys fetched at every request.
REFETCH_SECONDS = 3


def find_keys(client: Client, context: Context, *, fresh_seconds: float = FRESH_SECONDS) -> tuple[Jwk, ...]:
    """Return the client's public keys, from `jwks` or `jwks_uri`; empty when it registered none.

    Raises `InvalidToken` when what is at the `jwks_uri` cannot be had or is no JWK Set."""
    uri = client.value("jwks_uri")
    if uri is None:
        return tuple((client.metadata.get("jwks") or {}).get("keys", ()))
    try:
        body = context.document(uri, fresh_seconds=fresh_seconds, stale_seconds=STALE_SECONDS)
    except DocumentUnavailable as fault:
        raise InvalidToken(f"jwks_uri: {fault.reason}") from fault
    try:
        return parse_jwks(parse_object(body, "JWK Set"))
    except InvalidToken:
        # What an ailing server sent instead must not count for as long as good keys would.
        if fresh_seconds <= REFETCH_SECONDS:
            raise
        return find_keys(client, context, fresh_seconds=REFETCH_SECONDS)


def verify_by_client(
    token: str,
    client: Client,
    context: Context,
    *,
    algorithms: Container[str],
    typ: Container[str | None] | None = None,
) -> dict[str, Any]:
    """Return the claims of a JWS that the client signed, with its private key or, by HMAC, with its secret.

    `algorithms` and `typ` as in `verify_foreign`. Raises `InvalidToken`."""
    if _is_made_with_secret(token):
        secrets = open_secrets(client, context.server.vault, context.now)
        return verify_foreign(token, keys=[secret_jwk(one) for one in secrets], algorithms=algorithms, typ=typ)
    keys = find_keys(client, context)
    try:
        return verify_foreign(token, keys=keys, algorithms=algorithms, typ=typ)
    except InvalidToken:
        newer = find_keys(client, context, fresh_seconds=REFETCH_SECONDS)
        if newer == keys:
            raise
        return verify_foreign(token, keys=newer, algorithms=algorithms, typ=typ)


def is_hmac(alg: object) -> bool:
    """Tell whether a header's `alg`, whatever it holds, is one that takes a secret as its key."""
    return isinstance(alg, str) and alg in SECRET_OCTETS


def _is_made_with_secret(token: str) -> bool:
    """Tell whether a token asks for the client's secret; then its public keys, and where they are, do not matter."""
    try:
        return is_hmac(parse_compact(token).header.get("alg"))
    except InvalidToken:
        return False
