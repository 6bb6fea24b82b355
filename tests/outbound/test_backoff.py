"""When a failed message is tried again."""

from dataclasses import replace

import pytest

from idp.outbound.backoff import GIVE_UP_SECONDS, next_attempt_at
from idp.stores.records import OutboxMessage

NOW = 1_800_000_000
MESSAGE = OutboxMessage(
    message_id="m",
    kind="notice",
    client_id="web",
    destination="https://rp.example/",
    payload={},
    created_at=NOW,
    next_attempt_at=NOW,
)


@pytest.mark.parametrize(
    ("attempts", "pause"), [(0, 1), (1, 1), (2, 5), (3, 30), (4, 120), (5, 600), (6, 3600), (7, 3600), (50, 3600)]
)
def test_pauses_grow(attempts: int, pause: int) -> None:
    """Each pause is as planned, longer by up to a quarter."""
    for _ in range(50):
        again_at = next_attempt_at(replace(MESSAGE, attempts=attempts), NOW)
        assert again_at is not None
        assert pause <= again_at - NOW <= pause * 1.25


def test_pauses_are_spread() -> None:
    """What failed together does not come back together."""
    assert len({next_attempt_at(replace(MESSAGE, attempts=6), NOW) for _ in range(200)}) > 50


def test_eighth_try_is_the_last() -> None:
    """A message that always fails is tried eight times within about two hours."""
    for _ in range(50):
        now, tries = NOW, 0
        again_at: int | None = NOW
        while again_at is not None:
            now, tries = again_at, tries + 1
            again_at = next_attempt_at(replace(MESSAGE, attempts=tries), now)
        assert tries == 8
        assert GIVE_UP_SECONDS <= now - NOW <= GIVE_UP_SECONDS * 1.4
