"""The `claims` request parameter (OIDC Core §5.5) as a value: which claims, where, and how badly they are wanted; and
`claims_locales` (§5.2): in which languages.

They are read by specifications of their own and remembered by every grant, so they live below both.
"""

from collections.abc import Mapping
from typing import Any

from idp.accounts.claims import SCOPE_CLAIMS, canonical_tag, split_name
from idp.jose.compact import InvalidToken, parse_object
from idp.protocol.errors import InvalidRequest
from idp.protocol.parameters import Parameter, Params, parse_words
from idp.stores.records import Grant

ClaimsRequest = Mapping[str, Mapping[str, Mapping[str, Any] | None]]

# More claims than there are standard ones, with room for other languages (§5.2).
MOST_CLAIMS = 200
# Nobody reads more languages.
MOST_LOCALES = 20


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


def parse_locales(text: str) -> tuple[str, ...]:
    """Return the language tags among the words, in canonical spelling; what is none is no error (§3.1.2.1)."""
    tags = (canonical_tag(word) for word in parse_words(text)[:MOST_LOCALES])
    return tuple(dict.fromkeys(tag for tag in tags if tag))


CLAIMS = Parameter(name="claims", parse=parse_claims_request, carried=True, json=True)
CLAIMS_LOCALES = Parameter(name="claims_locales", parse=parse_locales, carried=True)


def claims_to_remember(params: Params) -> Mapping[str, Any]:
    """Return what a grant remembers of a request, for `Grant.requested_claims`."""
    locales = params.get(CLAIMS_LOCALES)
    return {**(params.get(CLAIMS) or {}), **({CLAIMS_LOCALES.name: list(locales)} if locales else {})}


def remembered_locales(grant: Grant) -> tuple[str, ...]:
    """Return the languages that the client asked for, in its order."""
    return tuple(grant.requested_claims.get(CLAIMS_LOCALES.name, ()))


def scopes_of_claims(request: ClaimsRequest) -> tuple[str, ...]:
    """Return the scopes under whose title the consent page speaks of the claims asked for one by one."""
    wanted = {split_name(name)[0] for place in request.values() for name in place}
    return tuple(scope for scope, names in SCOPE_CLAIMS.items() if wanted & set(names))
