"""RFC 7636, Proof Key for Code Exchange: S256 only, required of every client (RFC 9700 §2.1.1) but those of the
profile `oidc_legacy`.

The `plain` method is left out: it protects nothing once the request is seen.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.context import Context
from idp.protocol.errors import InvalidGrant, InvalidRequest
from idp.protocol.issuance import Issuance
from idp.protocol.parameters import Parameter, Params, parse_text
from idp.protocol.profiles import admits_legacy
from idp.protocol.registry import Registry
from idp.protocol.spec import Phase, Spec
from idp.randomness import is_same
from idp.settings import Settings

# RFC 7636 §4.1: 43 to 128 unreserved characters. A S256 challenge has exactly 43 of base64url.
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def parse_challenge(text: str) -> str:
    """Parse a S256 code_challenge."""
    if not CHALLENGE.fullmatch(text):
        raise InvalidRequest("code_challenge must be 43 characters of base64url (RFC 7636 section 4.2).")
    return text


CODE_CHALLENGE = Parameter(name="code_challenge", parse=parse_challenge, carried=True)
CODE_CHALLENGE_METHOD = Parameter(name="code_challenge_method", parse=parse_text)
CODE_VERIFIER = Parameter(name="code_verifier", parse=parse_text)


def check_challenge(request: AuthorizationRequest, context: Context) -> None:
    """Refuse a request for a code without a S256 challenge; an omitted method means `plain` (RFC 7636 §4.3).
    The profile `oidc_legacy` may do without, but not by `plain`."""
    if "code" not in request.response_type.split():
        return
    if request.params.get(CODE_CHALLENGE) is None:
        if admits_legacy(request.client, context.settings):
            return
        raise InvalidRequest(
            "code_challenge is missing (RFC 7636 section 4.3).", hint="PKCE with S256 is required of every client."
        )
    if request.params.get(CODE_CHALLENGE_METHOD) != "S256":
        raise InvalidRequest("code_challenge_method must be S256 (RFC 7636 section 4.3).")


def check_verifier(issuance: Issuance, params: Params, _context: Context) -> Issuance:
    """Verify code_verifier against the challenge that came with the code (RFC 7636 §4.6)."""
    challenge, verifier = issuance.carried.get(CODE_CHALLENGE), params.get(CODE_VERIFIER)
    if challenge is None:
        # PKCE downgrade, RFC 9700 §4.8.2: someone stripped the challenge from the request.
        if verifier is not None:
            raise InvalidGrant("code_verifier was sent, but the authorization request had no code_challenge.")
        return issuance
    if verifier is None or not VERIFIER.fullmatch(verifier) or not is_same(s256(verifier), challenge):
        raise InvalidGrant("code_verifier does not match code_challenge (RFC 7636 section 4.6).")
    return issuance


def s256(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def server_metadata(_registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the member of RFC 8414 §2 for PKCE."""
    return {"code_challenge_methods_supported": ["S256"]}


SPEC = Spec(
    name="pkce",
    document="RFC 7636",
    requires=("authorization_code",),
    parameters=(CODE_CHALLENGE, CODE_CHALLENGE_METHOD),
    token_parameters=(CODE_VERIFIER,),
    authorization_checks=((Phase.REQUEST, check_challenge),),
    token_checks=(check_verifier,),
    server_metadata=server_metadata,
)
