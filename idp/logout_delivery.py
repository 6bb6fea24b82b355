"""Delivery of back-channel logout notices: make a fresh token as the client registered, post it, note what the relying
party answered."""

import logging

from idp.accounts.audit import record
from idp.outbound.documents import DocumentNeeded
from idp.outbound.failures import OutboundFailed, OutboundRefused
from idp.outbound.guard import OutboundClient
from idp.outbound.outbox import DeliveryFailed
from idp.protocol.client_responses import SIGNED, Protection, protect, protection_of_logout_token
from idp.protocol.context import Context, Server
from idp.protocol.errors import InvalidRequest
from idp.protocol.messages import Request
from idp.specs.backchannel_logout import TYPE, logout_token_claims
from idp.stores.interfaces import StorageUnavailable
from idp.stores.records import OutboxMessage

_log = logging.getLogger("idp.logout")


class LogoutDelivery:
    """Delivers notices (OIDC Back-Channel Logout §2.5-2.8)."""

    def __init__(self, server: Server, client: OutboundClient) -> None:
        self._server, self._client = server, client

    def deliver(self, message: OutboxMessage) -> str:
        """Post one logout token and return the status as a line for the delivery log.

        Raises `DeliveryFailed`: refusals are final (§2.8), an absent or ailing receiver is tried again."""
        now = self._server.clock.now()
        try:
            protection = self._protection(message.client_id, now)
        except DeliveryFailed as fault:
            self._note(message, now, "logout.failed", fault.result)
            raise
        claims = logout_token_claims(message, self._server.settings, now)
        token = protect(claims, protection, self._server.tokens, typ=TYPE)
        try:
            status = self._client.post_form(message.destination, {"logout_token": token}).status
        except (OutboundFailed, OutboundRefused) as fault:
            self._note(message, now, "logout.failed", str(fault))
            raise
        if status not in {200, 204}:
            self._note(message, now, "logout.failed", f"status {status}")
            raise DeliveryFailed(str(status), retry=status >= 500 or status in {408, 429})
        self._note(message, now, "logout.delivered", "ok")
        return str(status)

    def _protection(self, client_id: str, now: int) -> Protection:
        """Return how the client wants it signed and encrypted, fetching its keys first where they are needed.

        Raises `DeliveryFailed`, to be tried again, while it has no key to encrypt to."""
        fetched: frozenset[str] = frozenset()
        while True:
            request = Request(method="POST", path="", fetched=fetched)
            try:
                with self._server.storage.snapshot() as uow:
                    client = uow.clients.find(client_id)
                    context = Context(server=self._server, uow=uow, request=request, now=now)
                    return protection_of_logout_token(client, context) if client else SIGNED
            except DocumentNeeded as needed:
                if needed.url in fetched:
                    raise DeliveryFailed("the client's keys could not be kept", retry=True) from needed
                self._server.documents.fetch(needed.url)
                fetched |= {needed.url}
            except InvalidRequest as refusal:
                raise DeliveryFailed(refusal.description, retry=True) from refusal

    def _note(self, message: OutboxMessage, now: int, name: str, result: str) -> None:
        """Audit an attempt. What was sent was sent: a store that is away here must not have it sent again."""
        try:
            with self._server.storage.begin() as uow:
                record(
                    uow, name, now=now, result=result, client_id=message.client_id, session_id=message.payload["sid"]
                )
        except StorageUnavailable as fault:
            _log.warning("a logout attempt could not be audited: %s", fault)
