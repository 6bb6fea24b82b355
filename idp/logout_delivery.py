"""Delivery of back-channel logout notices: sign a fresh token, post it, note what the relying party answered."""

import logging

from idp.accounts.audit import record
from idp.clock import Clock
from idp.jose.signing import TokenSigner
from idp.outbound.failures import OutboundFailed, OutboundRefused
from idp.outbound.guard import OutboundClient
from idp.outbound.outbox import DeliveryFailed
from idp.settings import Settings
from idp.specs.backchannel_logout import TYPE, logout_token_claims
from idp.stores.interfaces import Storage, StorageUnavailable
from idp.stores.records import OutboxMessage

_log = logging.getLogger("idp.logout")


class LogoutDelivery:
    """Delivers notices (OIDC Back-Channel Logout §2.5-2.8)."""

    def __init__(
        self, settings: Settings, tokens: TokenSigner, clock: Clock, client: OutboundClient, storage: Storage
    ) -> None:
        self._settings, self._tokens, self._clock = settings, tokens, clock
        self._client, self._storage = client, storage

    def deliver(self, message: OutboxMessage) -> str:
        """Post one logout token and return the status as a line for the delivery log.

        Raises `DeliveryFailed`: refusals are final (§2.8), an absent or ailing receiver is tried again."""
        now = self._clock.now()
        token = self._tokens.sign(logout_token_claims(message, self._settings, now), typ=TYPE)
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

    def _note(self, message: OutboxMessage, now: int, name: str, result: str) -> None:
        """Audit an attempt. What was sent was sent: a store that is away here must not have it sent again."""
        try:
            with self._storage.begin() as uow:
                record(
                    uow, name, now=now, result=result, client_id=message.client_id, session_id=message.payload["sid"]
                )
        except StorageUnavailable as fault:
            _log.warning("a logout attempt could not be audited: %s", fault)
