"""The one mapping from a refusal to an answer: JSON for clients, a challenge for resources, a page for people."""

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
        "This link does not work",
        "The application sent you here with a request that we cannot accept.",
        "Go back to the application and try again. If it happens again, tell the people who run it.",
    ),
    "unknown_application": (
        "We do not know this application",
        "The application that sent you here is not registered with us, or is switched off.",
        "Go back to it and tell the people who run it.",
    ),
    "unregistered_uri": (
        "This link leads to an unknown place",
        "The application wants you to be sent on to an address that it has not registered with us, so we do not.",
        "Go back to the application and try again. If that does not help, tell its people: the redirect URI is wrong.",
    ),
    "bad_id_token_hint": (
        "We cannot tell who this is about",
        "The application sent proof of a sign-in that is not ours, or that was changed.",
        "Go back to the application and try again. If it happens again, tell the people who run it.",
    ),
    "interaction_expired": (
        "This page has expired",
        "It was used already, or it has been open for too long.",
        "Continue to start again; you will be taken to where you were going.",
    ),
    "link_expired": (
        "This link does not work any more",
        "It was used already, it is too old, or a newer one was sent.",
        "Ask for a new one where you asked for this one.",
    ),
    "forbidden": (
        "We could not verify this page",
        "It was opened in another browser, or its cookie is gone.",
        "Go back to the application and start again in this browser, with cookies allowed.",
    ),
    "temporarily_unavailable": (
        "Please try again in a moment",
        "We cannot answer just now.",
        "Nothing was lost. Wait a little, then reload this page.",
    ),
    "server_error": (
        "Something went wrong on our side",
        "We could not finish what you asked for.",
        "Try again. If it happens again, tell us the request id below.",
    ),
}
STATUS_WORDS: dict[int, tuple[str, str, str, str]] = {
    404: ("not_found", "Page not found", "There is nothing at this address.", "Check the address, or go back."),
    405: ("method_not_allowed", "This cannot be done here", "The page does not take this kind of request.", "Go back."),
    408: ("request_timeout", "The request took too long", "It did not arrive in time.", "Try again."),
    413: (
        "content_too_large",
        "That was too much",
        "The request is larger than we accept.",
        "Send less, then try again.",
    ),
    414: ("uri_too_long", "The address is too long", "The link is longer than we accept.", "Go back and try again."),
    415: ("unsupported_media_type", "We cannot read that", "The request has a form we do not take.", "Go back."),
    421: ("misdirected_request", "Wrong address", "This server does not answer under that name.", "Check the address."),
    431: (
        "headers_too_large",
        "The request is too large",
        "Your browser sent more than we accept.",
        "Clear this site's cookies, then try again.",
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
            facts = (("What happened", error.description), ("What to change", error.hint or "-"), *error.facts)
        continue_url = error.continue_url if isinstance(error, Expired) else None
        if isinstance(error, Expired) and continue_url is None:
            advice = "Go back to the application and start again."
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
