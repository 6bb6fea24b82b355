"""`idp mail` and `idp login-link`."""

from idp.accounts.accounts import find_account
from idp.accounts.mails import notify
from idp.accounts.recovery import find_recovery
from idp.clock import SystemClock
from idp.randomness import digest
from tests.cli.conftest import CommandLine

PASSPHRASE = "correct horse battery staple"


def test_mails_are_listed(cli: CommandLine) -> None:
    """With what became of them."""
    assert "There are no mails" in cli.run("mail", "list").stderr + cli.run("mail", "list").stdout
    cli.run("user", "add", "alice", "--email", "alice@example.org", "--password-stdin", stdin=PASSPHRASE)
    with cli.storage.begin() as uow:
        account = find_account(uow, "alice")
        assert account is not None
        notify(uow, account, "password_changed", 1_800_000_000)
    (row,) = cli.read("mail", "list")
    assert (row["kind"], row["to"], row["state"]) == ("password_changed", "alice@example.org", "waits")


def test_a_password_set_by_an_operator_is_told(cli: CommandLine) -> None:
    """Where there is mail, and only there."""
    cli.run("user", "add", "alice", "--email", "alice@example.org", "--password-stdin", stdin=PASSPHRASE)
    cli.run("user", "passwd", "alice", "--password-stdin", stdin=PASSPHRASE)
    assert cli.read("mail", "list") == []
    cli.environment |= {"IDP_MAIL__HOST": "smtp.example.org", "IDP_MAIL__SENDER": "login@example.org"}
    cli.run("user", "passwd", "alice", "--password-stdin", stdin=PASSPHRASE)
    assert [row["kind"] for row in cli.read("mail", "list")] == ["password_changed"]


def test_a_login_link_is_printed_and_audited(cli: CommandLine) -> None:
    """It counts for fifteen minutes; the audit says what it does and does not hold it. Disabled accounts get none."""
    cli.run("user", "add", "alice", "--password-stdin", stdin=PASSPHRASE)
    link = cli.run("login-link", "alice", "--without-second-factor").stdout.strip()
    base, _, token = link.partition("?token=")
    assert base == "http://idp.localhost:9000/password/reset"
    now = SystemClock().now()
    with cli.storage.begin() as uow:
        recovery = find_recovery(uow, digest(token), now + 890)
        assert find_recovery(uow, digest(token), now + 900) is None
        (event,) = [event for event in uow.audit.list() if event.name == "recovery.link_made"]
    assert recovery is not None
    assert recovery.without_second_factor
    assert event.details == {"without_second_factor": "True"}
    cli.run("user", "disable", "alice")
    assert "idp user enable alice" in cli.refused("login-link", "alice")
    assert "There is no account" in cli.refused("login-link", "nobody")
