"""The standard claims of OIDC Core §5.1: their types, which scope gives which (§5.4), and their languages (§5.2).

A claim for people may be held in several languages: `name` as it is usually written, `name#ja-Kana-JP` in another
script. The tag is one of BCP 47, kept in the spelling that RFC 5646 §2.1.1 recommends.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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
# Those that people read (§5.2); the others say the same in every language.
LOCALIZABLE = frozenset(
    {
        *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username"),
        *("profile", "picture", "website", "gender", "address"),
    }
)
# RFC 5646 §2.1: language, script, region, variants, extensions, private use; §4.4.1 lets 35 characters be enough.
LANGUAGE_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE | re.ASCII,
)
LONGEST_TAG = 35
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
    """Return the claims if each is a standard one of its type, with or without a language tag, which then is in its
    canonical spelling. Raises ValueError naming the first that is not."""
    checked: dict[str, Any] = {}
    for given, value in claims.items():
        name, tag = split_name(given)
        if name not in KNOWN or (tag == "" and "#" in given):
            raise ValueError(f"{given} is not a standard claim (OIDC Core section 5.1)")
        if tag and name not in LOCALIZABLE:
            raise ValueError(f"{name} is the same in every language")
        check, wanted = CHECKS.get(name, (_is_text, "a text"))
        if not check(value):
            raise ValueError(f"{given} must be {wanted}")
        whole = f"{name}#{tag}" if tag else name
        if whole in checked:
            raise ValueError(f"{whole} is there twice")
        checked[whole] = value
    return checked


def split_name(name: str) -> tuple[str, str]:
    """Return a claim's name and its language tag in canonical spelling; the tag is empty where there is no good one."""
    base, _, tag = name.partition("#")
    return base, canonical_tag(tag) or ""


def canonical_tag(tag: str) -> str | None:
    """Return a language tag as RFC 5646 §2.1.1 spells it, or None for what is none."""
    if len(tag) > LONGEST_TAG or not LANGUAGE_TAG.fullmatch(tag):
        return None
    first, *rest = tag.lower().split("-")
    spelled, after_singleton = [first], len(first) == 1
    for part in rest:
        after_singleton = after_singleton or len(part) == 1
        cased = part if after_singleton else {2: part.upper(), 4: part.title()}.get(len(part), part)
        spelled.append(cased)
    return "-".join(spelled)


def select_claims(claims: Mapping[str, Any], names: Iterable[str], locales: Sequence[str]) -> dict[str, Any]:
    """Return the claims of these names as far as there are any (OIDC Core §5.2).

    A name with a tag gives the variant that matches best, under its own tag. One without gives the usual form; where
    `locales`, the canonical tags of the languages wanted, are several, the variant for each comes beside it, and where
    it is one, its variant comes in the place of the usual form."""
    selected: dict[str, Any] = {}
    for asked in names:
        if "#" not in asked and not locales:
            # Nearly always: nobody has asked for a language.
            if asked in claims:
                selected[asked] = claims[asked]
            continue
        name, tag = split_name(asked)
        if "#" in asked and not tag:
            continue
        tags = [tag] if tag else list(locales)
        found = [variant for wanted in tags if (variant := _best_variant(claims, name, wanted))]
        if not tag and len(tags) == 1 and found:
            selected[name] = claims[found[0]]
            continue
        if not tag and name in claims:
            selected[name] = claims[name]
        selected |= {variant: claims[variant] for variant in found}
    return selected


def _best_variant(claims: Mapping[str, Any], name: str, wanted: str) -> str | None:
    """Return the name under which a claim is held in a language: the very tag, or a more general one (lookup, RFC 4647
    §3.4), or one that says more, such as de-CH for de (OIDC Core §5.2)."""
    parts = wanted.split("-")
    for length in range(len(parts), 0, -1):
        if (general := f"{name}#{'-'.join(parts[:length])}") in claims:
            return general
    return min((held for held in claims if held.startswith(f"{name}#{wanted}-")), default=None)
