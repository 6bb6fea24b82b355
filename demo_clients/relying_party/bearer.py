"""The guard of an API (a protected resource): RFC 6750 §2.1, §3 with JWT access tokens of RFC 9068, RFC 9470 §3.

The API decides by itself: it asks nobody, it verifies the signature with the provider's published keys. A refusal
says why, in the answer and in `WWW-Authenticate`. Tokens in the query or in a form are refused (RFC 9700 §4.3.2).
"""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo_clients.relying_party.access_token import roles_of, scopes_of, verify_access_token
from demo_clients.relying_party.checks import Verdict
from demo_clients.relying_party.claim_checks import CLOCK_SKEW_SECONDS, Claims, instant
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.step_up import INSUFFICIENT_AUTHENTICATION

_CREDENTIALS = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")  # RFC 6750 §2.1, RFC 9110 §11.1


@dataclass(frozen=True, slots=True)
class ApiPolicy:
    """What a caller of the API needs: a token for `resource` with the scope and the role.

    Where `acr_values` are given, the End-User behind the token signed in by one of these classes, at most
    `max_age_seconds` ago (RFC 9470 §3).
    """

    realm: str
    resource: str
    scope: str
    role: str
    acr_values: tuple[str, ...] = ()
    max_age_seconds: int = 0


class BearerRefused(Exception):
    """A refusal of RFC 6750 §3.1. `error` is empty when no token was sent; `description` is fixed ASCII text."""

    def __init__(self, status: int, error: str, description: str, *, scope: str = "") -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description
        self.scope = scope


async def check_bearer(party: RelyingParty, request: Request, policy: ApiPolicy) -> Claims:
    """The claims of a token that may pass. Raises BearerRefused; ProviderUnavailable when there are no keys."""
    verdict = await verify_access_token(
        _bearer_token(request),
        issuer=party.settings.issuer,
        resource=policy.resource,
        keys=party.keys,
        now=party.now(),
    )
    if verdict.refusal is not None:
        raise BearerRefused(401, "invalid_token", f"{verdict.refusal.name}: {verdict.refusal.reason}")
    if party.ended_sessions.covers(verdict.claims):
        raise BearerRefused(401, "invalid_token", "session: The session that this token belongs to has ended.")
    _check_privileges(verdict, policy)
    if policy.acr_values:
        _check_assurance(verdict.claims, policy, party.now())
    return verdict.claims


def render_refusal(refusal: BearerRefused, policy: ApiPolicy) -> Response:
    """The answer with its challenge (RFC 6750 §3, RFC 9110 §11.6.1)."""
    attributes = [("realm", policy.realm), ("error", refusal.error), ("error_description", refusal.description)]
    attributes.append(("scope", refusal.scope))
    if refusal.error == INSUFFICIENT_AUTHENTICATION:
        attributes += [("acr_values", " ".join(policy.acr_values)), ("max_age", str(policy.max_age_seconds))]
    if not refusal.error:
        # Nobody tried to authenticate: the challenge carries no error (RFC 6750 §3.1).
        attributes = attributes[:1]
    challenge = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in attributes if value)
    body = {"error": refusal.error or "missing_token", "error_description": refusal.description}
    headers = {"WWW-Authenticate": challenge, "Cache-Control": "no-store"}
    return JSONResponse(body, status_code=refusal.status, headers=headers)


def _bearer_token(request: Request) -> str:
    if "access_token" in request.query_params:
        raise BearerRefused(400, "invalid_request", "A token in the address is not accepted; send it in a header.")
    credentials = request.headers.getlist("authorization")
    if not credentials:
        raise BearerRefused(401, "", "The request has no access token.")
    if len(credentials) > 1:
        raise BearerRefused(400, "invalid_request", "The request has more than one Authorization header.")
    if not credentials[0].lower().startswith("bearer"):
        raise BearerRefused(401, "", "The request has no bearer token.")
    match = _CREDENTIALS.fullmatch(credentials[0])
    if match is None:
        raise BearerRefused(400, "invalid_request", "The Authorization header is not well-formed.")
    return match.group(1)


def _check_privileges(verdict: Verdict, policy: ApiPolicy) -> None:
    if policy.scope not in scopes_of(verdict):
        description = f"The token does not have the scope {policy.scope}."
        raise BearerRefused(403, "insufficient_scope", description, scope=policy.scope)
    if policy.role not in roles_of(verdict):
        raise BearerRefused(403, "insufficient_scope", f"The caller does not have the role {policy.role}.")


def _check_assurance(claims: Claims, policy: ApiPolicy, now: int) -> None:
    """The token is good, but does not show a sign-in that is strong and recent enough (RFC 9470 §3)."""
    if claims.get("acr") not in policy.acr_values:
        description = "The sign-in behind this token was not strong enough for this."
        raise BearerRefused(401, INSUFFICIENT_AUTHENTICATION, description)
    signed_in_at = instant(claims, "auth_time")
    if signed_in_at is None or now - signed_in_at > policy.max_age_seconds + CLOCK_SKEW_SECONDS:
        description = "The sign-in behind this token was too long ago for this."
        raise BearerRefused(401, INSUFFICIENT_AUTHENTICATION, description)
