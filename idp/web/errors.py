"""The one mapping from a refusal to an answer: JSON for clients, a challenge for resources, a page for people."""

from idp.languages import translatable as _
from idp.protocol.bearer import TokenMissing
from idp.protocol.errors import (
    Expired,
    InsufficientScope,
    InvalidClient,
    InvalidRequest,
    InvalidToken,
    ProtocolError,
)
from idp.protocol.messages import NO_STORE, Answer, Fields, Page, Request, json_response
from idp.protocol.spec import ErrorStyle
from idp.web.views import ErrorPage

REALM = "signet"

# What happened and what to do, in words for the End-User; without internals and without the request's input.
WORDS: dict[str, tuple[str, str, str]] = {
    "invalid_request": (
        _("This link does not work"),
        _("The application sent you here with a request that we cannot accept."),
        _("Go back to the application and try again. If it happens again, tell the people who run it."),
    ),
    "unknown_application": (
        _("We do not know this application"),
        _("The application that sent you here is not registered with us, or is switched off."),
        _("Go back to it and tell the people who run it."),
    ),
    "unregistered_uri": (
        _("This link leads to an unknown place"),
        _("The application wants you to be sent on to an address that it has not registered with us, so we do not."),
        _(
            "Go back to the application and try again. If that does not help, tell its people: "
            "the redirect URI is wrong."
        ),
    ),
    "bad_id_token_hint": (
        _("We cannot tell who this is about"),
        _("The application sent proof of a sign-in that is not ours, or that was changed."),
        _("Go back to the application and try again. If it happens again, tell the people who run it."),
    ),
    "interaction_expired": (
        _("This page has expired"),
        _("It was used already, or it has been open for too long."),
        _("Continue to start again; you will be taken to where you were going."),
    ),
    "link_expired": (
        _("This link does not work any more"),
        _("It was used already, it is too old, or a newer one was sent."),
        _("Ask for a new one where you asked for this one."),
    ),
    "forbidden": (
        _("We could not verify this page"),
        _("It was opened in another browser, or its cookie is gone."),
        _("Go back to the application and start again in this browser, with cookies allowed."),
    ),
    "temporarily_unavailable": (
        _("Please try again in a moment"),
        _("We cannot answer just now."),
        _("Nothing was lost. Wait a little, then reload this page."),
    ),
    "server_error": (
        _("Something went wrong on our side"),
        _("We could not finish what you asked for."),
        _("Try again. If it happens again, tell us the request id below."),
    ),
}
STATUS_WORDS: dict[int, tuple[str, str, str, str]] = {
    404: (
        "not_found",
        _("Page not found"),
        _("There is nothing at this address."),
        _("Check the address, or go back."),
    ),
    405: (
        "method_not_allowed",
        _("This cannot be done here"),
        _("The page does not take this kind of request."),
        _("Go back."),
    ),
    408: ("request_timeout", _("The request took too long"), _("It did not arrive in time."), _("Try again.")),
    413: (
        "content_too_large",
        _("That was too much"),
        _("The request is larger than we accept."),
        _("Send less, then try again."),
    ),
    414: (
        "uri_too_long",
        _("The address is too long"),
        _("The link is longer than we accept."),
        _("Go back and try again."),
    ),
    415: (
        "unsupported_media_type",
        _("We cannot read that"),
        _("The request has a form we do not take."),
        _("Go back."),
    ),
    421: (
        "misdirected_request",
        _("Wrong address"),
        _("This server does not answer under that name."),
        _("Check the address."),
    ),
    431: (
        "headers_too_large",
        _("The request is too large"),
        _("Your browser sent more than we accept."),
        _("Clear this site's cookies, then try again."),
    ),
}


class Refusals:
    """Makes answers of refusals. In development the page also shows the facts for the client's developer."""

    def __init__(self, *, development: bool) -> None:
        self._development = development

    def answer(self, error: ProtocolError, style: ErrorStyle, request: Request) -> Answer:
        """Return the answer to a refusal in the endpoint's style."""
        retry: Fields = ()
        if error.retry_after_seconds is not None:
            retry = (("retry-after", str(error.retry_after_seconds)),)
        if style is ErrorStyle.PAGE:
            return self._page(error)
        if style is ErrorStyle.BEARER and isinstance(error, InvalidRequest | InvalidToken | InsufficientScope):
            challenge = (("www-authenticate", _bearer_challenge(error)),)
            return json_response(error.members(), status=error.status, headers=(*NO_STORE, *challenge))
        if isinstance(error, InvalidClient) and request.authorization:
            # RFC 6749 §5.2: the challenge matches the scheme that the client used.
            retry += (("www-authenticate", f'Basic realm="{REALM}", charset="UTF-8"'),)
        return json_response(error.members(), status=error.status, headers=(*NO_STORE, *retry))

    def status_answer(self, status: int, style: ErrorStyle) -> Answer:
        """Return the answer to a request that no handler has seen: wrong method, too large, not found."""
        code, title, what, advice = STATUS_WORDS[status]
        if style is ErrorStyle.PAGE:
            return Page(facts=ErrorPage(title=title, message=what, advice=advice, error=code), status=status)
        return json_response({"error": "invalid_request", "error_description": what}, status=status)

    def _page(self, error: ProtocolError) -> Page:
        title, message, advice = WORDS.get(error.words or error.error, WORDS["invalid_request"])
        facts: tuple[tuple[str, str], ...] = ()
        if self._development:
            facts = (
                (_("What happened"), error.description),
                (_("What to change"), error.hint or "-"),
                *error.facts,
            )
        continue_url = error.continue_url if isinstance(error, Expired) else None
        if isinstance(error, Expired) and continue_url is None:
            advice = _("Go back to the application and start again.")
        view = ErrorPage(
            title=title,
            message=message,
            advice=advice,
            error=error.error,
            continue_url=continue_url,
            developer_facts=facts,
            retry_after_seconds=error.retry_after_seconds,
        )
        return Page(facts=view, status=error.status)


def _bearer_challenge(error: ProtocolError) -> str:
    """Return the challenge of RFC 6750 §3; without an error code when no token was sent (§3.1)."""
    if isinstance(error, TokenMissing):
        return f'Bearer realm="{REALM}"'
    members = error.members()
    return f'Bearer realm="{REALM}", ' + ", ".join(f'{name}="{value}"' for name, value in members.items())
