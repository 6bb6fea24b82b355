"""The Shop: a relying party with an API of its own, `/api/orders`. Run it with `python -m demo_clients.shop`."""
