"""The authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2): parse, check by phase, then ask the End-User for what
is due, respond, or refuse.

Page or redirect is decided here alone: until a check has set `target`, a refusal is a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from idp.protocol import interaction as interactions
from idp.protocol.context import Context
from idp.protocol.errors import Expired, Forbidden, ProtocolError
from idp.protocol.interaction import Interaction, PromptState
from idp.protocol.messages import Answer, Browser, Request, redirect
from idp.protocol.parameters import PROMPT, Params, read_fields
from idp.protocol.spec import Delivery, Phase, Prompt
from idp.randomness import digest, new_handle
from idp.stores.records import Account, Client, Session

CONTINUE_PATH = "/oauth2/authorize/continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTarget:
    """Where the response goes: a redirect URI known to be the client's, how, and the `state` to return."""

    redirect_uri: str
    mode: str
    state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """The request as far as it was checked. `known_client` is set in Phase.CLIENT, `target` in Phase.REDIRECT.
    `disclosed` are scopes that are not granted, but whose claims are asked for one by one (OIDC Core §5.5);
    `hinted_account_id` is the account that must be here. `fault` is a refusal found in Phase.SOURCE, kept until it is
    known where it may be told. `own_path` is the one of our own pages that asks, where no client does."""

    params: Params
    fault: ProtocolError | None = None
    known_client: Client | None = None
    target: ResponseTarget | None = None
    response_type: str = ""
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    hinted_account_id: str | None = None
    disclosed: tuple[str, ...] = ()
    own_path: str | None = None

    @property
    def client(self) -> Client:
        """The client; to be used from Phase.REDIRECT on."""
        if self.known_client is None:
            raise LookupError("no check of Phase.CLIENT has found the client")
        return self.known_client

    @property
    def scopes_to_consent(self) -> tuple[str, ...]:
        """The scopes that the End-User is asked about."""
        return (*self.scopes, *self.disclosed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """A request whose End-User is known and has agreed: what a response type makes its answer from."""

    request: AuthorizationRequest
    session: Session
    account: Account


def authorize(request: Request, context: Context) -> Answer:
    """Answer the authorization endpoint, GET and POST.

    A cross-site POST carries no SameSite=Lax cookie, so it cannot know the session: its request is stored and decided
    on the GET that follows."""
    arrived = AuthorizationRequest(params=read_fields(request, context.registry.parameters))
    checked = _check(arrived, context, first=Phase.SOURCE)
    if request.method == "GET" or isinstance(checked, _Refused):
        return _decide(checked, None, context)
    stored = interactions.begin(checked.params, None, context)
    return redirect(_flow_url(CONTINUE_PATH, stored.handle, context))


def visit(path: str, params: Params, context: Context) -> PromptState | Answer:
    """Let the End-User to one of the provider's own pages: return who it is, or the way to what has to be asked first,
    which ends at the page. All prompts are due here as they are for a client that is trusted and asks for no scope."""
    checked = _own_request(path, params, context)
    state = look(checked, None, context)
    due = due_prompt(state)
    return state if due is None else _ask(due[0], checked, None, context)


def resume(handle: str, context: Context) -> Answer:
    """Go on with a stored interaction: whatever is due next. Raises `Expired` or `Forbidden`."""
    interaction = interactions.load(handle, context)
    return proceed(interaction, context)


def proceed(interaction: Interaction, context: Context) -> Answer:
    """Decide a loaded interaction anew from its stored request; nothing is taken from the page (R16)."""
    return _decide(_check_stored(interaction, context), interaction, context)


def deny(interaction: Interaction, error: ProtocolError, context: Context) -> Answer:
    """End an interaction with a refusal to the client."""
    checked = check_again(interaction, context)
    interactions.finish(interaction, context)
    return _refuse(error, checked, context)


def check_again(interaction: Interaction, context: Context) -> AuthorizationRequest:
    """Return the stored request checked anew: the client may have changed since. Raises what no longer holds."""
    checked = _check_stored(interaction, context)
    if isinstance(checked, _Refused):
        raise checked.cause
    return checked


def look(checked: AuthorizationRequest, interaction: Interaction | None, context: Context) -> PromptState:
    """Return what the prompts look at, with the session that the request would go on with."""
    session = _choose_session(checked, interaction, context)
    return PromptState(
        params=checked.params,
        client=checked.client,
        scopes=checked.scopes_to_consent,
        resources=checked.resources,
        done=interaction.done if interaction else frozenset(),
        session=session,
        account=context.uow.accounts.find(session.account_id) if session else None,
        hinted_account_id=checked.hinted_account_id,
        context=context,
    )


def due_prompt(state: PromptState) -> tuple[Prompt, str] | None:
    """Return the first prompt that is due, with its reason."""
    for prompt in state.context.registry.prompts:
        reason = prompt.reason(state)
        if reason is not None:
            return prompt, reason
    return None


@dataclass(frozen=True, slots=True)
class _Refused:
    """A refusal together with the request as far as it was known good."""

    cause: ProtocolError
    request: AuthorizationRequest


def _check(request: AuthorizationRequest, context: Context, *, first: Phase) -> AuthorizationRequest | _Refused:
    """Run the checks from a phase on; a fault of Phase.SOURCE counts as soon as the redirect URI is known good."""
    for phase, check in context.registry.authorization_checks:
        if phase < first:
            continue
        if phase >= Phase.REQUEST and request.fault is not None:
            return _Refused(request.fault, request)
        try:
            request = check(request, context) or request
        except ProtocolError as cause:
            return _Refused(cause, request)
    return request


def _own_request(path: str, params: Params, context: Context) -> AuthorizationRequest:
    """Return the request of a page of ours: what no client sent needs none of the checks of what a client sends."""
    client = Client(client_id="", metadata={"client_name": context.settings.product_name}, first_party=True)
    return AuthorizationRequest(params=params, known_client=client, own_path=path)


def _check_stored(interaction: Interaction, context: Context) -> AuthorizationRequest | _Refused:
    if interaction.own_path is not None:
        return _own_request(interaction.own_path, interaction.params, context)
    return _check(AuthorizationRequest(params=interaction.params), context, first=Phase.CLIENT)


def _decide(checked: AuthorizationRequest | _Refused, interaction: Interaction | None, context: Context) -> Answer:
    if isinstance(checked, _Refused):
        return _refuse(checked.cause, checked.request, context)
    state = look(checked, interaction, context)
    try:
        due = due_prompt(state)
        if due is None:
            return _respond(checked, state, interaction, context)
        if "none" in (checked.params.get(PROMPT) or ()):
            raise due[0].refuse(due[1])
    except (Expired, Forbidden):
        raise
    except ProtocolError as error:
        return _refuse(error, checked, context)
    return _ask(due[0], checked, interaction, context)


def _choose_session(checked: AuthorizationRequest, interaction: Interaction | None, context: Context) -> Session | None:
    sessions = [session for _, session in context.browser_sessions]
    if interaction is not None and interaction.session_id is not None:
        return next((s for s in sessions if s.session_id == interaction.session_id), None)
    hinted = [s for s in sessions if s.account_id == checked.hinted_account_id]
    return next(iter(hinted or sessions), None)


def _ask(prompt: Prompt, checked: AuthorizationRequest, interaction: Interaction | None, context: Context) -> Answer:
    browser = context.request.browser
    browser_id = browser.browser_id or new_handle()
    changed = None
    if browser.browser_id is None:
        changed = replace(browser, browser_id=browser_id)
    if interaction is None:
        interaction = interactions.begin(checked.params, digest(browser_id), context, own_path=checked.own_path)
    elif interaction.browser_hash is None:
        interaction = replace(interaction, browser_hash=digest(browser_id))
        interactions.save(interaction, context)
    return redirect(_flow_url(prompt.path, interaction.handle, context), browser=changed)


def _respond(
    checked: AuthorizationRequest, state: PromptState, interaction: Interaction | None, context: Context
) -> Answer:
    if state.session is None or state.account is None:
        raise LookupError("no prompt asked for a session")
    if interaction is not None:
        interactions.finish(interaction, context)
    context.server.sessions.touch(context.uow, state.session, context.now)
    if checked.own_path is not None:
        return redirect(context.server.url(checked.own_path), browser=_active(state))
    authorized = Authorized(request=checked, session=state.session, account=state.account)
    response_type = context.registry.response_types[checked.response_type]
    context.audit(
        "authorization.granted",
        account_id=state.account.account_id,
        client_id=checked.client.client_id,
        session_id=state.session.session_id,
    )
    return _deliver(response_type.respond(authorized, context), checked, context, granted=True, browser=_active(state))


def _active(state: PromptState) -> Browser | None:
    """Return the browser with the session used put first, when it was not; the next request goes on with it."""
    context = state.context
    ordered = sorted(context.browser_sessions, key=lambda pair: pair[1] is not state.session)
    handles = tuple(handle for handle, _ in ordered)
    return None if handles == context.request.browser.session_handles else context.browser_with(*handles)


def _refuse(error: ProtocolError, request: AuthorizationRequest, context: Context) -> Answer:
    if request.own_path is not None:
        return redirect(context.server.url("/"))
    if request.target is None:
        raise error
    reason = {"reason": error.detail} if error.detail else {}
    context.audit("authorization.refused", result=error.error, client_id=request.client.client_id, **reason)
    return _deliver(error.members(), request, context, granted=False)


def _deliver(
    fields: Mapping[str, str],
    request: AuthorizationRequest,
    context: Context,
    *,
    granted: bool,
    browser: Browser | None = None,
) -> Answer:
    """Send the response to the client; `browser` is how the browser changes with it, if it does."""
    target = request.target
    if target is None:
        raise LookupError("no check of Phase.REDIRECT has set the target")
    delivery = Delivery(
        client=request.client, target=target, browser=browser or context.request.browser, granted=granted
    )
    members = dict(fields)
    if target.state is not None:
        members["state"] = target.state
    for contribute in context.registry.response_parameters:
        members |= contribute(delivery, context.settings)
    return replace(context.registry.response_modes[target.mode](target, members), browser=browser)


def _flow_url(path: str, handle: str, context: Context) -> str:
    return f"{context.server.url(path)}?flow={handle}"
