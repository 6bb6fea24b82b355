"""Lanes: one message of a client at a time, and turns among the clients."""

import threading

from idp.outbound.lanes import MOST_WAITING, Lanes
from idp.stores.records import OutboxMessage


def _message(message_id: str, client_id: str) -> OutboxMessage:
    return OutboxMessage(
        message_id=message_id,
        kind="notice",
        client_id=client_id,
        destination="https://rp.example/",
        payload={},
        created_at=0,
        next_attempt_at=0,
    )


def _names(messages: tuple[OutboxMessage, ...]) -> list[str]:
    return [message.message_id for message in messages]


def _take(lanes: Lanes) -> str | None:
    message = lanes.take()
    return message.message_id if message else None


def test_clients_take_turns() -> None:
    """A client with many messages does not go before one with few, and its own keep their order."""
    lanes = Lanes()
    lanes.put([_message(f"a{number}", "a") for number in range(3)] + [_message("b0", "b")])
    assert (_take(lanes), _take(lanes)) == ("a0", "b0")
    lanes.release("b")
    lanes.release("a")
    assert _take(lanes) == "a1"
    lanes.put([_message("b1", "b")])
    lanes.release("a")
    assert (_take(lanes), _take(lanes)) == ("b1", "a2")


def test_lane_is_blocked_while_a_message_is_out() -> None:
    """The second message of a client waits until the first one is done."""
    lanes, taken = Lanes(), []
    lanes.put([_message("a0", "a"), _message("a1", "a")])
    assert _take(lanes) == "a0"
    thread = threading.Thread(target=lambda: taken.append(_take(lanes)))
    thread.start()
    thread.join(0.05)
    assert taken == []
    lanes.release("a")
    thread.join(5)
    assert taken == ["a1"]


def test_lane_that_is_full() -> None:
    """What a lane has no room for is handed back; other lanes have room."""
    lanes = Lanes()
    many = [_message(f"a{number}", "a") for number in range(MOST_WAITING + 2)]
    assert _names(lanes.put([*many, _message("b0", "b")])) == [f"a{MOST_WAITING}", f"a{MOST_WAITING + 1}"]


def test_drain() -> None:
    """Draining empties one lane; the client can send again afterwards."""
    lanes = Lanes()
    lanes.put([_message("a0", "a"), _message("a1", "a"), _message("a2", "a"), _message("b0", "b")])
    assert _take(lanes) == "a0"
    assert _names(lanes.drain("a")) == ["a1", "a2"]
    lanes.release("a")
    lanes.put([_message("a3", "a")])
    assert (_take(lanes), _take(lanes)) == ("b0", "a3")


def test_close() -> None:
    """Closing wakes those that wait, hands back what waited, and takes nothing more."""
    lanes, taken = Lanes(), []
    thread = threading.Thread(target=lambda: taken.append(_take(lanes)))
    thread.start()
    assert lanes.close() == ()
    thread.join(5)
    assert taken == [None]
    late = _message("late", "a")
    assert lanes.put([late]) == (late,)
    other = Lanes()
    other.put([_message("a0", "a"), _message("a1", "a"), _message("b0", "b")])
    assert _take(other) == "a0"
    assert _names(other.close()) == ["a1", "b0"]
    other.release("a")
    assert _take(other) is None
