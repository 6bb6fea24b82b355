"""The mail server of development: keeps the last mails in memory, for a page, and sends nothing anywhere."""

import logging
from collections import deque
from email.message import EmailMessage

_log = logging.getLogger(__name__)
MOST_KEPT = 50


class DevelopmentMail:
    """Keeps mails, the newest first. Safe for use by many threads."""

    def __init__(self) -> None:
        self.kept: deque[EmailMessage] = deque(maxlen=MOST_KEPT)

    def send(self, message: EmailMessage) -> str:
        """Keep a mail and say so in the log, without its words, which may hold a link."""
        self.kept.appendleft(message)
        _log.info(
            "mail kept", extra={"to": str(message["To"]), "subject": str(message["Subject"]), "page": "/dev/mail"}
        )
        return "kept for /dev/mail"
