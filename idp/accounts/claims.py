"""The standard claims of OIDC Core §5.1: their types, and which scope gives which (§5.4)."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
ADDRESS_MEMBERS = ("formatted", "street_address", "locality", "region", "postal_code", "country")
BIRTHDATE = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?")
LONGEST = 1_000


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()


def _is_url(value: Any) -> bool:
    try:
        return _is_text(value) and urlsplit(value).scheme in {"http", "https"} and bool(urlsplit(value).hostname)
    except ValueError:
        return False


def _is_address(value: Any) -> bool:
    known = isinstance(value, dict) and bool(value) and set(value) <= set(ADDRESS_MEMBERS)
    # Only addresses have lines (OIDC Core §5.1.1).
    return known and all(isinstance(m, str) and _is_text(m.replace("\n", " ")) for m in value.values())


CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "profile": (_is_url, "an http(s) URL"),
    "picture": (_is_url, "an http(s) URL"),
    "website": (_is_url, "an http(s) URL"),
    "birthdate": (lambda v: isinstance(v, str) and bool(BIRTHDATE.fullmatch(v)), "YYYY-MM-DD or YYYY"),
    "updated_at": (lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0, "Unix seconds"),
    "email_verified": (lambda v: isinstance(v, bool), "true or false"),
    "phone_number_verified": (lambda v: isinstance(v, bool), "true or false"),
    "address": (_is_address, f"an object with some of {', '.join(ADDRESS_MEMBERS)}"),
}
KNOWN = frozenset(name for names in SCOPE_CLAIMS.values() for name in names)


def checked_claims(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims if each is a standard one of its type. Raises ValueError naming the first that is not."""
    for name, value in claims.items():
        if name not in KNOWN:
            raise ValueError(f"{name} is not a standard claim (OIDC Core section 5.1)")
        check, wanted = CHECKS.get(name, (_is_text, "a text"))
        if not check(value):
            raise ValueError(f"{name} must be {wanted}")
    return dict(claims)
