"""RFC 7523 §2.2, §3 and OIDC Core §9: client authentication by `private_key_jwt` and `client_secret_jwt`.

The client signs a short JWT about itself: with a key whose public half is in its `jwks` or at its `jwks_uri`, so that
no secret is shared; or by HMAC with its secret, which then is never sent. The `alg` of the assertion says which of the
two methods is used, and a client may use only the one that it registered: a public key is never taken for a secret.

The audience is the issuer or the token endpoint. Under the profile `strict` it must be that alone, so that an assertion
for several servers cannot be carried from one to another; `oidc_legacy` admits more beside it (RFC 7523 §3 item 3).
"""

from collections.abc import Callable, Mapping
from typing import Any

from idp.accounts.restores import last_restore_at
from idp.jose.algorithms import ALGORITHMS
from idp.jose.compact import InvalidToken, parse_compact, parse_object
from idp.jose.foreign import SECRET_OCTETS, VERIFICATION_ALGORITHMS, parse_jwks
from idp.protocol.client_authentication import check_registered_method
from idp.protocol.client_keys import is_hmac, verify_by_client
from idp.protocol.client_metadata import check_choice
from idp.protocol.context import Context
from idp.protocol.errors import InvalidClient, InvalidClientMetadata
from idp.protocol.messages import Request
from idp.protocol.parameters import CLIENT_ID, Parameter, Params, parse_text
from idp.protocol.profiles import admits_legacy
from idp.protocol.registry import Registry
from idp.protocol.spec import ClientAuthentication, ClientDraft, ClientMember, Spec
from idp.randomness import digest
from idp.settings import Settings
from idp.stores.records import Artifact, Client

CLIENT_ASSERTION = Parameter(name="client_assertion", parse=parse_text)
CLIENT_ASSERTION_TYPE = Parameter(name="client_assertion_type", parse=parse_text)

METHOD = "private_key_jwt"
SECRET_METHOD = "client_secret_jwt"  # noqa: S105 - the name of a method
# What an assertion may be signed with by each method.
ALGORITHMS_OF: Mapping[str, tuple[str, ...]] = {METHOD: tuple(ALGORITHMS), SECRET_METHOD: tuple(SECRET_OCTETS)}
KIND = "client_assertion"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Not the types of our own tokens (RFC 8725 §3.11).
TYPES = (None, "jwt", "client-authentication+jwt")

# An assertion serves one request, soon after it was made; yet some libraries date them to last an hour (Authlib does).
# `jti` is remembered for as long as any may count. Clocks may differ by the skew.
LONGEST_LIFE_SECONDS = 3_600
OLDEST_SECONDS = 600
SKEW_SECONDS = 30
LONGEST_JTI = 200


def is_presented(method: str) -> Callable[[Request, Params], bool]:
    """Return what tells whether a request carries a client assertion, or half of one, by a method."""

    def presented(_request: Request, params: Params) -> bool:
        carries = params.get(CLIENT_ASSERTION) is not None or params.get(CLIENT_ASSERTION_TYPE) is not None
        return carries and _method_of(params.get(CLIENT_ASSERTION) or "") == method

    return presented


def verify_by(method: str) -> Callable[[Request, Params, Context], Client]:
    """Return what verifies assertions by a method; every fault is `InvalidClient`, its reason for the log alone."""

    def verify(_request: Request, params: Params, context: Context) -> Client:
        if params.get(CLIENT_ASSERTION_TYPE) != ASSERTION_TYPE:
            raise InvalidClient("client_assertion_type is not jwt-bearer (RFC 7523 section 2.2)")
        assertion = params.get(CLIENT_ASSERTION) or ""
        try:
            client = check_registered_method(_find_signer(assertion, params, context), method)
            alg = client.value("token_endpoint_auth_signing_alg")
            algorithms = (alg,) if alg else ALGORITHMS_OF[method]
            claims = verify_by_client(assertion, client, context, algorithms=algorithms, typ=TYPES)
        except InvalidToken as fault:
            raise InvalidClient(f"{fault.reason} (client_assertion)") from fault
        _check_parties(claims, client, context)
        _check_times(claims, context.now)
        _check_restore(claims, last_restore_at(context.uow), context.now)
        _spend(claims, client, context)
        return client

    return verify


def _method_of(assertion: str) -> str:
    """Return the method that an unverified assertion is made for; what is no JWS fails by the usual one."""
    try:
        return SECRET_METHOD if is_hmac(parse_compact(assertion).header.get("alg")) else METHOD
    except InvalidToken:
        return METHOD


def _find_signer(assertion: str, params: Params, context: Context) -> Client | None:
    """Return whom the unverified assertion speaks of, for its keys are what verifies it."""
    subject = parse_object(parse_compact(assertion).payload, "payload").get("sub")
    if not isinstance(subject, str) or params.get(CLIENT_ID) not in (None, subject):
        raise InvalidClient("sub is missing, or another than client_id")
    return context.uow.clients.find(subject)


def _check_parties(claims: Mapping[str, Any], client: Client, context: Context) -> None:
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise InvalidClient("iss and sub are not both the client_id (RFC 7523 section 3)")
    token_endpoints = [e.path for e in context.registry.endpoints.values() if e.metadata == "token_endpoint"]
    accepted = {context.settings.issuer, *map(context.server.url, token_endpoints)}
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    meant = [name for name in named if isinstance(name, str) and name in accepted]
    if not meant or (len(named) > 1 and not admits_legacy(client, context.settings)):
        raise InvalidClient("aud is not the issuer or the token endpoint alone (RFC 7523 section 3)")


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    expires_at, issued_at = _instant(claims, "exp"), _instant(claims, "iat", absent=now)
    if not now < expires_at <= now + LONGEST_LIFE_SECONDS + SKEW_SECONDS:
        raise InvalidClient(f"exp has passed, or is more than {LONGEST_LIFE_SECONDS} seconds ahead")
    if not now - OLDEST_SECONDS - SKEW_SECONDS <= issued_at <= now + SKEW_SECONDS:
        raise InvalidClient("iat is in the future, or too long ago")
    if _instant(claims, "nbf", absent=now) > now + SKEW_SECONDS:
        raise InvalidClient("nbf is in the future")


def _check_restore(claims: Mapping[str, Any], restored_at: int | None, now: int) -> None:
    """Refuse what may have been used before a restore, whose backup knows nothing of it (replay, R4)."""
    if restored_at is None:
        return
    # Without iat it may be as old as exp allows; with one, its clock may be ahead of ours.
    known = "iat" in claims
    is_old = claims["iat"] <= restored_at + SKEW_SECONDS if known else now <= restored_at + LONGEST_LIFE_SECONDS
    if is_old:
        raise InvalidClient("it may have been used before everything was restored from a backup")


def _instant(claims: Mapping[str, Any], name: str, *, absent: float | None = None) -> float:
    """Return a NumericDate (RFC 7519 §2), in seconds, perhaps with a fraction."""
    value = claims.get(name, absent)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidClient(f"{name} is missing or not a number")
    return value


def _spend(claims: Mapping[str, Any], client: Client, context: Context) -> None:
    """Remember `jti` until the assertion has expired: once only, whichever instance is asked."""
    jti = claims.get("jti")
    # What is not printable may not be encodable either.
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not jti.isprintable():
        raise InvalidClient(f"jti is missing, or not a text of at most {LONGEST_JTI} printable characters")
    seen = Artifact(
        kind=KIND,
        handle_hash=digest(f"{client.client_id} {jti}"),
        payload={},
        created_at=context.now,
        expires_at=context.now + LONGEST_LIFE_SECONDS + 2 * SKEW_SECONDS,
    )
    if not context.uow.artifacts.add(seen):
        raise InvalidClient("jti was used before")


def check_jwks(value: Any, _draft: ClientDraft) -> dict[str, Any]:
    """Accept a JWK Set of public keys and keep those of kinds that are known (RFC 7591 §2, RFC 7517 §5)."""
    try:
        keys = parse_jwks(value)
    except InvalidToken as fault:
        raise InvalidClientMetadata(f"jwks: {fault.reason}.") from fault
    if not keys:
        raise InvalidClientMetadata(f"jwks has no usable key; {METHOD} needs one (RSA, EC or OKP).")
    return {"keys": [dict(jwk) for jwk in keys]}


def _default_jwks(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """An absent set is an empty one, and so refused, for a client that authenticates by its keys and does not say
    where they are."""
    needs_keys = metadata.get("token_endpoint_auth_method") == METHOD and metadata.get("jwks_uri") is None
    return {"keys": []} if needs_keys else None


def check_signing_alg(value: Any, draft: ClientDraft) -> str:
    """Accept an algorithm that the client's method knows (OIDC Registration §2)."""
    method = draft.metadata.get("token_endpoint_auth_method")
    known = ALGORITHMS_OF.get(method) if isinstance(method, str) else None
    if known is None:
        raise InvalidClientMetadata(f"token_endpoint_auth_signing_alg is for {METHOD} and {SECRET_METHOD} only.")
    return check_choice("token_endpoint_auth_signing_alg", known)(value, draft)


def server_metadata(_registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the members of OIDC Discovery §3 and RFC 8414 §2."""
    endpoints = ("token_endpoint", "revocation_endpoint", "introspection_endpoint")
    return {f"{name}_auth_signing_alg_values_supported": list(VERIFICATION_ALGORITHMS) for name in endpoints}


SPEC = Spec(
    name="client_assertions",
    document="RFC 7523",
    requires=("oauth2", "client_secrets"),
    token_parameters=(CLIENT_ASSERTION, CLIENT_ASSERTION_TYPE),
    client_authentication={
        method: ClientAuthentication(presented=is_presented(method), verify=verify_by(method))
        for method in ALGORITHMS_OF
    },
    client_metadata={
        "jwks": ClientMember(check=check_jwks, default=_default_jwks),
        "token_endpoint_auth_signing_alg": ClientMember(check=check_signing_alg),
    },
    server_metadata=server_metadata,
)
