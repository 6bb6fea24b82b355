"""The `claims` request parameter (OIDC Core §5.5) as a value: which claims, where, and how badly they are wanted.

It is read by the specification of that name and remembered by every grant, so it lives below both.
"""

from collections.abc import Mapping
from typing import Any

from idp.accounts.claims import SCOPE_CLAIMS
from idp.jose.compact import InvalidToken, parse_object
from idp.protocol.errors import InvalidRequest
from idp.protocol.parameters import Parameter

ClaimsRequest = Mapping[str, Mapping[str, Mapping[str, Any] | None]]

# More claims than there are standard ones, with room for other languages (§5.2).
MOST_CLAIMS = 200


def parse_claims_request(text: str) -> ClaimsRequest:
    """Parse the JSON object of §5.5; members other than `userinfo` and `id_token` are ignored, as it says."""
    try:
        members = parse_object(text.encode("utf-8"), "claims parameter")
    except (InvalidToken, UnicodeEncodeError) as error:
        raise InvalidRequest("claims must be a JSON object (OIDC Core section 5.5).", detail=str(error)) from error
    return {
        place: _parse_place(members[place], place)
        for place in ("userinfo", "id_token")
        if members.get(place) is not None
    }


def _parse_place(value: object, place: str) -> Mapping[str, Mapping[str, Any] | None]:
    if not isinstance(value, dict) or len(value) > MOST_CLAIMS:
        raise InvalidRequest(f"The member {place} of claims must be an object of at most {MOST_CLAIMS} members.")
    if not all(wish is None or isinstance(wish, dict) for wish in value.values()):
        raise InvalidRequest("Each claim in claims must be null or an object (OIDC Core section 5.5.1).")
    return value


CLAIMS = Parameter(name="claims", parse=parse_claims_request, carried=True, json=True)


def scopes_of_claims(request: ClaimsRequest) -> tuple[str, ...]:
    """Return the scopes under whose title the consent page speaks of the claims asked for one by one."""
    wanted = {name for place in request.values() for name in place}
    return tuple(scope for scope, names in SCOPE_CLAIMS.items() if wanted & set(names))
