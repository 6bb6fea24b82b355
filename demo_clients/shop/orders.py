"""The Shop's goods and the orders of its customers, in memory. Amounts in euro cents."""

import secrets
from collections import defaultdict, deque
from dataclasses import dataclass

MAX_ORDERS = 50
"""Orders kept for one customer; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Product:
    """Something to buy. `picture` is a file among the static ones."""

    id: str
    name: str
    description: str
    price_cents: int
    picture: str


@dataclass(frozen=True, slots=True)
class Order:
    """One order of one product, placed at an instant in Unix seconds."""

    number: str
    product: Product
    placed_at: int


CATALOG = (
    Product("mug", "Stoneware mug", "Thrown by hand, holds a long morning.", 1800, "mug.svg"),
    Product("plant", "Pilea in a pot", "Asks for little, gives back light.", 2450, "plant.svg"),
    Product("lamp", "Desk lamp", "Warm light, one switch, no app.", 6900, "lamp.svg"),
    Product("notebook", "Linen notebook", "Lies flat and takes any pen.", 1250, "notebook.svg"),
)


class OrderBook:
    """Orders by subject."""

    def __init__(self) -> None:
        self._orders: dict[str, deque[Order]] = defaultdict(lambda: deque(maxlen=MAX_ORDERS))

    def place(self, subject: str, product_id: str, at: int) -> Order | None:
        """A new order, or None if there is no such product."""
        product = next((one for one in CATALOG if one.id == product_id), None)
        if product is None:
            return None
        order = Order(secrets.token_hex(4).upper(), product, at)
        self._orders[subject].append(order)
        return order

    def of(self, subject: str) -> list[Order]:
        """The orders of a customer, newest first."""
        return list(reversed(self._orders.get(subject, ())))


def euros(cents: int) -> str:
    """An amount for people: `18.00 €`."""
    return f"{cents // 100}.{cents % 100:02d} €"
