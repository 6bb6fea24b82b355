"""Handing mails to a mail server: encryption, refusals, and a server that is slow or away."""

import ssl
import time
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from idp.outbound.failures import OutboundFailed
from idp.outbound.guard import trust
from idp.outbound.mail import MailServer
from idp.outbound.outbox import DeliveryFailed
from idp.settings import Settings
from tests.demo_clients.certificates import self_signed
from tests.mail_sink import Sink, sink

SENDER = "login@idp.example"


def server_at(there: Sink, authorities: Path | None = None, seconds: float = 5, **mail: Any) -> MailServer:
    """Return the way to a mail server."""
    values = {"host": "127.0.0.1", "port": there.port, "sender": SENDER, "tls": "none"} | mail
    settings = Settings.model_validate({"mail": values, "allow_insecure_mail": True})
    return MailServer(settings, partial(trust, authorities), deadline_seconds=seconds)


def mail_to(recipient: str = "alice@example.org") -> EmailMessage:
    """Return a small mail."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = SENDER, recipient, "Hello"
    message.set_content(".\nÜber\n")
    return message


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_goes_over_verified_tls(tmp_path: Path, tls: str) -> None:
    """With name and password, which are sent only then; the whole mail arrives, for its one recipient."""
    certificate = self_signed(tmp_path / "mail.pem", "127.0.0.1")
    with sink(certificate, tls_at_once=tls == "tls") as there:
        server = server_at(there, certificate, tls=tls, user="signet", password="s3cret")
        assert server.send(mail_to()) == "handed over"
    assert there.envelopes == [(f"<{SENDER}>", ["<alice@example.org>"])]
    assert there.encrypted == [True]
    assert there.mails[0].get_content().split() == [".", "Über"]
    assert any(command.startswith("AUTH PLAIN") for command in there.commands)


@pytest.mark.case("OP-35")
def test_nothing_is_said_to_a_server_that_cannot_prove_itself(tmp_path: Path) -> None:
    """A certificate that nobody trusts, one of another name, none at all: the mail stays here, to be tried again."""
    own, other = self_signed(tmp_path / "own.pem", "127.0.0.1"), self_signed(tmp_path / "other.pem", "smtp.example.org")
    for offered, trusted in ((own, None), (other, other), (None, None)):
        with sink(offered) as there, pytest.raises(OutboundFailed):
            server_at(there, trusted, tls="starttls", user="signet", password="s3cret").send(mail_to())
        assert there.mails == []
        assert not any(command.upper().startswith(("AUTH", "MAIL")) for command in there.commands)


@pytest.mark.case("OP-35")
@pytest.mark.parametrize(
    ("verb", "reply", "again"),
    [("RCPT", "550 nobody", False), ("RCPT", "450 later", True), ("DATA", "554 no", False), ("END", "451 later", True)],
)
def test_what_a_server_refuses(verb: str, reply: str, again: bool) -> None:
    """A 5xx to this mail is final, a 4xx is not."""
    with sink() as there:
        there.reply = lambda command: reply if command.upper().startswith(verb) else None
        with pytest.raises(DeliveryFailed) as refused:
            server_at(there).send(mail_to())
    assert refused.value.retry is again
    assert reply[:3] in refused.value.result


@pytest.mark.case("OP-35")
def test_wrong_password_of_ours_loses_no_mail(tmp_path: Path) -> None:
    """It is for the operator to mend; the line for the log does not hold it."""
    certificate = self_signed(tmp_path / "mail.pem", "127.0.0.1")
    with sink(certificate) as there:
        there.reply = lambda command: "535 no" if command.startswith("AUTH") else None
        with pytest.raises(OutboundFailed, match="sign in") as failed:
            server_at(there, certificate, tls="starttls", user="signet", password="s3cret").send(mail_to())
    assert "s3cret" not in str(failed.value)


@pytest.mark.case("OP-35")
@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "END"])
def test_silence_ends(verb: str) -> None:
    """A server that says nothing, at whichever step, holds nobody up for long."""
    with sink() as there:
        there.reply = lambda command: "" if command.lower().startswith(verb.lower()) else None
        started = time.monotonic()
        with pytest.raises(OutboundFailed):
            server_at(there, seconds=0.3).send(mail_to())
        assert time.monotonic() - started < 1.5


def test_absent_server() -> None:
    """A port where nobody listens is tried again."""
    with sink() as there:
        pass
    with pytest.raises(OutboundFailed):
        server_at(there).send(mail_to())


def test_certificates_are_verified_by_default() -> None:
    """Nothing but a setting with a warning in its name lets mail go in clear text."""
    assert Settings().mail.tls == "starttls"
    assert trust(None).verify_mode is ssl.CERT_REQUIRED
