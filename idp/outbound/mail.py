"""Handing one mail to the mail server (RFC 5321), encrypted and with its certificate verified unless the operator has
said otherwise. The only user of smtplib.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

from idp.clock import monotonic
from idp.outbound.failures import OutboundFailed
from idp.outbound.outbox import DeliveryFailed
from idp.settings import Settings

# All commands of one mail together: well within the margin that the outbox keeps before its lease ends.
DEADLINE_SECONDS = 8.0
_LEAST_SECONDS = 0.05


class MailServer:
    """Sends mails one by one, each over a connection of its own. Safe for use by many threads."""

    def __init__(
        self,
        settings: Settings,
        authorities: Callable[[], ssl.SSLContext],
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._mail, self._authorities = settings.mail, authorities
        self._deadline_seconds = deadline_seconds

    def send(self, message: EmailMessage) -> str:
        """Hand over a mail that has one recipient, and return what the server said in short.

        Raises `OutboundFailed` for a server that is away or whose certificate is not in order, `DeliveryFailed` for
        one that refuses: for good after a 5xx reply to this mail, else to be tried again."""
        recipient = parseaddr(str(message["To"]))[1]
        try:
            with self._connection() as server:
                if self._mail.password is not None:
                    server.login(self._mail.user, self._mail.password.get_secret_value())
                server.send_message(message, from_addr=self._mail.sender, to_addrs=[recipient])
        except smtplib.SMTPAuthenticationError as refusal:
            # The operator's to mend, and then this mail is still wanted.
            raise OutboundFailed(f"the mail server does not let us sign in ({refusal.smtp_code})") from None
        except smtplib.SMTPRecipientsRefused as refusal:
            codes = [code for code, _ in refusal.recipients.values()]
            raise DeliveryFailed(f"recipient refused ({codes[0]})", retry=codes[0] < 500) from None
        except smtplib.SMTPResponseException as refusal:
            raise DeliveryFailed(f"refused ({refusal.smtp_code})", retry=refusal.smtp_code < 500) from None
        except ssl.SSLError as fault:
            raise OutboundFailed(f"TLS: {fault.reason or 'failed'}") from None
        except (smtplib.SMTPException, OSError) as fault:
            raise OutboundFailed(f"mail server: {type(fault).__name__}") from None
        return "handed over"

    def _connection(self) -> smtplib.SMTP:
        mail = self._mail
        ends_at = monotonic() + self._deadline_seconds
        if mail.tls == "tls":
            tls = self._authorities()
            return _HurriedTls(ends_at, mail.host, mail.port, timeout=self._deadline_seconds, context=tls)
        server = _Hurried(ends_at, mail.host, mail.port, timeout=self._deadline_seconds)
        if mail.tls == "starttls":
            try:
                # Raises where the server does not offer it: nobody in between may take the offer out.
                server.starttls(context=self._authorities())
            except BaseException:
                server.close()
                raise
        return server


class _Deadline:
    """Lets every command wait only for what is left of the time of the whole."""

    sock: socket.socket | None

    def __init__(self, ends_at: float, *arguments: Any, **named: Any) -> None:
        self._ends_at = ends_at
        super().__init__(*arguments, **named)

    def send(self, text: Any) -> None:
        """Send a command, if there is time."""
        if self.sock is not None:
            self.sock.settimeout(max(_LEAST_SECONDS, self._ends_at - monotonic()))
        super().send(text)  # type: ignore[misc]


class _Hurried(_Deadline, smtplib.SMTP):
    pass


class _HurriedTls(_Deadline, smtplib.SMTP_SSL):
    pass
