"""Sessions: their limits, their handles and their end."""

import re
from dataclasses import replace

import pytest

from idp.accounts.accounts import disable_account, enable_account
from idp.accounts.sessions import MOST_SESSIONS, TOUCH_SECONDS, AuthenticationEvent, StartedSession
from idp.randomness import digest
from tests.accounts.world import EVENT, LIFETIMES, NOW, World, at_once

IDLE, ABSOLUTE = LIFETIMES.session_idle_seconds, LIFETIMES.session_seconds


@pytest.mark.case("LG-16", "SS-18")
def test_each_session_has_an_identifier_and_a_handle_of_its_own(world: World) -> None:
    """Identifiers have 128 bits, handles 256, none comes twice, and only the digest of a handle is kept."""
    alice = world.account()
    started = [world.start(alice) for _ in range(50)]
    assert len({s.session.session_id for s in started}) == len({s.handle for s in started}) == 50
    assert all(re.fullmatch(r"[0-9a-f]{32}", s.session.session_id) for s in started)
    assert all(re.fullmatch(r"[\w-]{43}", s.handle) for s in started)
    assert started[0].session.handle_hash == digest(started[0].handle)
    assert started[0].handle not in repr(world.read(lambda uow: uow.sessions.find(started[0].session.session_id)))


@pytest.mark.case("SS-20")
@pytest.mark.parametrize("handle", ["", "x", "a" * 100_000, "\ud800", "\0", "' OR 1=1--"])
def test_a_handle_that_is_none(world: World, handle: str) -> None:
    """Whatever is sent as a handle, it finds nothing and raises nothing; neither does the `sid` or the digest."""
    started = world.start(world.account())
    assert world.find_live(handle) is None
    assert world.find_live(started.session.session_id) is None
    assert world.find_live(started.session.handle_hash) is None
    assert world.find_live(started.handle) == started.session


@pytest.mark.case("SS-02")
def test_idle_limit(world: World) -> None:
    """A session lives to the last second of its idle time, and use begins that time anew."""
    started = world.start(world.account())
    assert world.find_live(started.handle, NOW + IDLE - 1) is not None
    assert world.find_live(started.handle, NOW + IDLE) is None
    world.touch(started.session, NOW + IDLE - 1)
    assert world.find_live(started.handle, NOW + 2 * IDLE - 2) is not None
    assert world.find_live(started.handle, NOW + 2 * IDLE - 1) is None


@pytest.mark.case("SS-02")
def test_activity_does_not_pass_the_absolute_limit(world: World) -> None:
    """A session that is used all the time ends at its absolute end all the same."""
    started = world.start(world.account())
    for now in range(NOW + 3_600, NOW + ABSOLUTE, 3_600):
        session = world.find_live(started.handle, now)
        assert session is not None
        world.touch(session, now)
    assert world.find_live(started.handle, NOW + ABSOLUTE - 1) is not None
    assert world.find_live(started.handle, NOW + ABSOLUTE) is None


@pytest.mark.case("SS-02")
def test_a_remembered_session_has_only_the_absolute_limit(world: World) -> None:
    """A remembered session may rest for weeks and then still ends."""
    started = world.start(world.account(), remembered=True)
    end = NOW + LIFETIMES.remembered_session_seconds
    assert world.find_live(started.handle, end - 1) is not None
    assert world.find_live(started.handle, end) is None


def test_use_is_written_once_a_minute(world: World) -> None:
    """A touch within the minute writes nothing, nor does one from before, when a clock was set back."""
    started = world.start(world.account())
    for now, seen in ((NOW + TOUCH_SECONDS - 1, NOW), (NOW - 900, NOW), (NOW + TOUCH_SECONDS, NOW + TOUCH_SECONDS)):
        world.touch(started.session, now)
        found = world.find_live(started.handle)
        assert found is not None
        assert found.last_seen_at == seen


@pytest.mark.case("LG-16")
@pytest.mark.requirement("OIDC Core", "3.1.2.1")
def test_reauthentication(world: World) -> None:
    """Signing in again keeps the `sid` and the absolute end; handle and `auth_time` are new, the old handle is dead."""
    started = world.start(world.account())
    event = AuthenticationEvent(acr="strong", amr=("pwd", "otp"), authenticated_at=NOW + 50)
    renewed = world.write(lambda uow: world.sessions.reauthenticate(uow, started.session, event, NOW + 51))
    assert world.find_live(started.handle) is None
    assert world.find_live(renewed.handle) == renewed.session
    assert renewed.session == replace(
        started.session,
        handle_hash=digest(renewed.handle),
        authenticated_at=NOW + 50,
        acr="strong",
        amr=("pwd", "otp"),
        last_seen_at=NOW + 51,
    )


def test_reauthentication_brings_no_ended_session_back(world: World) -> None:
    """A session that ended while its End-User signed in again stays ended, and no touch revives it."""
    started = world.start(world.account())
    world.end(started.session)
    renewed = world.write(lambda uow: world.sessions.reauthenticate(uow, started.session, EVENT, NOW))
    world.touch(started.session, NOW + 100)
    assert world.find_live(renewed.handle, NOW + 100) is None
    assert world.find_live(started.handle, NOW + 100) is None


@pytest.mark.case("SS-14", "TK-26")
def test_the_end_takes_the_bound_grants_along(world: World) -> None:
    """Ending a session revokes its grants but the offline ones, tells the listeners once, touches no other session."""
    alice = world.account()
    one, other = world.start(alice), world.start(alice)
    world.grant("bound", alice, one.session)
    world.grant("offline", alice, one.session, offline=True)
    world.grant("elsewhere", alice, other.session)
    ended = world.end(one.session, NOW + 9)
    assert ended is not None
    assert ended.session_id == one.session.session_id
    assert world.revoked_at("bound") == NOW + 9
    assert world.revoked_at("offline") is None
    assert world.revoked_at("elsewhere") is None
    assert world.end(one.session, NOW + 10) is None
    assert world.end(replace(one.session, session_id="unknown")) is None
    assert world.told == [one.session.session_id]
    assert world.find_live(one.handle) is None
    assert world.find_live(other.handle) is not None


def test_a_listener_that_fails_undoes_the_end(world: World) -> None:
    """When a notice cannot be stored, the session has not ended either: nothing is left half done."""
    started = world.start(world.account())

    def fail(*_about: object) -> None:
        raise ZeroDivisionError

    world.sessions = type(world.sessions)(LIFETIMES, (fail,))
    with pytest.raises(ZeroDivisionError):
        world.end(started.session)
    assert world.find_live(started.handle) is not None


@pytest.mark.case("SS-17")
def test_a_disabled_account_has_no_live_session(world: World) -> None:
    """At the moment the account is disabled its handles find nothing; enabling it brings none back."""
    alice, bob = world.account(), world.account("bob")
    mine, his = world.start(alice), world.start(bob)
    disabled = world.write(lambda uow: disable_account(uow, world.sessions, alice, NOW))
    assert world.find_live(mine.handle) is None
    world.write(lambda uow: enable_account(uow, disabled, NOW + 1))
    assert world.find_live(mine.handle, NOW + 1) is None
    assert world.find_live(his.handle) == his.session
    assert world.told == [mine.session.session_id]


@pytest.mark.case("SS-17", "TK-10")
def test_a_session_of_an_account_that_cannot_be_used(world: World) -> None:
    """A session that is stored while its account is disabled, or is of none, is not live, though never ended."""
    alice = world.account()
    started, orphan = world.start(alice), world.start(replace(alice, account_id="nobody"))
    world.write(lambda uow: uow.accounts.replace(replace(alice, enabled=False)))
    assert world.find_live(started.handle) is None
    assert world.find_live(orphan.handle) is None


@pytest.mark.case("SS-23")
def test_at_most_a_hundred_sessions(world: World) -> None:
    """The hundred-and-first session ends the oldest one, with notice, and nobody else's."""
    alice, bob = world.account(), world.account("bob")
    his = world.start(bob)
    started = [world.start(alice, now=NOW + n) for n in range(MOST_SESSIONS + 2)]
    live = world.read(lambda uow: uow.sessions.list_live(alice.account_id, NOW + 200))
    assert [s.session_id for s in live] == [s.session.session_id for s in reversed(started[2:])]
    assert world.told == [s.session.session_id for s in started[:2]]
    assert world.find_live(his.handle) is not None


@pytest.mark.case("SS-16")
def test_many_ends_at_once_tell_once(world: World) -> None:
    """Of sixteen ends of one session at the same moment one does it; the listeners are told once."""
    started = world.start(world.account())
    sid = started.session.session_id
    ends = at_once(16, lambda _: world.end(started.session))
    assert len([end for end in ends if end is not None]) == 1
    assert world.told == [sid]


@pytest.mark.case("SS-16", "SS-23")
def test_starts_at_once_keep_the_limit(world: World) -> None:
    """However many sign-ins arrive together, no more than the limit stay live."""
    alice = world.account()
    for n in range(MOST_SESSIONS - 2):
        world.start(alice, now=NOW + n)
    begun = at_once(8, lambda n: world.start(alice, now=NOW + 200 + n))
    assert all(isinstance(one, StartedSession) for one in begun)
    assert len(world.read(lambda uow: uow.sessions.list_live(alice.account_id, NOW + 300))) == MOST_SESSIONS


def test_end_all(world: World) -> None:
    """All live sessions of the account end and are counted; a second time there are none."""
    alice = world.account()
    ids = {world.start(alice).session.session_id for _ in range(3)}
    assert world.write(lambda uow: world.sessions.end_all(uow, alice.account_id, NOW)) == 3
    assert set(world.told) == ids
    assert world.write(lambda uow: world.sessions.end_all(uow, alice.account_id, NOW)) == 0
