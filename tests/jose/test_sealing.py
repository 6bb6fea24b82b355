"""Sealing and the key-encryption key."""

import pytest

from idp.jose.sealing import CannotOpen, KeyEncryptionKey

SECRET = bytes(range(100, 132))


def test_what_was_sealed_opens() -> None:
    """A sealed value opens under the same key for the same purpose, and hides what it holds."""
    key = KeyEncryptionKey(SECRET)
    sealed = key.seal(b"private", "signing-key a")
    assert key.open(sealed, "signing-key a") == b"private"
    assert b"private" not in sealed


def test_sealing_twice_differs() -> None:
    """No nonce is used twice."""
    key = KeyEncryptionKey(SECRET)
    assert len({key.seal(b"same", "same") for _ in range(1000)}) == 1000


def test_another_purpose_or_key_does_not_open() -> None:
    """A value moved to another place, or another installation, is worthless."""
    key = KeyEncryptionKey(SECRET)
    sealed = key.seal(b"private", "signing-key a")
    with pytest.raises(CannotOpen):
        key.open(sealed, "signing-key b")
    with pytest.raises(CannotOpen):
        KeyEncryptionKey(bytes(reversed(SECRET))).open(sealed, "signing-key a")


def test_every_altered_byte_is_noticed() -> None:
    """No byte of a sealed value can be changed, nor can it be cut."""
    key = KeyEncryptionKey(SECRET)
    sealed = key.seal(b"private", "p")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(CannotOpen):
            key.open(bytes(altered), "p")
        with pytest.raises(CannotOpen):
            key.open(sealed[:position], "p")


@pytest.mark.case("OP-25")
@pytest.mark.parametrize(
    "secret", [b"", b"changeme", bytes(31), bytes(33), bytes(32), b"ab" * 16, b"0123456789abcde0" * 2]
)
def test_weak_keys_are_refused(secret: bytes) -> None:
    """A key of the wrong length or without randomness is refused."""
    with pytest.raises(ValueError, match=r"it holds|not random"):
        KeyEncryptionKey(secret)


def test_key_does_not_show_itself() -> None:
    """Neither text form of the key shows its bytes."""
    key = KeyEncryptionKey(SECRET)
    for text in (repr(key), str(key)):
        assert "KeyEncryptionKey object" in text
    assert not hasattr(key, "__dict__")
