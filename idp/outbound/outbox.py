"""The outbox's worker: sends what must reach other parties until it did, or is given up.

A message is written to the outbox in the transaction that causes it, so it is neither lost nor sent for something that
was rolled back. Claiming it leases it: if this process dies, another worker takes it when the lease ends. So delivery
is at least once, and receivers recognise repeats (logout tokens by `jti`, OIDC Back-Channel Logout §2.6).

Nothing is sent inside a transaction. What becomes of an attempt is written by itself afterwards.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from idp.clock import Clock, monotonic
from idp.outbound.backoff import next_attempt_at
from idp.outbound.failures import OutboundFailed, OutboundRefused
from idp.outbound.lanes import Lanes
from idp.stores.interfaces import OutboxStore, Storage, StorageUnavailable
from idp.stores.records import OutboxMessage

__all__ = ["Deliverer", "DeliveryFailed", "OutboxWorker"]

_log = logging.getLogger(__name__)

LEASE_SECONDS = 60
_CLAIM_LIMIT = 64
_SENDERS = 4

# When a message for which there was no room is looked at again.
_NO_ROOM_SECONDS = 5

# A message is not begun in the last seconds of its lease, for an attempt may take 5 s and another worker comes then.
_LEASE_MARGIN_SECONDS = 10

# How often a result is tried to be written while the store is away, a poll apart.
_MOST_WRITES = 10


class DeliveryFailed(Exception):
    """An attempt failed. `result` is one short line for the delivery log; without `retry` the message is given up."""

    def __init__(self, result: str, *, retry: bool) -> None:
        super().__init__(result)
        self.result = result
        self.retry = retry


Deliverer = Callable[[OutboxMessage], str]
"""Sends one message and returns a short line for the delivery log. Raises `DeliveryFailed`; `OutboundFailed` (tried
again) and `OutboundRefused` (given up) may pass through it."""


class _Verdict(NamedTuple):
    """What became of an attempt. `is_away`: the other side did not even answer."""

    result: str
    is_delivered: bool = False
    retry: bool = False
    is_away: bool = False


class OutboxWorker:
    """Threads that claim due messages and send them: one that claims, a few that send."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        deliverers: Mapping[str, Deliverer],
        *,
        poll_seconds: float = 1.0,
        senders: int = _SENDERS,
    ) -> None:
        """`deliverers` by the message's `kind`. What others write is found every `poll_seconds`, own by `wake`."""
        self._storage = storage
        self._clock = clock
        self._deliverers = deliverers
        self._poll_seconds = poll_seconds
        self._lanes = Lanes()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._claimer = threading.Thread(target=self._claim_loop, name="outbox-claimer", daemon=True)
        self._senders = [
            threading.Thread(target=self._send_loop, name=f"outbox-sender-{number}", daemon=True)
            for number in range(senders)
        ]

    def start(self) -> None:
        """Start the threads; once."""
        for thread in (self._claimer, *self._senders):
            thread.start()

    def wake(self) -> None:
        """Look for due messages now: call it after the commit that wrote one. Never blocks."""
        self._wake.set()

    def stop(self, timeout_seconds: float) -> bool:
        """Begin nothing new, let attempts under way end, and give back what waits. Tell whether all ended in time."""
        ends_at = monotonic() + timeout_seconds
        self._stopping.set()
        self._wake.set()
        started = [thread for thread in (self._claimer, *self._senders) if thread.ident is not None]
        self._give_back(self._lanes.close(), "stopped before its turn", pause_seconds=0)
        for thread in started:
            thread.join(max(0.0, ends_at - monotonic()))
        return not any(thread.is_alive() for thread in started)

    def _claim_loop(self) -> None:
        while True:
            self._wake.clear()
            # After the clearing, so that the wake-up of `stop` is never lost.
            if self._stopping.is_set():
                return
            if not self._claim():
                self._wake.wait(self._poll_seconds)

    def _claim(self) -> bool:
        """Claim once; tell whether there may be more."""
        now = self._clock.now()
        try:
            with self._storage.begin() as uow:
                claimed = uow.outbox.claim(now, _CLAIM_LIMIT, LEASE_SECONDS)
        except StorageUnavailable as fault:
            _log.warning("the outbox cannot be read: %s", fault)
            return False
        except Exception:
            _log.exception("the outbox cannot be read")
            return False
        leased = [replace(message, next_attempt_at=now + LEASE_SECONDS) for message in claimed]
        self._give_back(self._lanes.put(leased), "waits for earlier messages", pause_seconds=_NO_ROOM_SECONDS)
        return len(claimed) == _CLAIM_LIMIT

    def _send_loop(self) -> None:
        while (message := self._lanes.take()) is not None:
            try:
                self._send(message)
            except Exception:
                _log.exception("a delivery could not be carried out")
            finally:
                self._lanes.release(message.client_id)

    def _send(self, message: OutboxMessage) -> None:
        if self._clock.now() > message.next_attempt_at - _LEASE_MARGIN_SECONDS:
            return
        verdict = self._attempt(message)
        # Those that wait would meet the same silence, one deadline each.
        together = self._lanes.drain(message.client_id) if verdict.is_away else ()
        self._record((message, *together), verdict)

    def _attempt(self, message: OutboxMessage) -> _Verdict:
        deliverer = self._deliverers.get(message.kind)
        if deliverer is None:
            # A newer version, running beside this one, may know the kind.
            return _Verdict("no way to deliver this kind", retry=True)
        try:
            return _Verdict(deliverer(message), is_delivered=True)
        except DeliveryFailed as failure:
            return _Verdict(failure.result, retry=failure.retry)
        except OutboundRefused as refusal:
            return _Verdict(refusal.reason)
        except OutboundFailed as failure:
            return _Verdict(failure.reason, retry=True, is_away=True)
        except Exception:
            _log.exception("delivering a message of kind %s failed unexpectedly", message.kind)
            return _Verdict("internal error", retry=True)

    def _record(self, messages: Sequence[OutboxMessage], verdict: _Verdict) -> None:
        now = self._clock.now()
        for _ in range(_MOST_WRITES):
            try:
                with self._storage.begin() as uow:
                    for message in messages:
                        _mark(uow.outbox, message, verdict, now)
                return
            except StorageUnavailable:
                self._stopping.wait(self._poll_seconds)
        _log.warning("the result of %d deliveries could not be written; they will be repeated", len(messages))

    def _give_back(self, messages: Sequence[OutboxMessage], result: str, *, pause_seconds: int) -> None:
        """Let claimed messages be claimed again; where that cannot be written, when their lease ends."""
        if not messages:
            return
        now = self._clock.now()
        with suppress(StorageUnavailable), self._storage.begin() as uow:
            for message in messages:
                uow.outbox.mark_failed(message.message_id, result, next_attempt_at=now + pause_seconds, at=now)


def _mark(outbox: OutboxStore, message: OutboxMessage, verdict: _Verdict, now: int) -> None:
    if verdict.is_delivered:
        outbox.mark_delivered(message.message_id, now, verdict.result)
    else:
        again_at = next_attempt_at(message, now) if verdict.retry else None
        outbox.mark_failed(message.message_id, verdict.result, next_attempt_at=again_at, at=now)
