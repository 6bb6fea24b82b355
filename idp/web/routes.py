"""Every path that is served, and the application that serves them: what is not listed here does not exist."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.routing import Route, Router
from starlette.types import Lifespan, Receive, Scope, Send

from idp.accounts import alarms, emails, recovery
from idp.accounts import sign_up as sign_ups
from idp.authentication.ceremonies import RelyingParty
from idp.authentication.new_passwords import NewPasswords
from idp.authentication.second_factors import SecondFactors
from idp.authentication.sign_in import SignIn
from idp.outbound.development_mail import DevelopmentMail
from idp.protocol.registry import Registry
from idp.protocol.spec import ErrorStyle
from idp.settings import Settings
from idp.web.edge import Edge
from idp.web.health import HEALTH_ACTIONS
from idp.web.pages import (
    accounts,
    add_passkey,
    consent,
    email_confirm,
    entering,
    home,
    keep_account,
    kept_mails,
    not_me,
    passkeys,
    password_forgotten,
    password_reset,
    second_factor,
    set_up,
    sign_in,
    sign_up,
    sign_up_finish,
)
from idp.web.pages.account import email
from idp.web.pages.account.actions import account_actions
from idp.web.pages.language import LANGUAGE_ACTION
from idp.web.routing import Action, endpoint_action
from idp.web.static import static_actions
from idp.web.theming import Theme, theme_of

NOWHERE = Action(path="", methods=(), handle=home.handle_home, errors=ErrorStyle.PAGE)


def page_actions(verifier: SignIn, second_factors: SecondFactors) -> tuple[Action, ...]:
    """Return the hosted pages."""
    handle_sign_in = sign_in.sign_in_handler(verifier)
    handle_second_factor = second_factor.second_factor_handler(second_factors)
    return (
        Action(path=entering.SECOND_FACTOR_PATH, methods=("GET", "POST"), handle=handle_second_factor),
        Action(path=entering.SET_UP_PATH, methods=("GET", "POST"), handle=set_up.handle_set_up),
        Action(path=entering.KEEP_PATH, methods=("GET", "POST"), handle=keep_account.handle_keep),
        Action(path=passkeys.ADD_PASSKEY_PATH, methods=("GET", "POST"), handle=add_passkey.handle_add_passkey),
        Action(path=sign_in.PATH, methods=("GET", "POST"), handle=handle_sign_in, hashes=True),
        Action(path=consent.PATH, methods=("GET", "POST"), handle=consent.handle_consent),
        Action(path=accounts.PATH, methods=("GET", "POST"), handle=accounts.handle_accounts),
        Action(path="/", methods=("GET",), handle=home.handle_home),
        LANGUAGE_ACTION,
    )


def recovery_actions(
    new_passwords: NewPasswords, settings: Settings, kept: DevelopmentMail | None
) -> tuple[Action, ...]:
    """Return the pages of recovery. Links come by mail or from an operator, so one of them is there in any case."""
    reset = password_reset.password_reset_handler(new_passwords)
    found = [Action(path=recovery.PATH, methods=("GET", "POST"), handle=reset, hashes=True)]
    if settings.sends_mail:
        handle = password_forgotten.handle_forgotten
        found.append(Action(path=password_forgotten.PATH, methods=("GET", "POST"), handle=handle))
        confirm = email_confirm.handle_email_confirm
        found.append(Action(path=emails.PATH, methods=("GET", "POST"), handle=confirm))
        found.append(Action(path=alarms.PATH, methods=("GET", "POST"), handle=not_me.handle_not_me))
        found.append(Action(path=email.PATH, methods=("GET", "POST"), handle=email.handle))
    if kept is not None:
        found.append(Action(path=kept_mails.PATH, methods=("GET",), handle=kept_mails.kept_mails_handler(kept)))
    return tuple(found)


def sign_up_actions(new_passwords: NewPasswords, settings: Settings) -> tuple[Action, ...]:
    """Return the pages of sign-up that the settings allow; who is invited has a link, and needs the last one only."""
    found = []
    if settings.sign_up.is_asked_for:
        found.append(Action(path=sign_ups.PATH, methods=("GET", "POST"), handle=sign_up.handle_sign_up))
    if settings.sign_up.is_on:
        finish = sign_up_finish.finish_handler(new_passwords)
        found.append(Action(path=sign_ups.FINISH_PATH, methods=("GET", "POST"), handle=finish, hashes=True))
    return tuple(found)


def actions(
    registry: Registry, verifier: SignIn, new_passwords: NewPasswords, second_factors: SecondFactors, theme: Theme
) -> tuple[Action, ...]:
    """Return all actions under the issuer that are there whatever the settings say."""
    endpoints = tuple(endpoint_action(e) for e in registry.endpoints.values() if not e.at_root)
    pages = (*page_actions(verifier, second_factors), *account_actions(verifier, new_passwords))
    return (*endpoints, *pages, *static_actions(theme), *HEALTH_ACTIONS)


class One:
    """Answers by one action, whatever the path; a WebSocket is turned away, for nothing here speaks it."""

    def __init__(self, edge: Edge, action: Action) -> None:
        self._edge, self._action = edge, action

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        await self._edge.serve(self._action, scope, receive, send)


class Dispatch:
    """The ASGI application: answers by exact path, and leaves the rest to Starlette's router. That tries one path after
    the other, which is only needed where a path has a pattern, and keeps the lifespan."""

    def __init__(self, edge: Edge, actions: Mapping[str, Action], otherwise: Router) -> None:
        self._edge, self._actions, self._otherwise = edge, actions, otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        action = self._actions.get(scope["path"]) if scope["type"] == "http" else None
        if action is None:
            await self._otherwise(scope, receive, send)
        else:
            await self._edge.serve(action, scope, receive, send)


def actions_by_path(edge: Edge, settings: Settings, found: Iterable[Action]) -> dict[str, Action]:
    """Return what is served: everything under the issuer's path, and the RFC 8414 address before it (§3.1)."""
    prefix = urlsplit(settings.issuer).path
    by_path = {prefix + action.path: action for action in found}
    for endpoint in edge.server.registry.endpoints.values():
        if endpoint.at_root:
            by_path[endpoint.path + prefix] = endpoint_action(endpoint)
    if prefix:
        by_path[prefix] = by_path[prefix + "/"]
        by_path |= {action.path: action for action in HEALTH_ACTIONS}
    return by_path


def build_application(
    edge: Edge,
    settings: Settings,
    verifier: SignIn,
    new_passwords: NewPasswords,
    lifespan: Lifespan[None],
    kept: DevelopmentMail | None = None,
) -> Dispatch:
    """Return the ASGI application. `kept` are the mails of development, which have a page."""
    relying_party = RelyingParty.of(settings.issuer, settings.product_name)
    second_factors = SecondFactors(edge.server.vault, edge.server.throttle, relying_party)
    found = (
        *actions(edge.server.registry, verifier, new_passwords, second_factors, theme_of(settings)),
        *recovery_actions(new_passwords, settings, kept),
        *sign_up_actions(new_passwords, settings),
    )
    by_path = actions_by_path(edge, settings, found)
    patterns = [Route(path, One(edge, action)) for path, action in by_path.items() if "{" in path]
    # Starlette's redirect to the path with a slash copies the Host header (R13).
    rest = Router(routes=patterns, redirect_slashes=False, default=One(edge, NOWHERE), lifespan=lifespan)
    return Dispatch(edge, by_path, rest)
