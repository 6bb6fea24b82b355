"""Signing keys, the outbox and the audit."""

from dataclasses import fields, replace
from typing import Any

from idp.stores.memory.tables import Tables, insert, storable
from idp.stores.records import AuditEvent, OutboxMessage, SigningKey


class MemorySigningKeys:
    """`SigningKeyStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def list(self) -> tuple[SigningKey, ...]:
        """Return all keys, oldest first."""
        return tuple(sorted(self._t.signing_keys.values(), key=lambda key: (key.created_at, key.kid)))

    def hold(self) -> tuple[SigningKey, ...]:
        """Return all keys, oldest first; units of work take turns as it is."""
        return self.list()

    def add(self, key: SigningKey) -> None:
        """Keep a new key."""
        insert(self._t.signing_keys, key.kid, "kid", key)

    def activate(self, kid: str, activated_at: int) -> bool:
        """Make a next key active."""
        known = self._t.signing_keys.get(kid)
        if known is None or known.activated_at is not None:
            return False
        self._t.signing_keys[kid] = replace(known, activated_at=activated_at)
        return True

    def retire(self, kid: str, retired_at: int, remove_at: int) -> bool:
        """Retire an active key."""
        known = self._t.signing_keys.get(kid)
        if known is None or known.activated_at is None or known.retired_at is not None:
            return False
        self._t.signing_keys[kid] = replace(known, retired_at=retired_at, remove_at=remove_at)
        return True

    def remove(self, kid: str) -> bool:
        """Remove a key."""
        return self._t.signing_keys.pop(kid, None) is not None


class MemoryOutbox:
    """`OutboxStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, message: OutboxMessage) -> None:
        """Keep a new message."""
        insert(self._t.outbox, message.message_id, "message_id", message)

    def claim(self, now: int, limit: int, lease_seconds: int) -> tuple[OutboxMessage, ...]:
        """Take due messages under a lease."""
        waiting = (m for m in self._t.outbox.values() if m.delivered_at is None and m.failed_at is None)
        due = sorted((m for m in waiting if m.next_attempt_at <= now), key=lambda m: m.next_attempt_at)[:limit]
        leased = tuple(replace(m, attempts=m.attempts + 1, next_attempt_at=now + lease_seconds) for m in due)
        self._t.outbox |= {message.message_id: message for message in leased}
        return leased

    def mark_delivered(self, message_id: str, at: int, result: str) -> None:
        """Note a delivery."""
        self._change(message_id, delivered_at=at, last_result=storable(result))

    def mark_failed(self, message_id: str, result: str, *, next_attempt_at: int | None, at: int) -> None:
        """Note a failure, unless another worker has delivered the message meanwhile."""
        known = self._t.outbox.get(message_id)
        if known is None or known.delivered_at is not None or known.failed_at is not None:
            return
        ends = {"failed_at": at} if next_attempt_at is None else {"next_attempt_at": next_attempt_at}
        self._change(message_id, last_result=storable(result), **ends)

    def list(self, *, client_id: str | None = None, limit: int = 100) -> tuple[OutboxMessage, ...]:
        """Return the newest messages."""
        mine = [m for m in self._t.outbox.values() if client_id in (None, m.client_id)]
        return tuple(sorted(mine, key=lambda m: (-m.created_at, m.message_id))[:limit])

    def _change(self, message_id: str, **changes: Any) -> None:
        known = self._t.outbox.get(message_id)
        if known is not None:
            self._t.outbox[message_id] = replace(known, **changes)


class MemoryAudit:
    """`AuditStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, event: AuditEvent) -> None:
        """Append an event. It tells what was tried, so text that cannot be stored is kept as an escape."""
        texts = {each.name: getattr(event, each.name) for each in fields(event)}
        texts = {name: storable(value) for name, value in texts.items() if isinstance(value, str)}
        insert(self._t.audit, event.event_id, "event_id", replace(event, **texts))

    def list(self, *, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the newest events."""
        return tuple(sorted(self._t.audit.values(), key=lambda e: (-e.at, e.event_id))[:limit])

    def list_of_account(
        self, account_id: str, *, before: tuple[int, str] | None = None, limit: int = 100
    ) -> tuple[AuditEvent, ...]:
        """Return the newest events of an account."""
        mine = [e for e in self._t.audit.values() if e.account_id == account_id]
        later = [e for e in mine if before is None or (-e.at, e.event_id) > (-before[0], before[1])]
        return tuple(sorted(later, key=lambda e: (-e.at, e.event_id))[:limit])
