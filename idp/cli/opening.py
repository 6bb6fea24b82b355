"""What every command opens: the settings, the database, the parts of the provider that it needs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from idp.accounts.sessions import Sessions
from idp.app import build_key_life_cycle, build_registry, open_storage, open_vault
from idp.clock import SystemClock
from idp.jose.rotation import KeyLifeCycle
from idp.jose.sealing import UnusableKey
from idp.protocol.registry import Registry
from idp.settings import BadSettings, Loaded, Settings, load_settings
from idp.stores.interfaces import StorageUnavailable, UnitOfWork
from idp.stores.sql.storage import SqlStorage

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Program:
    """One run of the command line."""

    overrides: dict[str, Any] = field(default_factory=dict)
    config: Path | None = None

    @classmethod
    def from_options(cls, settings: tuple[str, ...], home: str | None) -> "Program":
        """Read the options that stand before the command. Raises click.UsageError."""
        overrides: dict[str, Any] = {}
        for item in settings:
            key, equals, value = item.partition("=")
            if not equals:
                raise click.UsageError(f"--set wants KEY=VALUE, not {item!r}; `idp config show` lists the keys.")
            overrides[key] = tuple(value.split(",")) if key == "trusted_proxies" else value
        if home is not None:
            overrides["home"] = home
        return cls(overrides)

    @cached_property
    def loaded(self) -> Loaded:
        """The settings with their sources. Raises click.ClickException naming every fault."""
        try:
            return load_settings(self.overrides, config=self.config)
        except BadSettings as fault:
            raise click.ClickException(f"These settings cannot be used:\n{fault}") from None

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.loaded.settings

    @cached_property
    def storage(self) -> SqlStorage:
        """The database, migrated."""
        storage = open_storage(self.settings)
        storage.migrate()
        return storage

    @cached_property
    def registry(self) -> Registry:
        """The registered specifications."""
        return build_registry()

    @cached_property
    def sessions(self) -> Sessions:
        """The rules of sessions; whatever ends one tells its clients through the outbox."""
        return Sessions(self.settings.lifetimes, self.registry.on_session_ended)

    @cached_property
    def key_life_cycle(self) -> KeyLifeCycle:
        """The life cycle of the signing keys."""
        return build_key_life_cycle(self.settings, self.storage, open_vault(self.settings, self.storage))

    @property
    def now(self) -> int:
        """The current instant."""
        return SystemClock().now()

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        """Open a unit of work."""
        with self.storage.begin() as uow:
            yield uow

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that only reads."""
        with self.storage.snapshot() as uow:
            yield uow


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Tell what the database or the keys refuse as an error of the command, without a trace."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except StorageUnavailable as fault:
            raise click.ClickException(f"The database cannot be used: {fault}") from None
        except UnusableKey as fault:
            raise click.ClickException(str(fault)) from None

    return run


pass_program = click.make_pass_decorator(Program)
