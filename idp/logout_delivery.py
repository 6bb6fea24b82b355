"""Delivery of back-channel logout notices: sign a fresh token, post it, note what the relying party answered."""

from idp.accounts.audit import record
from idp.clock import Clock
from idp.jose.signing import TokenSigner
from idp.outbound.guard import OutboundClient
from idp.outbound.outbox import DeliveryFailed
from idp.settings import Settings
from idp.specs.backchannel_logout import TYPE, logout_token_claims
from idp.stores.interfaces import Storage
from idp.stores.records import OutboxMessage


class LogoutDelivery:
    """Delivers notices (OIDC Back-Channel Logout §2.5-2.8)."""

    def __init__(
        self, settings: Settings, tokens: TokenSigner, clock: Clock, client: OutboundClient, storage: Storage
    ) -> None:
        self._settings, self._tokens, self._clock = settings, tokens, clock
        self._client, self._storage = client, storage

    def deliver(self, message: OutboxMessage) -> str:
        """Post one logout token and return the status as a line for the delivery log.

        Raises `DeliveryFailed`: 400 and other refusals are final (§2.8), server errors are tried again."""
        now = self._clock.now()
        token = self._tokens.sign(logout_token_claims(message, self._settings, now), typ=TYPE)
        status = self._client.post_form(message.destination, {"logout_token": token}).status
        result = "ok" if status in {200, 204} else f"status {status}"
        with self._storage.begin() as uow:
            name = "logout.delivered" if result == "ok" else "logout.failed"
            record(uow, name, now=now, result=result, client_id=message.client_id, session_id=message.payload["sid"])
        if result != "ok":
            raise DeliveryFailed(str(status), retry=status >= 500 or status in {408, 429})
        return str(status)
