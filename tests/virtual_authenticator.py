"""The authenticator that DevTools gives to a page of Chromium."""

from playwright.sync_api import CDPSession, Page

AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Device:
    """The authenticator of one page."""

    def __init__(self, page: Page) -> None:
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        self._id = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]

    def credentials(self) -> list[dict[str, str]]:
        """Return what it holds."""
        found: list[dict[str, str]] = self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self._id})[
            "credentials"
        ]
        return found

    def take(self, credentials: list[dict[str, str]]) -> None:
        """Hold what another one held."""
        for credential in credentials:
            self._cdp.send("WebAuthn.addCredential", {"authenticatorId": self._id, "credential": credential})

    def present(self, is_here: bool) -> None:
        """Let somebody touch it, or nobody."""
        self._cdp.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": self._id, "enabled": is_here})

    def verify(self, is_owner: bool) -> None:
        """Let its user be its owner, or somebody else."""
        self._cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": is_owner})
