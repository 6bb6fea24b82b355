"""The outbox's worker: retries, leases, isolation, and getting through an outage."""

import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from idp.outbound.failures import OutboundFailed, OutboundRefused
from idp.outbound.guard import OutboundClient
from idp.outbound.outbox import LEASE_SECONDS, DeliveryFailed, OutboxWorker
from idp.stores.records import OutboxMessage
from tests.outbound.conftest import PATIENCE_SECONDS, Post
from tests.outbound.fakes import START
from tests.outbound.servers import OK, answer, serving, silence


def _raise(failure: Exception) -> Callable[[OutboxMessage], str]:
    def deliver(_message: OutboxMessage) -> str:
        raise failure

    return deliver


def test_message_is_delivered(post: Post) -> None:
    """A due message is delivered once, outside any transaction, and the result is kept."""
    delivered: list[tuple[str, bool]] = []

    def deliver(message: OutboxMessage) -> str:
        delivered.append((message.message_id, post.storage.is_open))
        return "204"

    post.add("m")
    worker = post.start(deliver)
    row = post.wait_for_result("m")
    assert (row.delivered_at, row.last_result, row.attempts) == (START, "204", 1)
    worker.wake()
    post.add("n")
    worker.wake()
    post.wait_for_result("n")
    assert delivered == [("m", False), ("n", False)]


def test_waking_delivers_at_once(post: Post) -> None:
    """From the commit to the delivery it takes less than a tenth of a second (goal of the sign-out journey)."""
    arrived = threading.Event()
    worker = post.start(lambda _message: arrived.set() or "ok")  # type: ignore[func-returns-value]
    fastest = PATIENCE_SECONDS
    for number in range(5):
        arrived.clear()
        post.add(f"m{number}")
        started = time.monotonic()
        worker.wake()
        assert arrived.wait(PATIENCE_SECONDS)
        fastest = min(fastest, time.monotonic() - started)
        post.wait_for_result(f"m{number}")
    assert fastest < 0.1


def test_polling_finds_what_nobody_told(post: Post) -> None:
    """What another instance wrote is found without a wake-up."""
    post.start(lambda _message: "ok", poll_seconds=0.01)
    post.add("m")
    assert post.wait_for_result("m").delivered_at == START


def test_retries_back_off_and_end(post: Post) -> None:
    """A message that fails is tried again after growing pauses, eight times, and is then given up."""
    tries: list[int] = []

    def deliver(_message: OutboxMessage) -> str:
        tries.append(post.clock.at)
        raise DeliveryFailed("503", retry=True)

    post.add("m")
    worker = post.start(deliver)
    for attempt in range(1, 9):
        row = post.wait_for_result("m", attempt)
        assert row.last_result == "503"
        if row.failed_at is None:
            post.clock.at = row.next_attempt_at - 1
            worker.wake()
            post.clock.at = row.next_attempt_at
            worker.wake()
    assert post.row("m").failed_at == post.clock.at
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    planned = [1, 5, 30, 120, 600, 3600, 3600]
    assert len(pauses) == 7
    assert all(plan <= pause <= plan * 1.25 for plan, pause in zip(planned, pauses, strict=True))


@pytest.mark.parametrize(
    ("failure", "result"),
    [(DeliveryFailed("400", retry=False), "400"), (OutboundRefused("the address is not a public one"), "not a public")],
)
@pytest.mark.case("SS-12")
def test_final_failures_are_given_up(post: Post, failure: Exception, result: str) -> None:
    """What cannot succeed is given up at the first try, with the reason in the log."""
    post.add("m")
    post.start(_raise(failure))
    row = post.wait_for_result("m")
    assert (row.failed_at, row.attempts) == (START, 1)
    assert result in row.last_result


@pytest.mark.parametrize(
    ("failure", "result"), [(OutboundFailed("timed out"), "timed out"), (ZeroDivisionError("secret"), "internal error")]
)
def test_passing_failures_are_tried_again(
    post: Post, failure: Exception, result: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Silence of the other side, or a fault of ours, is tried again and told in one line."""
    post.add("m")
    worker = post.start(_raise(failure))
    row = post.wait_for_result("m")
    assert (row.failed_at, row.next_attempt_at, row.last_result) == (None, START + 1, result)
    post.clock.at = START + 1
    worker.wake()
    post.wait_for_result("m", 2)


def test_unknown_kind_waits_for_a_newer_version(post: Post) -> None:
    """A kind that this version cannot deliver is left for one that can."""
    post.add("m", kind="from the future")
    post.start(lambda _message: "ok")
    row = post.wait_for_result("m")
    assert (row.failed_at, row.delivered_at) == (None, None)


def test_crashed_workers_message_comes_back(post: Post) -> None:
    """A message claimed by a worker that died is delivered by another when the lease ends, not before."""
    post.add("m")
    with post.storage.begin() as uow:
        assert len(uow.outbox.claim(START, 10, LEASE_SECONDS)) == 1
    delivered: list[int] = []
    worker = post.start(lambda _message: delivered.append(post.clock.at) or "ok")  # type: ignore[func-returns-value]
    post.clock.at = START + LEASE_SECONDS - 1
    worker.wake()
    post.add("other", next_attempt_at=START)
    worker.wake()
    post.wait_for_result("other")
    assert post.row("m").delivered_at is None
    post.clock.at = START + LEASE_SECONDS
    worker.wake()
    assert post.wait_for_result("m", 2).delivered_at == START + LEASE_SECONDS


def test_dead_client_delays_nobody(post: Post) -> None:
    """While one client's server hangs the others' messages go out, however many wait for the dead one."""
    release, hanging = threading.Event(), threading.Event()

    def deliver(message: OutboxMessage) -> str:
        if message.client_id == "dead":
            hanging.set()
            release.wait(PATIENCE_SECONDS)
            raise OutboundFailed("timed out")
        return "ok"

    for number in range(100):
        post.add(f"d{number}", "dead")
    worker = post.start(deliver)
    assert hanging.wait(PATIENCE_SECONDS)
    for number in range(20):
        post.add(f"m{number}", f"live{number % 5}")
    worker.wake()
    for number in range(20):
        assert post.wait_for_result(f"m{number}").delivered_at == START
    release.set()


def test_dead_client_costs_one_deadline(post: Post) -> None:
    """After one silence the client's other waiting messages are put off as well, not tried one by one."""
    tries: list[str] = []
    proceed = threading.Event()

    def deliver(message: OutboxMessage) -> str:
        proceed.wait(PATIENCE_SECONDS)
        tries.append(message.message_id)
        raise OutboundFailed("timed out")

    for number in range(30):
        post.add(f"m{number}")
    post.start(deliver)
    post.wait(lambda: all(post.row(f"m{number}").attempts == 1 for number in range(30)))
    proceed.set()
    for number in range(30):
        assert post.wait_for_result(f"m{number}").next_attempt_at == START + 1
    assert len(tries) == 1


def test_messages_of_a_client_keep_their_order(post: Post) -> None:
    """A client's messages go out one after the other, in the order in which they were due."""
    lock, delivered, overlaps = threading.Lock(), [], []

    def deliver(message: OutboxMessage) -> str:
        overlaps.append(not lock.acquire(blocking=False))
        delivered.append(message.message_id)
        lock.release()
        return "ok"

    for number in range(30):
        post.add(f"m{number}", next_attempt_at=START - 100 + number)
    post.start(deliver)
    for number in range(30):
        post.wait_for_result(f"m{number}")
    assert delivered == [f"m{number}" for number in range(30)]
    assert not any(overlaps)


def test_more_than_fits_is_put_back(post: Post) -> None:
    """Messages for which a client's lane has no room stay due and are all delivered in the end."""
    first, release = threading.Event(), threading.Event()

    def deliver(_message: OutboxMessage) -> str:
        first.set()
        release.wait(PATIENCE_SECONDS)
        return "ok"

    for number in range(400):
        post.add(f"m{number}")
    worker = post.start(deliver)
    assert first.wait(PATIENCE_SECONDS)
    # The lane holds 256; whether the first message had left it by then is a matter of luck.
    post.wait(lambda: _count(post, lambda row: row.last_result.startswith("waits")) >= 143)
    put_back = _count(post, lambda row: row.last_result.startswith("waits"))
    assert put_back <= 144
    release.set()
    post.wait(lambda: _count(post, lambda row: row.delivered_at is not None) == 400 - put_back)
    post.clock.at = START + 5
    worker.wake()
    post.wait(lambda: _count(post, lambda row: row.delivered_at is not None) == 400)


def test_two_workers_deliver_once(post: Post) -> None:
    """Two instances on one outbox deliver each message once between them."""
    delivered: list[str] = []
    for number in range(100):
        post.add(f"m{number}", f"c{number % 7}")
    for _ in range(2):
        post.start(lambda message: delivered.append(message.message_id) or "ok")  # type: ignore[func-returns-value]
    for number in range(100):
        post.wait_for_result(f"m{number}")
    assert sorted(delivered) == sorted(f"m{number}" for number in range(100))


def test_storage_outage_before_claiming(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """A worker outlives a storage that is away or fails, and goes on when it is back."""
    post.storage.is_away = True
    worker = post.start(lambda _message: "ok", poll_seconds=0.005)
    _wait_until(lambda: "cannot be read" in caplog.text)
    post.storage.is_away = False
    post.storage.failing = RuntimeError("broken")
    _wait_until(lambda: "broken" in caplog.text)
    post.storage.failing = None
    post.add("m")
    worker.wake()
    assert post.wait_for_result("m").delivered_at == START


def test_storage_outage_after_delivery(post: Post) -> None:
    """A result that cannot be written at once is written when the storage is back, and nothing is sent twice."""
    delivered: list[str] = []

    def deliver(message: OutboxMessage) -> str:
        delivered.append(message.message_id)
        post.storage.is_away = True
        threading.Timer(0.05, setattr, (post.storage, "is_away", False)).start()
        return "ok"

    post.add("m")
    post.start(deliver, poll_seconds=0.02)
    assert post.wait_for_result("m").delivered_at == START
    assert delivered == ["m"]


def test_message_is_not_begun_when_its_lease_is_nearly_over(post: Post) -> None:
    """A message that waited in its lane until its lease ran out is left to whoever claims it next."""
    first, release = threading.Event(), threading.Event()
    delivered: list[tuple[str, int]] = []

    def deliver(message: OutboxMessage) -> str:
        delivered.append((message.message_id, message.attempts))
        first.set()
        release.wait(PATIENCE_SECONDS)
        return "ok"

    post.add("m", next_attempt_at=START - 1)
    post.add("n")
    worker = post.start(deliver)
    assert first.wait(PATIENCE_SECONDS)
    post.clock.at = START + LEASE_SECONDS - 5
    release.set()
    post.wait(lambda: post.row("m").delivered_at is not None)
    post.clock.at = START + LEASE_SECONDS
    worker.wake()
    post.wait(lambda: post.row("n").delivered_at is not None)
    assert delivered == [("m", 1), ("n", 2)]


def test_stop_lets_attempts_end_and_gives_back_the_rest(post: Post) -> None:
    """Stopping waits for what is under way; what waited is due at once for another worker."""
    first, release = threading.Event(), threading.Event()

    def deliver(_message: OutboxMessage) -> str:
        first.set()
        release.wait(PATIENCE_SECONDS)
        return "ok"

    post.add("m", next_attempt_at=START - 1)
    post.add("n")
    worker = post.start(deliver)
    assert first.wait(PATIENCE_SECONDS)
    assert not worker.stop(0.05)
    assert (post.row("n").next_attempt_at, post.row("n").last_result) == (START, "stopped before its turn")
    release.set()
    assert worker.stop(PATIENCE_SECONDS)
    assert post.row("m").delivered_at == START
    assert post.row("n").delivered_at is None


def test_stop_before_start(post: Post) -> None:
    """A worker that was never started stops at once."""
    assert OutboxWorker(post.storage.as_storage(), post.clock, {}).stop(0.1)


@pytest.mark.case("SS-12")
def test_over_real_connections(post: Post) -> None:
    """With the guarded client: one server answers, one hangs, one address is private; each in its own way."""
    client = OutboundClient(allow_loopback=True, resolve=lambda _host, _port: ["10.0.0.1"], deadline_seconds=0.5)

    def deliver(message: OutboxMessage) -> str:
        outcome = client.post_form(message.destination, {"logout_token": "t"})
        if outcome.status >= 400:
            raise DeliveryFailed(str(outcome.status), retry=outcome.status >= 500)
        return str(outcome.status)

    failing = b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"
    with serving(answer(OK)) as good, serving(silence) as dead, serving(answer(failing)) as broken:
        post.add("private", "private", destination="https://rp.example/")
        post.add("dead", "dead", destination=dead.url("dead.localhost"))
        post.add("good", "good", destination=good.url("good.localhost"))
        post.add("broken", "broken", destination=broken.url())
        post.start(deliver)
        results = {name: post.wait_for_result(name) for name in ("private", "dead", "good", "broken")}
    assert {name: row.last_result for name, row in results.items()} == {
        "private": "the address is not a public one",
        "dead": "timed out",
        "good": "200",
        "broken": "503",
    }
    assert results["private"].failed_at == results["good"].delivered_at == START
    assert results["dead"].next_attempt_at == results["broken"].next_attempt_at == START + 1


def _count(post: Post, holds: Callable[[OutboxMessage], bool]) -> int:
    return sum(map(holds, post.storage.rows.rows.values()))


def _wait_until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.005)
