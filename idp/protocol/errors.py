"""Refusals that the standards foresee: answers, not crashes.

The raiser chooses *what* is refused; the boundary (`idp.web.errors`, `idp.protocol.authorization`) chooses *how* it is
told: page, redirect, JSON or `WWW-Authenticate`. The unit of work commits on a refusal, so check first and write only
what must last.
"""

from typing import ClassVar


def sanitise(text: str) -> str:
    """Return `text` with every character that RFC 6749 §5.2 forbids in `error_description` replaced by `?`."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)


class ProtocolError(Exception):
    """A refusal. `description` is for the client's developer and never echoes input; `hint` says what to change;
    `detail` goes to the log only; `facts` are (label, value) pairs shown on the page in development; `words` names
    what a page tells the End-User where the error code alone says too little."""

    error: ClassVar[str] = "server_error"
    words: ClassVar[str] = ""
    status: ClassVar[int] = 400
    retry_after_seconds: int | None = None

    def __init__(
        self,
        description: str,
        *,
        hint: str = "",
        detail: str = "",
        facts: tuple[tuple[str, str], ...] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(description)
        self.description = sanitise(description)
        self.hint = sanitise(hint)
        self.detail = detail
        self.facts = facts
        self.retry_after_seconds = retry_after_seconds

    def members(self) -> dict[str, str]:
        """Return the members of an error response (RFC 6749 §5.2)."""
        text = f"{self.description} {self.hint}".strip()
        return {"error": self.error, "error_description": text} if text else {"error": self.error}


class InvalidRequest(ProtocolError):
    """RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1."""

    error = "invalid_request"


class UnknownApplication(InvalidRequest):
    """The client_id is that of no client, or of a disabled one; one text for both, so that neither is told apart."""

    words = "unknown_application"


class UnregisteredUri(InvalidRequest):
    """A redirect_uri or post_logout_redirect_uri that the client did not register (RFC 9700 §2.1)."""

    words = "unregistered_uri"


class BadIdTokenHint(InvalidRequest):
    """An id_token_hint that is not an ID Token of ours for this client."""

    words = "bad_id_token_hint"


class InvalidClient(ProtocolError):
    """RFC 6749 §5.2: client authentication failed. One text for every reason, so that none is told apart."""

    error = "invalid_client"
    status = 401

    def __init__(self, detail: str) -> None:
        super().__init__("Client authentication failed (RFC 6749 section 5.2).", detail=detail)


class InvalidGrant(ProtocolError):
    """RFC 6749 §5.2."""

    error = "invalid_grant"


class UnauthorizedClient(ProtocolError):
    """RFC 6749 §4.1.2.1, §5.2."""

    error = "unauthorized_client"


class UnsupportedGrantType(ProtocolError):
    """RFC 6749 §5.2."""

    error = "unsupported_grant_type"


class UnsupportedResponseType(ProtocolError):
    """RFC 6749 §4.1.2.1."""

    error = "unsupported_response_type"


class InvalidScope(ProtocolError):
    """RFC 6749 §4.1.2.1, §5.2."""

    error = "invalid_scope"


class InvalidTarget(ProtocolError):
    """RFC 8707 §2."""

    error = "invalid_target"


class AccessDenied(ProtocolError):
    """RFC 6749 §4.1.2.1."""

    error = "access_denied"
    status = 403


class LoginRequired(ProtocolError):
    """OIDC Core §3.1.2.6."""

    error = "login_required"


class InteractionRequired(ProtocolError):
    """OIDC Core §3.1.2.6."""

    error = "interaction_required"


class ConsentRequired(ProtocolError):
    """OIDC Core §3.1.2.6."""

    error = "consent_required"


class AccountSelectionRequired(ProtocolError):
    """OIDC Core §3.1.2.6."""

    error = "account_selection_required"


class UnmetAuthenticationRequirements(ProtocolError):
    """OIDC Unmet Authentication Requirements 1.0 §2."""

    error = "unmet_authentication_requirements"


class InvalidRequestObject(ProtocolError):
    """RFC 9101 §7, OIDC Core §3.1.2.6."""

    error = "invalid_request_object"


class InvalidRequestUri(ProtocolError):
    """RFC 9101 §7, OIDC Core §3.1.2.6."""

    error = "invalid_request_uri"


class RegistrationNotSupported(ProtocolError):
    """OIDC Core §3.1.2.6."""

    error = "registration_not_supported"


class InvalidToken(ProtocolError):
    """RFC 6750 §3.1."""

    error = "invalid_token"
    status = 401


class InsufficientScope(ProtocolError):
    """RFC 6750 §3.1."""

    error = "insufficient_scope"
    status = 403


class InvalidRedirectUri(ProtocolError):
    """RFC 7591 §3.2.2."""

    error = "invalid_redirect_uri"


class InvalidClientMetadata(ProtocolError):
    """RFC 7591 §3.2.2."""

    error = "invalid_client_metadata"


class TooManyRequests(ProtocolError):
    """More tries than the throttle allows (RFC 6585 §4); the wire code is RFC 6749 §4.1.2.1's."""

    error = "temporarily_unavailable"
    status = 429


class TemporarilyUnavailable(ProtocolError):
    """RFC 6749 §4.1.2.1: the store is away or the queue is full; answered with Retry-After."""

    error = "temporarily_unavailable"
    status = 503


class ServerError(ProtocolError):
    """RFC 6749 §4.1.2.1: unforeseen; its cause stays in the log under the request id."""

    error = "server_error"
    status = 500


class Expired(ProtocolError):
    """An interaction that is over: used, expired, or begun in another browser. `continue_url` starts it again."""

    error = "interaction_expired"

    def __init__(self, description: str, *, continue_url: str | None = None, detail: str = "") -> None:
        super().__init__(description, detail=detail)
        self.continue_url = continue_url


class LinkExpired(ProtocolError):
    """A link of a mail that was used, is too old, or gave way to a newer one."""

    error = "link_expired"


class Forbidden(ProtocolError):
    """A page's form came from elsewhere: wrong or missing anti-forgery token, or another browser's interaction."""

    error = "forbidden"
    status = 403
