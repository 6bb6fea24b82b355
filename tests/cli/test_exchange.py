"""`idp export` and `idp import`."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from idp.accounts.accounts import PASSWORD, find_account
from idp.accounts.clients import secret_matches
from idp.authentication.methods.password import Passwords
from idp.clock import SystemClock
from idp.settings import Argon2
from idp.stores.records import Client, Consent
from tests.cli.conftest import CommandLine
from tests.cli.test_client import client, printed_secret

SECRET = "correct horse battery staple"
CLAIMS = {"name": "Ālice", "name#de": "Alise", "address": {"locality": "Sampleton"}, "email_verified": True}
ACCOUNT = {"kind": "account", "username": "carol"}
METADATA: dict[str, Any] = {"redirect_uris": ["https://rp.example/cb"]}
CLIENT = {"kind": "client", "client_id": "new", "metadata": METADATA}
RESOURCE = {"kind": "resource", "identifier": "https://api.example/v2", "scopes": {"read": "Read"}}
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA"


@pytest.fixture
def filled(cli: CommandLine) -> CommandLine:
    """A command line with one of every kind."""
    cli.run(
        "user",
        "add",
        "Alice",
        "--email",
        "A@example.org",
        "--role",
        "admin",
        "--claims",
        json.dumps(CLAIMS),
        "--password-stdin",
        stdin=SECRET,
    )
    cli.run("user", "add", "bob", "--claims", '{"email": "bob@example.org"}', "--password-stdin", stdin=SECRET)
    cli.run("user", "disable", "bob")
    cli.run(
        "client", "add", "web", "--redirect-uri", "https://rp.example/cb", "--scope", "openid profile", "--first-party"
    )
    cli.run("client", "add", "hs", "--auth", "client_secret_jwt", "--redirect-uri", "https://rp.example/cb")
    cli.run("client", "add", "pub", "--type", "native", "--redirect-uri", "http://127.0.0.1/cb")
    cli.run("client", "add", "svc", "--type", "machine", "--member", "userinfo_signed_response_alg=RS256")
    cli.run("resource", "add", "https://api.example", "--scope", "orders=Orders", "--client", "svc")
    return cli


def records(text: str) -> list[dict[str, Any]]:
    """Return the lines of an export."""
    return [json.loads(line) for line in text.splitlines()]


def lines(*given: Any) -> str:
    """Return a file to import."""
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in given)


def fresh(tmp_path: Path, like: CommandLine) -> CommandLine:
    """Return a command line with another database and the same keys."""
    like.environment["IDP_HOME"] = str(tmp_path / "other")
    like.run("migrate")
    return like


def test_export_is_for_people_and_for_comparing(filled: CommandLine) -> None:
    """One line each, in one order, twice the same; no secret in it."""
    text = filled.run("export", "-").stdout
    found = records(text)
    assert [(r["kind"], r.get("client_id")) for r in found[:5]] == [
        ("client", "hs"),
        ("client", "pub"),
        ("client", "svc"),
        ("client", "web"),
        ("resource", "svc"),
    ]
    alice = next(r for r in found if r.get("username") == "Alice")
    assert alice["email"] == "A@example.org"
    assert alice["claims"] == {**CLAIMS, "preferred_username": "Alice"}
    assert (alice["roles"], alice["enabled"]) == (["admin"], True)
    assert next(r for r in found if r.get("username") == "bob")["enabled"] is False
    assert "Ālice" in text
    assert "hash" not in text
    assert "secret" not in text.replace("client_secret_", "")
    assert filled.run("export", "-").stdout == text
    filled.run("export", "--only", "accounts", "x")
    assert {r["kind"] for r in records(Path("x").read_text())} == {"account"}
    assert stat.S_IMODE(Path("x").stat().st_mode) == 0o600
    assert "exists already" in filled.refused("export", "x")


def test_import_of_an_export_changes_nothing(filled: CommandLine) -> None:
    """With secrets and without, whatever is to be done about conflicts: there are none."""
    for more in ((), ("--secrets",)):
        filled.run("export", "--force", *more, "x")
        for policy in ("fail", "skip", "replace"):
            said = filled.run("import", "--on-conflict", policy, "x").stdout
            assert said == "Imported: 0 made, 0 changed, 7 unchanged, 0 skipped.\n"


def test_another_installation_is_the_same(filled: CommandLine, tmp_path: Path) -> None:
    """With secrets: passwords, client secrets, those that are keys, subjects; the export of it is the same again."""
    old = client(filled)
    filled.run("export", "--secrets", "x")
    fresh(tmp_path, filled)
    assert "7 made" in filled.run("import", "x").stdout
    filled.run("export", "--secrets", "y")
    assert Path("x").read_text() == Path("y").read_text()
    assert client(filled).secret_hash == old.secret_hash
    assert client(filled, "hs").sealed_secret is not None
    with filled.storage.snapshot() as uow:
        account = find_account(uow, "a@EXAMPLE.org")
        assert account is not None
        credential = uow.accounts.find_credential(account.account_id, PASSWORD)
        events = [event.name for event in uow.audit.list()]
    assert credential is not None
    assert Passwords(Argon2()).verify(credential.secret, SECRET).ok
    assert {"account.imported", "client.imported", "resource.changed", "export.made"} <= set(events)


def test_without_secrets_clients_get_one_that_nobody_knows(filled: CommandLine, tmp_path: Path) -> None:
    """Those that need one are named, and can be given another."""
    filled.run("export", "x")
    fresh(tmp_path, filled)
    said = filled.run("import", "x").stdout
    assert said.endswith("rotate-secret ID\n  - hs\n  - svc\n  - web\n")
    filled.environment["IDP_LIFETIMES__CLIENT_SECRET_GRACE_SECONDS"] = "0"
    secret = printed_secret(filled.run("client", "rotate-secret", "hs").stdout)
    assert secret_matches(client(filled, "hs"), secret, SystemClock().now())
    assert client(filled, "pub").secret_hash is None


def test_dry_run_tells_and_changes_nothing(cli: CommandLine) -> None:
    """From standard input too."""
    said = cli.run("import", "--dry-run", "-", stdin=lines(ACCOUNT, CLIENT, "", RESOURCE)).stdout
    assert said.startswith("Would be: 3 made, 0 changed")
    assert cli.read("user", "list") == cli.read("client", "list") == cli.read("resource", "list") == []


FAULTS: list[tuple[Any, str]] = [
    ("{", "is not JSON"),
    ("[" * 5_000, "is not JSON"),
    ("[1]", "a record is a JSON object"),
    ('{"kind": "account", "username": NaN}', "NaN is not JSON"),
    ('{"kind": "account", "kind": "client"}', "kind is there twice"),
    ({"kind": "grant"}, "kind must be client, resource or account"),
    ({"kind": "account"}, "username is missing"),
    (ACCOUNT | {"usrname": "x"}, "no such member: usrname"),
    (ACCOUNT | {"username": 7}, "username must be a text"),
    (ACCOUNT | {"username": "a b"}, "printable characters without spaces"),
    (ACCOUNT | {"username": "a\0"}, "printable characters without spaces"),
    (ACCOUNT | {"email": "x"}, "must be an e-mail address"),
    (ACCOUNT | {"claims": {"sub": "x"}}, "sub is not a standard claim"),
    (ACCOUNT | {"claims": {"birthdate": "soon"}}, "birthdate must be YYYY-MM-DD"),
    (ACCOUNT | {"roles": "admin"}, "roles must be a list"),
    (ACCOUNT | {"roles": [1]}, "roles must be a list of texts"),
    (ACCOUNT | {"enabled": 1}, "enabled must be true or false"),
    (ACCOUNT | {"sub": "ü"}, "sub must be"),
    (ACCOUNT | {"password_hash": "plain"}, "encoded Argon2id hash"),
    (ACCOUNT | {"password_hash": HASH.replace("m=8", "m=4194304")}, "costs too much"),
    (ACCOUNT | {"username": "alice"}, "'Alice' is there already and differs: username, email, claims, roles"),
    (ACCOUNT | {"sub": "new", "username": "alice"}, "is another account's"),
    (ACCOUNT | {"email": "a@example.org"}, "is another account's"),
    (CLIENT | {"client_id": "a b"}, "without spaces"),
    (CLIENT | {"metadata": {}}, "needs redirect_uris"),
    (CLIENT | {"metadata": {"redirect_uris": ["http://rp.example/cb"]}}, "https"),
    (CLIENT | {"metadata": METADATA | {"client_nmae": "x"}}, "No such member of client metadata"),
    (CLIENT | {"metadata": METADATA | {"grant_types": ["magic"]}}, "grant_types"),
    (CLIENT | {"first_party": "yes"}, "first_party must be true or false"),
    (CLIENT | {"secrets": {}}, "secrets are not those"),
    (CLIENT | {"secrets": {"secret_hash": "abc"}}, "SHA-256"),
    (CLIENT | {"secrets": {"secret_hash": "a" * 64, "sealed_secret": "?"}}, "must be base64"),
    (
        CLIENT | {"secrets": {"secret_hash": "a" * 64, "sealed_secret": base64.b64encode(b"\x01" * 40).decode()}},
        "another key-encryption key",
    ),
    (CLIENT | {"secrets": {"previous_secret_expires_at": 2**60}}, "Unix seconds"),
    (CLIENT | {"secrets": {"previous_secret_expires_at": True}}, "whole number"),
    (RESOURCE | {"identifier": "api"}, "absolute URI"),
    (RESOURCE | {"scopes": {"a b": "x"}}, "is no scope"),
    (RESOURCE | {"scopes": {"openid": "x"}}, "the provider's own"),
    (RESOURCE | {"scopes": {"read": 1}}, "must be a text"),
    (RESOURCE | {"client_id": "nobody"}, "there is no client 'nobody'"),
    ({**CLIENT, "client_id": "web"}, "'web' is there already and differs: metadata"),
]


def test_every_fault_is_told_with_its_line_and_nothing_is_changed(filled: CommandLine) -> None:
    """All in one run; the good lines among them are not kept either."""
    before = filled.run("export", "--secrets", "-").stdout
    good = [{**ACCOUNT, "username": f"good{number}"} for number in range(len(FAULTS))]
    mixed = [line for pair in zip([fault for fault, _ in FAULTS], good, strict=True) for line in pair]
    said = filled.refused("import", "-", stdin=lines(*mixed)).splitlines()
    for number, (fault, expected) in enumerate(FAULTS):
        assert said[number].startswith(f"Line {2 * number + 1}: "), (fault, said[number])
        assert expected in said[number], fault
    assert said[len(FAULTS)] == f"Error: {len(FAULTS)} lines are faulty; nothing was changed."
    assert filled.run("export", "--secrets", "-").stdout == before


def test_refused_lines_do_not_end_the_transaction(bare: CommandLine, postgresql_url: str) -> None:
    """On PostgreSQL too what is taken, by whichever line, is a fault of one line; and nothing is kept."""
    bare.environment["IDP_DATABASE_URL"] = postgresql_url
    taken = ACCOUNT | {"username": "dora", "email": "carol@example.org"}
    first = ACCOUNT | {"email": "carol@example.org"}
    said = bare.refused("import", "-", stdin=lines(first, taken, CLIENT, RESOURCE | {"client_id": "x"}, RESOURCE))
    assert [line.partition(":")[0] for line in said.splitlines()[:3]] == ["Line 2", "Line 4", "Error"]
    assert bare.read("user", "list") == bare.read("client", "list") == []
    assert "3 made" in bare.run("import", "-", stdin=lines(first, CLIENT, RESOURCE)).stdout
    assert [row["username"] for row in bare.read("user", "list")] == ["carol"]


def test_replace_takes_access_where_the_record_says_so(filled: CommandLine) -> None:
    """A disabled account, another password: sessions and grants end; a client that is another is consented to anew."""
    with filled.storage.begin() as uow:
        account = find_account(uow, "alice")
        assert account is not None
        uow.consents.put(Consent(account_id=account.account_id, client_id="pub", scopes=("openid",), updated_at=1))
    alice, pub = _record(filled, "Alice"), _record(filled, "pub")
    changed = lines(
        {**alice, "password_hash": HASH, "claims": {"name": "A"}},
        {**pub, "metadata": {**pub["metadata"], "client_name": "Other"}},
    )
    assert (
        "0 made, 0 changed, 0 unchanged, 2 skipped"
        in filled.run("import", "--on-conflict", "skip", "-", stdin=changed).stdout
    )
    assert _record(filled, "Alice") == alice
    assert "2 changed" in filled.run("import", "--on-conflict", "replace", "-", stdin=changed).stdout
    assert _record(filled, "Alice")["claims"] == {"name": "A", "preferred_username": "Alice"}
    with filled.storage.snapshot() as uow:
        assert uow.consents.find(account.account_id, "pub") is None
        credential = uow.accounts.find_credential(account.account_id, PASSWORD)
    assert credential is not None
    assert credential.secret == HASH


def test_replace_keeps_a_secret_that_is_needed_and_makes_one_that_is_lacking(filled: CommandLine) -> None:
    """And drops one that is not."""
    web, pub, hs = (_record(filled, name) for name in ("web", "pub", "hs"))
    before: Client = client(filled)
    for record, name, value in (
        (web, "client_name", "Shop"),
        (pub, "token_endpoint_auth_method", "client_secret_basic"),
        (hs, "token_endpoint_auth_method", "none"),
    ):
        record["metadata"][name] = value
    hs["metadata"].pop("token_endpoint_auth_signing_alg", None)
    said = filled.run("import", "--on-conflict", "replace", "-", stdin=lines(web, pub, hs)).stdout
    assert said.endswith("  - pub\n")
    assert client(filled).secret_hash == before.secret_hash
    assert client(filled, "pub").secret_hash is not None
    assert client(filled, "hs").secret_hash is None
    assert client(filled, "hs").sealed_secret is None


def _record(cli: CommandLine, name: str) -> dict[str, Any]:
    found = records(cli.run("export", "-").stdout)
    return next(r for r in found if name in (r.get("username"), r.get("client_id")) and r["kind"] != "resource")


def test_line_that_never_ends_is_one_fault(cli: CommandLine) -> None:
    """Its rest is not taken for further lines."""
    said = cli.refused("import", "-", stdin=lines(ACCOUNT | {"username": "x" * 2_200_000}, {"kind": "x"}))
    assert [line.partition(":")[0] for line in said.splitlines() if line.startswith("Line")] == ["Line 1", "Line 2"]
