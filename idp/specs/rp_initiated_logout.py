"""OIDC RP-Initiated Logout 1.0: a relying party asks that the End-User be signed out everywhere.

With an ID Token of a session in this browser the End-User is signed out at once; without one they are asked (§2), for
anyone may send a browser here. The browser is redirected only to a URI that the client registered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from idp.accounts.mails import locale_of
from idp.protocol.client_metadata import check_plain_uris
from idp.protocol.context import Context
from idp.protocol.errors import BadIdTokenHint, Expired, UnregisteredUri
from idp.protocol.id_token_hints import verify_id_token_hint
from idp.protocol.interaction import check_form_token
from idp.protocol.messages import Answer, Browser, Page, Reader, Request, redirect, with_query
from idp.protocol.pages import SignedOutNotice, SignOutQuestion
from idp.protocol.parameters import (
    CLIENT_ID,
    ID_TOKEN_HINT,
    STATE,
    UI_LOCALES,
    Parameter,
    Params,
    each_once,
    parse_text,
    read_fields,
)
from idp.protocol.spec import ClientMember, Endpoint, ErrorStyle, Spec
from idp.randomness import digest, new_handle
from idp.stores.records import Artifact, Client, Session

KIND = "logout"
POSTED = "posted_logout"
PATH = "/oauth2/logout"
CONFIRM_PATH = "/oauth2/logout/confirm"
POST_LOGOUT_REDIRECT_URI = Parameter(name="post_logout_redirect_uri", parse=parse_text)
LOGOUT_HINT = Parameter(name="logout_hint", parse=parse_text)
KNOWN: Mapping[str, Parameter[Any]] = {
    parameter.name: parameter
    for parameter in (ID_TOKEN_HINT, LOGOUT_HINT, CLIENT_ID, POST_LOGOUT_REDIRECT_URI, STATE, UI_LOCALES)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A checked logout request. `session_id` is that of the hint; `return_uri` is complete, `state` included."""

    client: Client | None
    session_id: str | None
    account_id: str | None
    return_uri: str | None


def handle_logout(request: Request, context: Context) -> Answer:
    """Answer the end session endpoint, GET and POST (§2).

    A cross-site POST carries no SameSite=Lax cookie, so it cannot know the session: its parameters are checked, stored,
    and decided on the GET that follows."""
    params = _stored_params(request, context) or read_fields(request, KNOWN)
    logout = check_logout_request(params, context)
    if request.method == "POST":
        return redirect(f"{context.server.url(PATH)}?flow={_store_params(params, context)}")
    sessions = [session for _, session in context.browser_sessions]
    session = next((s for s in sessions if s.session_id == logout.session_id), None)
    if session is not None:
        return sign_out((session,), logout, context)
    if not sessions:
        return _signed_out((), logout, context)
    # A hint of someone who is not signed in here must not sign out someone else unasked (R5).
    return _ask(sessions[0], logout, context)


def _store_params(params: Params, context: Context) -> str:
    handle = new_handle()
    context.uow.artifacts.add(
        Artifact(
            kind=POSTED,
            handle_hash=digest(handle),
            payload=params.pairs(),
            created_at=context.now,
            expires_at=context.now + context.settings.lifetimes.interaction_seconds,
        )
    )
    return handle


def _stored_params(request: Request, context: Context) -> Params | None:
    handle = dict(request.query).get("flow") if request.method == "GET" else None
    if handle is None:
        return None
    posted = context.uow.artifacts.consume(POSTED, digest(handle), context.now)
    if posted is None:
        raise Expired("This page was already used or is too old.")
    return Params.stored(posted.payload)


def check_logout_request(params: Params, context: Context) -> LogoutRequest:
    """Check hint, client and URI against each other; raises `InvalidRequest`, always shown as a page (§4)."""
    claims = _hint_claims(params, context)
    client_id = params.get(CLIENT_ID)
    if claims and client_id not in (None, claims["aud"]):
        raise BadIdTokenHint("client_id is not the client that id_token_hint was issued to.")
    client = context.uow.clients.find(claims["aud"] if claims else client_id or "")
    return LogoutRequest(
        client=client,
        session_id=claims.get("sid"),
        account_id=claims.get("sub"),
        return_uri=_return_uri(params, client, bool(claims)),
    )


def _hint_claims(params: Params, context: Context) -> Mapping[str, Any]:
    hint = params.get(ID_TOKEN_HINT)
    if hint is None:
        return {}
    return verify_id_token_hint(hint, context)


def _return_uri(params: Params, client: Client | None, has_hint: bool) -> str | None:
    uri = params.get(POST_LOGOUT_REDIRECT_URI)
    if uri is None:
        return None
    registered = client.values("post_logout_redirect_uris") if client and client.enabled else ()
    if uri not in registered:
        raise UnregisteredUri(
            "post_logout_redirect_uri is not one that the client registered.",
            hint="It must equal a registered one character by character.",
            facts=(("Sent post_logout_redirect_uri", uri), *(("Registered", known) for known in registered)),
        )
    if not has_hint:
        # §3: without the hint nobody knows that the request is the client's; the notice offers a link instead.
        return None
    state = params.get(STATE)
    return with_query(uri, {"state": state}) if state is not None else uri


def _ask(session: Session, logout: LogoutRequest, context: Context) -> Answer:
    handle = new_handle()
    context.uow.artifacts.add(
        Artifact(
            kind=KIND,
            handle_hash=digest(handle),
            payload={
                "session_id": session.session_id,
                "client_id": logout.client.client_id if logout.client else None,
                "return_uri": logout.return_uri,
            },
            created_at=context.now,
            expires_at=context.now + context.settings.lifetimes.interaction_seconds,
        )
    )
    account = context.uow.accounts.find(session.account_id)
    browser = context.request.browser
    return Page(
        browser=None if browser.browser_id else replace(browser, browser_id=new_handle()),
        facts=SignOutQuestion(
            flow=handle,
            account_name=account.username if account else "",
            client_name=logout.client.name if logout.client else None,
            return_uri=logout.return_uri,
        ),
        reader=Reader(account_locale=locale_of(account) if account else None),
    )


def handle_confirm(request: Request, context: Context) -> Answer:
    """Sign out after the End-User agreed. Raises `Forbidden` for a form that is not ours, `Expired` for a spent one."""
    form = each_once(request.form)
    handle = form.get("flow", "")
    check_form_token(handle, request.browser, form.get("csrf_token", ""))
    artifact = context.uow.artifacts.consume(KIND, digest(handle), context.now)
    if artifact is None:
        raise Expired("This page was already used or is too old.")
    client = context.uow.clients.find(artifact.payload["client_id"] or "")
    logout = LogoutRequest(client=client, session_id=None, account_id=None, return_uri=artifact.payload["return_uri"])
    asked_about = artifact.payload["session_id"]
    sessions = tuple(s for _, s in context.browser_sessions if s.session_id == asked_about)
    return sign_out(sessions, logout, context)


def sign_out(sessions: tuple[Session, ...], logout: LogoutRequest, context: Context) -> Answer:
    """End these sessions of this browser and tell the relying parties; go on to `return_uri`, by way of a page where
    some of them are told by frames."""
    told: set[str] = set()
    frames: tuple[str, ...] = ()
    for session in sessions:
        for name in context.registry.sign_out_frames:
            frames += name(context.uow, session, context.settings)
        told |= set(context.uow.grants.client_ids_of_session(session.session_id))
        context.server.sessions.end(context.uow, session.session_id, context.now)
        context.audit("session.signed_out", account_id=session.account_id, session_id=session.session_id)
    return _signed_out(tuple(sorted(told)), logout, context, frames)


def _signed_out(told: tuple[str, ...], logout: LogoutRequest, context: Context, frames: tuple[str, ...] = ()) -> Answer:
    browser = _remaining(context)
    if logout.return_uri is not None and not frames:
        return redirect(logout.return_uri, browser=browser)
    clients = [client for client_id in told if (client := context.uow.clients.find(client_id))]
    return Page(
        facts=SignedOutNotice(
            client_names=tuple(client.name for client in clients),
            return_name=logout.client.name if logout.client else None,
            return_uri=logout.return_uri or (logout.client.value("client_uri") if logout.client else None),
            frame_uris=frames,
            continue_uri=logout.return_uri,
        ),
        browser=browser,
    )


def _remaining(context: Context) -> Browser:
    """Return the browser without the handles of sessions that have ended."""
    handles = tuple(
        handle
        for handle, session in context.browser_sessions
        if (found := context.uow.sessions.find(session.session_id)) is not None and found.ended_at is None
    )
    return context.browser_with(*handles)


SPEC = Spec(
    name="rp_initiated_logout",
    document="OIDC RP-Initiated Logout 1.0",
    requires=("oidc_core",),
    client_metadata={
        "post_logout_redirect_uris": ClientMember(check=check_plain_uris("post_logout_redirect_uris"), default=()),
    },
    endpoints=(
        Endpoint(
            path=PATH,
            methods=("GET", "POST"),
            handle=handle_logout,
            metadata="end_session_endpoint",
            errors=ErrorStyle.PAGE,
        ),
        Endpoint(path=CONFIRM_PATH, methods=("POST",), handle=handle_confirm, errors=ErrorStyle.PAGE),
    ),
)
