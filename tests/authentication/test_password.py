"""Passwords by Argon2id."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.authentication.methods.password import LONGEST, Passwords, Verified
from idp.settings import Argon2
from tests.accounts.world import at_once
from tests.authentication.conftest import CHEAP

PASSWORDS = Passwords(CHEAP)
ENCODED = PASSWORDS.hash("Pass w\u00f6rd ")


@pytest.mark.requirement("RFC 9106", "4")
def test_an_argon2id_hash_with_the_parameters_of_the_settings() -> None:
    """The encoded hash names its variant and parameters; two hashes of one password differ by their salt."""
    passwords = Passwords(Argon2(memory_kib=64, iterations=3, parallelism=2))
    assert passwords.hash("x").startswith("$argon2id$v=19$m=64,t=3,p=2$")
    assert passwords.hash("x") != passwords.hash("x")


@pytest.mark.parametrize(
    "other",
    [
        "",
        "pass w\u00f6rd ",
        "Pass w\u00f6rd",
        " Pass w\u00f6rd ",
        "Pass wo\u0308rd ",
        "Pass w\u00f6rd \0",
        "Pass w\u00f6rd \n",
    ],
)
def test_a_password_counts_exactly_as_sent(other: str) -> None:
    """Case, spaces at the ends, composition and a trailing NUL make another password."""
    assert PASSWORDS.verify(ENCODED, "Pass w\u00f6rd ") == Verified(ok=True)
    assert PASSWORDS.verify(ENCODED, other) == Verified(ok=False)


@pytest.mark.case("LG-19")
@given(st.text(alphabet=st.characters(codec=None), min_size=1, max_size=80))
def test_any_text_can_be_a_password(text: str) -> None:
    """NULs, surrogates, anything: what was hashed verifies, and one character more does not."""
    encoded = PASSWORDS.hash(text)
    assert PASSWORDS.verify(encoded, text).ok
    assert not PASSWORDS.verify(encoded, text + "\0").ok
    assert not PASSWORDS.verify(None, text).ok


@pytest.mark.case("LG-19")
@pytest.mark.parametrize("other", ["a?", "a\udfff", "a"])
def test_a_lone_surrogate_is_a_character_of_its_own(other: str) -> None:
    """A broken character is neither dropped nor taken for another one."""
    encoded = PASSWORDS.hash("a\ud800")
    assert PASSWORDS.verify(encoded, "a\ud800").ok
    assert not PASSWORDS.verify(encoded, other).ok


@pytest.mark.case("LG-17")
def test_the_longest_password() -> None:
    """4096 characters count to the last one; more cannot be set, and never match what they begin with."""
    longest = "\u20ac" * LONGEST
    encoded = PASSWORDS.hash(longest)
    assert PASSWORDS.verify(encoded, longest).ok
    assert not PASSWORDS.verify(encoded, longest[:-1] + "x").ok
    assert not PASSWORDS.verify(encoded, longest + "\u20ac").ok
    for refused in ("", longest + "x"):
        with pytest.raises(ValueError, match="1 to 4096"):
            PASSWORDS.hash(refused)


@pytest.mark.case("LG-17")
def test_a_huge_password_costs_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten million characters no more reach the hash than of the longest password."""
    hashed: list[int] = []
    monkeypatch.setattr("argon2.PasswordHasher.verify", lambda self, encoded, raw: hashed.append(len(raw)))
    assert not PASSWORDS.verify(ENCODED, "a" * 10_000_000).ok
    assert hashed == [LONGEST]


@pytest.mark.parametrize("encoded", ["", "x", "$argon2id$v=19$m=8,t=1,p=1$broken", "$2b$12$" + "a" * 53])
def test_a_broken_hash_matches_nothing(encoded: str) -> None:
    """What is no Argon2 hash refuses every password and raises nothing."""
    assert PASSWORDS.verify(encoded, "x") == Verified(ok=False)


def test_other_parameters_call_for_a_new_hash() -> None:
    """A right password tells when its hash was made with other parameters; a wrong one tells nothing."""
    newer = Passwords(Argon2(memory_kib=16, iterations=1))
    assert newer.verify(ENCODED, "Pass w\u00f6rd ") == Verified(ok=True, needs_rehash=True)
    assert newer.verify(ENCODED, "wrong") == Verified(ok=False)


@pytest.mark.case("LG-01")
def test_the_decoy_lets_nobody_in() -> None:
    """Even the text behind the decoy is refused when there is no hash."""
    assert PASSWORDS.verify(None, "no account has this") == Verified(ok=False)
    assert PASSWORDS.verify(None, "") == Verified(ok=False)


@pytest.mark.case("LG-01")
def test_the_same_work_without_a_hash() -> None:
    """An unknown account takes the processor time of a wrong password, within a quarter (R11)."""
    passwords = Passwords(Argon2(memory_kib=4_096, iterations=2))
    encoded = passwords.hash("right")

    def cost(against: str | None, tried: str) -> float:
        begun = time.thread_time()
        passwords.verify(against, tried)
        return time.thread_time() - begun

    # The least of several, taken in turns: what else the machine does can only add.
    tries: dict[str, Callable[[], float]] = {
        "wrong": lambda: cost(encoded, "wrong"),
        "unknown": lambda: cost(None, "wrong"),
        "long": lambda: cost(encoded, "x" * (LONGEST + 1)),
    }
    cost(None, "the decoy is made at its first use")
    least = {name: min(samples) for name, samples in _in_turns(tries, 15).items()}
    assert 0.75 < least["unknown"] / least["wrong"] < 1.33, least
    assert 0.75 < least["long"] / least["wrong"] < 1.33, least


def _in_turns(tries: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in tries}
    for _ in range(rounds):
        for name, run in tries.items():
            taken[name].append(run())
    return taken


@pytest.mark.case("LG-17")
def test_no_more_hashes_at_once_than_the_settings_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight verifications and hashes at once run two at a time, the first decoy included."""
    running, most, lock = 0, 0, threading.Lock()

    def slow(*_about: object) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1
        return "$argon2id$"

    monkeypatch.setattr("argon2.PasswordHasher.verify", slow)
    monkeypatch.setattr("argon2.PasswordHasher.hash", slow)
    monkeypatch.setattr("argon2.PasswordHasher.check_needs_rehash", lambda *_: False)
    passwords = Passwords(CHEAP.model_copy(update={"concurrent": 2}))
    at_once(8, lambda n: passwords.verify(None if n % 2 else ENCODED, "x") if n % 4 else passwords.hash("x"))
    assert most == 2


STARVED = """
import resource
from idp.authentication.methods.password import Passwords
from idp.settings import Argon2
passwords = Passwords(Argon2(memory_kib=8, iterations=1))
encoded = passwords.hash("right").replace("m=8", "m=1048576")
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
for judge in (
    lambda: passwords.verify(encoded, "right"),
    lambda: Passwords(Argon2(memory_kib=1_048_576)).verify(None, "x"),
    lambda: Passwords(Argon2(memory_kib=1_048_576)).hash("x"),
):
    try:
        print(judge())
    except MemoryError:
        print("no room")
"""


@pytest.mark.case("OP-32")
def test_without_memory_nothing_is_judged() -> None:
    """A right password is not called wrong because the machine is full."""
    done = subprocess.run([sys.executable, "-c", STARVED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "no room\n" * 3
