"""`idp demo`: three processes that come and go together."""

import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from idp.accounts.accounts import PASSWORD, find_account
from idp.accounts.clients import secret_matches
from idp.app import build_registry
from idp.authentication.methods.password import Passwords
from idp.cli.demo.addresses import addresses
from idp.cli.demo.home import DemoHome, new_password, open_home
from idp.cli.demo.seed import CLAIMS, Seed
from idp.cli.development import development_settings
from idp.cli.failures import Failure
from idp.clock import SystemClock
from idp.settings import Argon2, Settings, load_settings
from idp.stores.interfaces import Storage
from idp.stores.memory import MemoryStorage
from tests.cli.processes import ROOT, Running, children_of, get, is_alive, running, wait_for
from tests.ports import answers, free_port

linux_only = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")


@contextmanager
def demo(directory: Path, port: int, *options: str) -> Iterator[Running]:
    """Run the demo until the block ends."""
    with running(directory, "demo", "--first-port", str(port), *options) as found:
        wait_for(lambda: "Ctrl-C" in found.said() or found.process.poll() is not None, "the demo says that it runs")
        yield found


def password(found: Running) -> str:
    """Return the password that was printed."""
    said = re.findall(r"Password\s+(\S+)", found.said())
    assert len(said) == 1, found.said()
    return str(said[0])


@linux_only
def test_three_start_and_stop_together(tmp_path: Path) -> None:
    """All answer before anything is said to open; what is said is plain text; Ctrl-C ends all with status 0."""
    port = free_port(3)
    with demo(tmp_path, port) as found:
        children = children_of(found.process.pid)
        assert len(children) == 3
        for offset, name, path in ((0, "idp", "/health/ready"), (1, "shop", "/"), (2, "bank", "/")):
            assert get(port + offset, path, f"{name}.localhost:{port + offset}").status == 200
            assert f"http://{name}.localhost:{port + offset}" in found.said()
        assert "\x1b" not in found.said()
        assert "\r" not in found.said()
        home = tmp_path / ".signet/demo"
        for command in children.values():
            assert password(found) not in command
            assert (home / "shop.secret").read_text().strip() not in command
        assert found.stop(signal.SIGINT) == 0
    assert found.said().endswith("Stopped.\n")
    assert not any(map(is_alive, children))
    assert not any(answers(port + offset) for offset in range(3))


@linux_only
def test_the_state_is_kept_and_closed_to_others(tmp_path: Path) -> None:
    """A second start has the same password and keys; `--reset` has others."""
    port = free_port(3)
    passwords, keys = [], []
    for options in ((), (), ("--reset",)):
        with demo(tmp_path, port, *options) as found:
            passwords.append(password(found))
            keys.append(get(port, "/.well-known/jwks.json", f"idp.localhost:{port}").read())
            assert found.stop(signal.SIGTERM) == 0
    assert passwords[0] == passwords[1] != passwords[2]
    assert keys[0] == keys[1] != keys[2]
    for path in (tmp_path / ".signet/demo").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@linux_only
def test_nothing_is_left_when_the_demo_is_killed(tmp_path: Path) -> None:
    """Not even by SIGKILL."""
    with demo(tmp_path, free_port(3)) as found:
        children = children_of(found.process.pid)
        found.process.kill()
        found.process.wait()
        wait_for(lambda: not any(map(is_alive, children)), f"these end: {children}")


@linux_only
@pytest.mark.parametrize("number", range(3))
def test_when_one_dies_all_end(tmp_path: Path, number: int) -> None:
    """The one is named, with the last that it said."""
    with demo(tmp_path, free_port(3)) as found:
        # One reading of /proc may miss a process while others come and go.
        wait_for(lambda: len(children_of(found.process.pid)) == 3, "the three are seen")
        children = children_of(found.process.pid)
        os.kill(sorted(children)[number], signal.SIGKILL)
        assert found.process.wait(60) == 1
        assert not any(map(is_alive, children))
    name = ("Provider", "Shop", "Bank")[number]
    assert f"Error: The {name} ended with status -9. It said last:" in found.said()
    assert "Next: read .signet/demo/logs/" in found.said()


@pytest.mark.parametrize("offset", range(3))
def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path, offset: int) -> None:
    """With the port, whom it is for, and the option that changes it."""
    port = free_port(3)
    taken = socket.create_server(("127.0.0.1", port + offset))
    with taken, running(tmp_path, "demo", "--first-port", str(port)) as found:
        assert found.process.wait(60) == 1
    assert f"port {port + offset} (for the {('Provider', 'Shop', 'Bank')[offset]})" in found.said()
    assert "--first-port" in found.said()
    assert not (tmp_path / ".signet").exists()


def test_a_port_taken_on_ipv6_only_is_noticed(tmp_path: Path) -> None:
    """Browsers may try ::1 first for a localhost name, and would meet the wrong program."""
    port = free_port(3)
    try:
        taken = socket.create_server(("::1", port + 1), family=socket.AF_INET6)
    except OSError:
        pytest.skip("the machine has no IPv6")
    with taken, running(tmp_path, "demo", "--first-port", str(port)) as found:
        assert found.process.wait(60) == 1
    assert f"port {port + 1}" in found.said()


@pytest.fixture
def home(tmp_path: Path) -> DemoHome:
    """A home of a demo."""
    return open_home(tmp_path / "home", addresses(9000), reset=False)


def seed(home: DemoHome, storage: Storage, first_port: int = 9000) -> None:
    """Fill a database for the demo."""
    settings = load_settings({"argon2.memory_kib": 8, "argon2.iterations": 1}, {}, config=home.config).settings
    Seed(home, addresses(first_port), settings, build_registry()).plant(storage)


def test_the_settings_are_for_this_machine(home: DemoHome) -> None:
    """What the home's file says is what `development_settings` has."""
    settings = load_settings({}, {}, config=home.config).settings
    assert settings == Settings.model_validate(development_settings(home.directory, 9000))
    assert settings.development
    assert settings.issuer == "http://idp.localhost:9000"


def test_the_seed_is_what_the_wire_contract_says(home: DemoHome) -> None:
    """Clients, resources and the account as documented."""
    storage = MemoryStorage()
    seed(home, storage)
    with storage.snapshot() as uow:
        resources = {one.identifier: one for one in uow.resources.list()}
        clients = {one.client_id: one for one in uow.clients.list()}
        account = find_account(uow, "demo")
    assert {identifier: tuple(one.scopes) for identifier, one in resources.items()} == {
        "http://shop.localhost:9001/api": ("orders.read",),
        "http://bank.localhost:9002/api": ("accounts.read", "transfers.write"),
    }
    assert {name: (c.first_party, c.value("token_endpoint_auth_method")) for name, c in clients.items()} == {
        "shop": (True, "client_secret_basic"),
        "bank": (True, "client_secret_post"),
        "mobile": (False, "none"),
    }
    assert clients["shop"].values("redirect_uris") == ("http://shop.localhost:9001/callback",)
    assert clients["bank"].value("backchannel_logout_uri") == "http://bank.localhost:9002/backchannel-logout"
    assert clients["mobile"].values("redirect_uris") == ("http://127.0.0.1/callback",)
    assert account is not None
    assert account.roles == ("customer",)
    assert CLAIMS.items() <= account.claims.items()
    assert "@" in account.claims["email"]


def test_seeding_again_changes_nothing(home: DemoHome) -> None:
    """Not a row."""
    storage = MemoryStorage()
    seed(home, storage)
    with storage.snapshot() as uow:
        before = uow.clients.list(), uow.accounts.list(), uow.resources.list(), uow.audit.list()
    seed(home, storage)
    with storage.snapshot() as uow:
        assert before == (uow.clients.list(), uow.accounts.list(), uow.resources.list(), uow.audit.list())


def test_seeding_mends_what_differs(home: DemoHome) -> None:
    """Other ports, lost secrets, a lost password: the database follows the home."""
    storage = MemoryStorage()
    seed(home, storage)
    home.secret_file("shop").unlink()
    home.password_file.unlink()
    open_home(home.directory, addresses(9100), reset=False)
    seed(home, storage, 9100)
    with storage.snapshot() as uow:
        shop, account = uow.clients.find("shop"), find_account(uow, "demo")
        assert shop is not None
        assert account is not None
        credential = uow.accounts.find_credential(account.account_id, PASSWORD)
    assert shop.values("redirect_uris") == ("http://shop.localhost:9101/callback",)
    assert secret_matches(shop, home.secret_file("shop").read_text().strip(), SystemClock().now())
    assert credential is not None
    assert Passwords(Argon2(memory_kib=8, iterations=1)).verify(credential.secret, home.password).ok


@pytest.mark.parametrize("reset", [False, True])
def test_a_directory_of_something_else_is_left_alone(tmp_path: Path, reset: bool) -> None:
    """`--home / --reset` must not empty the machine."""
    (tmp_path / "precious").write_text("x")
    with pytest.raises(Failure, match="no home of a demo"):
        open_home(tmp_path, addresses(9000), reset=reset)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_passwords_are_random_and_can_be_typed() -> None:
    """Four groups of four, and no two alike."""
    made = {new_password() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}", one) for one in made)


def test_the_leash_shares_nothing_with_the_provider() -> None:
    """The relying parties run behind it, and are strangers to the provider."""
    assert "idp" not in re.findall(
        r"^(?:from|import) (\w+)", (ROOT / "idp/cli/demo/leash.py").read_text(), re.MULTILINE
    )
