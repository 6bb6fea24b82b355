"""Checks of an authorization response that need nothing but its parameters (RFC 6749 §4.1.2, RFC 9207)."""

import hmac

from starlette.datastructures import QueryParams

from demo_clients.relying_party.errors import SignInDeclined, SignInRefused

START_AGAIN = "Nobody was signed in. Please start again from the front page."
_SINGLE_PARAMETERS = ("state", "code", "iss", "error", "error_description")

_DECLINED = {
    "access_denied": "You, or the sign-in service, said no to signing in here.",
    "login_required": "The sign-in service wants you to sign in there first.",
    "unmet_authentication_requirements": "The sign-in service cannot sign you in as strongly as this needs.",
    "temporarily_unavailable": "The sign-in service is too busy at the moment.",
}


def check_response_issuer(issuer: str, query: QueryParams, *, required: bool = True) -> None:
    """Refuse an answer with another `iss` than ours or, if it is `required`, with none: mix-up, RFC 9207 §2.4.

    Authlib does not check it."""
    if "iss" not in query and not required:
        return
    if not hmac.compare_digest(query.get("iss", "").encode(), issuer.encode()):
        raise SignInRefused(
            "The answer does not come from the sign-in service that was asked.",
            remedy=START_AGAIN,
            detail=f"iss: {query.get('iss', 'missing')}",
        )


def check_not_repeated(query: QueryParams) -> None:
    """Refuse an answer that states one thing twice: two readers would take two things from it."""
    if any(len(query.getlist(name)) > 1 for name in _SINGLE_PARAMETERS):
        raise SignInRefused("The answer states the same thing twice.", remedy=START_AGAIN)


def declined(query: QueryParams) -> SignInDeclined:
    """The refusal for an answer with `error` (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6)."""
    error = query.get("error", "")
    return SignInDeclined(
        _DECLINED.get(error, "The sign-in service could not sign you in."),
        remedy="You can try again from the front page.",
        detail=f"{error}: {query.get('error_description', 'no description')}",
    )
