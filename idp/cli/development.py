"""Homes for development: everything about one provider in one directory, its settings included."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idp.settings.model import toml_value

NOTE = "# Written at each start. Other settings go into the environment (IDP_...) or into --set.\n"


def development_settings(home: Path, port: int) -> dict[str, Any]:
    """Return the settings of a provider that serves this machine only."""
    home = home.absolute()
    return {
        "issuer": f"http://idp.localhost:{port}",
        "host": "127.0.0.1",
        "port": port,
        "home": str(home),
        "key_encryption_key_file": str(home / "key-encryption.key"),
        "development": True,
        "allow_loopback_clients": True,
        "allow_loopback_outbound": True,
    }


def write_config(home: Path, values: Mapping[str, Any]) -> Path:
    """Write settings to `idp.toml` in a home, so that other commands can be pointed at it; return the file."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = home / "idp.toml"
    file.write_text(NOTE + "".join(f"{key} = {toml_value(value)}\n" for key, value in values.items()), "utf-8")
    return file
