"""The two web applications as processes: start, ready line, clean stop, clear refusals."""

import re
import signal
import socket
import ssl
import urllib.request
from collections.abc import Generator
from pathlib import Path

import pytest

from demo_clients.bank import app as bank_app
from demo_clients.relying_party.command_line import SettingsRefused, parse_settings
from demo_clients.shop import app as shop_app
from tests.demo_clients.certificates import self_signed
from tests.demo_clients.servers import first_line, free_port, start, stop


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with a client secret."""
    path = tmp_path / "client.secret"
    path.write_text("a-secret\n")
    return path


@pytest.fixture
def open_stream() -> Generator[list[socket.socket]]:
    """Sockets that a test leaves open until its end."""
    sockets: list[socket.socket] = []
    yield sockets
    for one in sockets:
        one.close()


@pytest.mark.parametrize(("module", "name"), [("demo_clients.shop", "Shop"), ("demo_clients.bank", "Bank")])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_start_and_stop(
    secret_file: Path, open_stream: list[socket.socket], module: str, name: str, number: int
) -> None:
    """One line when ready; a signal ends it with status 0, open connections or not; nothing secret is logged."""
    port = free_port()
    process = start(module, "--port", str(port), "--client-secret-file", str(secret_file))
    assert (
        first_line(process)
        == f"{name} ready at http://{name.lower()}.localhost:{port} (provider: http://idp.localhost:9000)"
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as response:
        assert response.status == 200
        assert "uvicorn" not in str(response.headers).lower()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/callback?code=very-secret")
    stream = socket.create_connection(("127.0.0.1", port))
    stream.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    stream.recv(4096)
    open_stream.append(stream)
    status, out, err = stop(process, number)
    assert (status, out, err) == (0, "", "")


def test_port_taken_is_said_clearly(secret_file: Path) -> None:
    """A port in use is named, with status 2 and no trace."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start("demo_clients.shop", "--port", str(port), "--client-secret-file", str(secret_file))
        out, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert out == ""
    assert f"--port: 127.0.0.1:{port} is not free" in err
    assert "Traceback" not in err


def test_faults_of_settings_are_told_together(tmp_path: Path) -> None:
    """All faults at once, each with its option."""
    arguments = ["--issuer", "idp.example", "--base-url", "http://shop.localhost:9001/", "--peer-url", "http://u@x"]
    with pytest.raises(SettingsRefused) as refused:
        parse_settings(shop_app.DEFAULTS, [*arguments, "--client-secret-file", str(tmp_path / "none")])
    lines = str(refused.value).splitlines()
    assert sorted(re.findall(r"^--[\w-]+", "\n".join(lines), re.M)) == [
        "--base-url",
        "--client-secret-file",
        "--issuer",
        "--peer-url",
    ]


def test_empty_secret_is_refused(tmp_path: Path) -> None:
    """A file without a secret is no secret."""
    path = tmp_path / "empty"
    path.write_text(" \n")
    with pytest.raises(SettingsRefused, match="is empty"):
        parse_settings(shop_app.DEFAULTS, ["--client-secret-file", str(path)])


def test_defaults_are_those_of_the_demo(secret_file: Path) -> None:
    """Without options: the addresses of the demo; the base URL follows the port."""
    shop = parse_settings(shop_app.DEFAULTS, ["--client-secret-file", str(secret_file)])
    bank = parse_settings(bank_app.DEFAULTS, ["--client-secret-file", str(secret_file), "--port", "9102"])
    assert (shop.base_url, shop.issuer, shop.host) == (
        "http://shop.localhost:9001",
        "http://idp.localhost:9000",
        "127.0.0.1",
    )
    assert (shop.resource, shop.peer_resource) == ("http://shop.localhost:9001/api", "http://bank.localhost:9002/api")
    assert bank.base_url == "http://bank.localhost:9102"
    assert shop.client_secret == "a-secret"


def test_https_by_itself(secret_file: Path, tmp_path: Path) -> None:
    """With a certificate the application serves https, says so, and its answers carry what https allows."""
    pem, port = self_signed(tmp_path / "shop.pem", "127.0.0.1"), free_port()
    tls = ("--tls-certificate-file", str(pem), "--tls-key-file", str(pem))
    process = start("demo_clients.shop", "--port", str(port), "--client-secret-file", str(secret_file), *tls)
    assert first_line(process).startswith(f"Shop ready at https://shop.localhost:{port} ")
    trusting = ssl.create_default_context(cafile=str(pem))
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=trusting) as response:
        assert response.headers["Strict-Transport-Security"]
    assert stop(process) == (0, "", "")


def test_lowered_defences_are_said(secret_file: Path) -> None:
    """The switch for older providers is told at the start."""
    secret = ("--client-secret-file", str(secret_file))
    process = start("demo_clients.shop", "--port", str(free_port()), "--allow-older-provider", *secret)
    first_line(process)
    assert "--allow-older-provider is on" in stop(process)[2]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--ca-file", "{none}"], "--ca-file: .+No such file"),
        (["--ca-file", "{empty}"], "--ca-file: .+cannot be used"),
        (["--tls-certificate-file", "{pem}"], "both are needed, or neither"),
        (["--tls-key-file", "{pem}"], "both are needed, or neither"),
        (["--tls-certificate-file", "{pem}", "--tls-key-file", "{other}"], "--tls-key-file: .+KEY_VALUES_MISMATCH"),
        (["--tls-certificate-file", "{pem}", "--tls-key-file", "{empty}"], "--tls-key-file: .+cannot be used"),
        (["--tls-certificate-file", "{none}", "--tls-key-file", "{pem}"], "--tls-key-file: .+No such file"),
        (
            ["--tls-certificate-file", "{pem}", "--tls-key-file", "{pem}", "--base-url", "http://shop.example"],
            "--base-url: http://shop.example is not https",
        ),
    ],
)
def test_certificates_are_checked_before_the_start(
    secret_file: Path, tmp_path: Path, arguments: list[str], fault: str
) -> None:
    """Missing, empty, half or mismatched certificates are named with their option."""
    files = {name: tmp_path / name for name in ("none", "empty", "pem", "other")}
    files["empty"].write_text("")
    for name in ("pem", "other"):
        self_signed(files[name], "shop.example")
    given = [argument.format_map(files) for argument in arguments]
    with pytest.raises(SettingsRefused, match=fault):
        parse_settings(shop_app.DEFAULTS, [*given, "--client-secret-file", str(secret_file)])


def test_issuer_is_taken_as_written(secret_file: Path) -> None:
    """A slash at the end is part of the issuer; the addresses of applications have none."""
    secret = ["--client-secret-file", str(secret_file)]
    given = ["--issuer", "https://idp.example/tenant/"]
    assert parse_settings(shop_app.DEFAULTS, [*given, *secret]).issuer == "https://idp.example/tenant/"
    for option in ("--base-url", "--peer-url"):
        with pytest.raises(SettingsRefused, match=f"{option}: .+ends with a slash"):
            parse_settings(shop_app.DEFAULTS, [option, "https://shop.example/", *secret])
