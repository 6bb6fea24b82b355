"""The proxies that this system has take the configurations of `deploy/`."""

import subprocess
from pathlib import Path

import pytest

from tests.deploy.instances import made_directory
from tests.deploy.proxies import NAME, PROXIES
from tests.outbound.test_tls import _self_signed
from tests.ports import free_port


@pytest.mark.parametrize("name", PROXIES)
def test_its_configuration_is_taken(name: str, tmp_path: Path) -> None:
    """Read whole, with warnings as errors where the proxy can."""
    kind = PROXIES[name]
    if kind.path() is None:
        pytest.skip(f"the system has no {name}")
    certificate = _self_signed(tmp_path / "certificate.pem", NAME)
    ports = (free_port(), free_port())
    proxy = kind(made_directory(tmp_path), certificate, ports, (free_port(), free_port()))
    done = subprocess.run(proxy.command(check=True), capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr
