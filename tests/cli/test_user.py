"""`idp user`."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from idp.accounts.accounts import PASSWORD, find_account
from idp.accounts.sessions import AuthenticationEvent, Sessions
from idp.authentication.methods.password import Passwords
from idp.clock import SystemClock
from idp.settings import Argon2, Lifetimes
from idp.stores.records import Account
from tests.cli.conftest import CommandLine
from tests.cli.processes import ROOT, clean_environment

PASSPHRASE = "correct horse battery staple"


def account(cli: CommandLine, name: str = "alice") -> Account:
    """Return an account as it is in the database."""
    with cli.storage.snapshot() as uow:
        found = find_account(uow, name)
    assert found is not None
    return found


def knows(cli: CommandLine, password: str, name: str = "alice") -> bool:
    """Tell whether a password is an account's."""
    with cli.storage.snapshot() as uow:
        credential = uow.accounts.find_credential(account(cli, name).account_id, PASSWORD)
    assert credential is not None
    return Passwords(Argon2(memory_kib=8, iterations=1)).verify(credential.secret, password).ok


def test_an_account_is_made_with_all_that_is_given(cli: CommandLine) -> None:
    """Name, address, roles and claims; the password from standard input, exactly as it stands on its line."""
    claims = '{"name": "Alice Example", "birthdate": "1990-01-31"}'
    options = ("--email", "alice@example.org", "--role", "a", "--role", "b", "--claims", claims, "--password-stdin")
    result = cli.run("user", "add", "alice", *options, stdin=f" {PASSPHRASE} \n")
    (row,) = cli.read("user", "list")
    assert row | {"created": ""} == {
        "username": "alice",
        "sub": account(cli).account_id,
        "email": "alice@example.org",
        "email_verified": False,
        "roles": ["a", "b"],
        "enabled": True,
        "removed": None,
        "created": "",
    }
    assert row["sub"] in result.stdout
    assert row["created"].endswith("Z")
    assert account(cli).claims["name"] == "Alice Example"
    assert knows(cli, f" {PASSPHRASE} ")


def test_a_password_comes_from_a_file(cli: CommandLine) -> None:
    """Its first line."""
    (cli.directory / "pw").write_text(f"{PASSPHRASE}\nmore\n")
    cli.run("user", "add", "alice", "--password-file", "pw")
    assert knows(cli, PASSPHRASE)


@pytest.mark.case("AD-27")
def test_no_option_takes_a_password_or_secret() -> None:
    """What is on a command line, everybody on the machine can read."""
    import click

    from idp.cli import main

    def parameters(command: click.Command) -> list[str]:
        context = click.Context(command)
        found = [name for parameter in command.params for name in parameter.opts]
        if isinstance(command, click.Group):
            for inner in filter(None, (command.get_command(context, n) for n in command.list_commands(context))):
                found += parameters(inner)
        return found

    names = {name for name in parameters(main) if "password" in name or "secret" in name}
    assert names == {"--password-stdin", "--password-file", "--secret-file", "--secrets"}


@pytest.mark.parametrize(
    ("options", "stdin", "said"),
    [
        ((), "", "There is no terminal to ask on"),
        (("--password-stdin",), "", "The password is empty"),
        (("--password-stdin",), "\n", "The password is empty"),
        (("--password-file", "nowhere"), "", "does not exist"),
        (("--password-stdin", "--password-file", "pw"), "x\n", "not both"),
        (("--password-file", "latin"), "", "not text in UTF-8"),
        (("--password-stdin", "--claims", "{"), "x\n", "not JSON"),
        (("--password-stdin", "--claims", "[1]"), "x\n", "must be a JSON object"),
        (("--password-stdin", "--claims", '{"sub": "x"}'), "x\n", "sub is not a standard claim"),
        (("--password-stdin", "--claims", '{"email_verified": "yes"}'), "x\n", "must be true or false"),
        (("--password-stdin", "--email", "nobody"), "x\n", "e-mail address"),
    ],
)
def test_wrong_use_is_refused(cli: CommandLine, options: tuple[str, ...], stdin: str, said: str) -> None:
    """Status 2, the reason, and no account."""
    Path("pw").write_text("x")
    Path("latin").write_bytes(b"\xff\xfe")
    assert said in cli.refused("user", "add", "alice", *options, stdin=stdin, status=2)
    assert cli.read("user", "list") == []


def test_a_taken_name_is_refused(cli: CommandLine) -> None:
    """In any form of it."""
    cli.run("user", "add", "alice", "--password-stdin", stdin="x\n")
    assert "taken" in cli.refused("user", "add", "ALICE", "--password-stdin", stdin="x\n")


def test_a_password_never_shows(cli: CommandLine) -> None:
    """Neither in what is printed nor in the audit."""
    result = cli.run("user", "add", "alice", "--password-stdin", stdin=f"{PASSPHRASE}\n")
    assert PASSPHRASE not in result.output
    with cli.storage.snapshot() as uow:
        events = uow.audit.list()
    assert [event.name for event in events] == ["account.created"]
    assert PASSPHRASE not in str(events)


def start_session(cli: CommandLine) -> str:
    """Sign alice in and return the sid."""
    event = AuthenticationEvent(acr="1", amr=("pwd",), authenticated_at=SystemClock().now())
    with cli.storage.begin() as uow:
        started = Sessions(Lifetimes(), ()).start(
            uow,
            account=account(cli),
            event=event,
            browser_hash="b",
            remembered=False,
            now=SystemClock().now(),
            user_agent="Firefox",
            address="127.0.0.1",
        )
    return started.session.session_id


@pytest.mark.parametrize("command", [("passwd", "alice", "--password-stdin"), ("disable", "alice")])
def test_what_takes_access_away_ends_the_sessions(cli: CommandLine, command: tuple[str, ...]) -> None:
    """At once, and with an audit event."""
    cli.run("user", "add", "alice", "--password-stdin", stdin="old\n")
    start_session(cli)
    assert len(cli.read("session", "list", "alice")) == 1
    cli.run("user", *command, stdin="new\n")
    assert cli.read("session", "list", "alice") == []
    with cli.storage.snapshot() as uow:
        names = [event.name for event in uow.audit.list()]
    assert {"account.password_changed", "account.disabled"} & set(names)
    assert "session.ended" in names
    assert knows(cli, "new" if command[0] == "passwd" else "old")


def test_disable_and_enable(cli: CommandLine) -> None:
    """Nothing else changes."""
    cli.run("user", "add", "alice", "--role", "r", "--password-stdin", stdin="x\n")
    cli.run("user", "disable", "alice")
    assert cli.read("user", "list")[0]["enabled"] is False
    assert "no" in cli.run("user", "list").stdout.split()
    cli.run("user", "enable", "alice")
    assert cli.read("user", "list")[0]["enabled"] is True
    assert account(cli).roles == ("r",)


def test_roles_are_set_as_given(cli: CommandLine) -> None:
    """All of them, each once; none given, none left."""
    cli.run("user", "add", "alice", "--role", "old", "--password-stdin", stdin="x\n")
    cli.run("user", "roles", "alice", "one", "two", "one")
    assert account(cli).roles == ("one", "two")
    cli.run("user", "roles", "alice")
    assert account(cli).roles == ()


@pytest.mark.parametrize("command", ["passwd", "disable", "enable", "roles"])
def test_an_unknown_name_is_refused(cli: CommandLine, command: str) -> None:
    """What happened, what was expected, what to do next."""
    options = ("--password-stdin",) if command == "passwd" else ()
    said = cli.refused("user", command, "nobody", *options, stdin="x\n").splitlines()
    assert [line.partition(":")[0] for line in said] == ["Error", "Expected", "Next"]


def test_a_long_list_is_complete(cli: CommandLine) -> None:
    """Pages are put together."""
    from idp.accounts.accounts import create_account

    with cli.storage.begin() as uow:
        for number in range(501):
            create_account(uow, username=f"u{number}", now=1)
    assert len({row["username"] for row in cli.read("user", "list")}) == 501


def test_names_cannot_disturb_the_terminal(cli: CommandLine) -> None:
    """What others chose is printed without control characters."""
    from idp.cli.output import cell

    assert cell("a\x1b[2Jb\nc\u202e") == "a?[2Jb?c?"
    assert cli.run("user", "list").stdout.startswith("There are no accounts")


def test_sessions_are_listed_and_ended(cli: CommandLine) -> None:
    """One by its sid, or all of an account."""
    cli.run("user", "add", "alice", "--password-stdin", stdin="x\n")
    first, second, third = (start_session(cli) for _ in range(3))
    row = next(row for row in cli.read("session", "list", "alice") if row["sid"] == first)
    assert set(row) == {"sid", "started", "last_seen", "ends", "address", "clients", "device"}
    assert (row["device"], row["address"], row["clients"]) == ("Firefox", "127.0.0.1", [])
    assert "Ended 1" in cli.run("session", "revoke", first).stdout
    assert {row["sid"] for row in cli.read("session", "list", "alice")} == {second, third}
    assert "no live session" in cli.refused("session", "revoke", first)
    assert "Ended 2" in cli.run("session", "revoke", "--user", "alice").stdout
    assert cli.read("session", "list", "alice") == []
    with cli.storage.snapshot() as uow:
        assert [event.name for event in uow.audit.list()].count("session.ended") == 3


@pytest.mark.parametrize("arguments", [(), ("sid", "--user", "alice")])
def test_which_session_must_be_clear(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    """One way of saying it, not none and not two."""
    assert "--user NAME" in cli.refused("session", "revoke", *arguments, status=2)


def test_a_password_is_asked_for_twice_on_a_terminal(cli: CommandLine) -> None:
    """And what is typed does not show."""
    leader, follower = pty.openpty()

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(follower, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "idp", "user", "add", "alice"],
        env=clean_environment() | cli.environment | {"PYTHONPATH": str(ROOT)},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        # The prompt goes to the controlling terminal.
        preexec_fn=take_terminal,
    )
    os.close(follower)
    shown = b""
    try:
        for prompt in (b"Password: ", b"Repeat for confirmation: "):
            while prompt not in shown:
                shown += os.read(leader, 1024)
            os.write(leader, f"{PASSPHRASE}\n".encode())
        while b"sub " not in shown:
            shown += os.read(leader, 1024)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    assert PASSPHRASE.encode() not in shown
    assert knows(cli, PASSPHRASE)


def test_an_account_is_closed_and_kept(cli: CommandLine) -> None:
    """With a date, which the list shows; a second time changes nothing; `enable` keeps it."""
    cli.run("user", "add", "alice", "--password-stdin", stdin=f"{PASSPHRASE}\n")
    assert "idp user enable alice" in cli.run("user", "remove", "alice").output
    closed = account(cli)
    assert closed.delete_at is not None
    assert cli.read("user", "list")[0]["removed"].startswith("20")
    cli.run("user", "remove", "alice")
    assert account(cli) == closed
    cli.run("user", "enable", "alice")
    assert account(cli).is_open
    assert cli.read("user", "list")[0]["removed"] is None


def test_an_account_is_removed_at_once(cli: CommandLine) -> None:
    """By its name, or by the `sub` that the log has; what is not there is told."""
    for name in ("alice", "bob"):
        cli.run("user", "add", name, "--password-stdin", stdin=f"{PASSPHRASE}\n")
    cli.run("user", "remove", "alice", "--now")
    cli.run("user", "remove", account(cli, "bob").account_id, "--now")
    assert cli.read("user", "list") == []
    assert "There is no account" in cli.refused("user", "remove", "alice", "--now")
