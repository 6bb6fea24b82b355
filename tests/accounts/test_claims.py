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
