"""Who takes a turn on the event loop: nobody for ever, nobody in vain, and none of them keeps out the rest (R18)."""

import asyncio
from functools import partial
from itertools import pairwise

import pytest

from idp.protocol.errors import TemporarilyUnavailable
from idp.web import turns as module
from idp.web.turns import Turns


class Passing:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        """Return the instant."""
        return self.at

    def take(self, seconds: float) -> str:
        """Be a call that takes so long."""
        self.at += seconds
        return "done"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Passing:
    """The clock that calls are timed by."""
    made = Passing()
    monkeypatch.setattr(module, "monotonic", made)
    return made


@pytest.mark.parametrize(("takes", "rest_takes", "runs"), [(2**-9, 0.0, 1), (2**-9, 2**-7, 4), (2**-9, 0.5, 26)])
def test_the_loop_goes_on_between_turns(clock: Passing, takes: float, rest_takes: float, runs: int) -> None:
    """They run in the order in which they came; whatever else is due gets as much of the time, or nearly all."""
    turns, seen = Turns(1_000), list[int]()

    async def run() -> list[int]:
        def call(number: int) -> None:
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

    async def wait(turns: Turns, count: int) -> list[object]:
        return await asyncio.gather(*(turns.run(lambda: clock.take(0.0)) for _ in range(count)), return_exceptions=True)

    answers = asyncio.run(wait(Turns(4), 6))
    assert answers[:4] == ["done"] * 4
    assert [type(answer) for answer in answers[4:]] == [TemporarilyUnavailable] * 2

    slow = Turns(100)
    for _ in range(400):
        assert asyncio.run(slow.run(lambda: clock.take(1.0))) == "done"
    answers = asyncio.run(wait(slow, 6))
    assert answers[:4] == ["done"] * 4
    refusal = answers[4]
    assert isinstance(refusal, TemporarilyUnavailable)
    assert refusal.retry_after_seconds == 4


@pytest.mark.case("OP-41")
def test_who_did_wait_for_too_long_is_not_served(clock: Passing) -> None:
    """Nobody would have any use of it."""
    turns = Turns(100)

    async def wait() -> list[object]:
        calls = [turns.run(lambda: clock.take(5.0)), turns.run(lambda: pytest.fail("it ran"))]
        return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(wait())
    assert answers[0] == "done"
    assert isinstance(answers[1], TemporarilyUnavailable)


def test_threads_take_over_where_a_disk_stalls(clock: Passing) -> None:
    """For half a minute after a call that held up the loop, however it ended; then it is tried again."""
    turns = Turns(100)
    asyncio.run(turns.run(lambda: clock.take(0.05)))
    assert turns.are_quick()

    def stall() -> None:
        clock.take(0.2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(turns.run(stall))
    assert not turns.are_quick()
    clock.take(30.0)
    assert turns.are_quick()


def test_several_loops_may_use_them() -> None:
    """As where the application is part of another one's tests."""
    turns = Turns(100)

    async def both() -> list[None]:
        return await asyncio.gather(*(turns.run(lambda: None) for _ in range(2)))

    for _ in range(3):
        assert asyncio.run(both()) == [None, None]
