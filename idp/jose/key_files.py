"""Where the key-encryption key comes from: a file that only its owner can read, or a secret given from outside.

The text of either is 32 random bytes in base64 or base64url (43 characters, padding optional). Start fails closed: a
key that is missing, weak or readable by others is refused, naming the file and the remedy.
"""

import base64
import binascii
import os
import re
import stat
from pathlib import Path

from idp.jose.sealing import KEY_BYTES, KeyEncryptionKey, UnusableKey
from idp.randomness import new_bytes, new_identifier

_TEXT = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
_MAKE = f"openssl rand -base64 {KEY_BYTES}"

# More than any spelling of 32 bytes needs; what is longer is some other file.
_LARGEST_FILE_BYTES = 4096


def parse_key_encryption_key(text: str, source: str) -> KeyEncryptionKey:
    """Return the key that `text` spells. Raises `UnusableKey`, naming `source`, never the text."""
    remedy = f"Put 32 random bytes in base64 there, for example from `{_MAKE}`."
    stripped = text.strip()
    if not stripped:
        raise UnusableKey(f"The key-encryption key in {source} is empty. {remedy}")
    if not _TEXT.fullmatch(stripped):
        raise UnusableKey(f"The key-encryption key in {source} is not 43 characters of base64. {remedy}")
    try:
        secret = base64.urlsafe_b64decode(stripped.rstrip("=").translate(str.maketrans("+/", "-_")) + "=")
        return KeyEncryptionKey(secret)
    except (ValueError, binascii.Error) as fault:
        raise UnusableKey(f"The key-encryption key in {source} is unusable: {fault}. {remedy}") from None


def load_or_create(path: Path, *, may_create: bool) -> KeyEncryptionKey:
    """Return the key in the file at `path`; a missing one is made, mode 0600, if `may_create`.

    Say `may_create` only where no sealed key exists yet: a new key would open none of them. Safe when two processes
    start at once: both get the same key. Raises `UnusableKey`.
    """
    try:
        return _load(path)
    except FileNotFoundError:
        if not may_create:
            raise UnusableKey(
                f"The key-encryption key file {path} is missing, and keys sealed under it exist. "
                "Restore it from your backup; a new one could not open them."
            ) from None
    _create(path)
    try:
        return _load(path)
    except FileNotFoundError:
        raise UnusableKey(
            f"The key-encryption key file {path} is a link to nowhere. Remove or mend the link."
        ) from None


def _load(path: Path) -> KeyEncryptionKey:
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()))
            text = file.read(_LARGEST_FILE_BYTES)
    except FileNotFoundError:
        raise
    except OSError as fault:
        raise UnusableKey(
            f"The key-encryption key file {path} cannot be read: {fault.strerror}. "
            f"Let it be a file that the provider's user owns, mode 0600."
        ) from None
    return parse_key_encryption_key(text.decode("ascii", "replace"), f"the file {path}")


def _check_mode(path: Path, status: os.stat_result) -> None:
    """Refuse what others can read or change; judged on the open file, so that it cannot be swapped in between."""
    if not stat.S_ISREG(status.st_mode):
        raise UnusableKey(f"The key-encryption key {path} is not a regular file. Put the key into one, mode 0600.")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise UnusableKey(
            f"The key-encryption key file {path} is open to other users (mode {mode:04o}). "
            f"Run `chmod 600 {path}`; if others may have read it, replace the key."
        )


def _create(path: Path) -> None:
    """Write a new key at `path`, whole and synced, unless a file is there by then."""
    text = base64.urlsafe_b64encode(new_bytes(KEY_BYTES)).rstrip(b"=") + b"\n"
    draft = path.with_name(f".{path.name}.{new_identifier()}")
    try:
        _make_directories(path.parent)
        try:
            _write_synced(draft, text)
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_directory(path.parent)
    except FileExistsError:
        return
    except OSError as fault:
        raise UnusableKey(
            f"The key-encryption key file {path} cannot be made: {fault.strerror}. Let its directory be writable."
        ) from None


def _make_directories(directory: Path) -> None:
    """Make what is missing of a path, each directory for its owner alone, whatever the umask."""
    for missing in [d for d in (directory, *directory.parents) if not d.exists()][::-1]:
        missing.mkdir(mode=0o700, exist_ok=True)


def _write_synced(path: Path, text: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
