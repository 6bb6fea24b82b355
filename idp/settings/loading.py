"""From sources to settings: one order, every fault told at once."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from idp.settings.faults import BadSettings, Fault
from idp.settings.judgement import check_together
from idp.settings.model import FIELDS, Settings, environment_name, is_secret, value_of
from idp.settings.sources import (
    COMMAND_LINE,
    DEFAULT,
    Found,
    Given,
    Source,
    as_text,
    config_path,
    environment,
    paste,
    read_environment,
    read_file,
)
from idp.settings.values import WrongValue

_GROUPS = frozenset(key.partition(".")[0] for key in FIELDS if "." in key)
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Explained:
    """One effective setting for people; a secret is masked."""

    key: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and the source of each value that is not a default."""

    settings: Settings
    sources: Mapping[str, Source]

    def explain(self) -> tuple[Explained, ...]:
        """Return every setting with its value and where it came from."""
        return tuple(
            Explained(key, masked(key, value_of(self.settings, key)), str(self.sources.get(key, DEFAULT)))
            for key in FIELDS
        )


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    config: Path | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Loaded:
    """Read all sources and return the settings: command line > environment > file > default.

    `overrides` are values by dotted key, from the command line; `config` names the file instead of `IDP_CONFIG`;
    `defaults` count where no source says anything. Raises `BadSettings` with every fault found."""
    environ = environment() if environ is None else environ
    faults: list[Fault] = []
    found: Found = {key: Given(as_text(value), DEFAULT) for key, value in (defaults or {}).items()}
    found |= read_file(*config_path(environ, config), faults)
    found |= read_environment(environ, faults)
    found |= _from_command_line(overrides or {}, faults)
    faults += _unknown(found)
    settings = _validate({key: given for key, given in found.items() if key in FIELDS}, faults)
    sources = {key: given.source for key, given in found.items()}
    if settings is not None:
        faults += check_together(settings, sources)
    if settings is None or faults:
        raise BadSettings(faults)
    return Loaded(settings, sources)


def masked(key: str, value: Any) -> str:
    """Return a value as it may be shown."""
    if isinstance(value, SecretStr):
        return "(secret)"
    if is_secret(key) and isinstance(value, str) and (password := urlsplit(value).password):
        return value.replace(f":{password}@", ":(secret)@")
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def _from_command_line(overrides: Mapping[str, Any], faults: list[Fault]) -> Found:
    for key in overrides:
        if key in FIELDS and is_secret(key):
            # Arguments are visible to every user of the machine.
            remedy = f"{environment_name(key)}_FILE=/path/to/a/file/of/mode/0600"
            faults.append(Fault(key, str(COMMAND_LINE), "is a secret, and others can read command lines", remedy))
    return {key: Given(as_text(value), COMMAND_LINE) for key, value in overrides.items()}


def _unknown(found: Found) -> list[Fault]:
    faults = []
    for key, given in found.items():
        if key in _GROUPS:
            faults.append(Fault(key, str(given.source), "is a group of settings, not a setting", f"[{key}]"))
        elif key not in FIELDS:
            faults.append(Fault(key, str(given.source), "is not a setting", _did_you_mean(key, given.source)))
    return faults


def _did_you_mean(key: str, source: Source) -> str:
    names = {name.rpartition(".")[2]: name for name in FIELDS} | {name: name for name in FIELDS}
    # `_FILE` is a way to give a value, no part of a name.
    asked = key.removeprefix("IDP_").lower().removesuffix("_file").replace("__", ".")
    close = difflib.get_close_matches(asked, names, 1, 0.6)
    if not close:
        return "Remove it; `idp config show` lists all settings."
    meant = names[close[0]]
    return f"Did you mean {environment_name(meant) if source.kind == 'environment' else meant}?"


def _validate(found: Found, faults: list[Fault]) -> Settings | None:
    nested: dict[str, Any] = {}
    for key, given in found.items():
        group, _, name = key.rpartition(".")
        value: Any = given.value
        if isinstance(FIELDS[key].default, tuple) and isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        (nested.setdefault(group, {}) if group else nested)[name] = value
    try:
        return Settings.model_validate(nested)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            faults.append(_fault(item, found))
        return None


def _fault(item: Any, found: Found) -> Fault:
    key = ".".join(part for part in item["loc"] if isinstance(part, str))
    wrong = item.get("ctx", {}).get("error")
    example: Any = FIELDS[key].default
    if isinstance(wrong, WrongValue):
        example = (wrong.example,) if isinstance(example, tuple) else wrong.example
    shown = "" if is_secret(key) else f"{_shortened(item['input'])} "
    problem = wrong.problem if isinstance(wrong, WrongValue) else _in_words(item)
    return Fault(key, str(found[key].source), shown + problem, paste(key, example, found[key].source))


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _in_words(item: Any) -> str:
    bounds = item.get("ctx", {})
    words = {
        "int_parsing": "is not a whole number",
        "int_from_float": "is not a whole number",
        "bool_parsing": "is neither true nor false",
        "greater_than_equal": f"is less than {bounds.get('ge')}",
        "less_than_equal": f"is more than {bounds.get('le')}",
        "literal_error": f"is not one of {bounds.get('expected')}",
        "string_too_short": "is empty",
        "string_too_long": f"is longer than {bounds.get('max_length')} characters",
        "string_type": "is not a single text",
        "path_type": "is not a path",
    }
    return words.get(item["type"]) or str(item["msg"])
