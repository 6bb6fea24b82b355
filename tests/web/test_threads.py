"""Who waits for a thread: nobody for ever, and nobody in vain (R18)."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from idp.protocol.errors import TemporarilyUnavailable
from idp.web import threads as module
from idp.web.threads import Threads


class Passing:
    """A clock by which each call takes as long as is said."""

    def __init__(self) -> None:
        self.at, self.takes = 0.0, 0.0

    def __call__(self) -> float:
        """Return the instant; between two readings a call passes."""
        self.at += self.takes
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Passing:
    """The clock that calls are timed by."""
    made = Passing()
    monkeypatch.setattr(module, "monotonic", made)
    return made


@pytest.fixture
def one() -> Iterator[Threads]:
    """One thread, and at most four who wait."""
    made = Threads(1, "test", 4)
    yield made
    made.close()


async def behind(threads: Threads, waiting: int, then: Callable[[], object]) -> TemporarilyUnavailable | None:
    """Return how another call is refused while so many wait; afterwards all of them have run."""
    release = threading.Event()
    tasks = [asyncio.create_task(threads.run(lambda: release.wait(10))) for _ in range(waiting)]
    last = asyncio.create_task(threads.run(then))
    await asyncio.sleep(0)
    release.set()
    await asyncio.wait([last, *tasks])
    assert all(task.result() for task in tasks)
    error = last.exception()
    return error if isinstance(error, TemporarilyUnavailable) else None


async def pass_through(threads: Threads, count: int) -> None:
    """Let so many calls run, one after the other."""
    for _ in range(count):
        await threads.run(lambda: None)


@pytest.mark.case("OP-41")
def test_as_many_as_may_wait(one: Threads) -> None:
    """The next one is refused at once, with the time after which to come again."""
    assert asyncio.run(behind(one, 3, lambda: None)) is None
    refusal = asyncio.run(behind(one, 4, lambda: pytest.fail("it ran")))
    assert refusal is not None
    assert refusal.retry_after_seconds == 2


@pytest.mark.case("OP-41")
def test_who_would_wait_for_too_long_is_told_at_once(one: Threads, clock: Passing) -> None:
    """By what calls took of late; a free thread takes a call all the same, and so learns that it goes faster."""
    clock.takes = 2.0
    asyncio.run(pass_through(one, 400))
    assert asyncio.run(behind(one, 1, lambda: None)) is None
    refusal = asyncio.run(behind(one, 2, lambda: pytest.fail("it ran")))
    assert refusal is not None
    assert refusal.retry_after_seconds == 4
    clock.takes = 0.0
    asyncio.run(pass_through(one, 100))
    assert asyncio.run(behind(one, 3, lambda: None)) is None


def test_one_slow_call_turns_nobody_away(clock: Passing) -> None:
    """Among quick ones it is no sign of what the next will take."""
    threads = Threads(2, "test", 1_000)
    asyncio.run(pass_through(threads, 100))
    clock.takes = 1.0
    asyncio.run(pass_through(threads, 1))
    clock.takes = 0.0
    assert asyncio.run(behind(threads, 250, lambda: None)) is None
    threads.close()


@pytest.mark.case("OP-41")
def test_who_did_wait_for_too_long_is_not_served(one: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that began goes on; the one behind it is given up, and never run."""
    monkeypatch.setattr(module, "LONGEST_WAIT_SECONDS", 0.01)
    ran: list[int] = []
    release = threading.Event()

    async def wait() -> None:
        first = asyncio.create_task(one.run(lambda: release.wait(10)))
        await asyncio.sleep(0)
        with pytest.raises(TemporarilyUnavailable):
            await one.run(lambda: ran.append(1))
        release.set()
        assert await first

    asyncio.run(wait())
    asyncio.run(one.run(lambda: ran.append(2)))
    assert ran == [2]


def test_what_a_call_raises_is_its_own(one: Threads) -> None:
    """It comes back as it was raised."""
    with pytest.raises(ZeroDivisionError):
        asyncio.run(one.run(lambda: 1 // 0))
