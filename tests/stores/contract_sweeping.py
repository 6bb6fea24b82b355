"""The contract of the stores, continued: what is swept, to the second."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.stores.interfaces import Storage, UnitOfWork
from idp.stores.records import AuditEvent
from tests.stores.contract import DAY, NOW, artifact, grant, message, session, token


def _put(uow: UnitOfWork, kind: str, name: str, at: int) -> None:
    """Keep a record of which this kind of end came at `at`."""
    put: dict[str, Callable[[], Any]] = {
        "artifact expired": lambda: uow.artifacts.add(artifact(name, expires_at=at)),
        "session expired": lambda: uow.sessions.add(session(name, expires_at=at)),
        "session ended": lambda: uow.sessions.add(session(name, expires_at=NOW + DAY, ended_at=at)),
        "grant expired": lambda: uow.grants.add(grant(name, expires_at=at)),
        "grant revoked": lambda: uow.grants.add(grant(name, expires_at=NOW + DAY, revoked_at=at)),
        "throttle over": lambda: uow.throttles.hit(name, at, 10),
        "message delivered": lambda: uow.outbox.add(message(name, delivered_at=at)),
        "message given up": lambda: uow.outbox.add(message(name, failed_at=at)),
        "audited": lambda: uow.audit.add(AuditEvent(event_id=name, name="n", at=at, result="ok")),
    }
    put[kind]()


KEPT_DAYS = {
    "artifact expired": 1,
    "session expired": 1,
    "session ended": 1,
    "grant expired": 1,
    "grant revoked": 1,
    "throttle over": 1,
    "message delivered": 7,
    "message given up": 7,
    "audited": 365,
}


class SweepingContract:
    """What goes, and when."""

    @pytest.mark.parametrize("kind", KEPT_DAYS)
    def test_kind_is_kept_for_its_time_and_no_longer(self, storage: Storage, kind: str) -> None:
        """A record is there for the whole of its time after its end, and gone a second later."""
        kept = KEPT_DAYS[kind] * DAY
        with storage.begin() as uow:
            _put(uow, kind, "r1", NOW)
        assert storage.sweep(NOW + kept, 100) == 0
        assert storage.sweep(NOW + kept + 1, 100) == 1
        assert storage.sweep(NOW + kept + 1, 100) == 0

    @pytest.mark.parametrize("kind", KEPT_DAYS)
    def test_sweep_takes_no_more_than_its_limit(self, storage: Storage, kind: str) -> None:
        """Five records go in batches of two, so that no sweep holds writers up for long."""
        with storage.begin() as uow:
            for number in range(5):
                _put(uow, kind, f"r{number}", NOW)
        at = NOW + KEPT_DAYS[kind] * DAY + 1
        assert [storage.sweep(at, 2) for _ in range(4)] == [2, 2, 1, 0]

    def test_refresh_tokens_go_with_their_grant(self, storage: Storage) -> None:
        """A spent token is remembered as long as its family could live; then tokens go first, the grant last."""
        with storage.begin() as uow:
            uow.grants.add(grant("over", expires_at=NOW))
            uow.grants.add(grant("alive", expires_at=NOW + 90 * DAY))
            for number in range(3):
                uow.refresh_tokens.add(token(f"o{number}", grant_id="over", expires_at=NOW - number))
            uow.refresh_tokens.add(token("spent", grant_id="alive", expires_at=NOW, consumed_at=NOW - 5))
        assert storage.sweep(NOW + DAY, 2) == 0
        assert [storage.sweep(NOW + DAY + 1, 2) for _ in range(3)] == [2, 2, 0]
        with storage.snapshot() as uow:
            assert uow.refresh_tokens.find("spent") is not None
            assert uow.grants.find("alive") is not None
            assert uow.grants.find("over") is None

    def test_undelivered_message_is_never_swept(self, storage: Storage) -> None:
        """What must still reach someone stays, however old."""
        with storage.begin() as uow:
            uow.outbox.add(message())
        assert storage.sweep(NOW + 1000 * DAY, 100) == 0

    def test_live_records_are_never_swept(self, storage: Storage) -> None:
        """A sweep at the present takes nothing that still runs."""
        with storage.begin() as uow:
            for kind in KEPT_DAYS:
                _put(uow, kind, kind, NOW)
        assert storage.sweep(NOW, 100) == 0
