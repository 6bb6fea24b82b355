"""What commands open: the settings, the database, the parts of the provider that they need.

The parts are imported when they are asked for: loading the whole provider takes half a second.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idp.accounts.sessions import Sessions
from idp.cli.failures import Failure
from idp.clock import SystemClock
from idp.settings import Loaded, Settings, load_settings
from idp.stores.interfaces import NoDatabase, PortableStorage, UnitOfWork

if TYPE_CHECKING:
    from idp.jose.rotation import KeyLifeCycle
    from idp.jose.sealing import KeyEncryptionKey
    from idp.protocol.registry import Registry


@dataclass
class Program:
    """One run of the command line."""

    config: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_options(cls, config: Path | None, assignments: tuple[str, ...]) -> "Program":
        """Read the options that stand before the command. Raises click.UsageError."""
        overrides = {}
        for assignment in assignments:
            key, equals, value = assignment.partition("=")
            if not equals:
                raise click.UsageError(f"--set wants KEY=VALUE, not {assignment!r}; `idp config show` lists the keys.")
            overrides[key.strip()] = value
        return cls(config, overrides)

    def overridden(self, **values: Any) -> "Program":
        """Return a program whose options, as far as they were given, count before all other sources."""
        return replace(self, overrides={**self.overrides, **{k: v for k, v in values.items() if v is not None}})

    @cached_property
    def loaded(self) -> Loaded:
        """The settings with their sources. Raises `BadSettings`."""
        return load_settings(self.overrides, config=self.config, defaults=self.defaults)

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.loaded.settings

    @cached_property
    def storage(self) -> PortableStorage:
        """The database, which must be there: a new one made by mistake would look like lost data (R20)."""
        from idp.app import open_storage

        try:
            storage = open_storage(self.settings, may_create=False)
        except NoDatabase as missing:
            happened = f"There is no database at {missing.args[0]}."
            raise Failure(happened, next_step="idp migrate, to make it; or idp config show") from None
        click.get_current_context().call_on_close(storage.close)
        storage.check()
        return storage

    @cached_property
    def registry(self) -> "Registry":
        """The registered specifications."""
        from idp.app import build_registry

        return build_registry()

    @cached_property
    def sessions(self) -> Sessions:
        """The rules of sessions; whatever ends one tells its clients through the outbox."""
        return Sessions(self.settings.lifetimes, self.registry.on_session_ended)

    @cached_property
    def vault(self) -> "KeyEncryptionKey":
        """What seals secrets in the database."""
        from idp.app import open_vault

        return open_vault(self.settings, self.storage)

    @cached_property
    def key_life_cycle(self) -> "KeyLifeCycle":
        """The life cycle of the signing keys."""
        from idp.app import build_key_life_cycle

        return build_key_life_cycle(self.settings, self.storage, self.vault)

    @cached_property
    def now(self) -> int:
        """The instant of this run."""
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


pass_program = click.make_pass_decorator(Program)
