"""How a command fails: what happened, what was expected, what to do next."""

from collections.abc import Iterable
from typing import IO, Any

import click

from idp.settings import BadSettings, Fault
from idp.stores.interfaces import StorageUnavailable


class Failure(click.ClickException):
    """Something could not be done."""

    def __init__(self, happened: str, *, expected: str = "", next_step: str = "") -> None:
        super().__init__(happened)
        self.expected, self.next_step = expected, next_step

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it, to standard error unless told otherwise."""
        click.echo(self.text(), file=file, err=file is None)

    def text(self) -> str:
        """Return all that is said."""
        lines = [f"Error: {self.message}"]
        lines += [f"Expected: {self.expected}"] if self.expected else []
        lines += [f"Next: {self.next_step}"] if self.next_step else []
        return "\n".join(lines)


class WrongUse(Failure):
    """It could not even be tried: the settings or the arguments are wrong."""

    exit_code = 2


def in_lines(happened: str, faults: Iterable[Fault]) -> str:
    """Return a text that names every fault with its remedy."""
    return "\n".join([happened, *(f"  {line}" for fault in faults for line in str(fault).splitlines())])


def as_failure(error: Exception) -> Failure | None:
    """Return how to tell an error that is no fault of the program; None for one that is."""
    if isinstance(error, BadSettings):
        happened = in_lines("These settings cannot be used:", error.faults)
        return WrongUse(happened, next_step="mend each as said under it")
    if isinstance(error, StorageUnavailable):
        return Failure(f"The database cannot be used: {error}", next_step="idp config show, for where it should be")
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}")
    return _refusal_of_a_part(error)


def _refusal_of_a_part(error: Exception) -> Failure | None:
    # These modules load half the provider, which most failures do not need.
    from idp.jose.sealing import UnusableKey
    from idp.outbound.guard import UnusableAuthorities
    from idp.protocol.errors import ProtocolError
    from idp.web.serving import CannotListen
    from idp.web.theming import UnusableTheme
    from idp.web.tls import UnusableCertificate

    if isinstance(error, UnusableCertificate | UnusableAuthorities | UnusableTheme):
        return WrongUse(str(error), next_step="mend the file, or name another one")
    if isinstance(error, CannotListen):
        return Failure(str(error), next_step="choose another with --port or --host, or end the other program")
    if isinstance(error, UnusableKey):
        return Failure(str(error), next_step="idp config show, for where the key should be")
    if isinstance(error, ProtocolError):
        return WrongUse(error.description, next_step=error.hint)
    return None
