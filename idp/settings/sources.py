"""The places that settings come from, read into one form: dotted key, text, and where it was found.

Nothing is judged here but what cannot be read. This is the only module that reads the environment.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.settings.faults import Fault
from idp.settings.model import FIELDS, environment_name, is_secret, toml_value

PREFIX = "IDP_"
CONFIG = "IDP_CONFIG"
DEFAULT_CONFIG = "idp.toml"
# Where systemd puts what a unit asks for with LoadCredential= (systemd.exec).
CREDENTIALS = "CREDENTIALS_DIRECTORY"
_LARGEST_FILE_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value came from. `kind` decides how a remedy is written; `name` is for people."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Return the name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Given:
    """A value as a source spelled it: a text, or a list of texts."""

    value: str | list[str]
    source: Source


Found = dict[str, Given]
DEFAULT = Source("default", "default")
COMMAND_LINE = Source("flag", "command line")


def as_text(value: Any) -> str | list[str]:
    """Return a value as the environment would spell it, so that all sources are judged alike."""
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def paste(key: str, value: Any, source: Source) -> str:
    """Return the line that sets a value, in the manner of the source where it is set now."""
    plain = ",".join(value) if isinstance(value, tuple) else str(value)
    plain = plain.lower() if isinstance(value, bool) else plain
    if source.kind == "environment":
        return f"{environment_name(key)}={plain}"
    return f"--set {key}={plain}" if source.kind == "flag" else f"{key} = {toml_value(value)}"


def environment() -> Mapping[str, str]:
    """Return this process's environment."""
    return os.environ


def config_path(environ: Mapping[str, str], named: Path | None) -> tuple[Path, bool]:
    """Return the configuration file and whether it must exist, as one that somebody named must."""
    if named is not None:
        return named, True
    return Path(environ.get(CONFIG, DEFAULT_CONFIG)), CONFIG in environ


def read_file(path: Path, required: bool, faults: list[Fault]) -> Found:
    """Return what the TOML file says; nothing when it is absent and need not exist."""
    try:
        table = tomllib.loads(_read_text(path))
    except FileNotFoundError:
        if required:
            faults.append(Fault(str(path), "configuration file", "does not exist", "Create it, or name another file."))
        return {}
    except (OSError, ValueError) as error:
        faults.append(Fault(str(path), "configuration file", f"cannot be read: {error}", "Mend the file."))
        return {}
    source = Source("file", str(path))
    return {key: Given(as_text(value), source) for key, value in _flatten(table)}


def read_environment(environ: Mapping[str, str], faults: list[Fault]) -> Found:
    """Return what the environment says: `IDP_KEY`, and for secrets `IDP_KEY_FILE` or a systemd credential."""
    found = _read_credentials(environ, faults)
    files = {f"{environment_name(key)}_FILE": key for key in FIELDS if is_secret(key)}
    # The file of the key-encryption key is a setting of its own, which may also create the file.
    files = {name: key for name, key in files.items() if name not in map(environment_name, FIELDS)}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name == CONFIG:
            continue
        source = Source("environment", f"environment {name}")
        if name in files:
            if environment_name(files[name]) in environ:
                problem = f"is given by {environment_name(files[name])} as well"
                faults.append(Fault(name, "environment", problem, f"unset {environment_name(files[name])}"))
            found[files[name]] = Given(_read_secret(name, Path(text), faults), source)
        else:
            found[_key_of(name)] = Given(text, source)
    return found


def _key_of(name: str) -> str:
    # Only the spelling in capitals is ours; any other would be a second way to say the same thing.
    return name.removeprefix(PREFIX).lower().replace("__", ".") if name == name.upper() else name


def _read_credentials(environ: Mapping[str, str], faults: list[Fault]) -> Found:
    directory = environ.get(CREDENTIALS)
    found: Found = {}
    for key in (key for key in FIELDS if directory and is_secret(key)):
        path = Path(directory or "") / environment_name(key).lower()
        if path.exists():
            found[key] = Given(_read_secret(CREDENTIALS, path, faults), Source("environment", f"credential {path}"))
    return found


def _read_secret(name: str, path: Path, faults: list[Fault]) -> str:
    try:
        return _read_text(path).strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text of reasonable size"
        remedy = "Name a file that the provider may read."
        faults.append(Fault(name, "environment", f"cannot read {path}: {reason}", remedy))
        return ""


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST_FILE_BYTES + 1)
    if len(content) > _LARGEST_FILE_BYTES:
        raise ValueError("the file is too large")
    return content.decode("utf-8")


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
