"""Where the key-encryption key comes from, and what is refused at start (R20)."""

import base64
import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.jose.key_files import load_or_create, parse_key_encryption_key
from idp.jose.sealing import KeyEncryptionKey, UnusableKey

SECRET = bytes(range(7, 39))
TEXT = base64.urlsafe_b64encode(SECRET).decode().rstrip("=")


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let new files be open to all but for what the code asks for."""
    before = os.umask(0)
    yield
    os.umask(before)


def _write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def _is_same(one: KeyEncryptionKey, other: KeyEncryptionKey) -> bool:
    return other.open(one.seal(b"x", "p"), "p") == b"x"


@pytest.mark.case("OP-24")
@pytest.mark.usefixtures("open_umask")
def test_first_start_makes_a_private_file(tmp_path: Path) -> None:
    """The file is made 0600 in directories of 0700 even under umask 000, and read again at the next start."""
    path = tmp_path / "state" / "keys" / "key-encryption.key"
    made = load_or_create(path, may_create=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    assert _is_same(made, load_or_create(path, may_create=False))
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_two_first_starts_get_one_key(tmp_path: Path) -> None:
    """Processes that start at the same moment end up with the same key."""
    path, barrier, made = tmp_path / "key", threading.Barrier(8), []

    def start() -> None:
        barrier.wait()
        made.append(load_or_create(path, may_create=True))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert all(_is_same(made[0], key) for key in made)


@pytest.mark.case("OP-23")
def test_missing_file_of_an_installation_is_refused(tmp_path: Path) -> None:
    """Where sealed keys exist, a missing file is named and not made anew."""
    path = tmp_path / "key"
    with pytest.raises(UnusableKey, match=r"key is missing.*[Rr]estore"):
        load_or_create(path, may_create=False)
    assert not path.exists()


@pytest.mark.case("OP-24")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o604, 0o620, 0o601])
def test_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """A file that group or world can touch is refused, with the command that mends it."""
    path = _write(tmp_path / "key", TEXT, mode)
    with pytest.raises(UnusableKey, match=f"chmod 600 {path}"):
        load_or_create(path, may_create=True)


@pytest.mark.case("OP-23", "OP-25")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("changeme", "43 characters"),
        (TEXT[:-1], "43 characters"),
        (TEXT + TEXT, "43 characters"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "43 characters"),
        ("é" * 43, "43 characters"),
        ("A" * 43, "not random"),
        ("x" * 1_000_000, "43 characters"),
    ],
)
def test_bad_content_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    """An empty, cut, weak or wholly different file is refused by name and with a remedy, its text untold."""
    path = _write(tmp_path / "key", text)
    with pytest.raises(UnusableKey, match=fault) as refusal:
        load_or_create(path, may_create=True)
    assert str(path) in str(refusal.value)
    assert "openssl rand -base64 32" in str(refusal.value)
    assert not text.strip() or text.strip() not in str(refusal.value)


def test_directory_is_refused(tmp_path: Path) -> None:
    """A directory in the file's place is refused by name."""
    with pytest.raises(UnusableKey, match=str(tmp_path)):
        load_or_create(tmp_path, may_create=True)


def test_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    """A dangling link is neither followed nor replaced."""
    path = tmp_path / "key"
    path.symlink_to(tmp_path / "nowhere" / "key")
    with pytest.raises(UnusableKey, match="link to nowhere"):
        load_or_create(path, may_create=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_file_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file cannot be written, its path and the reason are told and nothing is left behind."""

    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UnusableKey, match=r"key cannot be made: No space left"):
        load_or_create(tmp_path / "key", may_create=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spelling", [TEXT, f" {TEXT}\n", TEXT + "=", base64.b64encode(SECRET).decode()])
def test_spellings_of_one_key(spelling: str) -> None:
    """Both base64 alphabets count, with padding or without, with a line end or without."""
    assert _is_same(parse_key_encryption_key(spelling, "the setting"), KeyEncryptionKey(SECRET))


@pytest.mark.case("OP-25")
def test_bad_setting_names_its_source() -> None:
    """A secret from outside is judged as a file is."""
    with pytest.raises(UnusableKey, match="in the setting KEY is not 43"):
        parse_key_encryption_key("changeme", "the setting KEY")
