"""The whole demo as a person gets it: `idp demo` in a process of its own, and a real Chromium."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.ports import free_port

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    idp: str
    shop: str
    bank: str
    password: str
    home: Path
    output: str

    def run_idp(self, *arguments: str) -> str:
        """Run an `idp` command against the demo's provider and return what it prints."""
        command = [sys.executable, "-m", "idp", *arguments]
        environment = os.environ | {"IDP_CONFIG": str(self.home / "idp.toml")}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout

    def add_user(self, name: str) -> None:
        """Make another customer, with the same password."""
        arguments = (
            "user",
            "add",
            name,
            "--role",
            "customer",
            "--password-file",
            str(self.home / "demo-user.password"),
        )
        self.run_idp(*arguments)

    def sign_in(self, page: Page, name: str = "demo") -> None:
        """Fill in the hosted sign-in page."""
        page.fill("#username", name)
        page.fill("#password", self.password)
        page.click("#login-submit")


@contextmanager
def running_demo(home: Path) -> Iterator[Demo]:
    """Run the demo on free ports until the block ends; it must stop cleanly."""
    port = free_port(3)
    command = [sys.executable, "-m", "idp", "demo", "--home", str(home), "--first-port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "Stop all with Ctrl-C" in line:
                break
        output = "".join(lines)
        assert "All three are running" in output, output
        password = next(line.split()[1] for line in lines if line.strip().startswith("Password"))
        idp, shop, bank = (f"http://{name}.localhost:{at}" for at, name in enumerate(("idp", "shop", "bank"), port))
        yield Demo(idp=idp, shop=shop, bank=bank, password=password, home=home, output=output)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium of the system."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "these tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()
