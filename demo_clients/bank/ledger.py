"""The Bank's books, in memory: two accounts for each customer. Amounts in euro cents."""

import re
from collections import deque
from dataclasses import dataclass, field

OPENING_CENTS = {"current": 250_000, "savings": 1_000_000}
MAX_CUSTOMERS = 10_000
MAX_MOVEMENTS = 20
"""Movements shown for one customer; the oldest go first."""

_NAMES = {"current": "Current account", "savings": "Savings account"}
_AMOUNT = re.compile(r"(\d{1,7})(?:[.,](\d{2}))?", re.ASCII)


class TransferRefused(ValueError):
    """The money was not moved; the message says why."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that went from one account to the other at an instant in Unix seconds."""

    at: int
    source: str
    target: str
    amount_cents: int


@dataclass(slots=True)
class Customer:
    """Balances by account id, and the latest movements."""

    balances: dict[str, int] = field(default_factory=lambda: dict(OPENING_CENTS))
    movements: deque[Movement] = field(default_factory=lambda: deque(maxlen=MAX_MOVEMENTS))

    def accounts(self) -> list[tuple[str, str, int]]:
        """Id, name and balance of each account."""
        return [(account, _NAMES[account], balance) for account, balance in self.balances.items()]


class Ledger:
    """Customers by subject; accounts are opened when somebody is seen for the first time."""

    def __init__(self) -> None:
        self._customers: dict[str, Customer] = {}

    def customer(self, subject: str) -> Customer:
        """The accounts of a subject."""
        while subject not in self._customers and len(self._customers) >= MAX_CUSTOMERS:
            del self._customers[next(iter(self._customers))]
        return self._customers.setdefault(subject, Customer())

    def check(self, subject: str, source: str, amount: str) -> int:
        """The cents of an amount such as `12.50` that could be moved from an account now. Raises TransferRefused."""
        cents, balances = _parse_amount(amount), self.customer(subject).balances
        if source not in balances:
            raise TransferRefused("There is no such account.")
        if cents > balances[source]:
            raise TransferRefused("There is not enough money in that account.")
        return cents

    def transfer(self, subject: str, source: str, amount: str, at: int) -> None:
        """Move an amount to the customer's other account. Raises TransferRefused."""
        cents, customer = self.check(subject, source, amount), self.customer(subject)
        target = next(account for account in customer.balances if account != source)
        customer.balances[source] -= cents
        customer.balances[target] += cents
        customer.movements.appendleft(Movement(at, _NAMES[source], _NAMES[target], cents))


def euros(cents: int) -> str:
    """An amount for people: `2,500.00 €`."""
    return f"{cents // 100:,}.{cents % 100:02d} €"


def _parse_amount(text: str) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    cents = int(match.group(1)) * 100 + int(match.group(2) or 0) if match else 0
    if cents == 0:
        raise TransferRefused("Please give an amount such as 12.50.")
    return cents
