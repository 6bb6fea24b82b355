"""RFC 6750 §2: where a bearer token stands in a request to one of our own protected resources."""

from idp.protocol.errors import InvalidRequest, InvalidToken
from idp.protocol.messages import Request

# Longer than any token that we issue; longer ones are not worth a look (R18).
LONGEST_TOKEN = 16_384


class TokenMissing(InvalidToken):
    """No token at all: the challenge then names no error (RFC 6750 §3.1)."""


def read_bearer_token(request: Request) -> str:
    """Return the token from the Authorization header or the form body; the query (§2.3) is refused, for it is logged.

    Raises `InvalidRequest` when it is sent twice or in the query, `InvalidToken` when the header is malformed, and
    `TokenMissing` when there is none."""
    if any(name == "access_token" for name, _ in request.query):
        raise InvalidRequest("Do not send access_token in the query (RFC 6750 section 2.3).")
    in_form = [value for name, value in request.form or () if name == "access_token"]
    if len(request.authorization) + len(in_form) > 1:
        raise InvalidRequest("The access token is sent more than once (RFC 6750 section 2).")
    token = in_form[0] if in_form else _from_header(request.authorization)
    if not token or len(token) > LONGEST_TOKEN:
        raise InvalidToken("The access token is empty or too long.")
    return token


def _from_header(authorization: tuple[str, ...]) -> str:
    if not authorization:
        raise TokenMissing("An access token is needed: send Authorization: Bearer.")
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != "bearer":
        raise TokenMissing("An access token is needed: send Authorization: Bearer.")
    return token
