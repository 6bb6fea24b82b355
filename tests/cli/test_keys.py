"""`idp keys`."""

import stat

import pytest

from tests.cli.conftest import CommandLine


def states(cli: CommandLine) -> dict[str, str]:
    """Return kid -> state."""
    return {row["kid"]: row["state"] for row in cli.read("keys", "list")}


def test_there_are_none_before_the_first_start(cli: CommandLine) -> None:
    """Listing makes none."""
    assert cli.read("keys", "list") == []
    assert "no keys yet" in cli.run("keys", "list").stdout
    assert not (cli.directory / "keys").exists()


def test_rotation_takes_the_next_key(cli: CommandLine) -> None:
    """What signed stays published with an end; a new next key is made."""
    cli.run("keys", "rotate")
    before = states(cli)
    assert sorted(before.values()) == ["active", "next"]
    said = cli.run("keys", "rotate").stdout
    after = states(cli)
    assert sorted(after.values()) == ["active", "next", "retired"]
    coming = next(kid for kid, state in before.items() if state == "next")
    assert after[coming] == "active"
    assert f"activated  {coming}" in said
    rows = {row["state"]: row for row in cli.read("keys", "list")}
    assert rows["retired"]["published_until"] > rows["retired"]["retired"]
    assert rows["active"]["published_until"] is None
    with cli.storage.snapshot() as uow:
        names = [event.name for event in uow.audit.list()]
    assert names.count("key.activated") == 2
    assert names.count("key.retired") == 1


def test_each_algorithm_has_a_life_of_its_own(cli: CommandLine) -> None:
    """Another algorithm's key is rotated by its name; one that the settings do not list has none."""
    cli.run("keys", "rotate", "--alg", "ES256")
    rows = cli.read("keys", "list")
    assert {(row["alg"], row["state"]) for row in rows} == {("ES256", "active"), ("ES256", "next")}
    refused = cli.run("keys", "rotate", "--alg", "ES512", status=1)
    assert "There are no keys for ES512" in refused.stderr
    assert cli.read("keys", "list") == rows


@pytest.mark.case("OP-24")
def test_the_key_file_is_closed_to_others(cli: CommandLine) -> None:
    """As is its directory and the database, even where the umask is open."""
    cli.run("keys", "rotate")
    for path, mode in (("keys", 0o700), ("keys/key-encryption.key", 0o600), (".signet", 0o700)):
        assert stat.S_IMODE((cli.directory / path).stat().st_mode) == mode
    assert stat.S_IMODE((cli.directory / ".signet/signet.sqlite3").stat().st_mode) == 0o600


@pytest.mark.case("OP-23")
@pytest.mark.parametrize("content", ["", "short", "A" * 43, None])
def test_a_lost_or_damaged_key_file_is_refused(cli: CommandLine, content: str | None) -> None:
    """It is named, nothing is made anew, and no key changes."""
    cli.run("keys", "rotate")
    before = states(cli)
    path = cli.directory / "keys/key-encryption.key"
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    said = cli.refused("keys", "rotate")
    assert "keys/key-encryption.key" in said
    assert "Next:" in said
    assert path.exists() is (content is not None)
    assert states(cli) == before


def test_a_key_is_withdrawn_at_once_unless_it_signs(cli: CommandLine) -> None:
    """As after a compromise: what it signed counts no longer."""
    for _ in range(2):
        cli.run("keys", "rotate")
    by_state = {state: kid for kid, state in states(cli).items()}
    assert "Withdrawn" in cli.run("keys", "withdraw", by_state["retired"]).stdout
    assert by_state["retired"] not in states(cli)
    assert "rotate" in cli.refused("keys", "withdraw", by_state["active"])
    assert by_state["active"] in states(cli)
    for unknown in ("nobody", "-hello", "-x"):
        assert f"There is no key {unknown!r}" in cli.refused("keys", "withdraw", unknown)
