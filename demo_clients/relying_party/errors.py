"""What can go wrong while signing in or using tokens, in words for the person in front of the page.

A boundary (`error_pages`, the command line of the native app) turns these into a page or a line of text.
`detail` comes from outside (an `error_description`, say) and is always escaped and shortened where it is shown.
"""

from typing import ClassVar


class RelyingPartyError(Exception):
    """Base of all refusals. `reason` says what happened, `remedy` what to do next."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "That did not work"

    def __init__(self, reason: str, *, remedy: str = "", detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.detail = detail


class SignInRefused(RelyingPartyError):
    """The answer to an authorization request, or a token in it, failed a check. Nobody was signed in."""

    title = "Sign-in refused"


class SignInDeclined(RelyingPartyError):
    """The provider answered with an error of RFC 6749 §4.1.2.1 or OIDC Core §3.1.2.6: no attack, no sign-in."""

    title = "You are not signed in"


class SignInNeeded(RelyingPartyError):
    """The page is for somebody who is signed in."""

    status = 403
    title = "Please sign in"


class SignInEnded(RelyingPartyError):
    """The provider no longer renews the tokens of this session (`invalid_grant` on refresh, RFC 6749 §5.2)."""

    status = 403
    title = "Your sign-in has ended"


class TokenRequestRefused(RelyingPartyError):
    """The token endpoint refused for another reason than a dead grant, `invalid_target` for example."""

    status = 502
    title = "The sign-in service refused a token"


class FormRefused(RelyingPartyError):
    """A form was posted from another site, or from a page of an earlier session (RFC 9700 §4.7)."""

    status = 403
    title = "That form is out of date"


class ProviderUnavailable(RelyingPartyError):
    """The provider could not be reached, took too long, or answered 5xx."""

    status = 503
    title = "The sign-in service is away"


class ProviderMisbehaved(RelyingPartyError):
    """The provider answered something that no relying party should build on."""

    status = 502
    title = "The sign-in service gave a wrong answer"
