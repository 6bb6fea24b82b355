"""RFC 6749 §4.1: the authorization code.

A code lives at most 60 seconds, is redeemed once, and remembers: a replay revokes all that came from it (§4.1.2). A
code that was sent with a wrong client, redirect URI or verifier is burnt, for it was seen by someone else.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from idp.accounts.grants import needed_consent
from idp.accounts.subjects import subject_of
from idp.protocol.assurance import acr_to_tell
from idp.protocol.authorization import Authorized
from idp.protocol.claims_request import claims_to_remember
from idp.protocol.context import Context
from idp.protocol.errors import InvalidGrant
from idp.protocol.issuance import Issuance
from idp.protocol.parameters import REDIRECT_URI, Parameter, Params, parse_text
from idp.protocol.spec import GrantType, ResponseType, Spec
from idp.randomness import digest, new_handle, new_identifier
from idp.stores.records import Account, Artifact, Client, Grant

KIND = "authorization_code"
CODE = Parameter(name="code", parse=parse_text)


def respond_with_code(authorized: Authorized, context: Context) -> Mapping[str, str]:
    """Store a new code with all that the token request will need, and return it (RFC 6749 §4.1.2)."""
    code, grant_id = new_handle(), new_identifier()
    request, session = authorized.request, authorized.session
    context.uow.artifacts.add(
        Artifact(
            kind=KIND,
            handle_hash=digest(code),
            grant_id=grant_id,
            payload={
                "client_id": request.client.client_id,
                "account_id": session.account_id,
                "session_id": session.session_id,
                "redirect_uri": request.params.require(REDIRECT_URI),
                "scopes": list(request.scopes),
                "resources": list(request.resources),
                "authenticated_at": session.authenticated_at,
                "acr": acr_to_tell(request.params, request.client, session.acr, context),
                "amr": list(session.amr),
                "carried": request.params.select(context.registry.carried),
            },
            created_at=context.now,
            expires_at=context.now + context.settings.lifetimes.code_seconds,
        )
    )
    return {"code": code}


def redeem_code(params: Params, client: Client, context: Context) -> Issuance:
    """Redeem a code (RFC 6749 §4.1.3). Consumes it in one statement, whatever comes after."""
    code_hash = digest(params.require(CODE))
    artifact = context.uow.artifacts.consume(KIND, code_hash, context.now)
    if artifact is None:
        _refuse_spent(code_hash, client, context)
    payload = artifact.payload
    if payload["client_id"] != client.client_id:
        context.audit("code.misused", result="invalid_grant", client_id=client.client_id)
        raise InvalidGrant("The code was issued to another client (RFC 6749 section 4.1.3).")
    # Code injection, RFC 9700 §4.5: every binding must hold, not one of them.
    if params.require(REDIRECT_URI) != payload["redirect_uri"]:
        raise InvalidGrant("The redirect_uri differs from that of the authorization request.")
    account = _live_account(payload, client, context)
    grant = _new_grant(artifact, context)
    return Issuance(
        client=client,
        account=account,
        subject=subject_of(context.uow, client, account.account_id),
        grant=grant,
        is_new=True,
        scopes=grant.scopes,
        audience=grant.resources or (context.settings.issuer,),
        carried=Params.stored(payload["carried"]),
    )


def _refuse_spent(code_hash: str, client: Client, context: Context) -> NoReturn:
    found = context.uow.artifacts.find(KIND, code_hash)
    if found is not None and found.consumed_at is not None and found.grant_id:
        # RFC 6749 §4.1.2: someone else holds the code too, so nothing that came from it can be trusted.
        context.uow.grants.revoke(found.grant_id, context.now)
        context.audit("code.replayed", result="invalid_grant", client_id=client.client_id)
    raise InvalidGrant("The code is unknown, expired or was used before (RFC 6749 section 4.1.2).")


def _live_account(payload: Mapping[str, Any], client: Client, context: Context) -> Account:
    """Return the account if it and its session still stand, and what it agreed to: a sign-out, or access taken away,
    between code and token wins (R7)."""
    uow, account_id = context.uow, payload["account_id"]
    if not client.first_party:
        # Held: whoever withdraws the consent now will see the grant that is about to be made, and revoke it.
        uow.accounts.hold(account_id)
        if needed_consent(uow.consents.find(account_id, client.client_id), payload["scopes"]):
            raise InvalidGrant("The End-User has taken the client's access away.")
    # Held: whoever ends the session now will see the grant that is about to be made, and revoke it.
    session, account = uow.sessions.hold_with_account(payload["session_id"]) or (None, None)
    if account is None or not account.is_open or session is None or session.ended_at is not None:
        raise InvalidGrant("The End-User's session has ended.")
    return account


def _new_grant(artifact: Artifact, context: Context) -> Grant:
    payload = artifact.payload
    return Grant(
        grant_id=artifact.grant_id or new_identifier(),
        client_id=payload["client_id"],
        account_id=payload["account_id"],
        session_id=payload["session_id"],
        scopes=tuple(payload["scopes"]),
        resources=tuple(payload["resources"]),
        authenticated_at=payload["authenticated_at"],
        acr=payload["acr"],
        amr=tuple(payload["amr"]),
        offline="offline_access" in payload["scopes"],
        requested_claims=claims_to_remember(Params.stored(payload["carried"])),
        created_at=context.now,
        expires_at=context.now + context.settings.lifetimes.grant_seconds,
    )


SPEC = Spec(
    name="authorization_code",
    document="RFC 6749 section 4.1",
    requires=("oauth2",),
    token_parameters=(CODE,),
    response_types={"code": ResponseType(respond=respond_with_code)},
    grant_types={"authorization_code": GrantType(redeem=redeem_code)},
)
