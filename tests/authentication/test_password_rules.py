"""What a new password has to be."""

import pytest

from idp.authentication.password_rules import common_passwords, fault_of

NAMES = ("alice", "alice@example.org", "Signet")


@pytest.mark.case("LG-38")
def test_common_passwords_are_refused() -> None:
    """Each of ten thousand, however it is written, whether it stands alone or beside a second factor."""
    common = common_passwords()
    assert len(common) == 10_000
    assert min(map(len, common)) == 8
    for password in ("password1", "PASSWORD1", "football", "iloveyou", "1q2w3e4r5t"):
        assert fault_of(password, names=NAMES, has_second_factor=True) == "common"
        assert fault_of(password, names=NAMES, has_second_factor=False) == "short"
    for password in common:
        assert fault_of(password, names=(), has_second_factor=True) == "common"
        assert fault_of(password.title(), names=(), has_second_factor=False) in {"short", "common"}


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("fourteen chars", "short"),
        ("fifteen letters", None),
        ("x y" * 1_366, "long"),
        ("alice@example.org", "name"),
        ("2026-ALICE-alice!", "name"),
        ("signet signet 1", "name"),
        ("alice likes cats", None),
        ("abcdefgabcdefgab", "repeated"),
        ("aaaaaaaaaaaaaaaa", "repeated"),
        ("ααααααα ββββββββ", None),
    ],
)
def test_what_is_wrong(password: str, fault: str | None) -> None:
    """Length is all, but for names and repetitions."""
    assert fault_of(password, names=NAMES, has_second_factor=False) == fault
