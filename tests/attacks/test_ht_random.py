"""HT-30: random requests by a grammar; a million of them are sent by `python -m tests.attacks.random_requests`."""

import asyncio
import logging

import pytest

from tests.attacks.oracle import rows
from tests.attacks.random_requests import healthy, prepared, run
from tests.provider import House


@pytest.mark.case("HT-30")
def test_random_requests_are_answered(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """No fault, no hang, well afterwards; and they do come to sign-ins, tokens and registrations."""
    caplog.set_level(logging.ERROR)
    asked = prepared(house)
    statuses = asyncio.run(run(asked, 4_000, seed=30))
    assert statuses.total() == 4_000
    assert statuses.keys() >= {200, 201, 303, 400, 401, 403, 404, 405}
    assert healthy(asked)
    assert rows(asked, "refresh_tokens")["refresh_tokens"]
    with asked.storage.snapshot() as uow:
        events = {event.name for event in uow.audit.list(limit=100_000)}
    assert {"sign_in.ok", "sign_in.failed", "session.started", "authorization.granted"} <= events
