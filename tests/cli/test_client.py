"""`idp client` and `idp resource`."""

import stat
from pathlib import Path

import pytest

from idp.accounts.clients import secret_matches
from idp.accounts.invitations import find_invitation
from idp.clock import SystemClock
from idp.stores.records import Client
from tests.cli.conftest import CommandLine

KINDS = ("id_token", "userinfo")
REDIRECT = ("--redirect-uri", "https://rp.example/cb")


def client(cli: CommandLine, client_id: str = "web") -> Client:
    """Return a client as it is in the database."""
    with cli.storage.snapshot() as uow:
        found = uow.clients.find(client_id)
    assert found is not None
    return found


def printed_secret(output: str) -> str:
    """Return the secret that a command printed."""
    (secret,) = (line.rpartition(" ")[2] for line in output.splitlines() if line.startswith("Secret"))
    return secret


def test_a_client_is_registered_with_all_that_is_given(cli: CommandLine) -> None:
    """Every option arrives in the metadata; the secret is printed once and works."""
    result = cli.run(
        *("client", "add", "web", "--name", "The Shop", *REDIRECT, "--redirect-uri", "https://rp.example/cb2"),
        *("--post-logout-redirect-uri", "https://rp.example/", "--client-uri", "https://rp.example/"),
        *("--backchannel-logout-uri", "https://rp.example/logout", "--auth", "client_secret_post"),
        *("--grant-type", "authorization_code", "--scope", "openid profile", "--scope", "orders.read", "--first-party"),
    )
    found = client(cli)
    assert found.first_party is True
    assert found.name == "The Shop"
    assert found.values("redirect_uris") == ("https://rp.example/cb", "https://rp.example/cb2")
    assert found.values("post_logout_redirect_uris") == ("https://rp.example/",)
    assert found.value("backchannel_logout_uri") == "https://rp.example/logout"
    assert found.value("client_uri") == "https://rp.example/"
    assert found.value("token_endpoint_auth_method") == "client_secret_post"
    assert found.values("grant_types") == ("authorization_code",)
    assert found.value("scope") == "openid profile orders.read"
    assert secret_matches(found, printed_secret(result.stdout), SystemClock().now())


def test_a_client_of_signed_requests(cli: CommandLine) -> None:
    """Where its request objects are, how they are signed, and that they must be."""
    members = (
        'request_uris=["https://rp.example/r", "https://rp.example/s#1"]',
        "request_object_signing_alg=ES256",
        "require_signed_request_object=true",
    )
    cli.run("client", "add", "web", *REDIRECT, *(word for member in members for word in ("--member", member)))
    found = client(cli)
    assert found.values("request_uris") == ("https://rp.example/r", "https://rp.example/s#1")
    assert found.value("request_object_signing_alg") == "ES256"
    assert found.metadata["require_signed_request_object"] is True


@pytest.mark.parametrize(
    ("kind", "redirect_uri", "auth", "grants", "application_type"),
    [
        ("web", "https://rp.example/cb", "client_secret_basic", ("authorization_code", "refresh_token"), "web"),
        ("spa", "https://rp.example/cb", "none", ("authorization_code", "refresh_token"), "web"),
        ("native", "http://127.0.0.1/cb", "none", ("authorization_code", "refresh_token"), "native"),
        ("machine", None, "client_secret_basic", ("client_credentials",), "web"),
    ],
)
def test_a_type_sets_safe_defaults(
    cli: CommandLine, kind: str, redirect_uri: str | None, auth: str, grants: tuple[str, ...], application_type: str
) -> None:
    """Public clients have no secret; machines have no redirect URI."""
    redirect = ("--redirect-uri", redirect_uri) if redirect_uri else ()
    result = cli.run("client", "add", "it", "--type", kind, *redirect)
    found = client(cli, "it")
    assert found.value("token_endpoint_auth_method") == auth
    assert found.values("grant_types") == grants
    assert found.value("application_type") == application_type
    assert found.first_party is False
    assert (found.secret_hash is None) is (auth == "none") is ("Secret" not in result.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("web",), "--redirect-uri, at least once"),
        (("web", "--redirect-uri", "http://rp.example/cb"), "https"),
        (("web", "--redirect-uri", "https://rp.example/cb#f"), "fragment"),
        (("web", "--redirect-uri", "javascript:alert(1)"), "https"),
        (("web", *REDIRECT, "--backchannel-logout-uri", "http://rp.example/x"), "https"),
        (("web", *REDIRECT, "--grant-type", "password"), "not supported"),
        (("web", *REDIRECT, "--auth", "tls_client_auth"), "Invalid value"),
        (("web", *REDIRECT, "--type", "phone"), "Invalid value"),
        (("a b", *REDIRECT), "client_id"),
        (("é", *REDIRECT), "client_id"),
        (("", *REDIRECT), "client_id"),
        (("x" * 201, *REDIRECT), "client_id"),
    ],
)
def test_wrong_metadata_is_refused(cli: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    """By the same checks as any registration, before a secret file is made."""
    assert said in cli.refused("client", "add", *arguments, "--secret-file", "s", status=2)
    assert cli.read("client", "list") == []
    assert not Path("s").exists()


def test_any_member_can_be_given(cli: CommandLine) -> None:
    """A text as it stands, or JSON; the secret that serves as a key is long enough for it."""
    cli.run(
        *("client", "add", "web", *REDIRECT, "--profile", "oidc_legacy"),
        *("--member", "id_token_signed_response_alg=HS512", "--member", 'contacts=["a@rp.example"]'),
        *("--member", "policy_uri=https://rp.example/?a=b", "--member", "frontchannel_logout_session_required=true"),
    )
    found = client(cli)
    assert found.value("id_token_signed_response_alg") == "HS512"
    assert found.values("contacts") == ("a@rp.example",)
    assert found.value("policy_uri") == "https://rp.example/?a=b"
    assert found.metadata["frontchannel_logout_session_required"] is True
    assert found.sealed_secret is not None


@pytest.mark.case("JO-28")
@pytest.mark.parametrize(
    ("member", "said"),
    [
        *[
            (f"{kind}_signed_response_alg={alg}", "must be one of")
            for kind in KINDS
            for alg in ("none", "HS256", "RS1")
        ],
        ("id_token_encrypted_response_alg=RSA-OAEP", "needs a key"),
        ("id_token_encrypted_response_enc=A128GCM", "needs id_token_encrypted_response_alg"),
        ("token_endpoint_auth_signing_alg=RS256", "is for private_key_jwt"),
        ("no_such=1", "No such member"),
        ("redirect_uri=https://rp.example", "No such member"),
        ("contacts", "NAME=VALUE"),
        ("=x", "NAME=VALUE"),
        ("contacts=" + "[" * 100_000, "list"),
    ],
)
def test_a_member_is_checked_as_any_other(cli: CommandLine, member: str, said: str) -> None:
    """By the same checks; a slip of the pen is told too."""
    assert said in cli.refused("client", "add", "web", *REDIRECT, "--member", member, status=2)
    assert cli.read("client", "list") == []


def test_a_taken_client_id_is_refused_and_leaves_no_file(cli: CommandLine) -> None:
    """The first one's secret stays."""
    secret = printed_secret(cli.run("client", "add", "web", *REDIRECT).stdout)
    assert "taken" in cli.refused("client", "add", "web", *REDIRECT, "--secret-file", "s")
    assert list(cli.directory.iterdir()) == [cli.directory / ".signet"]
    assert secret_matches(client(cli), secret, SystemClock().now())


def test_a_secret_file_is_closed_to_others_and_the_only_place(cli: CommandLine) -> None:
    """Mode 0600, whatever the umask; nothing is printed."""
    result = cli.run("client", "add", "web", *REDIRECT, "--secret-file", "web.secret")
    path = cli.directory / "web.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text().removesuffix("\n")
    assert secret_matches(client(cli), secret, SystemClock().now())
    assert secret not in result.output
    assert not list(cli.directory.glob(".web.secret*"))


def test_an_existing_secret_file_is_not_overwritten(cli: CommandLine) -> None:
    """Nor is a client made."""
    Path("web.secret").write_text("precious")
    assert "exists already" in cli.refused("client", "add", "web", *REDIRECT, "--secret-file", "web.secret")
    assert Path("web.secret").read_text() == "precious"
    assert cli.read("client", "list") == []


def test_an_impossible_secret_file_is_refused_before_anything_is_made(cli: CommandLine) -> None:
    """A secret that nobody got would be lost."""
    assert "No such file" in cli.refused("client", "add", "web", *REDIRECT, "--secret-file", "nowhere/web.secret")
    assert cli.read("client", "list") == []


@pytest.mark.case("AD-21")
def test_rotation_keeps_the_old_secret_for_its_grace(cli: CommandLine) -> None:
    """Both work until then; the new one replaces the file."""
    cli.run("client", "add", "web", *REDIRECT, "--secret-file", "s")
    old = Path("s").read_text().strip()
    result = cli.run("client", "rotate-secret", "web", "--secret-file", "s")
    new = Path("s").read_text().strip()
    now = SystemClock().now()
    assert "counts until" in result.stdout
    assert new != old
    assert secret_matches(client(cli), new, now)
    assert secret_matches(client(cli), old, now)
    assert not secret_matches(client(cli), old, now + 86_401)
    assert new not in result.output


def test_a_public_client_has_no_secret_to_rotate(cli: CommandLine) -> None:
    """The file that would have taken it is not left behind."""
    cli.run("client", "add", "spa", "--type", "spa", *REDIRECT)
    assert "has no secret" in cli.refused("client", "rotate-secret", "spa", "--secret-file", "s")
    assert list(cli.directory.iterdir()) == [cli.directory / ".signet"]


@pytest.mark.case("AD-08")
def test_show_has_everything_but_the_secret(cli: CommandLine) -> None:
    """Metadata, state, and the latest logout deliveries."""
    secret = printed_secret(cli.run("client", "add", "web", *REDIRECT, "--name", "Shop").stdout)
    shown = cli.read("client", "show", "web")
    assert {"client_id": "web", "name": "Shop", "enabled": True, "first_party": False}.items() <= shown.items()
    assert shown["redirect_uris"] == ["https://rp.example/cb"]
    assert shown["logout_deliveries"] == []
    text = cli.run("client", "show", "web").stdout
    kept = client(cli).secret_hash
    assert kept is not None
    for said in (str(shown), text, str(cli.read("client", "list"))):
        assert secret not in said
        assert kept not in said


def test_disable_and_enable(cli: CommandLine) -> None:
    """With an audit event each."""
    cli.run("client", "add", "web", *REDIRECT)
    cli.run("client", "disable", "web")
    assert cli.read("client", "list")[0]["enabled"] is False
    cli.run("client", "enable", "web")
    assert cli.read("client", "list")[0]["enabled"] is True
    with cli.storage.snapshot() as uow:
        names = [event.name for event in uow.audit.list()]
    assert sorted(names) == ["client.created", "client.disabled", "client.enabled"]


@pytest.mark.case("CR-02")
@pytest.mark.requirement("RFC 7591", "1.2")
def test_an_invitation_is_shown_once_and_kept_as_a_digest(cli: CommandLine) -> None:
    """It counts for a day unless told otherwise; the audit names it, not its token; off, the command says so."""
    result = cli.run("client", "invite")
    token = printed_secret(result.stdout)
    assert "registration = " in result.stderr
    now = SystemClock().now()
    with cli.storage.snapshot() as uow:
        invitation_id = find_invitation(uow, token, now)
        assert invitation_id is not None
        assert invitation_id in result.stdout
        assert find_invitation(uow, token, now + 86_401) is None
        (event,) = uow.audit.list()
    assert (event.name, event.details["invitation_id"]) == ("client.invited", invitation_id)
    assert token.encode() not in (cli.directory / ".signet" / "signet.sqlite3").read_bytes()
    cli.environment["IDP_REGISTRATION"] = "token"
    hour = cli.run("client", "invite", "--expires", "1h", "--secret-file", "token")
    assert hour.stderr == ""
    with cli.storage.snapshot() as uow:
        assert find_invitation(uow, Path("token").read_text().strip(), now + 3_500) is not None
        assert find_invitation(uow, Path("token").read_text().strip(), now + 3_700) is None


@pytest.mark.parametrize("expires", ["", "0d", "31d", "1", "1w", "-1d", "1.5h", "1d1h", "999999999d", "١d"])
def test_a_wrong_duration_is_refused(cli: CommandLine, expires: str) -> None:
    """Thirty days are the most."""
    assert "no duration" in cli.refused("client", "invite", "--expires", expires, "--secret-file", "t", status=2)
    assert not Path("t").exists()


@pytest.mark.case("CR-17")
def test_a_removed_client_is_gone(cli: CommandLine) -> None:
    """With an audit event; its name can be given anew."""
    cli.run("client", "add", "web", *REDIRECT)
    cli.run("client", "remove", "web")
    assert cli.read("client", "list") == []
    with cli.storage.snapshot() as uow:
        assert "client.removed" in {event.name for event in uow.audit.list()}


@pytest.mark.parametrize("command", ["show", "rotate-secret", "disable", "enable", "remove"])
def test_an_unknown_client_is_refused(cli: CommandLine, command: str) -> None:
    """And what to do next is said."""
    assert "Next: idp client list" in cli.refused("client", command, "nobody")


def test_a_resource_is_registered_and_changed(cli: CommandLine) -> None:
    """With its scopes and the client as which it introspects."""
    cli.run("client", "add", "api", "--type", "machine")
    scopes = ("--scope", "orders.read=See your orders", "--scope", "orders.write")
    cli.run("resource", "add", "https://api.example", "--name", "Orders", *scopes, "--client", "api")
    assert cli.read("resource", "list") == [
        {
            "identifier": "https://api.example",
            "name": "Orders",
            "scopes": ["orders.read", "orders.write"],
            "client": "api",
        }
    ]
    with cli.storage.snapshot() as uow:
        found = uow.resources.find("https://api.example")
    assert found is not None
    assert found.scopes == {"orders.read": "See your orders", "orders.write": "orders.write"}
    cli.run("resource", "add", "https://api.example", "--scope", "other")
    assert cli.read("resource", "list")[0]["scopes"] == ["other"]


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        (("not-a-uri",), "absolute URI", 2),
        (("https://api.example#f",), "absolute URI", 2),
        (("https://api.example", "--scope", "openid=x"), "provider's own", 2),
        (("https://api.example", "--scope", "a b=x"), "is no scope", 2),
        (("https://api.example", "--scope", "=x"), "is no scope", 2),
        (("https://api.example", "--scope", 'a"b=x'), "is no scope", 2),
        (("https://api.example", "--client", "nobody"), "no client", 1),
    ],
)
def test_a_wrong_resource_is_refused(cli: CommandLine, arguments: tuple[str, ...], said: str, status: int) -> None:
    """Nothing is registered."""
    assert said in cli.refused("resource", "add", *arguments, status=status)
    assert cli.read("resource", "list") == []
