"""Audit: every security event leaves one row that nobody changes, and one line in the log (R24)."""

import logging
from dataclasses import dataclass
from typing import Any

from idp.observe.events import EVENTS
from idp.randomness import new_identifier
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import AuditEvent

_log = logging.getLogger("idp.audit")
# Enough to recognise something, too little to fill a disk.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an act came from: the address of who acted, and the request that carried it. Empty for the command line."""

    address: str = ""
    request_id: str = ""


NOWHERE = Origin()


def record(
    uow: UnitOfWork,
    name: str,
    *,
    now: int,
    result: str = "ok",
    origin: Origin = NOWHERE,
    account_id: str | None = None,
    client_id: str | None = None,
    session_id: str | None = None,
    **details: Any,
) -> None:
    """Append an event of the catalogue, within the unit of work of the act itself, so that neither is without the
    other. Raises KeyError for a name that the catalogue does not have. `details` must not hold secrets."""
    if name not in EVENTS:
        raise KeyError(name)
    event = AuditEvent(
        event_id=new_identifier(),
        name=name,
        at=now,
        result=clean(result),
        account_id=account_id,
        client_id=client_id,
        session_id=session_id,
        address=clean(origin.address),
        request_id=clean(origin.request_id),
        details={key: clean(str(value)) for key, value in details.items()},
    )
    uow.audit.add(event)
    _log.info(
        name,
        extra={
            "result": event.result,
            "account_id": account_id,
            "client_id": client_id,
            "session_id": session_id,
            "address": event.address,
            "request_id": event.request_id,
            **event.details,
        },
    )


def clean(text: str) -> str:
    """Return text as it may stand in an event: one printable line of bounded length (HT-28)."""
    return "".join(c if c.isprintable() else "?" for c in text[:LONGEST])
