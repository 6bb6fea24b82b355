"""Who takes a turn on the event loop: nobody for ever, nobody in vain, and none of them keeps out the rest (R18)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import pytest

from idp.protocol.errors import TemporarilyUnavailable
from idp.stores.interfaces import Occupied, StorageUnavailable
from idp.web import turns as module
from idp.web.turns import Turns


class Passing:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        """Return the instant."""
        return self.at

    def take(self, seconds: float, _group: object = None) -> str:
        """Be a call that takes so long."""
        self.at += seconds
        return "done"


class Groups:
    """Groups of calls: how many there were, and what becomes of them."""

    def __init__(
        self, *, fails: type[Exception] | None = None, occupied: int = 0, ended: list[int] | None = None
    ) -> None:
        self.count = 0
        self._fails, self._occupied, self._ended = fails, occupied, [] if ended is None else ended

    @contextmanager
    def open(self) -> Iterator[int]:
        """Open the next one, which the calls know by its number."""
        if self._occupied:
            self._occupied -= 1
            raise Occupied
        self.count += 1
        yield self.count
        if self._fails is not None:
            raise self._fails
        self._ended.append(self.count)

    def turns(self, most_waiting: int = 100) -> Turns[int]:
        """Return turns in such groups."""
        return Turns(self.open, most_waiting)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Passing:
    """The clock that calls are timed by."""
    made = Passing()
    monkeypatch.setattr(module, "monotonic", made)
    return made


@pytest.mark.parametrize(("takes", "rest_takes", "runs"), [(2**-9, 0.0, 8), (2**-9, 2**-5, 16), (2**-9, 0.5, 32)])
def test_the_loop_goes_on_between_turns(clock: Passing, takes: float, rest_takes: float, runs: int) -> None:
    """They run in the order in which they came; whatever else is due gets as much of the time, or nearly so."""
    turns, seen = Groups().turns(1_000), list[int]()

    async def run() -> list[int]:
        def call(number: int, _group: int) -> None:
            clock.take(takes)
            seen.append(number)

        tasks = [asyncio.create_task(turns.run(partial(call, number))) for number in range(200)]
        done = []
        while len(seen) < 150:
            done.append(len(seen))
            clock.take(rest_takes if seen else 0.0)
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        return done

    done = asyncio.run(run())
    assert seen == list(range(len(seen)))
    assert {later - earlier for earlier, later in pairwise(done[4:])} == {runs}


@pytest.mark.case("OP-41")
def test_as_many_as_may_wait(clock: Passing) -> None:
    """The next one is refused at once, and so is one who would wait for too long by what calls took of late."""

    async def wait(turns: Turns[int], count: int) -> list[object]:
        calls = (turns.run(partial(clock.take, 0.0)) for _ in range(count))
        return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(wait(Groups().turns(4), 6))
    assert answers[:4] == ["done"] * 4
    assert [type(answer) for answer in answers[4:]] == [TemporarilyUnavailable] * 2

    slow = Groups().turns()
    for _ in range(400):
        assert asyncio.run(slow.run(partial(clock.take, 1.0))) == "done"
    answers = asyncio.run(wait(slow, 6))
    assert answers[:4] == ["done"] * 4
    refusal = answers[4]
    assert isinstance(refusal, TemporarilyUnavailable)
    assert refusal.retry_after_seconds == 4


@pytest.mark.case("OP-41")
def test_who_did_wait_for_too_long_is_not_served(clock: Passing) -> None:
    """Nobody would have any use of it."""
    turns = Groups().turns()

    async def wait() -> list[object]:
        calls = [turns.run(partial(clock.take, 5.0)), turns.run(lambda _: pytest.fail("it ran"))]
        return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(wait())
    assert answers[0] == "done"
    assert isinstance(answers[1], TemporarilyUnavailable)


def test_threads_take_over_where_a_disk_stalls(clock: Passing) -> None:
    """For half a minute after a call that held up the loop, however it ended; then it is tried again."""
    turns = Groups().turns()
    asyncio.run(turns.run(partial(clock.take, 0.05)))
    assert turns.are_quick()

    def stall(_group: int) -> None:
        clock.take(0.2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(turns.run(stall))
    assert not turns.are_quick()
    clock.take(30.0)
    assert turns.are_quick()


def test_several_loops_may_use_them() -> None:
    """As where the application is part of another one's tests."""
    turns = Groups().turns()

    async def both() -> list[None]:
        return await asyncio.gather(*(turns.run(lambda _: None) for _ in range(2)))

    for _ in range(3):
        assert asyncio.run(both()) == [None, None]


async def _all(turns: Turns[int], count: int) -> list[int | BaseException]:
    return await asyncio.gather(*(turns.run(lambda group: group) for _ in range(count)), return_exceptions=True)


@pytest.mark.usefixtures("clock")
def test_those_who_wait_together_are_done_together() -> None:
    """Few at a time, so that other processes get their turn; each is told when its group has ended, not before."""
    ended: list[int] = []
    groups = Groups(ended=ended)

    def call(group: int) -> tuple[int, int]:
        return group, len(ended)

    async def run() -> list[tuple[int, int]]:
        turns = groups.turns()

        async def ask() -> tuple[int, int]:
            group, _ = found = await turns.run(call)
            assert group in ended
            return found

        return await asyncio.gather(*(ask() for _ in range(20)))

    assert asyncio.run(run()) == [(1, 0)] * 8 + [(2, 1)] * 8 + [(3, 2)] * 4


def test_a_disk_that_stalls_and_then_fails_is_left_to_threads(clock: Passing) -> None:
    """The loop was held up all the same."""

    @contextmanager
    def open_group() -> Iterator[int]:
        yield 1
        clock.take(0.2)
        raise StorageUnavailable

    turns = Turns(open_group, 100)
    with pytest.raises(StorageUnavailable):
        asyncio.run(turns.run(lambda group: group))
    assert not turns.are_quick()


@pytest.mark.usefixtures("clock")
def test_a_group_that_cannot_end_fails_as_a_whole() -> None:
    """What a call returned counts for nothing then; what it raised is what it was."""
    turns = Groups(fails=StorageUnavailable).turns()

    async def run() -> list[object]:
        def raises(_group: int) -> None:
            raise ZeroDivisionError

        calls = [turns.run(lambda _: "done"), turns.run(raises), turns.run(lambda _: "done")]
        return [type(found) for found in await asyncio.gather(*calls, return_exceptions=True)]

    assert asyncio.run(run()) == [StorageUnavailable, ZeroDivisionError, StorageUnavailable]
    assert turns.are_quick()


def test_who_meets_another_writer_waits_a_moment(clock: Passing) -> None:
    """The loop goes on meanwhile; whoever has waited for longer is told, and takes a thread."""
    assert asyncio.run(_all(Groups(occupied=3).turns(), 2)) == [1, 1]

    async def behind() -> list[int | BaseException]:
        turns = Groups(occupied=2).turns()
        found = asyncio.create_task(_all(turns, 3))
        for _ in range(3):
            await asyncio.sleep(0)
        clock.take(module.MOMENT_SECONDS * 2)
        return await found

    assert [type(found) for found in asyncio.run(behind())] == [Occupied] * 3
