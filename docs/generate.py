"""Writes the reference from the code: `python docs/generate.py`. With `--check` it only tells what is out of date.

docs/reference/settings.md   every setting, from its model
docs/reference/cli.md        every command, from its own help
docs/reference/events.md     every audit event, from the catalogue
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

# Of the tree that this file stands in, wherever another one may be installed from.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from idp.cli import main as command_line
from idp.observe.events import EVENTS
from idp.settings.model import FIELDS, Settings, environment_name, is_secret, toml_value

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py from the code; do not edit. -->\n"
WIDTH = 100

SETTINGS_HEAD = """# Settings

One order for all: **command line** (`--set key=value`, or a command's own option) **over environment** (`IDP_...`,
with `__` between a group and its setting) **over file** (`idp.toml` in the working directory, or the one that
`IDP_CONFIG` or `--config` names) **over default**. An unknown key is an error, wherever it stands. All faults are
told at once, each with where its value came from and a line to paste.

A list is an array in the file and is written with commas elsewhere. A setting marked *secret* is masked wherever
settings are shown, is not taken from the command line, and may also come from a file: `IDP_..._FILE=/path`, or a
systemd credential of the variable's name in small letters. Paths are relative to the working directory.

`idp config show` prints every value and where it came from. `idp config check` tells whether `idp serve` would take
them.

Settings called `allow_...`, and `development`, make the provider less safe. `idp serve` refuses `development`, and
the others where the issuer is public; each one that is on is logged at every start.
"""

CLI_HEAD = """# Command line

`idp`, or `python -m idp`. Exit codes: 0 done, 1 could not be done, 2 wrong use or wrong settings. Commands that read
take `--json`. Passwords and secrets come in by prompt, standard input or file and go out to the terminal or a file of
mode 0600; no command takes one as an argument, which everybody on the machine could read.
"""

EVENTS_HEAD = """# Audit events

Each leaves one row in the database, within the transaction of the act itself, and one line in the log (logger
`idp.audit`). Names are stable. A row has the instant, the result, and as far as they are known account, client,
session, address and request id.
"""


def settings_page() -> Iterator[str]:
    """Yield the lines of the settings' reference."""
    yield SETTINGS_HEAD
    groups = {key.partition(".")[0] if "." in key else "" for key in FIELDS}
    for group in sorted(groups, key=lambda name: list(Settings.model_fields).index(name) if name else -1):
        yield f"## `[{group}]`" if group else "## General"
        yield ""
        if group:
            yield f"{Settings.model_fields[group].default.__doc__}\n"
        yield "| Setting | Default | Meaning |"
        yield "|---|---|---|"
        for key, field in FIELDS.items():
            if (key.partition(".")[0] if "." in key else "") == group:
                yield _setting(key, field)
        yield ""


def _setting(key: str, field: FieldInfo) -> str:
    bounds = [f"at least {m.ge}" for m in field.metadata if isinstance(m, Ge)]
    bounds += [f"at most {m.le}" for m in field.metadata if isinstance(m, Le)]
    choices = [str(choice) for choice in getattr(field.annotation, "__args__", ()) if isinstance(choice, str)]
    notes = [", ".join(bounds).capitalize()] if bounds else []
    notes += ["One of " + ", ".join(f"`{choice}`" for choice in choices)] if choices else []
    notes += ["*Secret*"] if is_secret(key) else []
    meaning = " ".join([field.description or "", *(f"{note}." for note in notes)])
    default = f"`{toml_value(field.default)}`" if field.default not in (None, "") else "none"
    return f"| `{key}`<br>`{environment_name(key)}` | {default} | {meaning} |"


def cli_page() -> Iterator[str]:
    """Yield the lines of the command line's reference."""
    yield CLI_HEAD
    yield from _command(command_line, "idp", None)


def _command(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    settings: dict[str, Any] = {"terminal_width": WIDTH, "max_content_width": WIDTH, **command.context_settings}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield f"{'#' * min(4, 2 + _depth(context))} `{context.command_path}`\n"
    yield f"```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from _command(found, inner, context)


def _depth(context: click.Context) -> int:
    return 0 if context.parent is None else 1 + _depth(context.parent)


def events_page() -> Iterator[str]:
    """Yield the lines of the audit events' reference."""
    yield EVENTS_HEAD
    yield "| Event | When |"
    yield "|---|---|"
    yield from (f"| `{name}` | {meaning} |" for name, meaning in sorted(EVENTS.items()))
    yield ""


PAGES: Mapping[str, Callable[[], Iterator[Any]]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "events.md": events_page,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` tell which differ; return the exit status."""
    stale, only_check = [], "--check" in arguments
    for name, page in PAGES.items():
        text = NOTE + "\n" + "\n".join(page()).rstrip() + "\n"
        file = REFERENCE / name
        if file.exists() and file.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not only_check:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, "utf-8")
    what = "out of date; run python docs/generate.py" if only_check else "written"
    for name in stale:
        print(f"docs/reference/{name}: {what}")
    return int(bool(stale) and only_check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
