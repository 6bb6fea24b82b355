"""Request objects (RFC 9101 §4, §6; OIDC Core §6): an authorization request as a JWT that its client made.

Here one is decrypted, verified and read as parameters. Where it comes from, and what of the request around it counts,
is decided by `idp.specs.request_objects`.

A client that registered `require_signed_request_object` has every request bound to itself, to us and to a short time;
for others a request object says no more than a plain request, which anybody can make, so what binds it is judged only
where it is there. It may be sent again, as any authorization request may: a browser reloads, and goes back.
"""

import json
from collections.abc import Mapping
from typing import Any

from idp.jose.algorithms import ALGORITHMS, DECRYPTION_ALGS, KEY_MANAGEMENT
from idp.jose.compact import InvalidToken
from idp.jose.encryption import ENCRYPTION_ENCS, decrypt
from idp.jose.foreign import verify_foreign
from idp.protocol.client_keys import verify_by_client
from idp.protocol.client_responses import DEFAULT_ENC
from idp.protocol.context import Context
from idp.protocol.errors import InvalidRequestObject
from idp.protocol.parameters import Parameter, Params
from idp.protocol.profiles import admits_legacy
from idp.settings import Settings
from idp.stores.records import Client

# Not the types of tokens for other purposes (RFC 8725 §3.11); most libraries say JWT, or nothing.
TYPES = (None, "jwt", "oauth-authz-req+jwt")

# Where the signature is required, what was signed must not count for ever: whoever finds an old one could use it.
LONGEST_LIFE_SECONDS = 3_600
# Clocks may differ.
SKEW_SECONDS = 30
# The end of the year 9999, as for our own tokens.
LATEST_INSTANT = 253_402_300_799

BINDING = ("iss", "aud", "exp", "client_id")


def must_be_signed(client: Client) -> bool:
    """Tell whether the client takes no request for its own but a signed one (RFC 9101 §10.5)."""
    return client.metadata.get("require_signed_request_object") is True


def decryption_algs(settings: Settings) -> tuple[str, ...]:
    """Return all with which a request object can be encrypted to us."""
    rows = [KEY_MANAGEMENT[name] for name in settings.keys.decryption_algorithms]
    usable = {alg for row in rows for alg in (row.name, *row.variants)}
    return tuple(alg for alg in DECRYPTION_ALGS if alg in usable)


def read_request_object(token: str, client: Client, context: Context) -> Params:
    """Return the parameters in a request object of this client; `token` is untrusted.

    Raises `InvalidRequestObject`."""
    try:
        claims = _verify(_decrypt(token, client, context), client, context)
    except InvalidToken as fault:
        raise InvalidRequestObject(
            "The request object is not one that this client signed as it registered.",
            hint="Sign it with a key of the client's jwks; see request_object_signing_alg and "
            "request_object_encryption_alg, in discovery and in the client's metadata.",
            detail=fault.reason,
        ) from fault
    _check_parties(claims, client, context.settings)
    _check_times(claims, client, context.now)
    return read_members(claims, context.registry.parameters)


def _decrypt(token: str, client: Client, context: Context) -> str:
    """Return the JWS in a JWE (RFC 9101 §6.1): anyone can encrypt to us, so nothing counts without what is in it."""
    registered = client.value("request_object_encryption_alg")
    if token.count(".") != 4:
        if registered is not None:
            raise InvalidToken("not encrypted, though the client registered so")
        return token
    enc = client.value("request_object_encryption_enc") or (DEFAULT_ENC if registered else None)
    opened = decrypt(
        token,
        keys=context.server.keys.decryption_keys(),
        algs=(registered,) if registered else decryption_algs(context.settings),
        encs=(enc,) if enc else ENCRYPTION_ENCS,
    )
    if str(opened.header.get("cty", "JWT")).upper() != "JWT":
        raise InvalidToken("cty says that there is no JWT in the JWE")
    try:
        return opened.payload.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidToken("there is no JWT in the JWE") from None


def _verify(token: str, client: Client, context: Context) -> dict[str, Any]:
    algorithms = _algorithms(client, context.settings)
    if token.endswith("."):
        # What has no signature needs no key, so none is fetched for it.
        return verify_foreign(token, keys=(), algorithms=algorithms, typ=TYPES)
    return verify_by_client(token, client, context, algorithms=algorithms, typ=TYPES)


def _algorithms(client: Client, settings: Settings) -> tuple[str, ...]:
    """Return what the client may sign with: what it registered, or any that takes a key pair; an HMAC only for who
    registered it, whose secret alone is kept. Unsigned ones (OIDC Core §6.1) are a dialect of the older profile."""
    registered = client.value("request_object_signing_alg")
    named = (registered,) if registered else (*ALGORITHMS, "none")
    unsigned = admits_legacy(client, settings) and not must_be_signed(client)
    return named if unsigned else tuple(alg for alg in named if alg != "none")


def _check_parties(claims: Mapping[str, Any], client: Client, settings: Settings) -> None:
    """Refuse an object that is of another client, for another server, or a JWT for another purpose."""
    missing = [name for name in BINDING if name not in claims] if must_be_signed(client) else []
    if missing:
        raise InvalidRequestObject(f"The request object lacks {', '.join(missing)}, which this client must send.")
    for name in ("client_id", "iss"):
        if name in claims and claims[name] != client.client_id:
            raise InvalidRequestObject(f"{name} in the request object is not the client_id of the request.")
    # A client assertion (RFC 7523 §3) is signed with the same keys; RFC 9101 §10.8.
    if claims.get("sub") == client.client_id:
        raise InvalidRequestObject("sub in the request object is the client_id, as in a client assertion.")
    audience = claims.get("aud", settings.issuer)
    named = audience if isinstance(audience, list) else [audience]
    if settings.issuer not in named or not all(isinstance(one, str) for one in named):
        raise InvalidRequestObject("aud in the request object is not this issuer (RFC 9101 section 4).")


def _check_times(claims: Mapping[str, Any], client: Client, now: int) -> None:
    expires_at = _instant(claims, "exp")
    if expires_at is not None and expires_at <= now:
        raise InvalidRequestObject("The request object has expired.")
    if expires_at is not None and must_be_signed(client) and expires_at > now + LONGEST_LIFE_SECONDS + SKEW_SECONDS:
        raise InvalidRequestObject(f"exp in the request object is more than {LONGEST_LIFE_SECONDS} seconds ahead.")
    for name in ("nbf", "iat"):
        if (_instant(claims, name) or 0) > now + SKEW_SECONDS:
            raise InvalidRequestObject(f"{name} in the request object is in the future.")


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a NumericDate (RFC 7519 §2), in seconds, perhaps with a fraction; None if there is none."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST_INSTANT:
        raise InvalidRequestObject(f"{name} in the request object is not a number of seconds since 1970.")
    return value


def read_members(claims: Mapping[str, Any], known: Mapping[str, Parameter[object]]) -> Params:
    """Return the members that are parameters; others, those of any JWT among them, are ignored (RFC 9101 §4).

    Raises `InvalidRequestObject`, and `InvalidRequest` as `Params.read`."""
    if "request" in claims or "request_uri" in claims:
        raise InvalidRequestObject("A request object cannot hold another one (RFC 9101 section 4).")
    fields = [
        (name, text) for name, parameter in known.items() if name in claims for text in _texts(claims[name], parameter)
    ]
    return Params.read(fields, known)


def _texts(value: object, parameter: Parameter[object]) -> list[str]:
    """Return a member as the texts that it would be in a query."""
    if parameter.many and isinstance(value, list):
        return [_text(one, parameter.name) for one in value]
    if parameter.json and isinstance(value, dict | list):
        value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return [_text(value, parameter.name)]


def _text(value: object, name: str) -> str:
    # A bool is an int in Python, and means nothing as a parameter.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # As in a query: no NUL, and nothing that UTF-8 cannot spell, such as half a surrogate pair.
    if not isinstance(value, str) or "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidRequestObject(f"The member {name} of the request object is not a text that can be sent.")
    return value
