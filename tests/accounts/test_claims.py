"""Standard claims and their types."""

from typing import Any

import pytest

from idp.accounts.claims import KNOWN, SCOPE_CLAIMS, checked_claims

GOOD: dict[str, Any] = {
    "name": "Zoë Example",
    "profile": "https://example.org/zoe",
    "email": "zoe@example.org",
    "email_verified": False,
    "birthdate": "0000-01-31",
    "updated_at": 0,
    "phone_number": "+1 555 0100",
    "phone_number_verified": True,
    "address": {"formatted": "1 Road\nTown", "country": "XX"},
}


@pytest.mark.requirement("OIDC Core", "5.4")
def test_each_claim_has_one_scope() -> None:
    """The four scopes give 19 different claims, `sub` is not among them."""
    names = [name for claims in SCOPE_CLAIMS.values() for name in claims]
    assert set(SCOPE_CLAIMS) == {"profile", "email", "address", "phone"}
    assert len(names) == len(set(names)) == 19
    assert "sub" not in names


@pytest.mark.requirement("OIDC Core", "5.1")
def test_claims_of_the_right_types() -> None:
    """Claims of their types come back as they are, in a mapping of their own."""
    checked = checked_claims(GOOD)
    assert checked == GOOD
    assert checked is not GOOD
    assert set(GOOD) <= KNOWN


@pytest.mark.case("LG-39")
@pytest.mark.parametrize("name", ["sub", "role", "roles", "is_admin", "id", "enabled", "iss", "", "Email"])
def test_claims_that_are_not_standard(name: str) -> None:
    """Nothing but the standard claims can be set, least of all who or what the account is."""
    with pytest.raises(ValueError, match="not a standard claim"):
        checked_claims({name: "x"})


@pytest.mark.requirement("OIDC Core", "5.1")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", 1),
        ("name", None),
        ("name", "a\0b"),
        ("name", "a\nb"),
        ("name", "a\ud800"),
        ("name", "a" * 1_001),
        ("email_verified", "true"),
        ("email_verified", 1),
        ("phone_number_verified", None),
        ("updated_at", True),
        ("updated_at", -1),
        ("updated_at", 1.5),
        ("updated_at", "0"),
        ("birthdate", "31.01.1990"),
        ("birthdate", "1990-01-31\n"),
        ("birthdate", 1990),
        ("picture", "javascript:alert(1)"),
        ("website", "//example.org"),
        ("profile", "https:///x"),
        ("profile", ["https://example.org"]),
        ("picture", "http://[broken"),
        ("address", "1 Road"),
        ("address", {}),
        ("address", {"planet": "x"}),
        ("address", {"country": 1}),
        ("address", {"formatted": "1 Road\n\x1b[2J"}),
    ],
)
def test_claims_of_wrong_types(name: str, value: object) -> None:
    """A claim of another type is refused by its name, in words."""
    with pytest.raises(ValueError, match=rf"^{name} must be "):
        checked_claims({name: value})


@pytest.mark.requirement("OIDC Core", "5.2")
@pytest.mark.parametrize(
    ("tag", "kept"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("ja-Kana-JP", "ja-Kana-JP"),
        ("JA-KANA-jp", "ja-Kana-JP"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("de-1996", "de-1996"),
        ("sl-Rozaj-biske", "sl-rozaj-biske"),
        ("es-419", "es-419"),
        ("en-US-u-CA-gregory", "en-US-u-ca-gregory"),
        ("de-x-AB-Cdef", "de-x-ab-cdef"),
    ],
)
def test_languages_of_claims(tag: str, kept: str) -> None:
    """A tag is kept as RFC 5646 section 2.1.1 spells it; the value is checked as without one."""
    assert checked_claims({f"name#{tag}": "x", f"address#{tag}": {"country": "X"}}) == {
        f"name#{kept}": "x",
        f"address#{kept}": {"country": "X"},
    }
    with pytest.raises(ValueError, match="must be"):
        checked_claims({f"website#{tag}": "javascript:alert(1)"})


@pytest.mark.requirement("OIDC Core", "5.2")
@pytest.mark.parametrize(
    "name",
    [
        *("name#", "name#d", "name#de_DE", "name#de-", "name#-de", "name#de-DE-", "name#de#fr", "name# de", "name#*"),
        *("name#ſe", "name#i-klingon", "name#x-only", "name#de-" + "a" * 9, "name#de-" + "x-" * 20, "name#de\n"),
        *("email#de", "sub#de", "#de", "roles#de", "birthdate#de", "email_verified#de", "updated_at#de", "locale#de"),
    ],
)
def test_languages_that_are_none(name: str) -> None:
    """What is no tag of BCP 47, and claims that are the same in every language."""
    with pytest.raises(ValueError, match=r"not a standard claim|same in every language"):
        checked_claims({name: "x"})


def test_one_language_is_there_once() -> None:
    """Two spellings of a tag are one tag."""
    with pytest.raises(ValueError, match="twice"):
        checked_claims({"name#de": "a", "name#DE": "b"})
