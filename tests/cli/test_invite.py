"""`idp user invite`, and `idp user add --verify`."""

import re
from pathlib import Path

import pytest

from idp.accounts.accounts import find_account
from idp.accounts.sign_up import invite, issue_invitation_token
from tests.cli.conftest import CommandLine
from tests.mailing import link_in, postal
from tests.sign_up import NEW_PASSWORD, finish

INVITED = {"IDP_SIGN_UP__MODE": "invitation"}
MAIL = {"IDP_MAIL__HOST": "mail.example.org", "IDP_MAIL__SENDER": "login@example.org"}


def templates(cli: CommandLine) -> list[tuple[str, str]]:
    """Return kind and destination of the mails that wait."""
    return [(row["kind"], row["to"]) for row in cli.read("mail", "list")]


def test_a_link_is_printed_where_there_is_no_mail(cli: CommandLine) -> None:
    """It is all that is printed, for scripts."""
    cli.environment |= INVITED
    said = cli.run("user", "invite", "carol@new.example").stdout
    assert re.fullmatch(r"http://idp\.localhost:9000/sign-up/finish\?token=[\w-]{43}\n", said)
    assert templates(cli) == []


def test_or_mailed(cli: CommandLine) -> None:
    """The database has no link; with --print it is printed instead."""
    cli.environment |= INVITED | MAIL
    assert "token" not in cli.run("user", "invite", "Carol@new.example", "--role", "staff").stdout
    assert "token=" in cli.run("user", "invite", "carol@new.example", "--print").stdout
    assert templates(cli) == [("invitation", "Carol@new.example")]


def test_who_cannot_be_invited(cli: CommandLine) -> None:
    """Nobody where sign-up is off, no address that is none, none that has an account."""
    assert "sign_up.mode" in cli.refused("user", "invite", "carol@new.example")
    cli.environment |= INVITED
    assert "must be an e-mail address" in cli.refused("user", "invite", "carol", status=2)
    cli.run("user", "add", "alice", "--email", "alice@example.org", "--password-stdin", stdin="x\n")
    assert "belongs to an account" in cli.refused("user", "invite", "ALICE@example.org")


@pytest.mark.parametrize("is_printed", [True, False])
def test_an_invitation_is_used(tmp_path: Path, ready_keys: None, migrated_file: Path, is_printed: bool) -> None:
    """It leads to an account with the roles of the invitation, whose address counts as confirmed only when the link was
    mailed there; nobody else may sign up."""
    with postal(tmp_path, migrated_file, sign_up={"mode": "invitation"}) as post:
        house, now = post.house, post.house.clock.now()
        assert 'id="sign-up"' not in house.browser().follow(house.browser().authorize()).text
        with house.storage.begin() as uow:
            if is_printed:
                token = issue_invitation_token(uow, "carol@new.example", ["staff"], now, days=7, is_mailed=False)
            else:
                invite(uow, "carol@new.example", ["staff"], now)
        post.deliver()
        link = f"/sign-up/finish?token={token}" if is_printed else link_in(post.sink.text())
        browser = house.browser()
        page = browser.follow(browser.get(link))
        house.clock.move(6 * 86_400)
        done = browser.submit(page, username="carol", password=NEW_PASSWORD)
        assert str(done.url).endswith("/account")
        with house.storage.snapshot() as uow:
            made = find_account(uow, "carol@new.example")
        assert made is not None
        assert (made.roles, made.claims["email_verified"]) == (("staff",), not is_printed)
        assert "link_expired" in finish(house.browser(), link, "carola").text


def test_an_invitation_ends(tmp_path: Path, ready_keys: None, migrated_file: Path) -> None:
    """After its days, and no mail goes to an address that has an account by the time it would be sent."""
    with postal(tmp_path, migrated_file, sign_up={"mode": "invitation", "invitation_days": 2}) as post:
        with post.house.storage.begin() as uow:
            invite(uow, "carol@new.example", [], post.house.clock.now())
            invite(uow, "alice@example.org", [], post.house.clock.now())
        post.deliver()
        assert [mail["To"] for mail in post.sink.mails] == ["carol@new.example"]
        assert "for 2 days" in post.sink.text()
        post.house.clock.move(2 * 86_400)
        assert "link_expired" in finish(post.house.browser(), link_in(post.sink.text())).text


def test_a_new_account_confirms_its_address(cli: CommandLine) -> None:
    """`--verify` sends the mail by which an address is confirmed; it needs an address and a mail server."""
    add = ("user", "add", "carol", "--verify", "--password-stdin")
    assert "--email" in cli.refused(*add, stdin="x\n", status=2)
    assert "mail server" in cli.refused(*add, "--email", "carol@new.example", stdin="x\n")
    cli.environment |= MAIL
    cli.run(*add, "--email", "carol@new.example", stdin="x\n")
    assert templates(cli) == [("email_verification", "carol@new.example")]
    (row,) = cli.read("user", "list")
    assert row["email_verified"] is False
