"""Answers to changes of a registration, kept for a moment: they carry a token that replaced the one of the request.

A client whose answer was lost on the way would never again be able to manage itself. So who says exactly the same again
within a minute, by the replaced token, gets the same answer (RFC 7592 §2.2). What is secret in it is sealed.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from idp.jose.sealing import CannotOpen, KeyEncryptionKey
from idp.randomness import digest
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Artifact

KIND = "registration_answer"
KEPT_SECONDS = 60


def keep_answer(
    uow: UnitOfWork,
    vault: KeyEncryptionKey,
    token: str,
    sent: Mapping[str, Any],
    *,
    answer: tuple[str, str | None],
    now: int,
) -> None:
    """Keep the registration access token, and the secret if there is a new one, that answer what a client sent by the
    token before."""
    sealed = vault.seal(json.dumps(answer).encode(), _purpose(token, sent))
    artifact = Artifact(
        kind=KIND,
        handle_hash=digest(token),
        payload={"sealed": b64encode(sealed).decode()},
        created_at=now,
        expires_at=now + KEPT_SECONDS,
    )
    uow.artifacts.add(artifact)


def find_answer(
    uow: UnitOfWork, vault: KeyEncryptionKey, token: str, sent: Mapping[str, Any], now: int
) -> tuple[str, str | None] | None:
    """Return the token and the secret that the same change was answered with; None unless that was a moment ago."""
    found = uow.artifacts.find(KIND, digest(token))
    if found is None or found.consumed_at is not None or found.expires_at <= now:
        return None
    try:
        opened = vault.open(b64decode(found.payload["sealed"]), _purpose(token, sent))
    except CannotOpen:
        # It was asked for something else then.
        return None
    successor, secret = json.loads(opened)
    return successor, secret


def _purpose(token: str, sent: Mapping[str, Any]) -> str:
    return f"{KIND}:{digest(token)}:{digest(json.dumps(sent, sort_keys=True))}"
